// Waking a thread that waits takes a few microseconds, starting one a hundred; so threads are
// started when first needed, and then kept. They wait for jobs, of which there are as many as
// callers. A caller never waits for a thread that has not begun: it closes its job and goes on.
//
// A forked process has none of its parent's threads. So a fork waits until these have left their
// jobs: a caller that goes on in the child, because it forked in a signal handler, does the rest
// of its job alone. For later jobs the child has a new pool.
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

// How many threads are about to fork.
std::atomic<int> forking{0};

}  // namespace

bool is_forking() { return forking.load(std::memory_order_relaxed) != 0; }

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

    // Wait until no thread of the pool is in a job, and let none begin one before release().
    // Callers do their own parts of their jobs meanwhile.
    void hold() {
        std::unique_lock<std::mutex> lock(mutex_);
        ++forking;
        done_.wait(lock, [&] { return running_ == 0; });
        lock.release();
    }

    void release() {
        --forking;
        mutex_.unlock();
        wake_.notify_all();
    }

    // The same in the child, where nobody waits to be woken.
    void release_in_child() {
        forking = 0;
        mutex_.unlock();
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
            ++running_;
            lock.unlock();
            job->work.run(worker);
            lock.lock();
            --running_;
            if (--job->running == 0) done_.notify_all();
        }
    }

    Job* next() const {
        if (is_forking()) return nullptr;
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
    int running_ = 0;  // threads of the pool that are in a job
};

// Never destroyed: its threads wait in it until the process ends. Made when this library is loaded,
// so that no fork meets it half made; without memory for it, nothing else would load either.
std::atomic<Pool*> pool{new Pool};  // NOLINT(bugprone-throwing-static-initialization)

#if defined(SEGCORE_FORKS)
// All three are called by the thread that forks.
void before_fork() { pool.load()->hold(); }
void after_fork_in_parent() { pool.load()->release(); }
void after_fork_in_child() {
    pool.load()->release_in_child();
    pool = new Pool;
}

[[maybe_unused]] const int registered =
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
#endif

}  // namespace

void share(Work& work, int threads) {
    if (threads <= 1) return work.run(0);
    pool.load()->share(work, threads);
}

}  // namespace segcore
