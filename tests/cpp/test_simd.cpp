// Every leaf function of every variant against brute force, on lengths around those of words and
// vectors, with nothing aligned, and with canaries behind what is written.
#include <cmath>
#include <cstring>
#include <limits>

#include "masks.hpp"

namespace segcore::test {

namespace {

const std::vector<size_t>& lengths() {
    static const std::vector<size_t> all = [] {
        std::vector<size_t> lengths;
        for (size_t n = 0; n <= 130; ++n) lengths.push_back(n);
        for (size_t n : {191u, 192u, 193u, 511u, 512u, 513u, 4095u, 4096u, 4097u})
            lengths.push_back(n);
        return lengths;
    }();
    return all;
}

template <class Body>
void for_each_length(Body body) {
    for_each_variant([&](const simd::Table& simd) {
        for (size_t n : lengths()) {
            const Note note("length:", {static_cast<int64_t>(n)});
            Random random(n + 1);
            body(simd, n, random);
        }
    });
}

// Values that begin at an odd address and end where the memory does.
template <class V>
class Unaligned {
   public:
    explicit Unaligned(const std::vector<V>& values) : memory_(1 + values.size() * sizeof(V)) {
        if (!values.empty())
            std::memcpy(memory_.data() + 1, values.data(), values.size() * sizeof(V));
    }
    V* data() { return reinterpret_cast<V*>(memory_.data() + 1); }
    std::vector<V> values() const {
        std::vector<V> values((memory_.size() - 1) / sizeof(V));
        if (!values.empty()) {
            std::memcpy(values.data(), memory_.data() + 1, values.size() * sizeof(V));
        }
        return values;
    }

   private:
    std::vector<uint8_t> memory_;
};

constexpr uint64_t kCanary = 0xfeedfacecafebeefu;

// n values to write, and canaries behind them.
template <class V>
class Guarded {
   public:
    explicit Guarded(size_t n) : values_(n + kGuard, static_cast<V>(kCanary)), n_(n) {}
    V* data() { return values_.data(); }
    std::vector<V> values() const { return first(n_); }
    std::vector<V> first(size_t n) const {
        for (size_t i = n_; i < values_.size(); ++i) {
            CHECK_EQUAL(values_[i], static_cast<V>(kCanary));
        }
        return {values_.begin(), values_.begin() + static_cast<ptrdiff_t>(n)};
    }

   private:
    static constexpr size_t kGuard = 16;
    std::vector<V> values_;
    size_t n_;
};

size_t words_of(size_t n) { return (n + 63) / 64; }

bool bit(const std::vector<uint64_t>& bits, size_t i) { return bits[i / 64] >> i % 64 & 1; }

template <class IsSet>
std::vector<uint64_t> packed(size_t n, IsSet is_set) {
    std::vector<uint64_t> bits(words_of(n));
    for (size_t i = 0; i < n; ++i) bits[i / 64] |= uint64_t{is_set(i)} << i % 64;
    return bits;
}

// Words of all densities, those without bits and those full of them included.
std::vector<uint64_t> random_words(Random& random, size_t words) {
    std::vector<uint64_t> bits(words);
    for (uint64_t& word : bits) {
        word = random.bits();
        switch (random.below(6)) {
            case 0:
                word = 0;
                break;
            case 1:
                word = ~uint64_t{0};
                break;
            case 2:
                word &= random.bits() & random.bits() & random.bits();
                break;
            case 3:
                word |= random.bits() | random.bits();
                break;
            case 4:
                word = uint64_t{1} << random.below(64);
                break;
            default:
                break;
        }
    }
    return bits;
}

// Elements that are often 0, the same as others, or differ from them in one bit.
template <class V>
std::vector<V> random_elements(Random& random, size_t n) {
    std::vector<V> values(n);
    for (V& value : values) {
        switch (random.below(4)) {
            case 0:
                value = 0;
                break;
            case 1:
                value = static_cast<V>(uint64_t{1} << random.below(8 * sizeof(V)));
                break;
            case 2:
                value = static_cast<V>(random.between(0, 3) - 1);
                break;
            default:
                value = static_cast<V>(random.bits());
        }
    }
    return values;
}

TEST(simd_dispatch) {
    const auto& variants = simd::variants();
    CHECK(!variants.empty());
    CHECK_EQUAL(std::string(variants.back()->name), "scalar");
    for (const simd::Table* table : variants) CHECK(simd::find(table->name) == table);
    CHECK(simd::find("sse9") == nullptr);
}

// -- packing --------------------------------------------------------------------------------------

template <class V>
void check_pack_nonzero(const simd::Table& simd, size_t place, size_t n, Random& random) {
    const std::vector<V> values = random_elements<V>(random, n);
    Guarded<uint64_t> bits(words_of(n));
    simd.pack_nonzero[place](Unaligned<V>(values).data(), n, bits.data());
    CHECK_EQUAL(bits.values(), packed(n, [&](size_t i) { return values[i] != 0; }));
}

TEST(simd_pack_nonzero) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_pack_nonzero<uint8_t>(simd, 0, n, random);
        check_pack_nonzero<uint16_t>(simd, 1, n, random);
        check_pack_nonzero<uint32_t>(simd, 2, n, random);
        check_pack_nonzero<uint64_t>(simd, 3, n, random);
    });
}

