// Lines of numbers, and rings joined to one.
#include "json/lines.hpp"

#include <cmath>

#include "json/rings.hpp"
#include "json_tables.hpp"
#include "random.hpp"
#include "simd/dispatch.hpp"

namespace segcore::test {

namespace {

struct Outcome {
    bool good;
    std::vector<double> values;
    std::vector<int64_t> lengths;
};

Outcome lines_of(const std::string& text) {
    const JsonText held(text);
    json::Lines lines;
    const bool good = json::read_lines({held.cursor.at, held.cursor.end}, lines);
    return {good,
            {lines.values.data(), lines.values.data() + lines.values.size()},
            {lines.lengths.data(), lines.lengths.data() + lines.lengths.size()}};
}

std::vector<double> joined_of(const std::vector<std::vector<double>>& rings, bool* apart) {
    std::vector<double> points;
    std::vector<int64_t> offsets{0};
    for (const std::vector<double>& ring : rings) {
        points.insert(points.end(), ring.begin(), ring.end());
        offsets.push_back(static_cast<int64_t>(points.size()) / 2);
    }
    const json::RingsView view{points.data(), offsets.data(), static_cast<int64_t>(rings.size())};
    const Context context{*simd::variants().front(), 1};
    Buffer<double> joined;
    json::join_rings(context, view, 1024, joined);
    *apart = json::are_apart(view);
    return {joined.data(), joined.data() + joined.size()};
}

}  // namespace

TEST(json_lines_of_numbers) {
    const Outcome found = lines_of("0 0.5 -1e2\r\n\n \t7\n 8");
    CHECK(found.good);
    CHECK(found.values == (std::vector<double>{0, 0.5, -100, 7, 8}));
    CHECK(found.lengths == (std::vector<int64_t>{3, 1, 1}));
    CHECK(lines_of("").good);
    for (const char* text :
         {"1 x", "nan", "-Infinity", "1e999", "01", "1.", "-", "1,2", "1 +2", "1e"})
        CHECK(!lines_of(text).good);
}

TEST(json_lines_are_read_as_they_were_written) {
    Random random(1);
    for (int round = 0; round < 200; ++round) {
        const int64_t width = random.between(1, 5000), height = random.between(1, 5000);
        std::vector<double> points;
        const int64_t count = 2 * random.between(0, 9);
        for (int64_t i = 0; i < count; ++i) {
            const double side = static_cast<double>(i % 2 ? height : width);
            points.push_back(std::nearbyint(random.unit() * side * 1000) / 1000);
        }
        const int64_t number = random.below(1000), start = 0;
        const auto length = static_cast<int64_t>(points.size());
        const json::Rings rings{&number,
                                points.data(),
                                &start,
                                &length,
                                static_cast<double>(width),
                                static_cast<double>(height)};
        Buffer<uint8_t> text;
        CHECK(json::write_line(rings, 0, 10, 6, text));
        const Outcome found = lines_of(std::string(text.data(), text.data() + text.size()));
        CHECK(found.good);
        CHECK_EQUAL(found.values.size(), points.size() + 1);
        for (size_t i = 0; i < points.size(); ++i) {
            const double pixels = found.values[i + 1] * static_cast<double>(i % 2 ? height : width);
            CHECK_EQUAL(std::nearbyint(pixels * 1e6) / 1e6, points[i]);
        }
        if (points.empty()) continue;
        points.back() = static_cast<double>(height) + 0.001;
        const size_t before = text.size();
        CHECK(!json::write_line(rings, 0, 10, 6, text));
        CHECK_EQUAL(text.size(), before);
    }
}

TEST(json_rings_are_joined_there_and_back) {
    bool apart = false;
    const std::vector<double> first{0, 0, 4, 0, 4, 4, 0, 4}, second{8, 6, 9, 6, 9, 9};
    CHECK(joined_of({first, second}, &apart) ==
          (std::vector<double>{0, 0, 4, 0, 4, 4, 8, 6, 9, 6, 9, 9, 8, 6, 4, 4, 0, 4}));
    CHECK(apart);
    CHECK(joined_of({first}, &apart) == first);
    CHECK(apart);
    CHECK(joined_of({{}, first, {}}, &apart) == first);
    CHECK(joined_of({}, &apart).empty());
    joined_of({first, {4.5, 0, 9, 0, 9, 9}}, &apart);
    CHECK(!apart);
}

}  // namespace segcore::test
