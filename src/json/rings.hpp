// Rings of a polygon joined to one, for formats that have one ring per object.
#pragma once

#include "../core/context.hpp"
#include "../core/types.hpp"

namespace segcore::json {

// Rings of one object.
struct RingsView {
    const double* coordinates;  // x0 y0 x1 y1 ... of all rings of all objects
    const int64_t* offsets;     // of each ring, in points; one more than rings
    int64_t count;

    const double* begin(int64_t ring) const { return coordinates + 2 * offsets[ring]; }
    int64_t points(int64_t ring) const { return offsets[ring + 1] - offsets[ring]; }
};

// Append the points of some rings as one ring: each is connected with the nearest vertex of those
// before it, there and back. Of rings of more than `compared` vertices, every k-th is compared.
void join_rings(const Context&, RingsView, int64_t compared, Buffer<double>& to);

// Whether the boxes of all rings are more than a pixel apart, so that no pixel is in two of them.
// False if there are too many rings to compare.
bool are_apart(RingsView);

}  // namespace segcore::json
