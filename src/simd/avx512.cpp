// AVX-512 as in Ice Lake (2019) and Zen 4 (2022): with VBMI, VBMI2 and VPOPCNTDQ.
#include "variants.hpp"

#ifdef SEGCORE_X86
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the "undefined" operands of its own header for mistakes (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cmath>
#include <cstring>

namespace segcore::simd {

SEGCORE_TARGET_BEGIN(
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,avx2,bmi,bmi2,"
    "popcnt")

namespace {

#include "generic.inl"
#include "sse_transpose.inl"

inline __m512i load512(const void* p) { return _mm512_loadu_si512(p); }
inline void store512(void* p, __m512i v) { _mm512_storeu_si512(p, v); }

// A mask of fewer than 64 bits as a word. By way of a general register: GCC 12 may otherwise spill
// the 32 bits of a mask register to the stack, and read back 64.
inline uint64_t word_of_mask(uint32_t mask) {
    asm("" : "+r"(mask));
    return mask;
}

// How elements of one width are compared: Width<T>::differ gives a bit for each of a register's
// lanes.
template <class T>
struct Width;
template <>
struct Width<uint8_t> {
    static uint64_t differ(__m512i a, __m512i b) { return _mm512_cmpneq_epi8_mask(a, b); }
};
template <>
struct Width<uint16_t> {
    static uint64_t differ(__m512i a, __m512i b) {
        return word_of_mask(_mm512_cmpneq_epi16_mask(a, b));
    }
};
template <>
struct Width<uint32_t> {
    static uint64_t differ(__m512i a, __m512i b) {
        return word_of_mask(_mm512_cmpneq_epi32_mask(a, b));
    }
};
template <>
struct Width<uint64_t> {
    static uint64_t differ(__m512i a, __m512i b) {
        return word_of_mask(_mm512_cmpneq_epi64_mask(a, b));
    }
};

// A word of 64 bits from sizeof(T) registers, each by test(byte offset).
template <class T, class Test>
inline uint64_t word_of(Test test) {
    uint64_t word = 0;
    for (size_t j = 0; j < sizeof(T); ++j) word |= test(64 * j) << (64 / sizeof(T) * j);
    return word;
}

template <class T>
void pack_nonzero_wide(const void* values, size_t n, uint64_t* bits) {
    const char* at = static_cast<const char*>(values);
    const __m512i zero = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 64 <= n; i += 64, at += 64 * sizeof(T)) {
        bits[i / 64] = word_of<T>(
            [at, zero](size_t byte) { return Width<T>::differ(load512(at + byte), zero); });
    }
    if (i < n) pack_nonzero<T>(at, n - i, bits + i / 64);
}

template <class T>
void pack_differ_wide(const void* a, const void* b, size_t n, uint64_t* bits) {
    const char* x = static_cast<const char*>(a);
    const char* y = static_cast<const char*>(b);
    size_t i = 0;
    for (; i + 64 <= n; i += 64, x += 64 * sizeof(T), y += 64 * sizeof(T)) {
        bits[i / 64] = word_of<T>(
            [x, y](size_t byte) { return Width<T>::differ(load512(x + byte), load512(y + byte)); });
    }
    if (i < n) pack_differ<T>(x, y, n - i, bits + i / 64);
}

void pack_greater_floats(const float* values, size_t n, float threshold, uint64_t* bits) {
    const char* at = reinterpret_cast<const char*>(values);
    const __m512 limit = _mm512_set1_ps(threshold);
    size_t i = 0;
    for (; i + 64 <= n; i += 64, at += 256) {
        bits[i / 64] = word_of<float>([at, limit](size_t byte) -> uint64_t {
            return word_of_mask(_mm512_cmp_ps_mask(_mm512_loadu_ps(at + byte), limit, _CMP_GT_OQ));
        });
    }
    if (i < n) {
        pack(n - i, bits + i / 64,
             [at, threshold](size_t j) { return load<float>(at, j) > threshold; });
    }
}

void pack_greater_doubles(const double* values, size_t n, double threshold, uint64_t* bits) {
    const char* at = reinterpret_cast<const char*>(values);
    const __m512d limit = _mm512_set1_pd(threshold);
    size_t i = 0;
    for (; i + 64 <= n; i += 64, at += 512) {
        bits[i / 64] = word_of<double>([at, limit](size_t byte) -> uint64_t {
            return word_of_mask(_mm512_cmp_pd_mask(_mm512_loadu_pd(at + byte), limit, _CMP_GT_OQ));
        });
    }
    if (i < n) {
        pack(n - i, bits + i / 64,
             [at, threshold](size_t j) { return load<double>(at, j) > threshold; });
    }
}

inline __m512i iota_bytes() {
    return _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46,
                           45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28,
                           27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
                           9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

// Compress the bytes 0..63 by the word to the positions of its bits, then widen sixteen at a time.
inline size_t word_positions(uint64_t word, uint32_t base, uint32_t* out) {
    const size_t set = static_cast<size_t>(_mm_popcnt_u64(word));
    if (set <= 4) {
        for (; word; word &= word - 1) *out++ = base + static_cast<uint32_t>(_tzcnt_u64(word));
        return set;
    }
    const __m512i start = _mm512_set1_epi32(static_cast<int>(base));
    const __m512i packed = _mm512_maskz_compress_epi8(word, iota_bytes());
    const auto widened = [start](__m128i bytes) {
        return _mm512_add_epi32(start, _mm512_cvtepu8_epi32(bytes));
    };
    store512(out, widened(_mm512_castsi512_si128(packed)));
    if (set > 16) {
        store512(out + 16, widened(_mm512_extracti32x4_epi32(packed, 1)));
        if (set > 32) {
            store512(out + 32, widened(_mm512_extracti32x4_epi32(packed, 2)));
            store512(out + 48, widened(_mm512_extracti32x4_epi32(packed, 3)));
        }
    }
    return set;
}

size_t positions_u32(const uint64_t* bits, size_t words, uint32_t base, uint32_t* out) {
    size_t count = 0;
    for (size_t w = 0; w < words; ++w, base += 64) {
        if (bits[w]) count += word_positions(bits[w], base, out + count);
    }
    return count;
}

template <bool by_value>
inline uint64_t places_of(__m512i x, __m512i y) {
    return by_value ? _mm512_cmpneq_epi8_mask(x, y)
                    : _mm512_test_epi8_mask(x, x) ^ _mm512_test_epi8_mask(y, y);
}

// Hardware prefetching stops at the end of a page; prefetching ahead keeps reading at full speed.
template <bool by_value>
size_t places_between_bytes(const void* a, const void* b, size_t n, uint32_t base, uint32_t* out) {
    constexpr size_t kAhead = 8192;
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    size_t count = 0;
    for (size_t i = 0; i < n; i += 64) {
        __builtin_prefetch(x + i + kAhead);
        const __mmask64 valid = low_bits(n - i);
        const __m512i in_a = _mm512_maskz_loadu_epi8(valid, x + i);
        const __m512i in_b = _mm512_maskz_loadu_epi8(valid, y + i);
        const uint64_t places = places_of<by_value>(in_a, in_b);
        if (places) count += word_positions(places, base + static_cast<uint32_t>(i), out + count);
    }
    return count;
}

template <bool by_value>
void byte_places_in_parts(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                          uint32_t** out) {
    const auto places = [](const uint8_t* x, const uint8_t* y) {
        return places_of<by_value>(_mm512_loadu_si512(x), _mm512_loadu_si512(y));
    };
    places_in_parts(a, b, distance, n, base, out, places, word_positions);
}

// Sixty-four characters at a time, of which all that belong to whole counts are used: the places
// where counts end, and so begin, are compressed together; then each lane of 64 bits gets the eight
// characters from where its count begins.
Table::CountsRead read_counts_wide(const uint8_t* string, size_t n, int64_t* counts) {
    const __m512i iota = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i byte_in_lane = _mm512_set1_epi64(0x0706050403020100);
    const __m512i lane_of_byte = _mm512_srli_epi16(_mm512_and_si512(iota, _mm512_set1_epi8(56)), 3);
    const __m512i one = _mm512_set1_epi8(1);
    size_t count = 0, start = 0;
    while (start < n) {
        const uint64_t valid = low_bits(n - start);
        const __m512i characters =
            _mm512_sub_epi8(_mm512_maskz_loadu_epi8(valid, string + start), _mm512_set1_epi8(48));
        if (_mm512_mask_cmpgt_epu8_mask(valid, characters, _mm512_set1_epi8(63))) return {0, 0};
        const uint64_t ends = _mm512_mask_testn_epi8_mask(valid, characters, _mm512_set1_epi8(32));
        if (!ends) break;
        const __m512i last = _mm512_maskz_compress_epi8(ends, iota);
        // A count begins behind the previous one: shift all positions up by one, with a 0 first.
        const __m512i first = _mm512_maskz_permutexvar_epi8(
            ~uint64_t{1}, _mm512_sub_epi8(iota, one), _mm512_add_epi8(last, one));
        const size_t found = count_word(ends);
        const __m512i groups = _mm512_add_epi8(_mm512_sub_epi8(last, first), one);
        const uint64_t too_long =
            _mm512_mask_cmpgt_epu8_mask(low_bits(found), groups, _mm512_set1_epi8(8));
        for (size_t i = 0; i < found; i += 8) {
            const __m512i lane =
                _mm512_add_epi8(lane_of_byte, _mm512_set1_epi8(static_cast<char>(i)));
            const __m512i place =
                _mm512_add_epi8(_mm512_permutexvar_epi8(lane, first), byte_in_lane);
            __m512i x = _mm512_permutexvar_epi8(place, characters);
            // join_groups
            const auto masked = [&x](uint64_t mask) {
                return _mm512_and_si512(x, _mm512_set1_epi64(static_cast<int64_t>(mask)));
            };
            x = _mm512_or_si512(masked(0x001f001f001f001f),
                                _mm512_srli_epi64(masked(0x1f001f001f001f00), 3));
            x = _mm512_or_si512(masked(0x000003ff000003ff),
                                _mm512_srli_epi64(masked(0x03ff000003ff0000), 6));
            x = _mm512_or_si512(masked(0x00000000000fffff),
                                _mm512_srli_epi64(masked(0x000fffff00000000), 12));
            const __m512i bits = _mm512_maskz_permutexvar_epi8(0x0101010101010101, lane, groups);
            const __m512i unused = _mm512_sub_epi64(
                _mm512_set1_epi64(64), _mm512_add_epi64(_mm512_slli_epi64(bits, 2), bits));
            store512(counts + count + i, _mm512_srav_epi64(_mm512_sllv_epi64(x, unused), unused));
        }
        if (too_long) {
            // Up to the first of them.
            const size_t good = lowest_bit(too_long);
            alignas(64) uint8_t begins[64];
            store512(begins, first);
            return {count + good, start + begins[good]};
        }
        count += found;
        start += 64 - static_cast<size_t>(__builtin_clzll(ends));
    }
    return {count, start};
}

// The bits of a word are the write mask of the elements that it becomes.
void expand_bytes(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    const __m512i value = _mm512_set1_epi8(static_cast<char>(one));
    uint8_t* to = static_cast<uint8_t*>(out);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) store512(to + i, _mm512_maskz_mov_epi8(bits[i / 64], value));
    if (i < n) {
        _mm512_mask_storeu_epi8(to + i, low_bits(n - i),
                                _mm512_maskz_mov_epi8(bits[i / 64], value));
    }
}

void expand_words(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    const __m512i value = _mm512_set1_epi32(static_cast<int>(one));
    char* to = static_cast<char*>(out);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __mmask16 mask = static_cast<__mmask16>(bits[i / 64] >> (i % 64));
        store512(to + 4 * i, _mm512_maskz_mov_epi32(mask, value));
    }
    if (i < n) {
        const __mmask16 mask = static_cast<__mmask16>(bits[i / 64] >> (i % 64));
        _mm512_mask_storeu_epi32(to + 4 * i, static_cast<__mmask16>(low_bits(n - i)),
                                 _mm512_maskz_mov_epi32(mask, value));
    }
}

void stream_lines(const void* from, void* to, size_t bytes) {
    const char* source = static_cast<const char*>(from);
    char* target = static_cast<char*>(to);
    for (size_t i = 0; i < bytes; i += 64) {
        _mm512_stream_si512(reinterpret_cast<__m512i*>(target + i), load512(source + i));
    }
    _mm_sfence();
}

inline uint64_t sum_lanes(__m512i v) {
    alignas(64) uint64_t lanes[8];
    store512(lanes, v);
    uint64_t sum = 0;
    for (uint64_t lane : lanes) sum += lane;
    return sum;
}

// Eight words at a time: in lane j, ones from max(0, first - 64 j) up to max(0, last - 64 j), where
// a shift by 64 or more leaves nothing. Most runs need one step, so no branch is hard to predict.
void set_runs_u32(uint64_t* bits, const uint32_t* flips, size_t n, uint32_t base) {
    const __m512i lanes = _mm512_set_epi64(448, 384, 320, 256, 192, 128, 64, 0);
    const __m512i zero = _mm512_setzero_si512(), ones = _mm512_set1_epi64(-1);
    for (size_t i = 0; i < n; ++i) {
        int64_t first = flips[2 * i] - base, last = flips[2 * i + 1] - base;
        uint64_t* words = bits + first / 64;
        last -= first & ~int64_t{63};
        first &= 63;
        do {
            const __m512i from =
                _mm512_max_epi64(_mm512_sub_epi64(_mm512_set1_epi64(first), lanes), zero);
            const __m512i upto =
                _mm512_max_epi64(_mm512_sub_epi64(_mm512_set1_epi64(last), lanes), zero);
            const __m512i run =
                _mm512_andnot_si512(_mm512_sllv_epi64(ones, upto), _mm512_sllv_epi64(ones, from));
            store512(words, _mm512_or_si512(load512(words), run));
            words += 8;
            first = 0;
            last -= 512;
        } while (last > 0);
    }
}

uint64_t count_vectors(const uint64_t* a, size_t words) {
    __m512i sum = _mm512_setzero_si512();
    size_t w = 0;
    for (; w + 8 <= words; w += 8) sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(load512(a + w)));
    return sum_lanes(sum) + count_bits(a + w, words - w);
}

