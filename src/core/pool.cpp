// Waking a thread that waits takes a few microseconds, starting one a hundred; so threads are
// started when first needed, and then kept. They wait for jobs, of which there are as many as
// callers. A caller never waits for a thread that has not begun: it closes its job and goes on.
//
// A forked process has none of its parent's threads. It gets a pool of its own, and what the
// parent's looked like is left alone.
#include "pool.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define SEGCORE_FORKS
#endif

namespace segcore {

namespace {

struct Job {
    Work& work;
    int threads;         // including the caller's
    int begun = 1;       // workers, including the caller
    int running = 0;     // of the pool's threads
};

class Pool {
   public:
    void share(Work& work, int threads) {
        Job job{work, threads};
        open(job);
        work.run(0);
        close(job);
    }

   private:
    void open(Job& job) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            jobs_.push_back(&job);
            wanted_ += job.threads - 1;
            while (started_ < wanted_ && start()) ++started_;
        }
        // Not before the mutex is free: a thread would wake only to wait for it.
        for (int i = 1; i < job.threads; ++i) wake_.notify_one();
    }

    void close(Job& job) {
        std::unique_lock<std::mutex> lock(mutex_);
        for (size_t i = 0; i < jobs_.size(); ++i) {
            if (jobs_[i] == &job) jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
        }
        wanted_ -= job.threads - 1;
        constexpr std::chrono::milliseconds kPause{10};
        while (!done_.wait_for(lock, kPause, [&] { return job.running == 0; })) {
            lock.unlock();
            job.work.waiting();
            lock.lock();
        }
    }

    // False where there are no more threads to be had: those that run do the rest.
    bool start() {
        try {
            std::thread([this] { serve(); }).detach();
            return true;
        } catch (const std::system_error&) {
            return false;
        }
    }

    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            Job* job = next();
            if (!job) {
                wake_.wait(lock);
                continue;
            }
            const int worker = job->begun++;
            ++job->running;
            lock.unlock();
            job->work.run(worker);
            lock.lock();
            if (--job->running == 0) done_.notify_all();
        }
    }

    Job* next() const {
        for (Job* job : jobs_) {
            if (job->begun < job->threads) return job;
        }
        return nullptr;
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    std::vector<Job*> jobs_;  // that are open
    int wanted_ = 0;          // threads, by the open jobs
    int started_ = 0;
};

// Never destroyed: its threads wait in it until the process ends.
std::atomic<Pool*> pool{nullptr};

Pool& the_pool() {
    static const bool made = [] {
        pool = new Pool;
#if defined(SEGCORE_FORKS)
        pthread_atfork(nullptr, nullptr, [] { pool = new Pool; });
#endif
        return true;
    }();
    (void)made;
    return *pool;
}

}  // namespace

void share(Work& work, int threads) {
    if (threads <= 1) return work.run(0);
    the_pool().share(work, threads);
}

}  // namespace segcore