template <class V>
void check_pack_differ(const simd::Table& simd, size_t place, size_t n, Random& random) {
    const std::vector<V> a = random_elements<V>(random, n);
    std::vector<V> b = a;
    for (V& value : b) {
        if (random.one_in(3)) value = static_cast<V>(value ^ V{1} << random.below(8 * sizeof(V)));
    }
    Guarded<uint64_t> bits(words_of(n));
    simd.pack_differ[place](Unaligned<V>(a).data(), Unaligned<V>(b).data(), n, bits.data());
    CHECK_EQUAL(bits.values(), packed(n, [&](size_t i) { return a[i] != b[i]; }));
}

TEST(simd_pack_differ) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_pack_differ<uint8_t>(simd, 0, n, random);
        check_pack_differ<uint16_t>(simd, 1, n, random);
        check_pack_differ<uint32_t>(simd, 2, n, random);
        check_pack_differ<uint64_t>(simd, 3, n, random);
    });
}

template <class V>
void check_pack_at_least(const simd::Table& simd, size_t place, size_t n, Random& random) {
    const std::vector<V> values = random_elements<V>(random, n);
    const V limits[] = {std::numeric_limits<V>::min(), std::numeric_limits<V>::max(), 0, 1,
                        static_cast<V>(random.bits())};
    for (V limit : limits) {
        Guarded<uint64_t> bits(words_of(n));
        simd.pack_at_least[place](Unaligned<V>(values).data(), n, static_cast<uint64_t>(limit),
                                  bits.data());
        CHECK_EQUAL(bits.values(), packed(n, [&](size_t i) { return values[i] >= limit; }));
    }
}

TEST(simd_pack_at_least) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_pack_at_least<uint8_t>(simd, 0, n, random);
        check_pack_at_least<int8_t>(simd, 1, n, random);
        check_pack_at_least<uint16_t>(simd, 2, n, random);
        check_pack_at_least<int16_t>(simd, 3, n, random);
        check_pack_at_least<uint32_t>(simd, 4, n, random);
        check_pack_at_least<int32_t>(simd, 5, n, random);
        check_pack_at_least<uint64_t>(simd, 6, n, random);
        check_pack_at_least<int64_t>(simd, 7, n, random);
    });
}

// The value of a float16, decoded by the rules of IEEE 754.
double half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31) value = fraction ? NAN : HUGE_VAL;
    return bits & 0x8000 ? -value : value;
}

int16_t half_key(uint16_t bits) {
    const int16_t value = static_cast<int16_t>(bits);
    return static_cast<int16_t>(value ^ (value >> 15 & 0x7fff));
}

TEST(simd_pack_greater_f16) {
    std::vector<uint16_t> all(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
    // Thresholds, -0 and NaN excepted, which the caller replaces.
    const uint16_t limits[] = {0x0000, 0x0001, 0x8001, 0x3800, 0xb800,
                               0x7bff, 0xfbff, 0x7c00, 0xfc00};
    for_each_variant([&](const simd::Table& simd) {
        for (uint16_t limit : limits) {
            Guarded<uint64_t> bits(words_of(all.size()));
            simd.pack_greater_f16(Unaligned<uint16_t>(all).data(), all.size(), half_key(limit),
                                  bits.data());
            CHECK_EQUAL(bits.values(), packed(all.size(), [&](size_t i) {
                            return half_value(all[i]) > half_value(limit);
                        }));
        }
    });
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        const std::vector<uint16_t> values = random_elements<uint16_t>(random, n);
        Guarded<uint64_t> bits(words_of(n));
        simd.pack_greater_f16(Unaligned<uint16_t>(values).data(), n, half_key(0x0001), bits.data());
        CHECK_EQUAL(bits.values(), packed(n, [&](size_t i) {
                        return half_value(values[i]) > half_value(0x0001);
                    }));
    });
}

