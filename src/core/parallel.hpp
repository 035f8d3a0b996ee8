// A plain parallel loop. No OpenMP: no second runtime of it meets the one of an ML framework.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <type_traits>
#include <vector>

#include "context.hpp"
#include "parts.hpp"
#include "pool.hpp"
#include "types.hpp"

namespace segcore {

// Below this many units of work (about a nanosecond each) a thread costs more than it saves.
constexpr double kWorkPerThread = 200'000;
// An item takes at least about as many.
constexpr int64_t kWorkPerItem = 20;

inline int threads_for(const Context& context, int64_t items, double work) {
    double threads = work / kWorkPerThread + 1;
    if (threads > static_cast<double>(items)) threads = static_cast<double>(items);
    if (threads > context.threads) threads = context.threads;
    return threads < 1 ? 1 : static_cast<int>(threads);
}

// The items of a parallel loop, handed out in ascending order.
template <class Body>
class Loop final : public Work {
   public:
    Loop(const Context& context, int64_t items, Body& body)
        : context_(context), items_(items), body_(body) {}

    void run(int worker) noexcept override {
        try {
            for (int64_t item; (item = next_.fetch_add(1, std::memory_order_relaxed)) < items_;) {
                context_.poll(kWorkPerItem);
                body_(item, worker);
            }
        } catch (...) {
            stop();
        }
    }

    void waiting() noexcept override {
        try {
            if (context_.interrupt) context_.interrupt->look();
        } catch (...) {
            stop();
        }
    }

    void rethrow() const {
        if (error_) std::rethrow_exception(error_);
    }

   private:
    // Keep the exception that has been caught, if it is the first, and hand out no more items.
    void stop() noexcept {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(items_, std::memory_order_relaxed);
    }

    const Context& context_;
    std::atomic<int64_t> next_{0};
    const int64_t items_;
    Body& body_;
    std::mutex mutex_;
    std::exception_ptr error_;
};

// Call body(item, worker) for every item in [0, items), on up to `threads` threads; worker is in
// [0, threads). The first exception is thrown here.
template <class Body>
void parallel_for(const Context& context, int64_t items, int threads, Body&& body) {
    if (threads <= 1) {
        for (int64_t item = 0; item < items; ++item) {
            context.poll(kWorkPerItem);
            body(item, 0);
        }
        return;
    }
    Loop<std::remove_reference_t<Body>> loop(context, items, body);
    share(loop, threads);
    loop.rethrow();
}

// Build a batch mask by mask: make(mask, run_ends, worker) appends mask's run ends to the buffer
// and returns a Status. `work` estimates the whole, in nanoseconds. Where several masks are wrong,
// the first in batch order is reported, whatever the number of threads.
template <class T, class Make>
Status build_batch(const Context& context, int64_t count, double work, Batch<T>& batch,
                   Make&& make) {
    batch.offsets.resize(static_cast<size_t>(count) + 1);
    batch.offsets[0] = 0;
    const int threads = threads_for(context, count, work);
    if (threads <= 1) {
        for (int64_t mask = 0; mask < count; ++mask) {
            context.poll(kWorkPerItem);
            Status status = make(mask, batch.run_ends, 0);
            if (!status.ok()) return status;
            batch.offsets[static_cast<size_t>(mask) + 1] =
                static_cast<int64_t>(batch.run_ends.size());
        }
        return {};
    }
    // Chunks of neighbouring masks, several a thread: each has a buffer, and they are joined.
    const int64_t wanted = int64_t{8} * threads;
    const int64_t chunks = count < wanted ? count : wanted;
    std::vector<Buffer<T>> parts(static_cast<size_t>(chunks));
    std::vector<Status> statuses(static_cast<size_t>(chunks));
    parallel_for(context, chunks, threads, [&](int64_t chunk, int worker) {
        Buffer<T>& part = parts[static_cast<size_t>(chunk)];
        const int64_t first = count * chunk / chunks, last = count * (chunk + 1) / chunks;
        for (int64_t mask = first; mask < last; ++mask) {
            context.poll(kWorkPerItem);
            Status status = make(mask, part, worker);
            if (!status.ok()) {
                statuses[static_cast<size_t>(chunk)] = status;
                return;
            }
            batch.offsets[static_cast<size_t>(mask) + 1] = static_cast<int64_t>(part.size());
        }
    });
    for (const Status& status : statuses) {
        if (!status.ok()) return status;
    }
    size_t total = 0;
    for (const Buffer<T>& part : parts) total += part.size();
    batch.run_ends.resize(total);
    std::vector<size_t> starts(static_cast<size_t>(chunks));
    total = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        starts[static_cast<size_t>(chunk)] = total;
        const int64_t first = count * chunk / chunks, last = count * (chunk + 1) / chunks;
        for (int64_t mask = first; mask < last; ++mask) {
            batch.offsets[static_cast<size_t>(mask) + 1] += static_cast<int64_t>(total);
        }
        total += parts[static_cast<size_t>(chunk)].size();
    }
    parallel_for(context, chunks, threads, [&](int64_t chunk, int) {
        const Buffer<T>& part = parts[static_cast<size_t>(chunk)];
        copy_all(context, part.data(), part.size(),
                 batch.run_ends.data() + starts[static_cast<size_t>(chunk)]);
    });
    return {};
}

}  // namespace segcore
