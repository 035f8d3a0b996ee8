// Moves and resizing of masks, pixel by pixel.
#pragma once

#include <cmath>

#include "masks.hpp"

namespace segcore::test {

// Make an image in which pixel (y, x) is `from(y, x)`: an index in `pixels`, or none if negative.
template <class From>
Pixels moved(const Pixels& pixels, Size result, From from) {
    return where(result, [&](int64_t y, int64_t x) {
        const int64_t at = from(y, x);
        return at >= 0 && pixels[static_cast<size_t>(at)] != 0;
    });
}

inline int64_t index_in(Size size, int64_t y, int64_t x) {
    const bool inside = y >= 0 && y < size.height && x >= 0 && x < size.width;
    return inside ? x * size.height + y : -1;
}

inline Pixels placed(const Pixels& pixels, Size size, int64_t dx, int64_t dy, Size canvas) {
    return moved(pixels, canvas,
                 [&](int64_t y, int64_t x) { return index_in(size, y - dy, x - dx); });
}

inline Pixels reversed(const Pixels& pixels, Size size, bool rows, bool columns) {
    return moved(pixels, size, [&](int64_t y, int64_t x) {
        return index_in(size, rows ? size.height - 1 - y : y, columns ? size.width - 1 - x : x);
    });
}

inline Pixels transposed(const Pixels& pixels, Size size) {
    return moved(pixels, {size.width, size.height},
                 [&](int64_t y, int64_t x) { return index_in(size, x, y); });
}

inline Pixels resized(const Pixels& pixels, Size size, Size result, bool centers) {
    auto taken = [&](int64_t i, int64_t inputs, int64_t outputs) {
        return centers ? (2 * i + 1) * inputs / (2 * outputs) : i * inputs / outputs;
    };
    return moved(pixels, result, [&](int64_t y, int64_t x) {
        return index_in(size, taken(y, size.height, result.height),
                        taken(x, size.width, result.width));
    });
}

inline Pixels covered(const Pixels& pixels, Size size, Size result, int64_t limit) {
    auto part = [](int64_t i, int64_t length, int64_t j, int64_t other) {
        const int64_t start = std::max(i * length, j * other);
        return std::max<int64_t>(std::min((i + 1) * length, (j + 1) * other) - start, 0);
    };
    return where(result, [&](int64_t y, int64_t x) {
        int64_t area = 0;
        for (int64_t u = 0; u < size.width; ++u) {
            for (int64_t v = 0; v < size.height; ++v) {
                area += pixels[pixel_at(size, v, u)] * part(u, result.width, x, size.width) *
                        part(v, result.height, y, size.height);
            }
        }
        return area >= limit;
    });
}

inline Pixels warped(const Pixels& pixels, Size size, const double* m, Size result) {
    return moved(pixels, result, [&](int64_t row, int64_t column) -> int64_t {
        const double x = static_cast<double>(column), y = static_cast<double>(row);
        const double w = m[7] * y + (m[6] * x + m[8]);
        const double u = (m[1] * y + (m[0] * x + m[2])) / w;
        const double v = (m[4] * y + (m[3] * x + m[5])) / w;
        if (!(u >= 0 && u < static_cast<double>(size.width))) return -1;
        if (!(v >= 0 && v < static_cast<double>(size.height))) return -1;
        return index_in(size, static_cast<int64_t>(v), static_cast<int64_t>(u));
    });
}

}  // namespace segcore::test
