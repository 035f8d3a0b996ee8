// NEON: every 64-bit ARM processor.
#include "variants.hpp"

#ifdef SEGCORE_NEON
#include <arm_neon.h>

#include <cstring>

namespace segcore::simd {

namespace {

#include "generic.inl"

// 64 bytes of 0 or 255 to a word: keep one bit per byte, then add neighbours three times.
inline uint64_t mask_to_word(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    const uint8x16_t ab = vpaddq_u8(vandq_u8(a, bit), vandq_u8(b, bit));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(c, bit), vandq_u8(d, bit));
    const uint8x16_t abcd = vpaddq_u8(ab, cd);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(abcd, abcd)), 0);
}

void pack_nonzero_bytes(const void* values, size_t n, uint64_t* bits) {
    const uint8_t* v = static_cast<const uint8_t*>(values);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const uint8x16_t a = vld1q_u8(v + i), b = vld1q_u8(v + i + 16);
        const uint8x16_t c = vld1q_u8(v + i + 32), d = vld1q_u8(v + i + 48);
        bits[i / 64] = mask_to_word(vtstq_u8(a, a), vtstq_u8(b, b), vtstq_u8(c, c), vtstq_u8(d, d));
    }
    if (i < n) pack_nonzero<uint8_t>(v + i, n - i, bits + i / 64);
}

void pack_differ_bytes(const void* a, const void* b, size_t n, uint64_t* bits) {
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        uint8x16_t equal[4];
        for (size_t j = 0; j < 4; ++j) {
            equal[j] = vceqq_u8(vld1q_u8(x + i + 16 * j), vld1q_u8(y + i + 16 * j));
        }
        bits[i / 64] = ~mask_to_word(equal[0], equal[1], equal[2], equal[3]);
    }
    if (i < n) pack_differ<uint8_t>(x + i, y + i, n - i, bits + i / 64);
}

void expand_bytes(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    const uint8x16_t value = vdupq_n_u8(static_cast<uint8_t>(one));
    uint8_t* to = static_cast<uint8_t*>(out);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const uint64_t word = bits[i / 64] >> (i % 64);
        const uint8x16_t bytes = vcombine_u8(vdup_n_u8(static_cast<uint8_t>(word)),
                                             vdup_n_u8(static_cast<uint8_t>(word >> 8)));
        vst1q_u8(to + i, vandq_u8(vtstq_u8(bytes, bit), value));
    }
    for (; i < n; ++i) {
        to[i] = bits[i / 64] >> (i % 64) & 1 ? static_cast<uint8_t>(one) : uint8_t{0};
    }
}

uint64_t overlap_eight(const uint16_t* a_start, const uint16_t* a_end, const uint16_t* b_start,
                       const uint16_t* b_end, size_t n) {
    uint64_t total = 0;
    for (size_t i = 0; i < n;) {
        // A 32-bit lane grows by less than 2**16 per step: it can hold 2**14 steps.
        const size_t stop = n - i > (size_t{1} << 17) ? i + (size_t{1} << 17) : n;
        uint32x4_t sum = vdupq_n_u32(0);
        for (; i < stop; i += 8) {
            const uint16x8_t start = vmaxq_u16(vld1q_u16(a_start + i), vld1q_u16(b_start + i));
            const uint16x8_t end = vminq_u16(vld1q_u16(a_end + i), vld1q_u16(b_end + i));
            sum = vpadalq_u16(sum, vqsubq_u16(end, start));
        }
        total += vaddlvq_u32(sum);
    }
    return total;
}

Table make_table() {
    Table table = generic_table("neon");
    table.pack_nonzero[0] = pack_nonzero_bytes;
    table.pack_differ[0] = pack_differ_bytes;
    table.expand[0] = expand_bytes;
    table.overlap_columns = overlap_eight;
    return table;
}

}  // namespace

const Table& neon_table() {
    static const Table table = make_table();
    return table;
}

}  // namespace segcore::simd
#endif
