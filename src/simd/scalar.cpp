// The variant for any processor.
#include <cstring>

#include "variants.hpp"
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace segcore::simd {

namespace {
#include "generic.inl"
}  // namespace

const Table& scalar_table() {
    static const Table table = generic_table("scalar");
    return table;
}

}  // namespace segcore::simd
