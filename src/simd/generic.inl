// Every leaf function in plain C++, to be included into the anonymous namespace of a variant, and
// so compiled for its instruction set. A variant replaces those that it can make faster.
//
// Values are read and written by memcpy: arrays need not be aligned.

template <class T>
inline T load(const void* values, size_t i) {
    T value;
    std::memcpy(&value, static_cast<const char*>(values) + i * sizeof(T), sizeof(T));
    return value;
}

template <class T>
inline void store(void* values, size_t i, T value) {
    std::memcpy(static_cast<char*>(values) + i * sizeof(T), &value, sizeof(T));
}

inline uint64_t low_bits(size_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

inline size_t lowest_bit(uint64_t word) {
#if defined(_MSC_VER)
    unsigned long index;
    _BitScanForward64(&index, word);
    return index;
#else
    return static_cast<size_t>(__builtin_ctzll(word));
#endif
}

inline uint64_t count_word(uint64_t x) {
#if defined(__POPCNT__) || defined(__aarch64__)
    return static_cast<uint64_t>(__builtin_popcountll(x));
#else
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (x * 0x0101010101010101u) >> 56;
#endif
}

// 64 flags of 0 or 1 to a word: the product moves the lowest bit of byte j to bit 56 + j.
inline uint64_t flags_to_word(const uint8_t* flags) {
    uint64_t word = 0;
    for (size_t j = 0; j < 8; ++j) {
        word |= (load<uint64_t>(flags, j) * 0x0102040810204080u) >> 56 << (8 * j);
    }
    return word;
}

template <class Test>
inline void pack(size_t n, uint64_t* bits, Test test) {
    uint8_t flags[64];
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        for (size_t j = 0; j < 64; ++j) flags[j] = test(i + j);
        bits[i / 64] = flags_to_word(flags);
    }
    if (i < n) {
        for (size_t j = 0; j < 64; ++j) flags[j] = i + j < n ? uint8_t{test(i + j)} : uint8_t{0};
        bits[i / 64] = flags_to_word(flags);
    }
}

template <class T>
void pack_nonzero(const void* values, size_t n, uint64_t* bits) {
    pack(n, bits, [values](size_t i) { return load<T>(values, i) != 0; });
}

template <class T>
void pack_differ(const void* a, const void* b, size_t n, uint64_t* bits) {
    pack(n, bits, [a, b](size_t i) { return load<T>(a, i) != load<T>(b, i); });
}

template <class T>
void pack_at_least(const void* values, size_t n, uint64_t lowest, uint64_t* bits) {
    const T limit = static_cast<T>(lowest);
    pack(n, bits, [values, limit](size_t i) { return load<T>(values, i) >= limit; });
}

void pack_greater_f16(const void* values, size_t n, int16_t limit, uint64_t* bits) {
    pack(n, bits, [values, limit](size_t i) {
        const int16_t value = load<int16_t>(values, i);
        const int16_t key = static_cast<int16_t>(value ^ ((value >> 15) & 0x7fff));
        return static_cast<uint8_t>((key > limit) & (key <= 0x7c00));
    });
}

template <class T>
void pack_greater(const T* values, size_t n, T threshold, uint64_t* bits) {
    pack(n, bits, [values, threshold](size_t i) { return load<T>(values, i) > threshold; });
}

template <class T>
size_t positions(const uint64_t* bits, size_t words, T base, T* out) {
    size_t count = 0;
    for (size_t w = 0; w < words; ++w, base += 64) {
        for (uint64_t word = bits[w]; word; word &= word - 1) {
            out[count++] = static_cast<T>(base + lowest_bit(word));
        }
    }
    return count;
}

inline void prefetch(const void* at) {
#if !defined(_MSC_VER)
    __builtin_prefetch(at);
#else
    (void)at;
#endif
}

// The bytes, of at most 64, that are nonzero in exactly one of a and b; or that differ.
inline uint64_t flips_of(const void* a, const void* b, size_t n) {
    uint64_t in_a, in_b;
    pack_nonzero<uint8_t>(a, n, &in_a);
    pack_nonzero<uint8_t>(b, n, &in_b);
    return in_a ^ in_b;
}
inline uint64_t changes_of(const void* a, const void* b, size_t n) {
    uint64_t changes;
    pack_differ<uint8_t>(a, b, n, &changes);
    return changes;
}

