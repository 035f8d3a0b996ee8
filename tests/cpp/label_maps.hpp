// Label maps of every dtype that NumPy can have.
#pragma once

#include "arrays.hpp"
#include "core/bits.hpp"
#include "masks.hpp"

namespace segcore::test {

struct Kind {
    int width;
    bool is_signed, swapped;
};

inline const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all = {{1, false, false}, {1, true, false}, {2, false, false},
                                          {2, true, true},   {4, false, true}, {4, true, false},
                                          {8, false, false}, {8, true, true}};
    return all;
}

inline uint64_t low_bytes(uint64_t value, int width) {
    return width == 8 ? value : value & ((uint64_t{1} << 8 * width) - 1);
}

// A map in memory that ends where it does. `labels` holds the bits of every pixel's label, in
// column-major order.
struct LabelMap {
    LabelMap(const std::vector<uint64_t>& labels, Size map_size, Kind map_kind,
             const Layout& layout)
        : array(1, map_size, map_kind.width, layout), size(map_size), kind(map_kind) {
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const uint64_t label = low_bytes(labels[pixel_at(size, y, x)], kind.width);
                array.set(0, y, x, kind.swapped ? swap_bytes(label, kind.width) : label);
            }
        }
    }
    LabelView view() {
        return {array.data(), size,           {array.stride(1), array.stride(2)},
                kind.width,   kind.is_signed, kind.swapped};
    }
    // Sorts labels right, signed ones too.
    uint64_t key(uint64_t label) const {
        const uint64_t sign = kind.is_signed ? uint64_t{1} << (8 * kind.width - 1) : 0;
        return low_bytes(label, kind.width) ^ sign;
    }
    Array array;
    Size size;
    Kind kind;
};

}  // namespace segcore::test
