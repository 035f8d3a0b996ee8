// Lines of numbers, as in the label files of YOLO: "class x0 y0 x1 y1 ...".
#pragma once

#include "text.hpp"

namespace segcore::json {

struct Lines {
    Buffer<double> values;    // of all lines
    Buffer<int64_t> lengths;  // how many each line has
};

// Append the numbers of a text, which are written as in JSON; blank lines are skipped. Returns
// false, with an unknown part appended, if there is anything else.
bool read_lines(Span text, Lines& to);

// Rings of an image of this size, one after the other in `coordinates`: x0 y0 x1 y1 ....
struct Rings {
    const int64_t* classes;
    const double* coordinates;
    const int64_t *starts, *lengths;  // in values
    double width, height;  // positive
};

// Append a line for a ring: its class, and its coordinates divided by the sides, to this many
// decimals, all of the same length. Nothing is appended if the ring leaves the image.
//
// Returns whether the ring lies in the image, and reading gives exactly its coordinates, which are
// rounded to `kept` decimals of a pixel then.
bool write_line(const Rings&, int64_t ring, int decimals, int kept, Buffer<uint8_t>& to);

}  // namespace segcore::json
