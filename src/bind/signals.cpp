#include "signals.hpp"

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define SEGCORE_FORKS
#endif

namespace py = pybind11;

namespace segcore::bind {

namespace {

std::atomic<unsigned long> main_thread{0};

}  // namespace

void find_main_thread() {
    const py::object thread = py::module_::import("threading").attr("main_thread")();
    main_thread = thread.attr("ident").cast<unsigned long>();
#if defined(SEGCORE_FORKS)
    // In a forked process the only remaining thread is the main thread.
    pthread_atfork(nullptr, nullptr, [] { main_thread = PyThread_get_thread_ident(); });
#endif
}

bool is_main_thread() {
    return PyThread_get_thread_ident() == main_thread.load(std::memory_order_relaxed);
}

}  // namespace segcore::bind