uint64_t count_common_vectors(const uint64_t* a, const uint64_t* b, size_t words) {
    __m512i sum = _mm512_setzero_si512();
    size_t w = 0;
    for (; w + 8 <= words; w += 8) {
        const __m512i common = _mm512_and_si512(load512(a + w), load512(b + w));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(common));
    }
    return sum_lanes(sum) + count_common(a + w, b + w, words - w);
}

uint64_t overlap_thirty_two(const uint16_t* a_start, const uint16_t* a_end, const uint16_t* b_start,
                            const uint16_t* b_end, size_t n) {
    const __m512i ones = _mm512_set1_epi16(1);
    uint64_t total = 0;
    for (size_t i = 0; i < n;) {
        // A 32-bit lane grows by less than 2**16 per step: it can hold 2**14 steps.
        const size_t stop = n - i > (size_t{1} << 19) ? i + (size_t{1} << 19) : n;
        __m512i sum = _mm512_setzero_si512();
        for (; i < stop; i += 32) {
            const __m512i start = _mm512_max_epu16(load512(a_start + i), load512(b_start + i));
            const __m512i end = _mm512_min_epu16(load512(a_end + i), load512(b_end + i));
            const __m512i common = _mm512_subs_epu16(end, start);
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(common, ones));
        }
        alignas(64) uint32_t lanes[16];
        store512(lanes, sum);
        for (uint32_t lane : lanes) total += lane;
    }
    return total;
}

