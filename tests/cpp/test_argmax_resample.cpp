// Label maps against every pixel computed on its own.
#include <algorithm>
#include <cmath>
#include <limits>

#include "soft.hpp"

namespace segcore::test {

namespace {

Scores random_scores(Random& random, int64_t classes, int64_t rows, int64_t columns) {
    const float inf = std::numeric_limits<float>::infinity();
    const Floats special = {0, -0.0f, 1, -inf, inf, std::nanf(""), 1e-40f, 3e38f, 2};
    const int64_t kind = random.below(4);
    Scores scores{classes, rows, columns, {}};
    for (int64_t i = 0; i < classes * rows * columns; ++i) {
        const float noise = static_cast<float>(random.unit());
        scores.values.push_back(kind == 0   ? random.pick(special)
                                : kind == 1 ? std::floor(3 * noise)
                                : kind == 2 ? noise + static_cast<float>(i / (rows * columns) % 3)
                                            : noise);
    }
    return scores;
}

// Positions that never descend: evenly spaced, with some beyond the ends, or anything.
Floats positions(Random& random, int64_t samples, int64_t count) {
    const float last = static_cast<float>(samples - 1);
    const bool even = random.one_in(2);
    Floats all;
    for (int64_t i = 0; i < count; ++i) {
        const double place = even ? (static_cast<double>(i) + 0.5) / static_cast<double>(count)
                                  : random.unit() * 1.2;
        const double position = place * static_cast<double>(samples) - 0.5;
        all.push_back(std::clamp(static_cast<float>(position), 0.0f, last));
    }
    std::sort(all.begin(), all.end());
    return all;
}

template <class Label>
void check_labels(const Context& context, const Scores& scores, const Floats& x, const Floats& y) {
    const Note note("classes, rows, columns:", {scores.classes, scores.rows, scores.columns});
    const Note other("height, width, bytes:",
                     {static_cast<int64_t>(y.size()), static_cast<int64_t>(x.size()),
                      static_cast<int64_t>(sizeof(Label))});
    std::vector<Label> got(x.size() * y.size()), expected;
    for (float row : y) {
        for (float column : x) expected.push_back(static_cast<Label>(scores.label(row, column)));
    }
    const ClassView view{
        scores.values.data(), scores.classes, scores.rows, scores.columns, {x.data(), y.data()}};
    const Size size{static_cast<int64_t>(y.size()), static_cast<int64_t>(x.size())};
    argmax_resample(context, view, size, got.data(), sizeof(Label));
    CHECK_EQUAL(got, expected);
}

TEST(argmax_resample_any) {
    for_each_context([](const Context& context) {
        Random random(7);
        for (int i = 0; i < 200; ++i) {
            const int64_t rows = random.between(1, 12), columns = random.between(1, 12);
            const Scores scores = random_scores(random, random.between(1, 20), rows, columns);
            const Floats x = positions(random, columns, random.below(60));
            const Floats y = positions(random, rows, random.below(30));
            check_labels<uint8_t>(context, scores, x, y);
            if (i % 4 == 0) check_labels<uint16_t>(context, scores, x, y);
            if (i % 4 == 1) check_labels<uint32_t>(context, scores, x, y);
            if (i % 4 == 2) check_labels<uint64_t>(context, scores, x, y);
        }
    });
}

// Cells wider than what is computed at a time, and more classes than a block of samples has.
TEST(argmax_resample_wide) {
    for_each_context([](const Context& context) {
        Random random(8);
        const Scores few = random_scores(random, 5, 3, 2);
        check_labels<uint8_t>(context, few, positions(random, 2, 700), positions(random, 3, 4));
        const Scores many = random_scores(random, 300, 2, 3);
        check_labels<uint16_t>(context, many, positions(random, 3, 7), positions(random, 2, 5));
        Scores most{20000, 1, 3, Floats(60000, 0.0f)};
        most.values[3 * 7] = 1, most.values[3 * 19999 + 2] = 1;
        std::vector<uint16_t> got(3);
        const Floats x = {0, 1, 2}, y = {0};
        argmax_resample(context, {most.values.data(), 20000, 1, 3, {x.data(), y.data()}}, {1, 3},
                        got.data(), 2);
        CHECK_EQUAL(got, (std::vector<uint16_t>{7, 0, 19999}));
    });
}

// Enough work for several threads.
TEST(argmax_resample_threads) {
    for_each_variant([](const simd::Table& simd) {
        Random random(9);
        const Scores scores = random_scores(random, 30, 100, 90);
        const Floats x = positions(random, 90, 500), y = positions(random, 100, 300);
        const ClassView view{scores.values.data(), 30, 100, 90, {x.data(), y.data()}};
        std::vector<uint8_t> one(150000), several(150000);
        argmax_resample(Context{simd, 1}, view, {300, 500}, one.data(), 1);
        argmax_resample(Context{simd, 5}, view, {300, 500}, several.data(), 1);
        CHECK_EQUAL(several, one);
    });
}

}  // namespace

}  // namespace segcore::test
