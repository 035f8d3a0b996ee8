// Arena: arrays that share no byte and last, whatever their sizes.
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "core/arena.hpp"
#include "harness.hpp"

namespace segcore::test {

namespace {

struct Taken {
    uint8_t* bytes;
    size_t size;
    uint8_t mark;
};

bool is_marked(const Taken& taken) {
    for (size_t i = 0; i < taken.size; ++i) {
        if (taken.bytes[i] != taken.mark) return false;
    }
    return true;
}

TEST(arena_arrays_share_nothing) {
    Arena arena;
    std::vector<Taken> all;
    // Up to a block and beyond, around its borders, and many small ones after large ones.
    for (size_t size :
         {0, 1, 7, 8, 9, 64, 1000, 8191, 8192, 8193, 30000, 65535, 65536, 65537, 200000}) {
        for (int repeat = 0; repeat < 20; ++repeat) {
            const uint8_t mark = static_cast<uint8_t>(all.size() % 251);
            all.push_back({arena.take<uint8_t>(size), size, mark});
            if (size) std::memset(all.back().bytes, mark, size);
            all.push_back({arena.take<uint8_t>(3), 3, static_cast<uint8_t>(mark + 1)});
            std::memset(all.back().bytes, mark + 1, 3);
        }
    }
    for (const Taken& taken : all) CHECK(is_marked(taken));
}

TEST(arena_is_used_again) {
    Arena arena;
    const uint8_t* const first = arena.take<uint8_t>(100);
    for (int repeat = 0; repeat < 3; ++repeat) {
        arena.clear();
        std::vector<Taken> all;
        for (size_t size : {100, 9000, 30000, 100, 65536, 8000, 200000, 100}) {
            const uint8_t mark = static_cast<uint8_t>(all.size() + 1);
            all.push_back({arena.take<uint8_t>(size), size, mark});
            std::memset(all.back().bytes, mark, size);
        }
        CHECK_EQUAL(all[0].bytes == first, true);
        for (const Taken& taken : all) CHECK(is_marked(taken));
    }
}

TEST(arena_arrays_are_aligned) {
    Arena arena;
    for (size_t size = 0; size < 100; ++size) {
        arena.take<uint8_t>(size);
        CHECK_EQUAL(reinterpret_cast<uintptr_t>(arena.take<int64_t>(1)) % alignof(int64_t), 0u);
    }
}

TEST(arena_refuses_what_no_memory_could_hold) {
    Arena arena;
    for (size_t size : {std::numeric_limits<size_t>::max(), size_t{1} << 61}) {
        bool caught = false;
        try {
            arena.take<int64_t>(size);
        } catch (const std::bad_alloc&) {
            caught = true;
        }
        CHECK(caught);
    }
    arena.take<int64_t>(1)[0] = 1;
}

}  // namespace

}  // namespace segcore::test
