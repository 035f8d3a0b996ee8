// What a kernel runs with: the instruction set's leaf functions, the number of threads, and whether
// it may be stopped.
#pragma once

#include "../simd/table.hpp"
#include "interrupt.hpp"

namespace segcore {

struct Context {
    const simd::Table& simd;
    int threads;
    Interrupt* interrupt = nullptr;  // null: it runs to its end

    // To be called at least every few milliseconds, but not in inner loops; `work` is what lies
    // between, in nanoseconds.
    void poll(int64_t work) const {
        if (interrupt) interrupt->poll(work);
    }
};

}  // namespace segcore
