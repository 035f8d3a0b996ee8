// Stopping kernels, and loops, before they are done.
#include "core/interrupt.hpp"

#include <atomic>
#include <chrono>
#include <thread>

#include "core/blocks.hpp"
#include "core/parallel.hpp"
#include "masks.hpp"

namespace segcore::test {

namespace {

using Clock = std::chrono::steady_clock;

// Requests to stop once it has been asked `after` times.
class Stop final : public Interrupt {
   public:
    explicit Stop(int after) : after_(after) {}
    int asked() const { return asked_; }

   private:
    bool is_wanted() override { return ++asked_ >= after_; }

    const int after_;
    int asked_ = 0;
};

Context context_with(Interrupt& interrupt, int threads) {
    return {*simd::variants().back(), threads, &interrupt};
}

void sleep(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// Call body; returns whether it is interrupted.
template <class Body>
bool is_interrupted(Body body) {
    try {
        body();
    } catch (const Interrupted&) {
        return true;
    }
    return false;
}

TEST(interrupt_is_asked_now_and_then) {
    Stop stop(3);
    const Context context = context_with(stop, 1);
    const Clock::time_point start = Clock::now();
    int64_t polls = 0;
    CHECK(is_interrupted([&] {
        for (;; ++polls) context.poll();
    }));
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    CHECK_EQUAL(stop.asked(), 3);
    CHECK(seconds > 0.14);  // three pauses
    CHECK(polls > 1000);
}

TEST(interrupt_is_not_asked_by_what_is_short) {
    Stop stop(1);
    const Context context = context_with(stop, 1);
    parallel_for(context, 100'000, 1, [](int64_t, int) {});
    CHECK_EQUAL(stop.asked(), 0);
}

TEST(interrupt_of_nobody) {
    const Context context{*simd::variants().back(), 1};
    context.poll();
}

TEST(interrupt_is_asked_on_its_own_thread_only) {
    Stop stop(1);
    std::thread([&] {
        const Context context = context_with(stop, 1);
        const Clock::time_point start = Clock::now();
        while (Clock::now() - start < std::chrono::milliseconds(120)) context.poll();
    }).join();
    CHECK_EQUAL(stop.asked(), 0);
}

TEST(interrupt_stops_all_threads_of_a_loop) {
    for (int threads : {1, 2, 4}) {
        const Note note("threads:", {threads});
        Stop stop(1);
        const Context context = context_with(stop, threads);
        std::atomic<int> begun{0}, left{0};
        CHECK(is_interrupted([&] {
            // These items end only when interrupted.
            parallel_for(context, 1000, threads, [&](int64_t, int) {
                ++begun;
                try {
                    for (;;) {
                        context.poll();
                        std::this_thread::yield();
                    }
                } catch (const Interrupted&) {
                    ++left;
                    throw;
                }
            });
        }));
        CHECK_EQUAL(begun.load(), left.load());
        CHECK(begun <= threads);
        CHECK_EQUAL(stop.asked(), 1);
    }
}

TEST(interrupt_stops_a_loop_between_its_items) {
    for (int threads : {1, 3}) {
        const Note note("threads:", {threads});
        Stop stop(1);
        const Context context = context_with(stop, threads);
        CHECK(is_interrupted(
            [&] { parallel_for(context, int64_t{1} << 60, threads, [](int64_t, int) {}); }));
        CHECK_EQUAL(stop.asked(), 1);
    }
}

// The calling thread has finished, and waits for another one, which does `work`.
template <typename Work>
void check_interrupt_while_waiting(Work work) {
    Stop stop(1);
    const Context context = context_with(stop, 2);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<bool> other_begun{false};
    CHECK(is_interrupted([&] {
        parallel_for(context, 2, 2, [&](int64_t, int) {
            if (std::this_thread::get_id() == caller) {
                while (!other_begun) sleep(1);
                return;
            }
            other_begun = true;
            work(context);
        });
    }));
    CHECK_EQUAL(stop.asked(), 1);
}

TEST(interrupt_while_waiting) {
    check_interrupt_while_waiting([](const Context& context) {
        for (;;) {
            context.poll();
            sleep(1);
        }
    });
}

TEST(interrupt_comes_out_though_all_is_done) {
    check_interrupt_while_waiting([](const Context&) { sleep(200); });  // without a poll
}

TEST(interrupt_stops_a_batch) {
    for (int threads : {1, 4}) {
        const Note note("threads:", {threads});
        Stop stop(2);
        const Context context = context_with(stop, threads);
        Batch<uint32_t> batch;
        CHECK(is_interrupted([&] {
            build_batch<uint32_t>(context, int64_t{1} << 24, 1e18, batch,
                                  [&](int64_t mask, Buffer<uint32_t>& run_ends, int) -> Status {
                                      run_ends.push_back(static_cast<uint32_t>(mask));
                                      context.poll();
                                      sleep(1);
                                      return {};
                                  });
        }));
        CHECK_EQUAL(stop.asked(), 2);
    }
}

// The first exception in a loop is the one that it throws, as without an interrupt.
TEST(interrupt_beside_another_exception) {
    Stop stop(1);
    const Context context = context_with(stop, 2);
    bool caught = false;
    try {
        parallel_for(context, 2, 2, [&](int64_t item, int) {
            if (item == 1) throw std::bad_alloc();
            for (;;) context.poll();
        });
    } catch (const std::bad_alloc&) {
        caught = true;
    } catch (const Interrupted&) {
        caught = true;
    }
    CHECK(caught);
}

TEST(blocks_cover_all_once) {
    const Context context{*simd::variants().back(), 1};
    for (int64_t n : {int64_t{-1}, int64_t{0}, int64_t{1}, kItemsPerPoll - 1, kItemsPerPoll,
                      kItemsPerPoll + 1, 5 * kItemsPerPoll}) {
        const Note note("items:", {n});
        int64_t next = 0;
        for_blocks(context, n, [&](int64_t first, int64_t last) {
            CHECK_EQUAL(first, next);
            CHECK(first < last && last - first <= kItemsPerPoll);
            next = last;
        });
        CHECK_EQUAL(next, std::max(n, int64_t{0}));
    }
}

TEST(interrupt_stops_between_blocks) {
    Stop stop(1);
    const Context context = context_with(stop, 1);
    int64_t items = 0;
    CHECK(is_interrupted([&] {
        for_blocks(context, int64_t{1} << 60,
                   [&](int64_t first, int64_t last) { items += last - first; });
    }));
    CHECK(items > 0 && items % kItemsPerPoll == 0);
}

}  // namespace

}  // namespace segcore::test