template <class V, class Pack>
void check_pack_greater(Pack pack, size_t n, Random& random) {
    using Limits = std::numeric_limits<V>;
    const std::vector<V> special = {V{0},
                                    -V{0},
                                    Limits::infinity(),
                                    V{1},
                                    -V{1},
                                    -Limits::infinity(),
                                    Limits::max(),
                                    Limits::lowest(),
                                    Limits::quiet_NaN(),
                                    Limits::denorm_min(),
                                    -Limits::denorm_min()};
    std::vector<V> values(n);
    for (V& value : values) {
        value = random.one_in(2) ? random.pick(special) : static_cast<V>(random.unit() - 0.5);
    }
    for (V threshold : {V{0}, -V{0}, V(0.25), Limits::infinity(), -Limits::infinity(),
                        Limits::quiet_NaN(), -Limits::denorm_min()}) {
        Guarded<uint64_t> bits(words_of(n));
        pack(Unaligned<V>(values).data(), n, threshold, bits.data());
        CHECK_EQUAL(bits.values(), packed(n, [&](size_t i) { return values[i] > threshold; }));
    }
}

TEST(simd_pack_greater) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_pack_greater<float>(simd.pack_greater_f32, n, random);
        check_pack_greater<double>(simd.pack_greater_f64, n, random);
    });
}

// -- flips and positions --------------------------------------------------------------------------

void check_flips(const simd::Table& simd, const uint8_t* a, const uint8_t* b, size_t n,
                 uint32_t base) {
    std::vector<uint32_t> flips, changes;
    for (size_t i = 0; i < n; ++i) {
        const uint32_t place = base + static_cast<uint32_t>(i);
        if ((a[i] != 0) != (b[i] != 0)) flips.push_back(place);
        if (a[i] != b[i]) changes.push_back(place);
    }
    Guarded<uint32_t> out(64 * words_of(n));
    size_t count = simd.flips_between(a, b, n, base, out.data());
    CHECK_EQUAL(out.first(count), flips);
    count = simd.changes_between(a, b, n, base, out.data());
    CHECK_EQUAL(out.first(count), changes);
}

TEST(simd_flips_and_changes_between) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        const std::vector<uint8_t> a = random_elements<uint8_t>(random, n + 1);
        std::vector<uint8_t> b = a;
        for (uint8_t& byte : b) {
            if (random.one_in(4)) byte = random_elements<uint8_t>(random, 1)[0];
        }
        const uint32_t base = static_cast<uint32_t>(random.bits() >> 34);
        for (size_t shift : {0u, 1u}) {
            check_flips(simd, a.data() + shift, b.data() + shift, n, base);
            check_flips(simd, b.data() + shift, a.data() + 1 - shift, n, 0);
        }
        // Each byte against its neighbour in the same memory.
        check_flips(simd, a.data() + 1, a.data(), n, base);
        const std::vector<uint8_t> same(n, 7), zeros(n);
        check_flips(simd, same.data(), same.data(), n, base);
        check_flips(simd, same.data(), zeros.data(), n, base);
    });
}

// Four parts at once are what each of them is alone.
void check_parts(const simd::Table& simd, const std::vector<uint8_t>& bytes, size_t n,
                 size_t distance, bool by_value) {
    const auto between = by_value ? simd.changes_between : simd.flips_between;
    const auto in_parts = by_value ? simd.changes_in_parts : simd.flips_in_parts;
    const uint32_t base = 1000;
    std::vector<Guarded<uint32_t>> found(4, Guarded<uint32_t>(n));
    uint32_t* ends[4];
    for (size_t part = 0; part < 4; ++part) ends[part] = found[part].data();
    in_parts(bytes.data() + 1, bytes.data(), distance, n, base, ends);
    for (size_t part = 0; part < 4; ++part) {
        const uint8_t* at = bytes.data() + part * distance;
        Guarded<uint32_t> alone(n);
        const size_t count =
            between(at + 1, at, n, base + static_cast<uint32_t>(part * distance), alone.data());
        CHECK_EQUAL(static_cast<size_t>(ends[part] - found[part].data()), count);
        CHECK_EQUAL(found[part].first(count), alone.first(count));
    }
}

