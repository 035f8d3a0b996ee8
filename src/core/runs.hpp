// What the run ends of one mask say at once.
#pragma once

#include <cstdint>

#include "parts.hpp"

namespace segcore {

// The position behind the last foreground pixel of a mask that has some.
template <class T>
int64_t end_of(const T* begin, const T* end, int64_t pixels) {
    return (end - begin) % 2 ? pixels : static_cast<int64_t>(end[-1]);
}

// Foreground pixels of a mask. No area exceeds T, so the sum may wrap on its way.
template <class T>
int64_t area_of(const T* flip, const T* end, int64_t pixels) {
    T sum = (end - flip) % 2 ? static_cast<T>(pixels) : T{0};
    for (; end - flip > 1; flip += 2) sum += flip[1] - flip[0];
    if (flip < end) sum -= *flip;
    return static_cast<int64_t>(sum);
}
template <class T>
int64_t area_of(const Context& context, const T* begin, const T* end, int64_t pixels) {
    // But for the last part, none ends inside a run.
    int64_t area = 0;
    for_parts(context, end - begin, 1, [&](int64_t first, int64_t last) {
        area += area_of(begin + first, begin + last, pixels);
    });
    return area;
}

}  // namespace segcore
