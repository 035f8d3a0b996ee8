// AVX2, BMI and POPCNT: x86-64 processors since 2013 (Haswell) and 2015 (Excavator).
#include "variants.hpp"

#ifdef SEGCORE_X86
#include <immintrin.h>

#include <cmath>
#include <cstring>

namespace segcore::simd {

SEGCORE_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")

namespace {

#include "generic.inl"
#include "sse_transpose.inl"

inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store256(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }

inline uint64_t equal_bytes(__m256i a, __m256i b) {
    return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)));
}

inline uint64_t differ_word(const uint8_t* a, const uint8_t* b) {
    return ~(equal_bytes(load256(a), load256(b)) | equal_bytes(load256(a + 32), load256(b + 32))
                                                       << 32);
}

inline uint64_t nonzero_word(const uint8_t* a) {
    const __m256i zero = _mm256_setzero_si256();
    return ~(equal_bytes(load256(a), zero) | equal_bytes(load256(a + 32), zero) << 32);
}

void pack_nonzero_bytes(const void* values, size_t n, uint64_t* bits) {
    const uint8_t* bytes = static_cast<const uint8_t*>(values);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) bits[i / 64] = nonzero_word(bytes + i);
    if (i < n) pack_nonzero<uint8_t>(bytes + i, n - i, bits + i / 64);
}

void pack_differ_bytes(const void* a, const void* b, size_t n, uint64_t* bits) {
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) bits[i / 64] = differ_word(x + i, y + i);
    if (i < n) pack_differ<uint8_t>(x + i, y + i, n - i, bits + i / 64);
}

void pack_differ_words(const void* a, const void* b, size_t n, uint64_t* bits) {
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t equal = 0;
        for (size_t j = 0; j < 8; ++j) {
            const size_t at = 4 * i + 32 * j;
            const __m256i same = _mm256_cmpeq_epi32(load256(x + at), load256(y + at));
            const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(same));
            equal |= static_cast<uint64_t>(mask) << (8 * j);
        }
        bits[i / 64] = ~equal;
    }
    if (i < n) pack_differ<uint32_t>(x + 4 * i, y + 4 * i, n - i, bits + i / 64);
}

void pack_greater_floats(const float* values, size_t n, float threshold, uint64_t* bits) {
    const __m256 limit = _mm256_set1_ps(threshold);
    const char* at = reinterpret_cast<const char*>(values);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (size_t j = 0; j < 8; ++j) {
            const __m256 v = _mm256_castsi256_ps(load256(at + 4 * i + 32 * j));
            const int mask = _mm256_movemask_ps(_mm256_cmp_ps(v, limit, _CMP_GT_OQ));
            word |= static_cast<uint64_t>(mask) << (8 * j);
        }
        bits[i / 64] = word;
    }
    if (i < n) {
        pack(n - i, bits + i / 64,
             [at, i, threshold](size_t j) { return load<float>(at, i + j) > threshold; });
    }
}

// For each byte, the positions of its set bits, the first in the lowest byte.
struct BytePositions {
    uint64_t of[256];
    constexpr BytePositions() : of() {
        for (unsigned byte = 0; byte < 256; ++byte) {
            uint64_t packed = 0;
            unsigned count = 0;
            for (unsigned bit = 0; bit < 8; ++bit) {
                if (byte >> bit & 1) packed |= static_cast<uint64_t>(bit) << (8 * count++);
            }
            of[byte] = packed;
        }
    }
};
constexpr BytePositions kBytePositions;

// Eight bits at a time: look up their positions, widen and store all eight, count the set bits.
inline size_t word_positions(uint64_t word, uint32_t base, uint32_t* out) {
    const size_t set = static_cast<size_t>(_mm_popcnt_u64(word));
    if (set <= 8) {
        for (; word; word &= word - 1) *out++ = base + static_cast<uint32_t>(_tzcnt_u64(word));
        return set;
    }
    for (uint32_t j = 0; j < 64; j += 8, word >>= 8) {
        const int64_t packed = static_cast<int64_t>(kBytePositions.of[word & 255]);
        const __m256i at = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(packed));
        store256(out, _mm256_add_epi32(at, _mm256_set1_epi32(static_cast<int>(base + j))));
        out += _mm_popcnt_u64(word & 255);
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
inline uint64_t places_of(const uint8_t* x, const uint8_t* y) {
    return by_value ? differ_word(x, y) : nonzero_word(x) ^ nonzero_word(y);
}

// Hardware prefetching stops at the end of a page; prefetching ahead keeps reading at full speed.
template <bool by_value>
size_t places_between_bytes(const void* a, const void* b, size_t n, uint32_t base, uint32_t* out) {
    constexpr size_t kAhead = 8192;
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    size_t count = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        __builtin_prefetch(x + i + kAhead);
        const uint64_t places = places_of<by_value>(x + i, y + i);
        if (places) count += word_positions(places, base + static_cast<uint32_t>(i), out + count);
    }
    if (i == n) return count;
    const uint32_t rest = base + static_cast<uint32_t>(i);
    constexpr auto compare = by_value ? changes_of : flips_of;
    return count + places_between<compare>(x + i, y + i, n - i, rest, out + count);
}

