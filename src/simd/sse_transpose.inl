// Transposing bytes with the registers of the x86-64 baseline; AVX2 and AVX-512 include it.

// 16 x 16 bytes: four rounds of interleaving the lower half of the registers with the upper half.
inline void transpose_16x16(const uint8_t* in, size_t in_stride, uint8_t* out, size_t out_stride) {
    __m128i a[16], b[16];
    for (size_t i = 0; i < 16; ++i) {
        a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i * in_stride));
    }
    for (int round = 0; round < 2; ++round) {
        for (size_t i = 0; i < 8; ++i) {
            b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]);
            b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
        }
        for (size_t i = 0; i < 8; ++i) {
            a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 8]);
            a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 8]);
        }
    }
    for (size_t i = 0; i < 16; ++i) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * out_stride), a[i]);
    }
}

void transpose_bytes(const void* in, size_t in_stride, void* out) {
    const uint8_t* from = static_cast<const uint8_t*>(in);
    uint8_t* to = static_cast<uint8_t*>(out);
    for (size_t r = 0; r < 64; r += 16) {
        for (size_t c = 0; c < 64; c += 16) {
            transpose_16x16(from + c * in_stride + r, in_stride, to + r * 64 + c, 64);
        }
    }
}
