// The leaf functions: the few inner loops that are written once for every instruction set.
// Kernels reach them through a Table; which one is decided at run time (dispatch.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace segcore::simd {

// Bits are packed 64 to a word, the first in the lowest bit. If n is not a multiple of 64, the last
// word is padded with zeros.
struct Table {
    const char* name;

    // Bit i is set where the i-th element is nonzero. For elements of 1, 2, 4 and 8 bytes.
    void (*pack_nonzero[4])(const void* values, size_t n, uint64_t* bits);
    // Bit i is set where values[i] >= lowest, given as its bits. For u8 i8 u16 i16 ... u64 i64.
    void (*pack_at_least[8])(const void* values, size_t n, uint64_t lowest, uint64_t* bits);
    // Bit i is set where a float16 is a number above the limit. Both are taken as integers that
    // compare like the numbers: x ^ (x >> 15 & 0x7fff).
    void (*pack_greater_f16)(const void* values, size_t n, int16_t limit, uint64_t* bits);
    // Bit i is set where values[i] > threshold.
    void (*pack_greater_f32)(const float* values, size_t n, float threshold, uint64_t* bits);
    void (*pack_greater_f64)(const double* values, size_t n, double threshold, uint64_t* bits);
    // Bit i is set where a[i] != b[i]. For elements of 1, 2, 4 and 8 bytes.
    void (*pack_differ[4])(const void* a, const void* b, size_t n, uint64_t* bits);

    // Of n bytes a[i] and b[i], which may be shifted views of the same memory: write base + i, in
    // ascending order, where one is zero and the other is not, and return how many. `out` has
    // room for n rounded up to 64.
    size_t (*flips_between)(const void* a, const void* b, size_t n, uint32_t base, uint32_t* out);
    // The same, where a[i] != b[i].
    size_t (*changes_between)(const void* a, const void* b, size_t n, uint32_t base, uint32_t* out);
    // The same for four parts in turns, as a processor fetches memory faster from several positions
    // than from one. Each has n bytes, a multiple of 64. Part k starts at k * distance, which is
    // added to its positions, too; they are written to out[k], which has room for n of them and is
    // advanced to their end.
    void (*flips_in_parts)(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                           uint32_t** out);
    void (*changes_in_parts)(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                             uint32_t** out);

    // Write base + the index of every set bit, ascending; return how many. `out` has room for
    // 64 * words values: an implementation may write past the count, never past that room.
    size_t (*positions_u32)(const uint64_t* bits, size_t words, uint32_t base, uint32_t* out);
    size_t (*positions_u64)(const uint64_t* bits, size_t words, uint64_t base, uint64_t* out);

    // Read the counts of a COCO string as they are written: five bits a character, the lowest
    // first, 48 added, and 32 more if another one follows; the highest bit is the sign. Stops
    // before a count that does not end here or has more than 8 characters, and reads nothing if a
    // character is not one of '0' to 'o'. Returns the number of counts and of their characters.
    // `counts` has room for n + 8.
    struct CountsRead {
        size_t counts;
        size_t characters;
    };
    CountsRead (*read_counts)(const uint8_t* string, size_t n, int64_t* counts);

    // Element i of `out` becomes `one` where bit i is set, else 0. For 1, 2, 4 and 8 bytes.
    void (*expand[4])(const uint64_t* bits, size_t n, uint64_t one, void* out);

    // Copy to memory, bypassing the caches. Addresses and the size are multiples of 64 bytes.
    void (*stream)(const void* from, void* to, size_t bytes);

    // Transpose a 64 x 64 matrix of bits: bit x of rows[y] becomes bit y of columns[x].
    void (*transpose_bits)(const uint64_t* rows, uint64_t* columns);

    // Set the bits [flips[2 i] - base, flips[2 i + 1] - base) for each of n runs. Up to 8 words
    // behind the last bit are read and written back as they were.
    void (*set_runs_u32)(uint64_t* bits, const uint32_t* flips, size_t n, uint32_t base);
    void (*set_runs_u64)(uint64_t* bits, const uint64_t* flips, size_t n, uint64_t base);

    // Population counts of a[i], and of a[i] & b[i].
    uint64_t (*count_bits)(const uint64_t* a, size_t words);
    uint64_t (*count_common)(const uint64_t* a, const uint64_t* b, size_t words);

    // Sum of max(0, min(a_end, b_end) - max(a_start, b_start)) over n columns. Values are below
    // 2**15; up to 31 columns beyond n are read, and must be empty (0, 0) in one of the two.
    uint64_t (*overlap_columns)(const uint16_t* a_start, const uint16_t* a_end,
                                const uint16_t* b_start, const uint16_t* b_end, size_t n);

    // Element i of `out` becomes origin + codes[i] where that code is not 0. For elements of 1, 2,
    // 4 and 8 bytes, which wrap.
    void (*recolor[4])(const uint8_t* codes, size_t n, uint64_t origin, void* out);

    // Of n classes (a multiple of 16) with four scores each, scores[0][k] to scores[3][k]: alive[k]
    // becomes 0 where class k is beaten by class `by`, that is, all its scores are less or, where
    // k > by, none is greater. The others stay.
    void (*drop_beaten)(const float* const* scores, size_t n, size_t by, uint32_t* alive);
    // For each of n pixels (a multiple of 16): labels[x] becomes ids[k] of the first k with the
    // greatest tops[k * n + x] + fraction * steps[k * n + x], of `count` (at least one).
    void (*argmax_row)(const float* tops, const float* steps, size_t n, const uint32_t* ids,
                       size_t count, float fraction, uint32_t* labels);

    // Transpose a 64 x 64 matrix of bytes (or 2, 4, 8): in[c * in_stride + r] becomes
    // out[r * 64 + c]; the stride counts elements.
    void (*transpose[4])(const void* in, size_t in_stride, void* out);
};

}  // namespace segcore::simd
