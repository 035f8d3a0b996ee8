// Operations on the shape of a mask, pixel by pixel: components, filled outlines, dilation.
#pragma once

#include "masks.hpp"

namespace segcore::test {

// Spread the first pixel of each component, again and again, until nothing changes.
inline std::vector<Pixels> components_of(const Pixels& pixels, Size size, int connectivity) {
    std::vector<size_t> first(pixels.size());
    for (size_t i = 0; i < pixels.size(); ++i) first[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const size_t here = pixel_at(size, y, x);
                if (!pixels[here]) continue;
                for (int64_t dx = -1; dx <= 1; ++dx) {
                    for (int64_t dy = -1; dy <= 1; ++dy) {
                        if (connectivity == 4 && dx && dy) continue;
                        if (x + dx < 0 || x + dx >= size.width) continue;
                        if (y + dy < 0 || y + dy >= size.height) continue;
                        const size_t there = pixel_at(size, y + dy, x + dx);
                        if (!pixels[there] || first[there] >= first[here]) continue;
                        first[here] = first[there];
                        changed = true;
                    }
                }
            }
        }
    }
    std::vector<Pixels> parts;
    for (size_t i = 0; i < pixels.size(); ++i) {
        if (!pixels[i] || first[i] != i) continue;
        Pixels part(pixels.size());
        for (size_t j = 0; j < pixels.size(); ++j) part[j] = pixels[j] && first[j] == i;
        parts.push_back(part);
    }
    return parts;
}

// Fill all rings of each mask, even-odd: a pixel is inside if an odd number of edges is above it.
inline std::vector<Pixels> filled(const Outlines& outlines, Size size) {
    std::vector<Pixels> masks;
    for (size_t i = 0; i + 1 < outlines.mask_offsets.size(); ++i) {
        Pixels flips(static_cast<size_t>(size.width * (size.height + 1)));
        for (int64_t r = outlines.mask_offsets[i]; r < outlines.mask_offsets[i + 1]; ++r) {
            const int64_t first = outlines.ring_offsets[static_cast<size_t>(r)];
            const int64_t last = outlines.ring_offsets[static_cast<size_t>(r) + 1];
            for (int64_t k = first; k < last; ++k) {
                const int64_t* a = outlines.vertices.data() + 2 * k;
                const int64_t* b = outlines.vertices.data() + 2 * (k + 1 < last ? k + 1 : first);
                CHECK((a[0] == b[0]) != (a[1] == b[1]));
                for (int64_t x = std::min(a[0], b[0]); x < std::max(a[0], b[0]); ++x) {
                    flips[static_cast<size_t>(x * (size.height + 1) + a[1])] ^= 1;
                }
            }
        }
        Pixels pixels(pixel_count(size));
        for (int64_t x = 0; x < size.width; ++x) {
            uint8_t inside = 0;
            for (int64_t y = 0; y < size.height; ++y) {
                inside ^= flips[static_cast<size_t>(x * (size.height + 1) + y)];
                pixels[pixel_at(size, y, x)] = inside;
            }
        }
        masks.push_back(pixels);
    }
    return masks;
}

inline Pixels grown(const Pixels& pixels, Size size, const std::vector<int64_t>& reach,
                    bool outside = false) {
    Pixels result(pixels.size());
    if (outside) {
        const int64_t rows = reach[0], edge = static_cast<int64_t>(reach.size()) - 1;
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                result[pixel_at(size, y, x)] = std::min(x, size.width - 1 - x) < edge ||
                                               std::min(y, size.height - 1 - y) < rows;
            }
        }
    }
    const int64_t columns = static_cast<int64_t>(reach.size()) - 1;
    for (int64_t x = 0; x < size.width; ++x) {
        for (int64_t y = 0; y < size.height; ++y) {
            if (!pixels[pixel_at(size, y, x)]) continue;
            for (int64_t u = std::max<int64_t>(0, x - columns);
                 u <= std::min(size.width - 1, x + columns); ++u) {
                const int64_t rows = reach[static_cast<size_t>(u > x ? u - x : x - u)];
                for (int64_t v = std::max<int64_t>(0, y - rows);
                     v <= std::min(size.height - 1, y + rows); ++v) {
                    result[pixel_at(size, v, u)] = 1;
                }
            }
        }
    }
    return result;
}

}  // namespace segcore::test
