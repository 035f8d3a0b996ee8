// Leaf functions that exist for 32 and for 64 bits, under one name.
#pragma once

#include "../simd/table.hpp"
#include "bits.hpp"
#include "runs.hpp"

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

// Set the bits of a mask's runs on a plane that begins at the pixel `base`.
template <class T>
void set_mask(const simd::Table& simd, uint64_t* bits, const T* flip, const T* end, int64_t base,
              int64_t pixels) {
    const size_t count = static_cast<size_t>(end - flip);
    set_runs(simd, bits, flip, count / 2, static_cast<T>(base));
    if (count % 2) {  // the last run ends with the image
        set_bits(bits, static_cast<size_t>(static_cast<int64_t>(end[-1]) - base),
                 static_cast<size_t>(pixels - base));
    }
}

}  // namespace segcore
