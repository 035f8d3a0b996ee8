// A boolean operation on two masks, used by merge.cpp and resolve.cpp.
#pragma once

#include <limits>

#include "blocks.hpp"
#include "types.hpp"

namespace segcore {

// Bit 2 * a + b of `table` is the result for pixels a and b. Walks both lists of flips in step,
// without branches on the data, which would be unpredictable.
template <class T>
void merge_two(const Context& context, const T* a, const T* a_end, const T* b, const T* b_end,
               int64_t pixels, unsigned table, Buffer<T>& run_ends) {
    if (pixels == 0) return;
    constexpr T kEnd = std::numeric_limits<T>::max();  // behind every position
    T* out = run_ends.grow(static_cast<size_t>((a_end - a) + (b_end - b)) + 1);
    T* const begin = out;
    unsigned state = 0, current = 0;  // state is 2 * (in a) + (in b)
    // The result may be foreground where neither mask is: then it begins at 0, unless a mask does.
    const bool starts = (a < a_end && *a == 0) || (b < b_end && *b == 0);
    if ((table & 1) && !starts) {
        *out++ = 0;
        current = 1;
    }
    T next_a = a < a_end ? *a : kEnd, next_b = b < b_end ? *b : kEnd;
    while (next_a != kEnd || next_b != kEnd) {
        context.poll();
        for (int64_t i = 0; i < kItemsPerPoll && (next_a != kEnd || next_b != kEnd); ++i) {
            const T position = next_a < next_b ? next_a : next_b;
            const unsigned in_a = next_a == position, in_b = next_b == position;
            state ^= 2 * in_a + in_b;
            a += in_a;
            b += in_b;
            const unsigned result = table >> state & 1;
            *out = position;
            out += result ^ current;
            current = result;
            next_a = a < a_end ? *a : kEnd;
            next_b = b < b_end ? *b : kEnd;
        }
    }
    run_ends.resize(run_ends.size() + static_cast<size_t>(out - begin));
}

}  // namespace segcore
