// Polygons filled by a plain walk along every edge of the fine grid.
#pragma once

#include <cmath>

#include "masks.hpp"

namespace segcore::test {

using Ring = std::vector<double>;  // x0 y0 x1 y1 ...
using Polygon = std::vector<Ring>;

inline int64_t to_grid(double coordinate) { return static_cast<int64_t>(5 * coordinate + .5); }

struct Point {
    int64_t u, v;
};

// The points of the walk from one corner to the next, both included.
inline void walk_edge(Point from, Point to, std::vector<Point>& points) {
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

// COCO's rule by the letter: walk round the ring, and where the walk crosses the centre of a pixel,
// call cross(the first pixel that it turns, whether it goes right).
template <class Cross>
void walk_ring(const Ring& ring, Size size, Cross cross) {
    const size_t corners = ring.size() / 2;
    if (corners < 3 || size.pixels() == 0) return;
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
        cross(pixel_at(size, static_cast<int64_t>(row), static_cast<int64_t>(x)), u > before);
    }
}

inline Pixels fill_ring(const Ring& ring, Size size) {
    Pixels pixels(pixel_count(size));
    walk_ring(ring, size, [&](size_t at, bool) {
        for (size_t p = at; p < pixels.size(); ++p) pixels[p] ^= 1;
    });
    return pixels;
}

// All rings together, by the winding number of each pixel.
inline Pixels wind_polygon(const Polygon& polygon, Size size, Filling filling) {
    std::vector<int> winding(pixel_count(size));
    for (const Ring& ring : polygon) {
        walk_ring(ring, size, [&](size_t at, bool rightward) {
            for (size_t p = at; p < winding.size(); ++p) winding[p] += rightward ? 1 : -1;
        });
    }
    Pixels pixels(winding.size());
    for (size_t p = 0; p < pixels.size(); ++p) {
        pixels[p] = filling == Filling::even_odd ? winding[p] % 2 != 0 : winding[p] != 0;
    }
    return pixels;
}

inline Pixels fill_polygon(const Polygon& polygon, Size size, Filling filling = Filling::united) {
    if (filling != Filling::united) return wind_polygon(polygon, size, filling);
    Pixels pixels(pixel_count(size));
    for (const Ring& ring : polygon) {
        const Pixels filled = fill_ring(ring, size);
        for (size_t i = 0; i < pixels.size(); ++i) pixels[i] |= filled[i];
    }
    return pixels;
}

template <class T>
Status rasterize(const Context& context, const std::vector<Polygon>& polygons, Size size,
                 Batch<T>& batch, Filling filling = Filling::united) {
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
                              static_cast<int64_t>(polygons.size()), size, batch, filling);
}

}  // namespace segcore::test