void argmax_row_sixteen(const float* tops, const float* steps, size_t n, const uint32_t* ids,
                        size_t count, float fraction, uint32_t* labels) {
    const __m512 along = _mm512_set1_ps(fraction);
    for (size_t x = 0; x < n; x += 16) {
        __m512 best = _mm512_set1_ps(-INFINITY);
        __m512i label = _mm512_setzero_si512();
        for (size_t k = 0; k < count; ++k) {
            const __m512 step = _mm512_mul_ps(along, _mm512_loadu_ps(steps + k * n + x));
            const __m512 value = _mm512_add_ps(_mm512_loadu_ps(tops + k * n + x), step);
            const __mmask16 better = _mm512_cmp_ps_mask(value, best, _CMP_GT_OQ);
            best = _mm512_max_ps(value, best);
            label = _mm512_mask_set1_epi32(label, better, static_cast<int>(ids[k]));
        }
        store512(labels + x, label);
    }
}

Table make_table() {
    Table table = generic_table("avx512");
    table.pack_nonzero[0] = pack_nonzero_wide<uint8_t>;
    table.pack_nonzero[1] = pack_nonzero_wide<uint16_t>;
    table.pack_nonzero[2] = pack_nonzero_wide<uint32_t>;
    table.pack_nonzero[3] = pack_nonzero_wide<uint64_t>;
    table.pack_differ[0] = pack_differ_wide<uint8_t>;
    table.pack_differ[1] = pack_differ_wide<uint16_t>;
    table.pack_differ[2] = pack_differ_wide<uint32_t>;
    table.pack_differ[3] = pack_differ_wide<uint64_t>;
    table.pack_greater_f32 = pack_greater_floats;
    table.pack_greater_f64 = pack_greater_doubles;
    table.flips_between = places_between_bytes<false>;
    table.changes_between = places_between_bytes<true>;
    table.flips_in_parts = byte_places_in_parts<false>;
    table.changes_in_parts = byte_places_in_parts<true>;
    table.positions_u32 = positions_u32;
    table.read_counts = read_counts_wide;
    table.expand[0] = expand_bytes;
    table.expand[2] = expand_words;
    table.stream = stream_lines;
    table.set_runs_u32 = set_runs_u32;
    table.count_bits = count_vectors;
    table.count_common = count_common_vectors;
    table.overlap_columns = overlap_thirty_two;
    table.argmax_row = argmax_row_sixteen;
    table.transpose[0] = transpose_bytes;
    return table;
}

}  // namespace

SEGCORE_TARGET_END

const Table& avx512_table() {
    static const Table table = make_table();
    return table;
}

}  // namespace segcore::simd
#endif
