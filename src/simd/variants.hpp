// The variants that this build contains. Instruction sets are opened by target regions around the
// leaf functions alone, after all includes: a flag on a whole file would let an inline function
// that it shares with the baseline be linked in compiled for the wrong processor.
#pragma once

#include "table.hpp"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "segcore's native kernels are written for little-endian machines"
#endif

#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define SEGCORE_X86
#endif
#if (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
#define SEGCORE_NEON
#endif

#define SEGCORE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SEGCORE_TARGET_BEGIN(isa) \
    SEGCORE_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define SEGCORE_TARGET_END SEGCORE_PRAGMA(clang attribute pop)
#elif defined(__GNUC__)
#define SEGCORE_TARGET_BEGIN(isa) SEGCORE_PRAGMA(GCC push_options) SEGCORE_PRAGMA(GCC target(isa))
#define SEGCORE_TARGET_END SEGCORE_PRAGMA(GCC pop_options)
#endif

namespace segcore::simd {

const Table& scalar_table();
#ifdef SEGCORE_X86
const Table& avx2_table();
const Table& avx512_table();
#endif
#ifdef SEGCORE_NEON
const Table& neon_table();
#endif

}  // namespace segcore::simd
