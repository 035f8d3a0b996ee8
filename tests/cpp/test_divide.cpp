// Division by reciprocals against plain division.
#include "core/divide.hpp"

#include "harness.hpp"
#include "random.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_quotient(const Divider<T>& divider, T value, T divisor) {
    const Note note("value, divisor:",
                    {static_cast<int64_t>(value), static_cast<int64_t>(divisor)});
    CHECK_EQUAL(divider.quotient(value), static_cast<T>(value / divisor));
}

template <class T>
void check_small() {
    for (T divisor = 1; divisor <= 300; ++divisor) {
        const Divider<T> divider(static_cast<int64_t>(divisor));
        for (T value = 0; value <= 1000; ++value) check_quotient(divider, value, divisor);
    }
}

// Numbers and divisors of all magnitudes, and what lies next to multiples.
template <class T>
void check_large() {
    Random random(1);
    constexpr int kBits = 8 * sizeof(T);
    for (int i = 0; i < 20'000; ++i) {
        const T divisor = static_cast<T>((random.bits() >> random.between(65 - kBits, 63)) | 1);
        const Divider<T> divider(static_cast<int64_t>(divisor));
        const T value = static_cast<T>(random.bits() >> random.between(64 - kBits, 63));
        const T multiple = static_cast<T>(value / divisor * divisor);
        for (T each : {value, multiple, static_cast<T>(multiple - 1), static_cast<T>(multiple + 1),
                       static_cast<T>(~T{0})}) {
            check_quotient(divider, each, divisor);
        }
    }
}

TEST(divide_small) {
    check_small<uint32_t>();
    check_small<uint64_t>();
}

TEST(divide_large) {
    check_large<uint32_t>();
    check_large<uint64_t>();
}

// Every divisor of 16 bits, and every power of two and its neighbours, at the largest numbers.
TEST(divide_at_the_limits) {
    auto check = [](uint32_t divisor) {
        const Divider<uint32_t> divider(divisor);
        const uint32_t top = ~uint32_t{0}, multiple = top / divisor * divisor;
        for (uint32_t value : {top, top - 1, multiple, multiple - 1}) {
            check_quotient<uint32_t>(divider, value, divisor);
        }
    };
    for (uint32_t divisor = 1; divisor < 65536; ++divisor) check(divisor);
    for (int shift = 16; shift < 32; ++shift) {
        for (uint32_t offset : {0u, 1u, ~0u}) check((uint32_t{1} << shift) + offset);
    }
    check(~uint32_t{0});
}

}  // namespace

}  // namespace segcore::test