TEST(simd_flips_and_changes_in_parts) {
    for_each_variant([](const simd::Table& simd) {
        for (size_t n : {0u, 64u, 128u, 1024u}) {
            for (int64_t one_in : {1, 2, 8, 64, 500}) {
                const Note note("length, density:", {static_cast<int64_t>(n), one_in});
                Random random(n + 1);
                const size_t distance = n + 37;
                std::vector<uint8_t> bytes(1 + 3 * distance + n);
                for (uint8_t& byte : bytes) {
                    byte = static_cast<uint8_t>(random.one_in(one_in) ? random.below(3) : 1);
                }
                check_parts(simd, bytes, n, distance, false);
                check_parts(simd, bytes, n, distance, true);
            }
        }
    });
}

// -- counts of COCO strings -----------------------------------------------------------------------

// A count as it is written, in at least `groups` characters.
std::vector<uint8_t> written(int64_t value, int groups) {
    std::vector<uint8_t> characters;
    for (;;) {
        const int64_t group = value & 31;
        value >>= 5;
        const bool done = value == (group & 16 ? -1 : 0);
        const bool more = !done || static_cast<int>(characters.size()) + 1 < groups;
        characters.push_back(static_cast<uint8_t>(48 + group + (more ? 32 : 0)));
        if (!more) return characters;
    }
}

void check_counts(const simd::Table& simd, const std::vector<uint8_t>& string,
                  const std::vector<int64_t>& expected, size_t characters) {
    Guarded<int64_t> out(string.size() + 8);
    const auto read = simd.read_counts(string.data(), string.size(), out.data());
    CHECK_EQUAL(read.characters, characters);
    CHECK_EQUAL(out.first(read.counts), expected);
}

TEST(simd_read_counts) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        std::vector<uint8_t> string;
        std::vector<int64_t> counts;
        for (size_t i = 0; i < n; ++i) {
            const int shift = 64 - static_cast<int>(random.one_in(3) ? random.below(40) + 1 : 4);
            const int64_t value = static_cast<int64_t>(random.bits()) >> shift;
            const std::vector<uint8_t> characters =
                written(value, random.one_in(9) ? static_cast<int>(random.below(8)) + 1 : 1);
            string.insert(string.end(), characters.begin(), characters.end());
            counts.push_back(value);
        }
        const size_t all = string.size();
        check_counts(simd, string, counts, all);
        // A count that does not end, or is too long, is left; what precedes it is read.
        for (const size_t length : {1u, 7u, 8u, 9u, 63u, 70u, 200u}) {
            string.resize(all);
            string.resize(all + length, 48 + 32);
            check_counts(simd, string, counts, all);
            string.push_back(49);
            if (length > 7) check_counts(simd, string, counts, all);
        }
        // After an invalid character, nothing is read.
        for (const uint8_t character : std::vector<uint8_t>{0, 47, 112, 127, 128, 255}) {
            string.resize(all + 1);
            string[all] = 48;
            string[random.below(static_cast<int64_t>(all) + 1)] = character;
            check_counts(simd, string, {}, 0);
        }
    });
}

// -- positions ------------------------------------------------------------------------------------

template <class V, class Positions>
void check_positions(Positions positions, const std::vector<uint64_t>& words, V base) {
    std::vector<V> expected;
    for (size_t i = 0; i < 64 * words.size(); ++i) {
        if (bit(words, i)) expected.push_back(static_cast<V>(base + i));
    }
    Guarded<V> out(64 * words.size());
    const size_t count = positions(words.data(), words.size(), base, out.data());
    CHECK_EQUAL(out.first(count), expected);
}

