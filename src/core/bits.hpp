// Small things about bits and element widths.
#pragma once

#include <cstddef>
#include <cstdint>
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace segcore {

// The index of the lowest set bit of a word that has one.
inline size_t lowest_bit(uint64_t word) noexcept {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanForward64(&index, word);
    return index;
#else
    return static_cast<size_t>(__builtin_ctzll(word));
#endif
}

// Words that hold n bits.
inline size_t words_for(int64_t n) noexcept { return static_cast<size_t>(n / 64 + (n % 64 != 0)); }

// The place of an element width of 1, 2, 4 or 8 bytes in the tables of leaf functions.
constexpr size_t log2_of(size_t width) noexcept {
    return width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
}

// The lowest `width` bytes in the opposite order.
inline uint64_t swap_bytes(uint64_t value, int width) noexcept {
    uint64_t swapped = 0;
    for (int i = 0; i < width; ++i) swapped |= (value >> 8 * i & 255) << 8 * (width - 1 - i);
    return swapped;
}

}  // namespace segcore
