// Handling of Ctrl-C, and of any other Python signal, during long work.
#pragma once

#include <pybind11/pybind11.h>

#include "../core/interrupt.hpp"
#include "gil.hpp"

namespace segcore::bind {

// To be called once, when the module is imported.
void find_main_thread();
// Python handles signals on its main thread only.
bool is_main_thread();

// Lets a kernel handle signals. If a handler raises an exception, the kernel stops; this exception
// takes precedence over any that the kernel throws.
class Signals final : public Interrupt {
   public:
    Interrupt* for_this_thread() { return is_main_thread() ? this : nullptr; }

   private:
    bool is_wanted() override {
        const GilAcquire gil;
        return PyErr_CheckSignals() != 0;
    }
};

// The same for a loop that holds the GIL; to be called at every step.
inline void check_signals(Py_ssize_t step) {
    constexpr Py_ssize_t kSteps = 1 << 16;
    if (step % kSteps == kSteps - 1 && PyErr_CheckSignals() != 0)
        throw pybind11::error_already_set();
}

}  // namespace segcore::bind