TEST(simd_positions) {
    for_each_variant([](const simd::Table& simd) {
        for (size_t words = 0; words <= 40; ++words) {
            Random random(words);
            for (int repeat = 0; repeat < 20; ++repeat) {
                const auto bits = random_words(random, words);
                check_positions<uint32_t>(simd.positions_u32, bits, 0);
                check_positions<uint32_t>(simd.positions_u32, bits, 0xfffff000u);
                check_positions<uint64_t>(simd.positions_u64, bits, 0);
                check_positions<uint64_t>(simd.positions_u64, bits, uint64_t{0xfffffffff} << 20);
            }
        }
    });
}

// -- writing --------------------------------------------------------------------------------------

template <class V>
void check_expand(const simd::Table& simd, size_t place, size_t n, Random& random) {
    const std::vector<uint64_t> bits = random_words(random, words_of(n));
    for (uint64_t one : {uint64_t{1}, ~uint64_t{0}, random.bits()}) {
        std::vector<V> expected(n);
        for (size_t i = 0; i < n; ++i) expected[i] = bit(bits, i) ? static_cast<V>(one) : V{0};
        Unaligned<V> out(std::vector<V>(n + 16, static_cast<V>(kCanary)));
        simd.expand[place](bits.data(), n, one, out.data());
        expected.resize(n + 16, static_cast<V>(kCanary));
        CHECK_EQUAL(out.values(), expected);
    }
}

TEST(simd_expand) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_expand<uint8_t>(simd, 0, n, random);
        check_expand<uint16_t>(simd, 1, n, random);
        check_expand<uint32_t>(simd, 2, n, random);
        check_expand<uint64_t>(simd, 3, n, random);
    });
}

template <class V>
void check_recolor(const simd::Table& simd, size_t place, size_t n, Random& random) {
    std::vector<uint8_t> codes = random_elements<uint8_t>(random, n);
    for (V origin : {V{0}, static_cast<V>(~V{0}), static_cast<V>(random.bits())}) {
        std::vector<V> before = random_elements<V>(random, n + 16), expected = before;
        for (size_t i = 0; i < n; ++i) {
            if (codes[i]) expected[i] = static_cast<V>(origin + codes[i]);
        }
        Unaligned<V> out(before);
        simd.recolor[place](Unaligned<uint8_t>(codes).data(), n, origin, out.data());
        CHECK_EQUAL(out.values(), expected);
    }
}

TEST(simd_recolor) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        check_recolor<uint8_t>(simd, 0, n, random);
        check_recolor<uint16_t>(simd, 1, n, random);
        check_recolor<uint32_t>(simd, 2, n, random);
        check_recolor<uint64_t>(simd, 3, n, random);
    });
}

TEST(simd_stream) {
    for_each_variant([](const simd::Table& simd) {
        Random random(1);
        alignas(64) uint8_t from[4096], to[4096 + 64];
        for (uint8_t& byte : from) byte = static_cast<uint8_t>(random.bits());
        for (size_t bytes : {0u, 64u, 128u, 192u, 4096u}) {
            std::memset(to, 0xa5, sizeof(to));
            simd.stream(from, to, bytes);
            CHECK(std::memcmp(from, to, bytes) == 0);
            for (size_t i = bytes; i < sizeof(to); ++i) CHECK_EQUAL(to[i], uint8_t{0xa5});
        }
    });
}

template <class V, class SetRuns>
void check_set_runs(SetRuns set_runs, V base, Random& random) {
    const size_t words = static_cast<size_t>(random.between(1, 40));
    std::vector<V> flips;
    const int64_t longest = random.one_in(2) ? 10 : 1500;
    int64_t last = 0;
    for (int64_t at = random.below(longest);;) {
        const int64_t end = at + random.between(1, longest);
        if (end > static_cast<int64_t>(64 * words)) break;
        flips.push_back(static_cast<V>(base + static_cast<V>(at)));
        flips.push_back(static_cast<V>(base + static_cast<V>(end)));
        last = end;
        at = end + random.between(1, longest);
    }
    // Eight words behind the last bit may be read and written back.
    const size_t used = words_of(static_cast<size_t>(last));
    const auto before = random_words(random, used + 8);
    const auto expected = packed(64 * before.size(), [&](size_t i) {
        const V position = static_cast<V>(base + static_cast<V>(i));
        return bit(before, i) ||
               (std::upper_bound(flips.begin(), flips.end(), position) - flips.begin()) % 2 == 1;
    });
    Guarded<uint64_t> bits(before.size());
    std::copy(before.begin(), before.end(), bits.data());
    set_runs(bits.data(), flips.data(), flips.size() / 2, base);
    CHECK_EQUAL(bits.values(), expected);
}

