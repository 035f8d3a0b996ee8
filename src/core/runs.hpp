// What the run ends of one mask say at once.
#pragma once

#include <cstddef>
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
    const std::ptrdiff_t pairs = (end - flip) / 2;
    T sum = 0;
    for (std::ptrdiff_t i = 0; i < pairs; ++i) sum += flip[2 * i + 1] - flip[2 * i];
    if ((end - flip) % 2) sum += static_cast<T>(pixels) - end[-1];
    return static_cast<int64_t>(sum);
}
template <class T>
int64_t area_of(const Context& context, const T* begin, const T* end, int64_t pixels) {
    int64_t area = 0;
    for (; end - begin > kPart; begin += kPart) {  // no part but the last ends inside a run
        context.poll(kPart);
        area += area_of(begin, begin + kPart, pixels);
    }
    return area + area_of(begin, end, pixels);
}

}  // namespace segcore
