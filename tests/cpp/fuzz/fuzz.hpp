// What the fuzzers share. They are entry points of libFuzzer, no part of the test program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/kernels.hpp"
#include "simd/dispatch.hpp"

namespace segcore::fuzz {

inline void demand(bool condition) {
    if (!condition) std::abort();
}

template <class V>
bool same(const Buffer<V>& a, const Buffer<V>& b) {
    return a.size() == b.size() &&
           (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0);
}

template <class T>
bool same(const Batch<T>& a, const Batch<T>& b) {
    return same(a.run_ends, b.run_ends) && same(a.offsets, b.offsets);
}

// Run ends ascend strictly, and lie in the image.
template <class T>
void demand_canonical(BatchView<T> masks, Size size) {
    for (int64_t i = 0; i < masks.count; ++i) {
        const T* end = masks.end(i);
        for (const T* flip = masks.begin(i); flip < end; ++flip) {
            demand(flip == masks.begin(i) || flip[-1] < *flip);
            demand(static_cast<uint64_t>(*flip) < static_cast<uint64_t>(size.pixels()));
        }
    }
}

}  // namespace segcore::fuzz