TEST(simd_set_runs) {
    for_each_variant([](const simd::Table& simd) {
        for (uint64_t seed = 0; seed < 200; ++seed) {
            const Note note("seed:", {static_cast<int64_t>(seed)});
            Random random(seed);
            check_set_runs<uint32_t>(simd.set_runs_u32, 0, random);
            check_set_runs<uint32_t>(simd.set_runs_u32, 0xfffff000u, random);
            check_set_runs<uint64_t>(simd.set_runs_u64, 0, random);
            check_set_runs<uint64_t>(simd.set_runs_u64, uint64_t{1} << 58, random);
        }
    });
}

// -- transposing ----------------------------------------------------------------------------------

TEST(simd_transpose_bits) {
    for_each_variant([](const simd::Table& simd) {
        Random random(1);
        for (int repeat = 0; repeat < 20; ++repeat) {
            const auto rows = random_words(random, 64);
            Guarded<uint64_t> columns(64);
            simd.transpose_bits(rows.data(), columns.data());
            CHECK_EQUAL(columns.values(),
                        packed(64 * 64, [&](size_t i) { return bit(rows, i % 64 * 64 + i / 64); }));
        }
    });
}

template <class V>
void check_transpose(const simd::Table& simd, size_t place, size_t stride, Random& random) {
    std::vector<V> in(63 * stride + 64);
    for (V& value : in) value = static_cast<V>(random.bits());
    alignas(64) V out[64 * 64 + 16];
    std::fill(out, out + 64 * 64 + 16, static_cast<V>(kCanary));
    simd.transpose[place](Unaligned<V>(in).data(), stride, out);
    for (size_t r = 0; r < 64; ++r) {
        for (size_t c = 0; c < 64; ++c) CHECK_EQUAL(out[r * 64 + c], in[c * stride + r]);
    }
    for (size_t i = 0; i < 16; ++i) CHECK_EQUAL(out[64 * 64 + i], static_cast<V>(kCanary));
}

TEST(simd_transpose) {
    for_each_variant([](const simd::Table& simd) {
        Random random(1);
        for (size_t stride : {64u, 65u, 100u, 640u}) {
            check_transpose<uint8_t>(simd, 0, stride, random);
            check_transpose<uint16_t>(simd, 1, stride, random);
            check_transpose<uint32_t>(simd, 2, stride, random);
            check_transpose<uint64_t>(simd, 3, stride, random);
        }
    });
}

// -- counting -------------------------------------------------------------------------------------

uint64_t count_of(const std::vector<uint64_t>& words) {
    uint64_t count = 0;
    for (size_t i = 0; i < 64 * words.size(); ++i) count += bit(words, i);
    return count;
}

TEST(simd_count) {
    for_each_variant([](const simd::Table& simd) {
        for (size_t words = 0; words <= 70; ++words) {
            const Note note("words:", {static_cast<int64_t>(words)});
            Random random(words);
            const auto a = random_words(random, words), b = random_words(random, words);
            std::vector<uint64_t> common(words);
            for (size_t w = 0; w < words; ++w) common[w] = a[w] & b[w];
            CHECK_EQUAL(simd.count_bits(a.data(), words), count_of(a));
            CHECK_EQUAL(simd.count_common(a.data(), b.data(), words), count_of(common));
        }
    });
}

// Intervals in n columns, with empty ones behind them for vectors to run into.
struct Columns {
    std::vector<uint16_t> starts, ends;

    Columns(Random& random, size_t n, int64_t height) : starts(n + 31), ends(n + 31) {
        for (size_t i = 0; i < n; ++i) {
            starts[i] = static_cast<uint16_t>(random.below(height));
            ends[i] = static_cast<uint16_t>(random.between(starts[i], height));
            if (random.one_in(5)) starts[i] = ends[i] = 0;
        }
    }
};

