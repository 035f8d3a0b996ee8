// Random numbers that are the same on every machine (splitmix64).
#pragma once

#include <cstddef>
#include <cstdint>

namespace segcore::test {

class Random {
   public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t bits() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    // In [0, n); n is small beside 2**64.
    int64_t below(int64_t n) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(n)); }
    // In [first, last].
    int64_t between(int64_t first, int64_t last) { return first + below(last - first + 1); }
    bool one_in(int64_t n) { return below(n) == 0; }
    // In [0, 1).
    double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

    template <class Container>
    const typename Container::value_type& pick(const Container& items) {
        return items[static_cast<size_t>(below(static_cast<int64_t>(items.size())))];
    }

   private:
    uint64_t state_;
};

}  // namespace segcore::test
