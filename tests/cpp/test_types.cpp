// Buffer: growth, moves, and giving memory away.
#include <cstdlib>
#include <new>

#include "masks.hpp"

namespace segcore::test {

namespace {

Buffer<int> counted(int n) {
    Buffer<int> buffer;
    for (int i = 0; i < n; ++i) buffer.push_back(i);
    return buffer;
}

std::vector<int> count(int n) {
    std::vector<int> values;
    for (int i = 0; i < n; ++i) values.push_back(i);
    return values;
}

TEST(buffer_begins_empty) {
    Buffer<int> buffer;
    CHECK_EQUAL(buffer.size(), 0u);
    buffer.append(nullptr, 0);
    buffer.shrink();
    buffer.clear();
    CHECK(values_of(buffer).empty());
    CHECK(buffer.release() == nullptr);
}

TEST(buffer_grows) {
    Buffer<int> buffer = counted(1000);
    CHECK_EQUAL(values_of(buffer), count(1000));
    CHECK_EQUAL(buffer.back(), 999);
    buffer.pop_back();
    CHECK_EQUAL(values_of(buffer), count(999));
    buffer.resize(3);
    CHECK_EQUAL(values_of(buffer), count(3));
    const int more[] = {3, 4, 5};
    buffer.append(more, 3);
    CHECK_EQUAL(values_of(buffer), count(6));
    buffer.assign(2, 7);
    CHECK_EQUAL(values_of(buffer), (std::vector<int>{7, 7}));
    buffer.assign(2000, 8);
    CHECK_EQUAL(values_of(buffer), std::vector<int>(2000, 8));
    CHECK_EQUAL(Buffer<int>(5).size(), 5u);
}

TEST(buffer_grow_keeps_the_size) {
    Buffer<int> buffer = counted(10);
    int* to = buffer.grow(100'000);
    CHECK(to == buffer.data() + 10);
    CHECK_EQUAL(buffer.size(), 10u);
    for (int i = 0; i < 100'000; ++i) to[i] = 10 + i;
    buffer.resize(100'010);
    CHECK_EQUAL(values_of(buffer), count(100'010));
}

TEST(buffer_moves) {
    Buffer<int> a = counted(10), b(std::move(a));
    CHECK_EQUAL(values_of(b), count(10));
    Buffer<int> c = counted(3);
    c = std::move(b);
    CHECK_EQUAL(values_of(c), count(10));
    Buffer<int> d;
    d.swap(c);
    CHECK_EQUAL(values_of(d), count(10));
    CHECK_EQUAL(c.size(), 0u);
}

TEST(buffer_shrinks) {
    Buffer<int> buffer = counted(10);
    buffer.grow(100'000);
    buffer.shrink();
    CHECK_EQUAL(values_of(buffer), count(10));
    buffer.push_back(10);
    CHECK_EQUAL(values_of(buffer), count(11));
}

TEST(buffer_releases) {
    Buffer<int> buffer = counted(10);
    int* memory = buffer.release();
    CHECK_EQUAL(memory[9], 9);
    std::free(memory);
    CHECK_EQUAL(buffer.size(), 0u);
    buffer.push_back(5);
    CHECK_EQUAL(values_of(buffer), std::vector<int>{5});
}

// Beyond the size from which large pages are asked for.
TEST(buffer_of_much_memory) {
    Buffer<uint64_t> buffer(1'000'000);
    for (size_t i = 0; i < buffer.size(); ++i) buffer[i] = i;
    buffer.resize(3'000'000);
    for (size_t i = 0; i < 1'000'000; ++i) CHECK_EQUAL(buffer[i], i);
}

TEST(buffer_refuses_what_no_memory_holds) {
    Buffer<uint64_t> buffer(3);
    bool refused = false;
    try {
        buffer.resize(~size_t{0} / 8 + 1);
    } catch (const std::bad_alloc&) {
        refused = true;
    }
    CHECK(refused);
    CHECK_EQUAL(buffer.size(), 3u);
}

}  // namespace

}  // namespace segcore::test