void check_overlap_columns(const simd::Table& simd, const Columns& a, const Columns& b, size_t n) {
    uint64_t expected = 0;
    for (size_t i = 0; i < n; ++i) {
        const int start = std::max(a.starts[i], b.starts[i]), end = std::min(a.ends[i], b.ends[i]);
        expected += static_cast<uint64_t>(std::max(0, end - start));
    }
    CHECK_EQUAL(
        simd.overlap_columns(a.starts.data(), a.ends.data(), b.starts.data(), b.ends.data(), n),
        expected);
}

TEST(simd_overlap_columns) {
    for_each_length([](const simd::Table& simd, size_t n, Random& random) {
        for (int64_t height : {3, 100, 32767}) {
            const Columns a(random, n, height), b(random, n, height);
            check_overlap_columns(simd, a, b, n);
            // Behind one of them there may be other columns.
            Columns longer(random, n + 31, height);
            longer.starts.resize(n + 31);
            longer.ends.resize(n + 31);
            check_overlap_columns(simd, longer, b, n);
            check_overlap_columns(simd, a, longer, n);
        }
    });
}

// Sums that no 32-bit lane of a vector could hold.
TEST(simd_overlap_columns_of_many) {
    const size_t n = (size_t{1} << 22) + 77;
    Random random(1);
    Columns full(random, 0, 1);
    full.starts.assign(n + 31, 0);
    full.ends.assign(n, 32767);
    full.ends.resize(n + 31, 0);
    for_each_variant([&](const simd::Table& simd) {
        CHECK_EQUAL(simd.overlap_columns(full.starts.data(), full.ends.data(), full.starts.data(),
                                         full.ends.data(), n),
                    uint64_t{n} * 32767);
    });
}

// Scores of few values, so that many are equal.
std::vector<float> random_scores(Random& random, size_t n) {
    std::vector<float> scores(n);
    for (float& score : scores) score = static_cast<float>(random.below(5)) - 2;
    return scores;
}

TEST(simd_drop_beaten) {
    for_each_variant([](const simd::Table& simd) {
        Random random(1);
        for (size_t n = 16; n <= 160; n += 16) {
            std::vector<float> corners[4];
            for (auto& each : corners) each = random_scores(random, n);
            const float* const scores[4] = {corners[0].data(), corners[1].data(), corners[2].data(),
                                            corners[3].data()};
            for (size_t by = 0; by < n; by += 1 + n / 40) {
                const Note note("classes, by:",
                                {static_cast<int64_t>(n), static_cast<int64_t>(by)});
                std::vector<uint32_t> expected;
                Guarded<uint32_t> alive(n);
                for (size_t k = 0; k < n; ++k) {
                    bool less = true, greater = false;
                    for (const auto& each : corners) {
                        less = less && each[k] < each[by];
                        greater = greater || each[k] > each[by];
                    }
                    alive.data()[k] = k % 7 != 0;
                    expected.push_back(k % 7 != 0 && !less && (k <= by || greater));
                }
                simd.drop_beaten(scores, n, by, alive.data());
                CHECK_EQUAL(alive.values(), expected);
            }
        }
    });
}

TEST(simd_argmax_row) {
    for_each_variant([](const simd::Table& simd) {
        Random random(2);
        for (size_t n = 16; n <= 160; n += 16) {
            for (size_t count : {1u, 2u, 3u, 17u, 40u}) {
                const Note note("pixels, classes:",
                                {static_cast<int64_t>(n), static_cast<int64_t>(count)});
                const std::vector<float> tops = random_scores(random, n * count);
                const std::vector<float> steps = random_scores(random, n * count);
                std::vector<uint32_t> ids, expected;
                for (size_t k = 0; k < count; ++k) ids.push_back(static_cast<uint32_t>(3 * k + 1));
                const float fraction = random.one_in(2) ? 0.5f : static_cast<float>(random.unit());
                for (size_t x = 0; x < n; ++x) {
                    size_t best = 0;
                    auto value = [&](size_t k) {
                        return tops[k * n + x] + fraction * steps[k * n + x];
                    };
                    for (size_t k = 1; k < count; ++k) {
                        if (value(k) > value(best)) best = k;
                    }
                    expected.push_back(ids[best]);
                }
                Guarded<uint32_t> labels(n);
                simd.argmax_row(tops.data(), steps.data(), n, ids.data(), count, fraction,
                                labels.data());
                CHECK_EQUAL(labels.values(), expected);
            }
        }
    });
}

}  // namespace

}  // namespace segcore::test
