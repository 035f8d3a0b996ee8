// The parallel loop, and batches built by it.
#include "core/parallel.hpp"

#include <stdexcept>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "masks.hpp"

namespace segcore::test {

namespace {

const Context& plain() {
    static const Context context{*simd::variants().back(), 1};
    return context;
}

TEST(parallel_threads_for) {
    const Context context{*simd::variants().back(), 4};
    CHECK_EQUAL(threads_for(context, 100, 0), 1);
    CHECK_EQUAL(threads_for(context, 100, 1.5 * kWorkPerThread), 2);
    CHECK_EQUAL(threads_for(context, 100, 1e300), 4);
    CHECK_EQUAL(threads_for(context, 3, 1e300), 3);
    CHECK_EQUAL(threads_for(context, 0, 1e300), 1);
}

TEST(parallel_every_item_once) {
    for (int threads : {0, 1, 2, 3, 9}) {
        for (int64_t items : {0, 1, 2, 1000}) {
            const Note note("threads, items:", {threads, items});
            std::vector<std::atomic<int>> calls(static_cast<size_t>(items));
            std::atomic<bool> workers_are_right{true};
            parallel_for(plain(), items, threads, [&](int64_t item, int worker) {
                ++calls[static_cast<size_t>(item)];
                if (worker < 0 || (worker > 0 && worker >= threads)) workers_are_right = false;
            });
            for (const std::atomic<int>& count : calls) CHECK_EQUAL(count.load(), 1);
            CHECK(workers_are_right);
        }
    }
}

TEST(parallel_exceptions_reach_the_caller) {
    for (int threads : {1, 2, 5}) {
        const Note note("threads:", {threads});
        std::atomic<int> calls{0};
        std::string caught;
        try {
            parallel_for(plain(), 10'000, threads, [&](int64_t item, int) {
                ++calls;
                if (item >= 3) throw std::runtime_error("item");
            });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        CHECK_EQUAL(caught, std::string("item"));
        CHECK(calls < 10'000);
    }
}

TEST(parallel_many_callers_at_once) {
    std::vector<std::thread> callers;
    std::atomic<int64_t> sum{0};
    for (int caller = 0; caller < 6; ++caller) {
        callers.emplace_back([&, caller] {
            for (int turn = 0; turn < 200; ++turn) {
                parallel_for(plain(), caller + 3, caller + 2,
                             [&](int64_t item, int) { sum += item; });
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    int64_t expected = 0;
    for (int64_t items = 3; items < 9; ++items) expected += 200 * items * (items - 1) / 2;
    CHECK_EQUAL(sum.load(), expected);
}

TEST(parallel_loops_in_loops) {
    std::atomic<int> calls{0};
    parallel_for(plain(), 5, 3, [&](int64_t, int) {
        parallel_for(plain(), 7, 4, [&](int64_t, int) { ++calls; });
    });
    CHECK_EQUAL(calls.load(), 35);
}

// The thread sanitizer knows no threads after a fork.
#if (defined(__unix__) || defined(__APPLE__)) && !defined(__SANITIZE_THREAD__)
TEST(parallel_after_fork) {
    std::atomic<int> calls{0};
    parallel_for(plain(), 100, 4, [&](int64_t, int) { ++calls; });
    const pid_t child = fork();
    if (child == 0) {
        // None of the parent's threads are here; a loop that waits for one hangs until the alarm.
        alarm(20);
        parallel_for(plain(), 100, 4, [&](int64_t, int) { ++calls; });
        _exit(calls == 200 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
    parallel_for(plain(), 100, 4, [&](int64_t, int) { ++calls; });
    CHECK_EQUAL(calls.load(), 200);
}
#endif

// Mask i has i % 3 run ends; those in `wrong` fail, with their index as the value.
Status build(int threads, int64_t count, const std::vector<int64_t>& wrong,
             Batch<uint32_t>& batch) {
    const Context context{*simd::variants().back(), threads};
    return build_batch<uint32_t>(
        context, count, 1e12, batch, [&](int64_t mask, Buffer<uint32_t>& run_ends, int) -> Status {
            if (std::find(wrong.begin(), wrong.end(), mask) != wrong.end()) {
                return {Code::runs_too_short, mask, 0, 7 * mask};
            }
            for (int64_t i = 0; i < mask % 3; ++i) {
                run_ends.push_back(static_cast<uint32_t>(10 * mask + i));
            }
            return {};
        });
}

TEST(parallel_batches_are_the_same_on_any_number_of_threads) {
    for (int64_t count : {0, 1, 2, 7, 24, 25, 1000}) {
        Masks<uint32_t> expected;
        for (int64_t mask = 0; mask < count; ++mask) {
            std::vector<uint32_t> flips;
            for (int64_t i = 0; i < mask % 3; ++i) {
                flips.push_back(static_cast<uint32_t>(10 * mask + i));
            }
            expected.add(flips);
        }
        for (int threads : {1, 2, 3, 8}) {
            const Note note("masks, threads:", {count, threads});
            Batch<uint32_t> batch;
            CHECK(build(threads, count, {}, batch).ok());
            CHECK_MASKS(batch, expected);
        }
    }
}

TEST(parallel_the_first_wrong_mask_is_reported) {
    for (const std::vector<int64_t>& wrong :
         {std::vector<int64_t>{999}, {500, 20}, {0, 1, 999}, {124, 125, 126}, {998, 3}}) {
        const int64_t first = *std::min_element(wrong.begin(), wrong.end());
        for (int threads : {1, 2, 3, 8}) {
            const Note note("first wrong mask, threads:", {first, threads});
            Batch<uint32_t> batch;
            CHECK_STATUS(build(threads, 1000, wrong, batch),
                         {Code::runs_too_short, first, 0, 7 * first});
        }
    }
}

TEST(parallel_exceptions_leave_a_batch) {
    const Context context{*simd::variants().back(), 3};
    Batch<uint32_t> batch;
    bool caught = false;
    try {
        build_batch<uint32_t>(context, 100, 1e12, batch,
                              [](int64_t mask, Buffer<uint32_t>&, int) -> Status {
                                  if (mask == 50) throw std::bad_alloc();
                                  return {};
                              });
    } catch (const std::bad_alloc&) {
        caught = true;
    }
    CHECK(caught);
}

}  // namespace

}  // namespace segcore::test
