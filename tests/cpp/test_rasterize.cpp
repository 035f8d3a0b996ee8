// Polygons and boxes against a plain walk along every edge of the fine grid.
#include <cmath>
#include <limits>

#include "polygons.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_polygons(const Context& context, const std::vector<Polygon>& polygons, Size size) {
    const Note note("size:", {size.height, size.width});
    for (Filling filling : {Filling::united, Filling::even_odd, Filling::non_zero}) {
        std::vector<Pixels> expected;
        for (const Polygon& polygon : polygons) {
            expected.push_back(fill_polygon(polygon, size, filling));
        }
        Batch<T> batch;
        CHECK_STATUS(rasterize(context, polygons, size, batch, filling), {});
        CHECK_MASKS(batch, Masks<T>(expected));
    }
}

// Whole, half, fine and arbitrary numbers, inside the image and outside.
double random_coordinate(Random& random, int64_t limit) {
    const double value = random.unit() * static_cast<double>(limit + 20) - 10;
    switch (random.below(4)) {
        case 0:
            return std::floor(value);
        case 1:
            return std::floor(2 * value) / 2;
        case 2:
            return std::floor(10 * value) / 10;
        default:
            return value;
    }
}

Ring random_ring(Random& random, Size size, int64_t most_points) {
    Ring ring;
    for (int64_t i = random.below(most_points + 1); i > 0; --i) {
        ring.push_back(random_coordinate(random, size.width));
        ring.push_back(random_coordinate(random, size.height));
        if (random.one_in(6)) ring.insert(ring.end(), ring.end() - 2, ring.end());  // twice
    }
    return ring;
}

Polygon random_polygon(Random& random, Size size) {
    Polygon polygon;
    for (int64_t i = random.below(4); i >= 0; --i) {
        polygon.push_back(random_ring(random, size, random.one_in(4) ? 30 : 5));
    }
    return polygon;
}

KERNEL_TEST(rasterize_random_polygons) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        std::vector<Polygon> polygons = {{}, {{}}, {{1, 1}}, {{1, 1, 2, 2}}, {{}, {}, {}}};
        for (int i = 0; i < 20; ++i) polygons.push_back(random_polygon(random, size));
        check_polygons<T>(context, polygons, size);
    }
    check_polygons<T>(context, {}, {3, 4});
}

// Straight lines of every direction, corners on the grid's thresholds.
KERNEL_TEST(rasterize_rectangles_and_triangles) {
    const Size size{9, 11};
    std::vector<Polygon> polygons;
    for (int i = -6; i < 70; ++i) {
        const double a = i / 5.0;
        polygons.push_back({{a, 1, a, 7, 8, 7, 8, 1}});
        polygons.push_back({{2, a, 2, 7, 8, 7, 8, a}});
        polygons.push_back({{a, 0, 0, a, 11 - a, 9}});
        polygons.push_back({{a, a, a, a, a, a}});
        polygons.push_back({{0, 0, 11, 9, a, 3, a, 3}, {a, a, 5, 5, a, 5}});
    }
    check_polygons<T>(context, polygons, size);
}

// A long steep edge, where the division is only an estimate.
KERNEL_TEST(rasterize_long_edges) {
    const Size size{40, 50};
    Random random(1);
    std::vector<Polygon> polygons;
    for (int i = 0; i < 15; ++i) {
        Ring ring;
        for (int j = 0; j < 6; ++j) ring.push_back((random.unit() - .5) * (j % 2 ? 20000 : 300));
        polygons.push_back({ring});
    }
    check_polygons<T>(context, polygons, size);
}

// The largest coordinates cover the image, and take no time.
KERNEL_TEST(rasterize_the_largest_coordinates) {
    const Size size{40, 50};
    const double far = 0x1p30;
    Batch<T> batch;
    CHECK_STATUS(rasterize(context,
                           {{{-far, -far, -far, far, far, far, far, -far}},
                            {{10, -far, 10, far, far, far, far, -far}},
                            {{far, far, far, -far, far, 0}}},
                           size, batch),
                 {});
    Masks<T> expected;
    expected.add({0});
    expected.add({400});
    expected.add({});
    CHECK_MASKS(batch, expected);
}

// Enough work for several threads.
KERNEL_TEST(rasterize_many) {
    const Size size{8, 9};
    Random random(1);
    std::vector<Polygon> polygons;
    for (int i = 0; i < 1500; ++i) polygons.push_back(random_polygon(random, size));
    check_polygons<T>(context, polygons, size);
}

KERNEL_TEST(rasterize_boxes) {
    for (Size size : sizes()) {
        const Note note("size:", {size.height, size.width});
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        std::vector<double> boxes;
        std::vector<Pixels> expected;
        for (int i = 0; i < 40; ++i) {
            double box[4];
            for (int j = 0; j < 4; ++j) {
                box[j] = random_coordinate(random, j % 2 ? size.height : size.width);
            }
            boxes.insert(boxes.end(), box, box + 4);
            expected.push_back(
                fill_ring({box[0], box[1], box[0], box[3], box[2], box[3], box[2], box[1]}, size));
        }
        Batch<T> batch;
        CHECK_STATUS(segcore::rasterize_boxes(context, boxes.data(), 40, size, batch), {});
        CHECK_MASKS(batch, Masks<T>(expected));
    }
}

// Wrong coordinates: which, in which mask, the first in batch order whatever the threads.
KERNEL_TEST(rasterize_wrong_coordinates) {
    const Size size{8, 9};
    const double beyond = std::nextafter(0x1p30, HUGE_VAL);
    for (double wrong : {double{NAN}, double{HUGE_VAL}, -double{HUGE_VAL}, beyond, -beyond}) {
        // The number is counted through all rings of the mask, those of few points included.
        std::vector<Polygon> polygons(3000, {{0, 0, 0, 5, 5, 5}});
        polygons[1234] = {{0, 0, 0, 5, 5, 5}, {1, 1}, {0, 0, wrong, 5, 5, wrong}};
        polygons[2999] = {{wrong, 0}};
        Batch<T> batch;
        CHECK_STATUS(rasterize(context, polygons, size, batch), {Code::coordinate, 1234, 10, 0});

        std::vector<double> boxes(4 * 3000, 3);
        boxes[4 * 77 + 3] = boxes[4 * 2500] = wrong;
        Batch<T> filled;
        CHECK_STATUS(segcore::rasterize_boxes(context, boxes.data(), 3000, size, filled),
                     {Code::coordinate, 77, 3, 0});
        // Also where there is nothing to fill.
        CHECK_STATUS(segcore::rasterize_boxes(context, boxes.data() + 4 * 77, 1, {0, 0}, filled),
                     {Code::coordinate, 0, 3, 0});
    }
}

// A triangle of 2**58 pixels' image: positions of 64 bits.
TEST(rasterize_in_the_largest_size) {
    const Size size{int64_t{1} << 40, int64_t{1} << 18};
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        const double right = static_cast<double>(size.width);
        CHECK_STATUS(
            rasterize(context, {{{right - 1, 0, right - 1, 2, right, 2, right, 0}}}, size, batch),
            {});
        const uint64_t last_column = (uint64_t{1} << 58) - (uint64_t{1} << 40);
        CHECK_EQUAL(values_of(batch.run_ends),
                    (std::vector<uint64_t>{last_column, last_column + 2}));
    });
}

}  // namespace

}  // namespace segcore::test
