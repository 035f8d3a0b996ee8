// Releasing the GIL and taking it back.
//
// Once the interpreter is finalized, no other thread gets the GIL again. Up to Python 3.13 such a
// thread is ended by pthread_exit(), which unwinds its stack: that would free what the pool's
// threads still work on, and abort at the first function that is noexcept. So a thread that asks
// for the GIL too late is parked: it sleeps until the process ends, as Python 3.14 does itself.
#pragma once

#include <pybind11/pybind11.h>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <unistd.h>
#define SEGCORE_PTHREADS
#endif

namespace segcore::bind {

#if defined(SEGCORE_PTHREADS)

extern "C" inline void segcore_park(void*) {
    for (;;) pause();
}

// Call take(), which takes the GIL; park the thread where Python ends it in there.
template <class Take>
auto take_gil_or_park(Take&& take) {
    decltype(take()) taken{};
    pthread_cleanup_push(segcore_park, nullptr);
    taken = take();
    pthread_cleanup_pop(0);
    return taken;
}

#else

// Elsewhere a thread that ends does not unwind its stack.
template <class Take>
auto take_gil_or_park(Take&& take) {
    return take();
}

#endif

// Lets other Python threads run as long as it lives.
class GilRelease {
   public:
    // Where `wanted` is false, it does nothing.
    explicit GilRelease(bool wanted = true) : state_(wanted ? PyEval_SaveThread() : nullptr) {}
    ~GilRelease() {
        if (!state_) return;
        take_gil_or_park([this] {
            PyEval_RestoreThread(state_);
            return true;
        });
    }
    GilRelease(const GilRelease&) = delete;
    GilRelease& operator=(const GilRelease&) = delete;

   private:
    PyThreadState* state_;
};

// Holds the GIL as long as it lives, whether or not the thread had it before.
class GilAcquire {
   public:
    GilAcquire() : state_(take_gil_or_park([] { return PyGILState_Ensure(); })) {}
    ~GilAcquire() { PyGILState_Release(state_); }
    GilAcquire(const GilAcquire&) = delete;
    GilAcquire& operator=(const GilAcquire&) = delete;

   private:
    PyGILState_STATE state_;
};

}  // namespace segcore::bind
