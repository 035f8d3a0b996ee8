// Polygons and boxes from any numbers: filled by the definition where the image is small, and by
// every instruction set alike; and the outlines of what is filled, filled again.
#include "../polygons.hpp"
#include "../shapes.hpp"
#include "fuzz.hpp"
#include "json/lines.hpp"
#include "json/rings.hpp"
#include "simd/dispatch.hpp"

namespace segcore::fuzz {

namespace {

// Numbers near the image, on the fine grid or not, and now and then any.
double coordinate(Input& input, bool any) {
    const int64_t kind = input.between(0, any ? 7 : 5);
    const double steps = static_cast<double>(input.value<int16_t>() >> 4);
    switch (kind) {
        case 0:
        case 1:
            return steps / 16;
        case 2:
            return steps / 10;
        case 3:
            return steps / 2;
        case 4:
            return std::nextafter(steps / 10, HUGE_VAL);
        case 5:
            return std::nextafter(steps / 10, -HUGE_VAL);
        case 6:
            return std::ldexp(steps, static_cast<int>(input.between(0, 20)));
        default:
            return input.value<double>();
    }
}

bool is_allowed(double number) { return number >= -0x1p30 && number <= 0x1p30; }

// Polygons laid end to end, as the kernel takes them.
std::vector<Polygon> polygons_of(Input& input, bool any) {
    std::vector<Polygon> polygons;
    for (int64_t count = input.between(0, 3); count > 0; --count) {
        Polygon polygon;
        for (int64_t rings = input.between(0, 3); rings > 0; --rings) {
            Ring ring;
            for (int64_t numbers = 2 * input.between(0, 12); numbers > 0; --numbers) {
                ring.push_back(coordinate(input, any));
            }
            polygon.push_back(ring);
        }
        polygons.push_back(polygon);
    }
    return polygons;
}

// Corners of boxes, as a ring each.
std::vector<Polygon> rings_of(const std::vector<double>& boxes) {
    std::vector<Polygon> rings;
    for (size_t i = 0; i < boxes.size(); i += 4) {
        const double *p = boxes.data() + i, x0 = p[0], y0 = p[1], x1 = p[2], y1 = p[3];
        rings.push_back({{x0, y0, x0, y1, x1, y1, x1, y0}});
    }
    return rings;
}

bool are_allowed(const std::vector<Polygon>& polygons) {
    for (const Polygon& polygon : polygons) {
        for (const Ring& ring : polygon) {
            if (!std::all_of(ring.begin(), ring.end(), is_allowed)) return false;
        }
    }
    return true;
}

template <class T>
void check_outlines(const Context& context, BatchView<T> view, const std::vector<Pixels>& masks,
                    Size size) {
    for (int connectivity : {4, 8}) {
        Outlines outlines;
        outline(context, view, size, connectivity, outlines);
        CHECK(filled(outlines, size) == masks);
    }
}

// Rings joined to one: those that lie apart keep their pixels; and as a line of text, where they
// are in the image.
void check_joined(const Polygon& polygon, Size size, bool is_small) {
    std::vector<double> points;
    std::vector<int64_t> offsets{0};
    for (const Ring& ring : polygon) {
        points.insert(points.end(), ring.begin(), ring.end());
        offsets.push_back(static_cast<int64_t>(points.size()) / 2);
    }
    const json::RingsView view{points.data(), offsets.data(), static_cast<int64_t>(polygon.size())};
    Buffer<double> joined;
    json::join_rings({*simd::variants().front(), 1}, view, 4, joined);
    const Ring ring(joined.data(), joined.data() + joined.size());
    if (is_small && json::are_apart(view) && are_allowed({polygon}))
        CHECK(fill_polygon({ring}, size) == fill_polygon(polygon, size));
    if (size.pixels() == 0) return;
    const int64_t number = 7, start = 0;
    const auto length = static_cast<int64_t>(ring.size());
    const json::Rings rings{&number,
                            ring.data(),
                            &start,
                            &length,
                            static_cast<double>(size.width),
                            static_cast<double>(size.height)};
    Buffer<uint8_t> text;
    const bool is_exact = json::write_line(rings, 0, 12, 6, text);
    CHECK(!is_exact || text.size() > 0);
    json::Lines lines;
    CHECK(json::read_lines({text.data(), text.data() + text.size()}, lines));
    CHECK_EQUAL(lines.values.size(), text.size() ? ring.size() + 1 : 0);
}

// `rasterize` fills what `polygons` are, which may be boxes.
template <class T, class Rasterize>
void check_filled(Rasterize rasterize, const std::vector<Polygon>& polygons, Size size,
                  bool is_small, Filling filling = Filling::united) {
    const bool good = are_allowed(polygons);
    std::vector<Pixels> expected;
    if (good && is_small) {
        for (const Polygon& polygon : polygons) {
            expected.push_back(fill_polygon(polygon, size, filling));
        }
    }
    Masks<T> masks(expected);
    std::vector<uint64_t> first;
    for_variants([&](const Context& context) {
        Batch<T> batch;
        const Status status = rasterize(context, batch);
        CHECK_EQUAL(status.ok(), good);
        if (good && is_small) {
            CHECK_MASKS(batch, masks);
            check_outlines(context, batch.view(), expected, size);
        }
        Results results;
        const int64_t fields[] = {static_cast<int64_t>(status.code), status.mask, status.position};
        results.add(fields, 3);
        if (good) {
            check_canonical(batch.view(), size);
            results.add(batch);
        }
        results.check(first);
    });
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    const bool is_small = !input.flag() || !input.flag(), are_boxes = input.flag();
    segcore::Size size = is_small ? small_size(input) : large_size(input);
    if (!is_small) size.width = std::min<int64_t>(size.width, 4096);  // runs in each column
    if (are_boxes) {
        std::vector<double> boxes;
        for (int64_t n = 4 * input.between(0, 5); n > 0; --n) {
            boxes.push_back(coordinate(input, !is_small));
        }
        for_run_ends(size, [&](auto type) {
            using T = decltype(type);
            auto fill = [&](const segcore::Context& context, segcore::Batch<T>& batch) {
                return segcore::rasterize_boxes(
                    context, boxes.data(), static_cast<int64_t>(boxes.size() / 4), size, batch);
            };
            check_filled<T>(fill, rings_of(boxes), size, is_small);
        });
        return;
    }
    const auto polygons = polygons_of(input, !is_small);
    const segcore::Filling filling{input.between(0, 2)};
    for (const Polygon& polygon : polygons) check_joined(polygon, size, is_small);
    for_run_ends(size, [&](auto type) {
        using T = decltype(type);
        auto fill = [&](const segcore::Context& context, segcore::Batch<T>& batch) {
            return rasterize(context, polygons, size, batch, filling);
        };
        check_filled<T>(fill, polygons, size, is_small, filling);
    });
}
