// Threads that wait for work.
#pragma once

namespace segcore {

// Work that several threads share: run(worker) is called for worker 0 by the thread that shares it,
// and for some of 1 ... threads - 1, each at most once, by threads of the pool that are free in
// time. All that is to be done must get done whichever of them come. A worker other than 0 returns
// early, and leaves the rest to worker 0, when is_forking().
class Work {
   public:
    virtual void run(int worker) noexcept = 0;
    // Called every few milliseconds by the thread that shares it, while that waits for the others.
    virtual void waiting() noexcept = 0;

   protected:
    ~Work() = default;
};

// Whether a thread is about to fork: it waits for the threads of the pool, which the child lacks.
bool is_forking();

// Share the work and return when it is done: no call of run is left.
void share(Work& work, int threads);

}  // namespace segcore
