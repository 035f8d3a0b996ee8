// Division of many numbers by the same divisor. For 32-bit numbers a multiplication by the
// reciprocal, rounded up to 64 bits, gives the exact quotient (Lemire, Kaser, Kurz: "Faster
// remainder by direct computation", 2019).
#pragma once

#include <cstdint>
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace segcore {

template <class T>
class Divider {
   public:
    explicit Divider(int64_t divisor) noexcept : divisor_(static_cast<T>(divisor)) {}
    T quotient(T value) const noexcept { return value / divisor_; }

   private:
    T divisor_;
};

template <>
class Divider<uint32_t> {
   public:
    // The reciprocal of 1 would be 2**64: it is kept as 0. Divisors of 2**32 or more occur only for
    // images without pixels, and are never used.
    explicit Divider(int64_t divisor) noexcept
        : reciprocal_(divisor > 1 ? ~uint64_t{0} / static_cast<uint64_t>(divisor) + 1 : 0) {}

    uint32_t quotient(uint32_t value) const noexcept {
        return reciprocal_ ? high(reciprocal_, value) : value;
    }

   private:
    static uint32_t high(uint64_t a, uint32_t b) noexcept {
#if defined(_MSC_VER)
        return static_cast<uint32_t>(__umulh(a, b));
#else
        __extension__ using Wide = unsigned __int128;
        return static_cast<uint32_t>(static_cast<Wide>(a) * b >> 64);
#endif
    }

    uint64_t reciprocal_;
};

}  // namespace segcore
