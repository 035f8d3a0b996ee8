// Arrays in every layout that NumPy can have.
#pragma once

#include <cstring>
#include <vector>

#include "core/types.hpp"

namespace segcore::test {

// The axes (0: mask, 1: y, 2: x) from the slowest to the fastest, which of them run backwards, how
// many elements of the axis lie between two that belong to the array, and at which byte it begins.
struct Layout {
    int axes[3];
    bool backwards[3];
    int64_t step[3];
    int64_t shift;
};

inline const std::vector<Layout>& layouts() {
    static const std::vector<Layout> all = {
        {{0, 1, 2}, {false, false, false}, {1, 1, 1}, 0},  // C order
        {{0, 2, 1}, {false, false, false}, {1, 1, 1}, 0},  // Fortran order, mask by mask
        {{1, 2, 0}, {false, false, false}, {1, 1, 1}, 0},  // interleaved: (H, W, N) in C order
        {{2, 1, 0}, {false, false, false}, {1, 1, 1}, 0},  // (N, H, W) in Fortran order
        {{1, 0, 2}, {false, false, false}, {1, 1, 1}, 0},  // row by row of all masks
        {{2, 0, 1}, {false, false, false}, {1, 1, 1}, 0},  // column by column of all masks
        {{0, 1, 2}, {false, false, false}, {1, 1, 1}, 1},  // nothing aligned
        {{0, 2, 1}, {false, false, false}, {1, 1, 1}, 3},
        {{0, 1, 2}, {true, true, true}, {1, 1, 1}, 0},  // backwards
        {{0, 1, 2}, {false, true, false}, {1, 1, 1}, 0},
        {{0, 2, 1}, {false, false, true}, {1, 1, 1}, 0},
        {{0, 2, 1}, {true, true, true}, {1, 1, 1}, 0},
        {{0, 1, 2}, {false, false, false}, {1, 1, 2}, 0},  // with gaps
        {{0, 1, 2}, {false, false, false}, {2, 3, 1}, 0},
        {{0, 2, 1}, {false, false, false}, {1, 2, 1}, 0},
        {{0, 2, 1}, {false, false, false}, {1, 1, 2}, 1},
        {{1, 2, 0}, {false, false, true}, {2, 1, 1}, 0},
    };
    return all;
}

// An (N, H, W) array. Its memory ends where its last element does, for sanitizers to see what goes
// beyond, and is filled with a pattern, so that what is written between the elements shows.
class Array {
   public:
    Array(int64_t count, Size size, int64_t width, const Layout& layout) : width_(width) {
        const int64_t shape[3] = {count, size.height, size.width};
        int64_t stride = width, last = layout.shift + width, first = layout.shift;
        for (int i = 2; i >= 0; --i) {
            const int axis = layout.axes[i];
            stride *= layout.step[axis];
            strides_[axis] = layout.backwards[axis] ? -stride : stride;
            const int64_t reach = shape[axis] > 0 ? (shape[axis] - 1) * stride : 0;
            last += reach;
            if (layout.backwards[axis]) first += reach;
            stride *= shape[axis] > 0 ? shape[axis] : 1;
        }
        origin_ = static_cast<size_t>(first);
        memory_.resize(count && size.pixels() ? static_cast<size_t>(last) : 0);
        for (size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<uint8_t>(0xa5 + 3 * i);
        memory_.shrink_to_fit();
    }

    uint8_t* data() { return memory_.empty() ? nullptr : memory_.data() + origin_; }
    int64_t stride(int axis) const { return strides_[axis]; }
    const std::vector<uint8_t>& memory() const { return memory_; }

    // Store the lowest bytes of the value.
    void set(int64_t mask, int64_t y, int64_t x, uint64_t value) {
        std::memcpy(data() + mask * strides_[0] + y * strides_[1] + x * strides_[2], &value,
                    static_cast<size_t>(width_));
    }

   private:
    int64_t width_;
    int64_t strides_[3] = {};
    size_t origin_ = 0;
    std::vector<uint8_t> memory_;
};

}  // namespace segcore::test
