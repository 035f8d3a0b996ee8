// Leaf functions that exist for 32 and for 64 bits, under one name.
#pragma once

#include "parts.hpp"

namespace segcore {

inline size_t positions(const simd::Table& simd, const uint64_t* bits, size_t words, uint32_t base,
                        uint32_t* out) {
    return simd.positions_u32(bits, words, base, out);
}
inline size_t positions(const simd::Table& simd, const uint64_t* bits, size_t words, uint64_t base,
                        uint64_t* out) {
    return simd.positions_u64(bits, words, base, out);
}

inline void set_runs(const simd::Table& simd, uint64_t* bits, const uint32_t* flips, size_t n,
                     uint32_t base) {
    simd.set_runs_u32(bits, flips, n, base);
}
inline void set_runs(const simd::Table& simd, uint64_t* bits, const uint64_t* flips, size_t n,
                     uint64_t base) {
    simd.set_runs_u64(bits, flips, n, base);
}
template <class T>
void set_runs(const Context& context, uint64_t* bits, const T* flips, size_t n, T base) {
    for_parts(context, n, 2, [&](size_t first, size_t last) {
        set_runs(context.simd, bits, flips + 2 * first, last - first, base);
    });
}

}  // namespace segcore