template <uint64_t (*compare)(const void* a, const void* b, size_t n)>
size_t places_between(const void* a, const void* b, size_t n, uint32_t base, uint32_t* out) {
    const char* x = static_cast<const char*>(a);
    const char* y = static_cast<const char*>(b);
    size_t count = 0;
    for (size_t i = 0; i < n; i += 64) {
        const size_t length = n - i < 64 ? n - i : 64;
        const uint64_t places = compare(x + i, y + i, length);
        count += positions<uint32_t>(&places, 1, base + static_cast<uint32_t>(i), out + count);
    }
    return count;
}

// places(x, y) are those of 64 bytes each, as bits; write(places, base, out) writes them to `out`,
// and returns how many there are.
template <class Places, class Write>
inline void places_in_parts(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                            uint32_t** out, Places places, Write write) {
    const uint8_t* x = static_cast<const uint8_t*>(a);
    const uint8_t* y = static_cast<const uint8_t*>(b);
    uint32_t *out0 = out[0], *out1 = out[1], *out2 = out[2], *out3 = out[3];
    const uint32_t step = static_cast<uint32_t>(distance);
    for (; n > 0; n -= 64, x += 64, y += 64, base += 64) {
        const uint64_t in0 = places(x, y), in1 = places(x + distance, y + distance);
        const uint64_t in2 = places(x + 2 * distance, y + 2 * distance);
        const uint64_t in3 = places(x + 3 * distance, y + 3 * distance);
        if (!(in0 | in1 | in2 | in3)) continue;
        if (in0) out0 += write(in0, base, out0);
        if (in1) out1 += write(in1, base + step, out1);
        if (in2) out2 += write(in2, base + 2 * step, out2);
        if (in3) out3 += write(in3, base + 3 * step, out3);
    }
    out[0] = out0;
    out[1] = out1;
    out[2] = out2;
    out[3] = out3;
}

template <uint64_t (*compare)(const void* a, const void* b, size_t n)>
void places_in_parts(const void* a, const void* b, size_t distance, size_t n, uint32_t base,
                     uint32_t** out) {
    places_in_parts(
        a, b, distance, n, base, out,
        [](const uint8_t* x, const uint8_t* y) { return compare(x, y, 64); },
        [](uint64_t places, uint32_t first, uint32_t* to) {
            return positions<uint32_t>(&places, 1, first, to);
        });
}

// Five bits of each of eight characters, side by side.
inline uint64_t join_groups(uint64_t x) {
    x = (x & 0x001f001f001f001fu) | (x & 0x1f001f001f001f00u) >> 3;
    x = (x & 0x000003ff000003ffu) | (x & 0x03ff000003ff0000u) >> 6;
    return (x & 0x00000000000fffffu) | (x & 0x000fffff00000000u) >> 12;
}

// The characters that end a count are found 64 at a time, so that where a count starts is known
// without having read the one before it, and no branch depends on how long a count is.
Table::CountsRead read_counts(const uint8_t* string, size_t n, int64_t* counts) {
    unsigned excess = 0;
    for (size_t i = 0; i < n; ++i) excess |= static_cast<uint8_t>(string[i] - 48) & 0xc0u;
    if (excess) return {0, 0};
    size_t count = 0, start = 0;
    for (size_t block = 0; block < n; block += 64) {
        uint64_t more;  // characters that are followed by another one of the same count
        const size_t length = n - block < 64 ? n - block : 64;
        pack_at_least<uint8_t>(string + block, length, 48 + 32, &more);
        for (uint64_t ends = ~more & low_bits(length); ends; ends &= ends - 1) {
            const size_t next = block + lowest_bit(ends) + 1, groups = next - start;
            if (groups > 8) return {count, start};
            uint64_t characters = 0x3030303030303030u;
            if (n - start >= 8) {
                std::memcpy(&characters, string + start, 8);
            } else {
                std::memcpy(&characters, string + start, n - start);
            }
            // Shift the sign to the top and back, and with it whatever follows the count.
            const uint64_t bits = join_groups(characters - 0x3030303030303030u);
            const size_t unused = 64 - 5 * groups;
            counts[count++] = static_cast<int64_t>(bits << unused) >> unused;
            start = next;
        }
    }
    return {count, start};
}

