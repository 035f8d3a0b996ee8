// A plain parallel loop. Without OpenMP, as its runtime may conflict with that of an ML framework.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <type_traits>
#include <vector>

#include "context.hpp"
#include "pool.hpp"
#include "types.hpp"

namespace segcore {

// Below this many units of work (about a nanosecond each) a thread costs more than it saves.
constexpr double kWorkPerThread = 200'000;

inline int threads_for(const Context& context, int64_t items, double work) {
    double threads = work / kWorkPerThread + 1;
    if (threads > static_cast<double>(items)) threads = static_cast<double>(items);
    if (threads > context.threads) threads = context.threads;
    return threads < 1 ? 1 : static_cast<int>(threads);
}

// One object for each worker of a parallel loop. Its buffers serve for all items of the worker.
template <class Object>
class PerWorker {
   public:
    template <class... Arguments>
    explicit PerWorker(int threads, const Arguments&... arguments) {
        objects_.reserve(static_cast<size_t>(threads));
        for (int i = 0; i < threads; ++i) objects_.emplace_back(arguments...);
    }

    int size() const { return static_cast<int>(objects_.size()); }
    Object& operator[](int worker) { return objects_[static_cast<size_t>(worker)]; }

   private:
    std::vector<Object> objects_;
};

// The items of a parallel loop, handed out in ascending order.
template <class Body>
class Loop final : public Work {
   public:
    Loop(const Context& context, int64_t items, Body& body)
        : context_(context), items_(items), body_(body) {}

    void run(int worker) noexcept override {
        try {
            for (int64_t item; (item = next_.fetch_add(1, std::memory_order_relaxed)) < items_;) {
                context_.poll();
                body_(item, worker);
                if (worker != 0 && is_forking()) return;
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
            context.poll();
            body(item, 0);
        }
        return;
    }
    Loop<std::remove_reference_t<Body>> loop(context, items, body);
    share(loop, threads);
    loop.rethrow();
}

// Consecutive masks in chunks, several per thread.
class Chunks {
   public:
    Chunks(int64_t masks, int threads)
        : masks_(masks), size_(threads <= 1 ? 1 : std::min(masks, int64_t{8} * threads)) {}

    int64_t size() const { return size_; }
    // Chunk i has the masks [first(i), first(i + 1)).
    int64_t first(int64_t i) const { return masks_ * i / size_; }

   private:
    int64_t masks_, size_;
};

// What a chunk appended to the buffer of its thread, and its position in the result. Buffers belong
// to threads, not to chunks, so that there are fewer allocations.
struct Section {
    size_t start = 0, size = 0, place = 0;

    // To be called before the chunk appends to the buffer, and after it.
    template <class T>
    void begin(const Buffer<T>& part) {
        start = part.size();
    }
    template <class T>
    void end(const Buffer<T>& part) {
        size = part.size() - start;
    }

    template <class T>
    void copy(const Buffer<T>& part, Buffer<T>& whole) const {
        std::copy_n(part.data() + start, size, whole.data() + place);
    }
    // The position in the result of this position of the buffer.
    int64_t moved(int64_t position) const {
        return position - static_cast<int64_t>(start) + static_cast<int64_t>(place);
    }
};

// Assign consecutive positions to the sections of all chunks. Returns the total size.
template <class Chunk>
size_t lay_out(std::vector<Chunk>& chunks, Section Chunk::* section) {
    size_t total = 0;
    for (Chunk& chunk : chunks) {
        (chunk.*section).place = total;
        total += (chunk.*section).size;
    }
    return total;
}

// Build a batch mask by mask: make(mask, run_ends, worker) appends mask's run ends to the buffer
// and returns a Status. `work` estimates the whole, in nanoseconds. If several masks are invalid,
// the first in batch order is reported, whatever the number of threads.
template <class T, class Make>
Status build_batch(const Context& context, int64_t count, double work, Batch<T>& batch,
                   Make&& make) {
    batch.offsets.resize(static_cast<size_t>(count) + 1);
    batch.offsets[0] = 0;
    const int threads = threads_for(context, count, work);
    if (threads <= 1) {
        for (int64_t mask = 0; mask < count; ++mask) {
            context.poll();
            Status status = make(mask, batch.run_ends, 0);
            if (!status.ok()) return status;
            batch.offsets[static_cast<size_t>(mask) + 1] =
                static_cast<int64_t>(batch.run_ends.size());
        }
        return {};
    }
    struct Chunk {
        const Buffer<T>* part = nullptr;
        Section run_ends;
        Status status;
    };
    const Chunks masks(count, threads);
    std::vector<Chunk> chunks(static_cast<size_t>(masks.size()));
    std::vector<Buffer<T>> parts(static_cast<size_t>(threads));
    parallel_for(context, masks.size(), threads, [&](int64_t i, int worker) {
        Buffer<T>& part = parts[static_cast<size_t>(worker)];
        Chunk& chunk = chunks[static_cast<size_t>(i)];
        chunk.part = &part;
        chunk.run_ends.begin(part);
        for (int64_t mask = masks.first(i); mask < masks.first(i + 1); ++mask) {
            context.poll();
            chunk.status = make(mask, part, worker);
            if (!chunk.status.ok()) return;
            batch.offsets[static_cast<size_t>(mask) + 1] = static_cast<int64_t>(part.size());
        }
        chunk.run_ends.end(part);
    });
    for (const Chunk& chunk : chunks) {
        if (!chunk.status.ok()) return chunk.status;
    }
    batch.run_ends.resize(lay_out(chunks, &Chunk::run_ends));
    parallel_for(context, masks.size(), threads, [&](int64_t i, int) {
        const Chunk& chunk = chunks[static_cast<size_t>(i)];
        chunk.run_ends.copy(*chunk.part, batch.run_ends);
        for (int64_t mask = masks.first(i); mask < masks.first(i + 1); ++mask) {
            int64_t& offset = batch.offsets[static_cast<size_t>(mask) + 1];
            offset = chunk.run_ends.moved(offset);
        }
    });
    return {};
}

}  // namespace segcore
