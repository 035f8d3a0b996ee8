// What a kernel runs with: the instruction set's leaf functions, the number of threads, and whether
// it may be stopped.
#pragma once

#include "../simd/table.hpp"
#include "interrupt.hpp"

namespace segcore {

struct Context {
    const simd::Table& simd;
    int threads;
    Interrupt* interrupt = nullptr;  // null: the kernel cannot be interrupted

    // To be called once per mask and, in a long mask, once per block of rows or run ends
    // (blocks.hpp). Throws Interrupted if the kernel is to stop.
    void poll() const {
        if (interrupt) interrupt->poll();
    }
};

}  // namespace segcore
