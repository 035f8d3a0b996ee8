// What a kernel runs with: the instruction set's leaf functions and the number of threads.
#pragma once

#include "../simd/table.hpp"

namespace segcore {

struct Context {
    const simd::Table& simd;
    int threads;
};

}  // namespace segcore