template <bool by_value>
void byte_places_in_parts(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                          uint32_t** out) {
    places_in_parts(a, b, distance, n, base, out, places_of<by_value>, word_positions);
}

// The counts of one or two characters that eight characters begin with, for each set of those that
// another one follows. `shuffle` brings the two characters of a count into the two bytes of its
// lane.
struct CountGroups {
    uint8_t shuffle[256][16];
    uint8_t counts[256], characters[256];
};

constexpr CountGroups make_count_groups() {
    CountGroups groups{};
    for (unsigned more = 0; more < 256; ++more) {
        unsigned lane = 0, at = 0;
        while (at < 8) {
            const unsigned length = (more >> at & 1) + 1;
            if (at + length > 8 || more >> (at + length - 1) & 1) break;
            groups.shuffle[more][2 * lane] = static_cast<uint8_t>(at);
            groups.shuffle[more][2 * lane + 1] =
                static_cast<uint8_t>(length == 2 ? at + 1 : 0x80);  // 0x80: zero
            at += length;
            ++lane;
        }
        groups.counts[more] = static_cast<uint8_t>(lane);
        groups.characters[more] = static_cast<uint8_t>(at);
        for (; lane < 8; ++lane) {
            groups.shuffle[more][2 * lane] = groups.shuffle[more][2 * lane + 1] = 0x80;
        }
    }
    return groups;
}

constexpr CountGroups kCountGroups = make_count_groups();

// Write the counts of a group to the first of eight lanes.
void join_group(const uint8_t* string, size_t group, int64_t* counts) {
    const __m128i shuffle =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(kCountGroups.shuffle[group]));
    __m128i x = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(string));
    x = _mm_and_si128(_mm_xor_si128(x, _mm_set1_epi8(16)), _mm_set1_epi8(31));  // less 48
    x = _mm_maddubs_epi16(_mm_shuffle_epi8(x, shuffle), _mm_set1_epi16(0x2001));
    // Extend the sign, which is bit 9 of two characters and bit 4 of one.
    const __m128i two = _mm_cmpgt_epi16(shuffle, _mm_set1_epi16(-1));
    const __m128i sign =
        _mm_xor_si128(_mm_and_si128(two, _mm_set1_epi16(512 ^ 16)), _mm_set1_epi16(16));
    x = _mm_sub_epi16(_mm_xor_si128(x, sign), sign);
    store256(counts, _mm256_cvtepi16_epi64(x));
    store256(counts + 4, _mm256_cvtepi16_epi64(_mm_unpackhi_epi64(x, x)));
}

int64_t join_count(const uint8_t* string, size_t length) {
    uint64_t value = 0;
    for (size_t i = 0; i < length; ++i) value |= uint64_t{(string[i] - 48u) & 31} << 5 * i;
    const uint64_t sign = uint64_t{1} << (5 * length - 1);
    return static_cast<int64_t>((value ^ sign) - sign);
}

// Counts are read in groups of those that eight characters hold, whose lengths index a table: no
// branch depends on them, except for counts of three characters or more, which are read one by one.
Table::CountsRead read_counts_grouped(const uint8_t* string, size_t n, int64_t* counts) {
    const __m256i zero = _mm256_set1_epi8(48), excess = _mm256_set1_epi8(static_cast<char>(0xc0));
    size_t count = 0, start = 0;
    while (start < n) {
        const size_t length = n - start < 64 ? n - start : 64;
        alignas(32) uint8_t copy[64 + 8];
        const uint8_t* block = string + start;
        if (length < 64) {
            std::memset(copy, 48, sizeof(copy));
            std::memcpy(copy, block, length);
            block = copy;
        }
        const __m256i low = _mm256_sub_epi8(load256(block), zero);
        const __m256i high = _mm256_sub_epi8(load256(block + 32), zero);
        if (!_mm256_testz_si256(_mm256_or_si256(low, high), excess)) return {0, 0};
        // Bit 5 of a character is set if another one follows.
        const auto more_of = [](__m256i v) {
            return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(v, 2)))};
        };
        const uint64_t more = more_of(low) | more_of(high) << 32;
        // Of a whole block, the last eight characters are left to the next one.
        const size_t stop = length < 64 ? length : 57;
        size_t at = 0, found = count;
        bool is_overlong = false;
        while (at < stop) {
            const size_t group = more >> at & 0xff;
            if (const size_t here = kCountGroups.counts[group]) {
                join_group(block + at, group, counts + found);
                found += here;
                at += kCountGroups.characters[group];
                continue;
            }
            const size_t characters = lowest_bit(~(more >> at) | 256) + 1;
            is_overlong = characters > 8;
            if (is_overlong || at + characters > length) break;
            counts[found++] = join_count(block + at, characters);
            at += characters;
        }
        if (length < 64 && !is_overlong) {
            // The padding was read, too.
            const uint64_t ends = ~more & low_bits(length);
            count += static_cast<size_t>(_mm_popcnt_u64(ends));
            const size_t read = ends ? 64 - static_cast<size_t>(__builtin_clzll(ends)) : 0;
            return {count, start + read};
        }
        count = found;
        start += at;
        if (is_overlong) break;
    }
    return {count, start};
}

