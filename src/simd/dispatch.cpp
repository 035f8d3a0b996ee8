#include "dispatch.hpp"

#include <cstring>

#include "variants.hpp"

namespace segcore::simd {

namespace {

std::vector<const Table*> supported() {
    std::vector<const Table*> tables;
#ifdef SEGCORE_X86
    __builtin_cpu_init();
    // The 2019 generation (Ice Lake, Zen 4): the first to compress bytes and count bits in vectors.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
        __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("bmi2")) {
        tables.push_back(&avx512_table());
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt")) {
        tables.push_back(&avx2_table());
    }
#endif
#ifdef SEGCORE_NEON
    tables.push_back(&neon_table());
#endif
    tables.push_back(&scalar_table());
    return tables;
}

}  // namespace

const std::vector<const Table*>& variants() {
    // Never destroyed: threads may still run kernels while the process exits.
    static const auto& tables = *new const std::vector<const Table*>(supported());
    return tables;
}

const Table* find(const char* name) {
    for (const Table* table : variants()) {
        if (std::strcmp(table->name, name) == 0) return table;
    }
    return nullptr;
}

}  // namespace segcore::simd