template <class T>
void expand(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    const T value = static_cast<T>(one);
    for (size_t i = 0; i < n; ++i) {
        const T mask = static_cast<T>(T{0} - static_cast<T>((bits[i / 64] >> (i % 64)) & 1));
        store<T>(out, i, static_cast<T>(mask & value));
    }
}

// Eight bits to eight bytes: copy them to every byte, keep one in each, and carry it to the top
// bit.
void expand_eights(const uint64_t* bits, size_t n, uint64_t one, void* out) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word =
            (bits[i / 64] >> (i % 64) & 255) * 0x0101010101010101u & 0x8040201008040201u;
        word = ((word & 0x7f7f7f7f7f7f7f7fu) + 0x7f7f7f7f7f7f7f7fu) | word;
        store<uint64_t>(out, i / 8, (word >> 7 & 0x0101010101010101u) * (one & 255));
    }
    if (i < n) {
        const uint64_t rest = bits[i / 64] >> (i % 64);
        expand<uint8_t>(&rest, n - i, one, static_cast<char*>(out) + i);
    }
}

void stream(const void* from, void* to, size_t bytes) { std::memcpy(to, from, bytes); }

// Swap ever smaller off-diagonal blocks: 32 x 32, 16 x 16, ... 1 x 1.
void transpose_bits(const uint64_t* rows, uint64_t* columns) {
    uint64_t m[64];
    std::memcpy(m, rows, sizeof(m));
    uint64_t mask = 0x00000000ffffffffu;
    for (size_t step = 32; step; step /= 2, mask ^= mask << step) {
        for (size_t i = 0; i < 64; i += 2 * step) {
            for (size_t j = i; j < i + step; ++j) {
                const uint64_t swap = ((m[j] >> step) ^ m[j + step]) & mask;
                m[j + step] ^= swap;
                m[j] ^= swap << step;
            }
        }
    }
    std::memcpy(columns, m, sizeof(m));
}

template <class T>
void set_runs(uint64_t* bits, const T* flips, size_t n, T base) {
    for (size_t i = 0; i < n; ++i) {
        const size_t first = static_cast<size_t>(flips[2 * i] - base);
        const size_t last = static_cast<size_t>(flips[2 * i + 1] - base) - 1;
        const uint64_t head = ~uint64_t{0} << first % 64, tail = ~uint64_t{0} >> (63 - last % 64);
        size_t w = first / 64;
        if (w == last / 64) {
            bits[w] |= head & tail;
            continue;
        }
        bits[w++] |= head;
        for (; w < last / 64; ++w) bits[w] = ~uint64_t{0};
        bits[w] |= tail;
    }
}

uint64_t count_bits(const uint64_t* a, size_t words) {
    uint64_t count = 0;
    for (size_t w = 0; w < words; ++w) count += count_word(a[w]);
    return count;
}

uint64_t count_common(const uint64_t* a, const uint64_t* b, size_t words) {
    uint64_t count = 0;
    for (size_t w = 0; w < words; ++w) count += count_word(a[w] & b[w]);
    return count;
}

uint64_t overlap_columns(const uint16_t* a_start, const uint16_t* a_end, const uint16_t* b_start,
                         const uint16_t* b_end, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint16_t start = a_start[i] > b_start[i] ? a_start[i] : b_start[i];
        const uint16_t end = a_end[i] < b_end[i] ? a_end[i] : b_end[i];
        sum += end > start ? static_cast<uint64_t>(end - start) : 0;
    }
    return sum;
}