void expand_bytes(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i select = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201u));
    const __m256i value = _mm256_set1_epi8(static_cast<char>(one));
    uint8_t* to = static_cast<uint8_t*>(out);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const uint32_t half = static_cast<uint32_t>(bits[i / 64] >> (i % 64));
        const __m256i bytes =
            _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(half)), spread);
        const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, select), select);
        store256(to + i, _mm256_and_si256(set, value));
    }
    for (; i < n; ++i) {
        to[i] = bits[i / 64] >> (i % 64) & 1 ? static_cast<uint8_t>(one) : uint8_t{0};
    }
}

void stream_lines(const void* from, void* to, size_t bytes) {
    const char* source = static_cast<const char*>(from);
    char* target = static_cast<char*>(to);
    for (size_t i = 0; i < bytes; i += 32) {
        _mm256_stream_si256(reinterpret_cast<__m256i*>(target + i), load256(source + i));
    }
    _mm_sfence();
}

uint64_t overlap_sixteen(const uint16_t* a_start, const uint16_t* a_end, const uint16_t* b_start,
                         const uint16_t* b_end, size_t n) {
    const __m256i ones = _mm256_set1_epi16(1);
    uint64_t total = 0;
    for (size_t i = 0; i < n;) {
        // A 32-bit lane grows by less than 2**16 per step: it can hold 2**14 steps.
        const size_t stop = n - i > (size_t{1} << 18) ? i + (size_t{1} << 18) : n;
        __m256i sum = _mm256_setzero_si256();
        for (; i < stop; i += 16) {
            const __m256i start = _mm256_max_epu16(load256(a_start + i), load256(b_start + i));
            const __m256i end = _mm256_min_epu16(load256(a_end + i), load256(b_end + i));
            const __m256i common = _mm256_subs_epu16(end, start);
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(common, ones));
        }
        alignas(32) uint32_t lanes[8];
        store256(lanes, sum);
        for (uint32_t lane : lanes) total += lane;
    }
    return total;
}

void argmax_row_eight(const float* tops, const float* steps, size_t n, const uint32_t* ids,
                      size_t count, float fraction, uint32_t* labels) {
    const __m256 along = _mm256_set1_ps(fraction);
    for (size_t x = 0; x < n; x += 8) {
        __m256 best = _mm256_set1_ps(-INFINITY);
        __m256 label = _mm256_setzero_ps();
        for (size_t k = 0; k < count; ++k) {
            const __m256 step = _mm256_mul_ps(along, _mm256_loadu_ps(steps + k * n + x));
            const __m256 value = _mm256_add_ps(_mm256_loadu_ps(tops + k * n + x), step);
            const __m256 better = _mm256_cmp_ps(value, best, _CMP_GT_OQ);
            const __m256i id = _mm256_set1_epi32(static_cast<int>(ids[k]));
            best = _mm256_max_ps(value, best);
            label = _mm256_blendv_ps(label, _mm256_castsi256_ps(id), better);
        }
        store256(labels + x, _mm256_castps_si256(label));
    }
}

Table make_table() {
    Table table = generic_table("avx2");
    table.pack_nonzero[0] = pack_nonzero_bytes;
    table.pack_differ[0] = pack_differ_bytes;
    table.pack_differ[2] = pack_differ_words;
    table.pack_greater_f32 = pack_greater_floats;
    table.flips_between = places_between_bytes<false>;
    table.changes_between = places_between_bytes<true>;
    table.flips_in_parts = byte_places_in_parts<false>;
    table.changes_in_parts = byte_places_in_parts<true>;
    table.positions_u32 = positions_u32;
    table.read_counts = read_counts_grouped;
    table.expand[0] = expand_bytes;
    table.stream = stream_lines;
    table.overlap_columns = overlap_sixteen;
    table.argmax_row = argmax_row_eight;
    table.transpose[0] = transpose_bytes;
    return table;
}

}  // namespace

SEGCORE_TARGET_END

const Table& avx2_table() {
    static const Table table = make_table();
    return table;
}

}  // namespace segcore::simd
#endif
