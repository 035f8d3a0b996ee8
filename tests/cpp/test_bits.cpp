// Helpers for bits.
#include "core/bits.hpp"

#include "harness.hpp"
#include "random.hpp"

namespace segcore::test {

namespace {

TEST(bits_words_and_widths) {
    const int64_t pixels[] = {0, 1, 63, 64, 65, 128, 129};
    const size_t words[] = {0, 1, 1, 1, 2, 2, 3};
    for (size_t i = 0; i < 7; ++i) CHECK_EQUAL(words_for(pixels[i]), words[i]);
    for (size_t place = 0; place < 4; ++place) CHECK_EQUAL(log2_of(size_t{1} << place), place);
    for (size_t i = 0; i < 64; ++i) CHECK_EQUAL(lowest_bit(~uint64_t{0} << i), i);
}

TEST(bits_set_and_clear) {
    Random random(1);
    for (size_t first = 0; first <= 193; ++first) {
        for (size_t last = 0; last <= 193; last += first % 3 + 1) {
            std::vector<uint64_t> before(4);
            for (uint64_t& word : before) word = random.bits();
            std::vector<uint64_t> set = before, cleared = before, set_expected = before,
                                  cleared_expected = before;
            for (size_t i = first; i < last; ++i) {
                set_expected[i / 64] |= uint64_t{1} << i % 64;
                cleared_expected[i / 64] &= ~(uint64_t{1} << i % 64);
            }
            set_bits(set.data(), first, last);
            clear_bits(cleared.data(), first, last);
            CHECK_EQUAL(set, set_expected);
            CHECK_EQUAL(cleared, cleared_expected);
        }
    }
}

TEST(bits_swap_bytes) {
    CHECK_EQUAL(swap_bytes(0x12, 1), 0x12u);
    CHECK_EQUAL(swap_bytes(0x1234, 2), 0x3412u);
    CHECK_EQUAL(swap_bytes(0x12345678, 4), 0x78563412u);
    CHECK_EQUAL(swap_bytes(0x123456789abcdef0, 8), 0xf0debc9a78563412u);
}

}  // namespace

}  // namespace segcore::test