template <class T>
void recolor(const uint8_t* __restrict codes, size_t n, uint64_t origin, void* __restrict out) {
    const T start = static_cast<T>(origin);
    for (size_t i = 0; i < n; ++i) {
        const T old = load<T>(out, i), painted = static_cast<T>(start + codes[i]);
        store<T>(out, i, codes[i] ? painted : old);
    }
}

void drop_beaten(const float* const* scores, size_t n, size_t by, uint32_t* __restrict alive) {
    const float* const __restrict a = scores[0];
    const float* const __restrict b = scores[1];
    const float* const __restrict c = scores[2];
    const float* const __restrict d = scores[3];
    const float in_a = a[by], in_b = b[by], in_c = c[by], in_d = d[by];
    const int32_t own = static_cast<int32_t>(by), end = static_cast<int32_t>(n);
    for (int32_t k = 0; k < end; ++k) {
        const bool less = (a[k] < in_a) & (b[k] < in_b) & (c[k] < in_c) & (d[k] < in_d);
        const bool none = (a[k] <= in_a) & (b[k] <= in_b) & (c[k] <= in_c) & (d[k] <= in_d);
        alive[k] &= less | (none & (k > own)) ? 0u : 1u;
    }
}

void argmax_row(const float* __restrict tops, const float* __restrict steps, size_t n,
                const uint32_t* __restrict ids, size_t count, float fraction,
                uint32_t* __restrict labels) {
    constexpr size_t kMost = 64;  // at a time, so that compilers see loops to vectorise
    float best[kMost];
    for (size_t x = 0; x < n; x += kMost) {
        const size_t count_x = n - x < kMost ? n - x : kMost;
        for (size_t i = 0; i < count_x; ++i) {
            best[i] = tops[x + i] + fraction * steps[x + i];
            labels[x + i] = ids[0];
        }
        for (size_t k = 1; k < count; ++k) {
            const float* const __restrict top = tops + k * n + x;
            const float* const __restrict step = steps + k * n + x;
            const uint32_t id = ids[k];
            for (size_t i = 0; i < count_x; ++i) {
                const float value = top[i] + fraction * step[i];
                labels[x + i] = value > best[i] ? id : labels[x + i];
                best[i] = value > best[i] ? value : best[i];
            }
        }
    }
}

template <class T>
void transpose(const void* in, size_t in_stride, void* out) {
    for (size_t r0 = 0; r0 < 64; r0 += 8) {
        for (size_t c = 0; c < 64; ++c) {
            for (size_t r = r0; r < r0 + 8; ++r) {
                store<T>(out, r * 64 + c, load<T>(in, c * in_stride + r));
            }
        }
    }
}

// The table of all of these, for a variant to change.
inline Table generic_table(const char* name) {
    return {
        name,
        {pack_nonzero<uint8_t>, pack_nonzero<uint16_t>, pack_nonzero<uint32_t>,
         pack_nonzero<uint64_t>},
        {pack_at_least<uint8_t>, pack_at_least<int8_t>, pack_at_least<uint16_t>,
         pack_at_least<int16_t>, pack_at_least<uint32_t>, pack_at_least<int32_t>,
         pack_at_least<uint64_t>, pack_at_least<int64_t>},
        pack_greater_f16,
        pack_greater<float>,
        pack_greater<double>,
        {pack_differ<uint8_t>, pack_differ<uint16_t>, pack_differ<uint32_t>, pack_differ<uint64_t>},
        places_between<flips_of>,
        places_between<changes_of>,
        places_in_parts<flips_of>,
        places_in_parts<changes_of>,
        positions<uint32_t>,
        positions<uint64_t>,
        read_counts,
        {expand_eights, expand<uint16_t>, expand<uint32_t>, expand<uint64_t>},
        stream,
        transpose_bits,
        set_runs<uint32_t>,
        set_runs<uint64_t>,
        count_bits,
        count_common,
        overlap_columns,
        {recolor<uint8_t>, recolor<uint16_t>, recolor<uint32_t>, recolor<uint64_t>},
        drop_beaten,
        argmax_row,
        {transpose<uint8_t>, transpose<uint16_t>, transpose<uint32_t>, transpose<uint64_t>},
    };
}
