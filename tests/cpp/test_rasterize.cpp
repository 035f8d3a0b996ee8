// Polygons and boxes against a plain walk along every edge of the fine grid.
#include <cmath>
#include <limits>

#include "masks.hpp"

namespace segcore::test {

namespace {

using Ring = std::vector<double>;  // x0 y0 x1 y1 ...
using Polygon = std::vector<Ring>;

int64_t to_grid(double coordinate) { return static_cast<int64_t>(5 * coordinate + .5); }

struct Point {
    int64_t u, v;
};

// The points of the walk from one corner to the next, both included.
void walk_edge(Point from, Point to, std::vector<Point>& points) {
    const int64_t dx = std::abs(to.u - from.u), dy = std::abs(to.v - from.v);
    const bool flat = dx >= dy;
    const bool flip = flat ? from.u > to.u : from.v > to.v;
    const Point low = flip ? to : from, high = flip ? from : to;
    const int64_t steps = flat ? dx : dy;
    const double slope = steps == 0 ? 0
                                    : static_cast<double>(flat ? high.v - low.v : high.u - low.u) /
                                          static_cast<double>(steps);
    for (int64_t i = 0; i <= steps; ++i) {
        const int64_t t = flip ? steps - i : i;
        const double start = static_cast<double>(flat ? low.v : low.u);
        const int64_t other = static_cast<int64_t>(start + slope * static_cast<double>(t) + .5);
        points.push_back(flat ? Point{low.u + t, other} : Point{other, low.v + t});
    }
}

// COCO's rule by the letter: walk round the ring, and flip where the walk crosses pixel centres.
Pixels fill_ring(const Ring& ring, Size size) {
    Pixels pixels(pixel_count(size));
    const size_t corners = ring.size() / 2;
    if (corners < 3 || size.pixels() == 0) return pixels;
    std::vector<Point> points;
    auto corner = [&](size_t i) {
        i %= corners;
        return Point{to_grid(ring[2 * i]), to_grid(ring[2 * i + 1])};
    };
    for (size_t i = 0; i < corners; ++i) walk_edge(corner(i), corner(i + 1), points);
    for (size_t i = 1; i < points.size(); ++i) {
        const int64_t u = points[i].u, before = points[i - 1].u;
        if (u == before) continue;
        const double x = (static_cast<double>(u < before ? u : u - 1) + .5) / 5 - .5;
        if (std::floor(x) != x || x < 0 || x > static_cast<double>(size.width - 1)) continue;
        const double y =
            (static_cast<double>(std::min(points[i].v, points[i - 1].v)) + .5) / 5 - .5;
        const double row = std::ceil(std::clamp(y, 0.0, static_cast<double>(size.height)));
        const size_t at = pixel_at(size, static_cast<int64_t>(row), static_cast<int64_t>(x));
        for (size_t p = at; p < pixels.size(); ++p) pixels[p] ^= 1;
    }
    return pixels;
}

Pixels fill_polygon(const Polygon& polygon, Size size) {
    Pixels pixels(pixel_count(size));
    for (const Ring& ring : polygon) {
        const Pixels filled = fill_ring(ring, size);
        for (size_t i = 0; i < pixels.size(); ++i) pixels[i] |= filled[i];
    }
    return pixels;
}

template <class T>
Status rasterize(const Context& context, const std::vector<Polygon>& polygons, Size size,
                 Batch<T>& batch) {
    std::vector<double> coordinates;
    std::vector<int64_t> rings = {0}, masks = {0};
    for (const Polygon& polygon : polygons) {
        for (const Ring& ring : polygon) {
            coordinates.insert(coordinates.end(), ring.begin(), ring.end());
            rings.push_back(static_cast<int64_t>(coordinates.size() / 2));
        }
        masks.push_back(static_cast<int64_t>(rings.size()) - 1);
    }
    coordinates.shrink_to_fit();
    return rasterize_polygons(context, coordinates.data(), rings.data(), masks.data(),
                              static_cast<int64_t>(polygons.size()), size, batch);
}

template <class T>
void check_polygons(const Context& context, const std::vector<Polygon>& polygons, Size size) {
    const Note note("size:", {size.height, size.width});
    std::vector<Pixels> expected;
    for (const Polygon& polygon : polygons) expected.push_back(fill_polygon(polygon, size));
    Batch<T> batch;
    CHECK_STATUS(rasterize(context, polygons, size, batch), {});
    CHECK_MASKS(batch, Masks<T>(expected));
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
