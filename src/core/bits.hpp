// Helpers for bits and element widths.
#pragma once

#include <cstddef>
#include <cstdint>
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace segcore {

// The index of the lowest set bit of a nonzero word.
inline size_t lowest_bit(uint64_t word) noexcept {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanForward64(&index, word);
    return index;
#else
    return static_cast<size_t>(__builtin_ctzll(word));
#endif
}

// The index of the highest set bit of a nonzero word.
inline size_t highest_bit(uint64_t word) noexcept {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanReverse64(&index, word);
    return index;
#else
    return 63 - static_cast<size_t>(__builtin_clzll(word));
#endif
}

// The number of words that hold n bits.
inline size_t words_for(int64_t n) noexcept { return static_cast<size_t>(n / 64 + (n % 64 != 0)); }

// The index of an element width of 1, 2, 4 or 8 bytes in the tables of leaf functions.
constexpr size_t log2_of(size_t width) noexcept {
    return width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
}

// Call edit(word, mask) for every word that contains any of the bits [first, last).
template <class Edit>
inline void for_words(uint64_t* bits, size_t first, size_t last, Edit edit) {
    if (first >= last) return;
    const size_t w0 = first / 64, w1 = (last - 1) / 64;
    const uint64_t head = ~uint64_t{0} << first % 64, tail = ~uint64_t{0} >> (63 - (last - 1) % 64);
    if (w0 == w1) {
        edit(bits[w0], head & tail);
        return;
    }
    edit(bits[w0], head);
    for (size_t w = w0 + 1; w < w1; ++w) edit(bits[w], ~uint64_t{0});
    edit(bits[w1], tail);
}

// Set, or clear, the bits [first, last).
inline void set_bits(uint64_t* bits, size_t first, size_t last) noexcept {
    for_words(bits, first, last, [](uint64_t& word, uint64_t mask) { word |= mask; });
}
inline void clear_bits(uint64_t* bits, size_t first, size_t last) noexcept {
    for_words(bits, first, last, [](uint64_t& word, uint64_t mask) { word &= ~mask; });
}

// The lowest `width` bytes in the opposite order.
inline uint64_t swap_bytes(uint64_t value, int width) noexcept {
    uint64_t swapped = 0;
    for (int i = 0; i < width; ++i) swapped |= (value >> 8 * i & 255) << 8 * (width - 1 - i);
    return swapped;
}

}  // namespace segcore
