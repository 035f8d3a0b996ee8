// Simple steps that are long where there is much data: they are taken part by part, and between
// the parts the kernel may be stopped.
#pragma once

#include <algorithm>
#include <cstring>

#include "context.hpp"
#include "types.hpp"

namespace segcore {

// Items in a part, of a few nanoseconds each. It is a multiple of all that comes in groups: flips
// in pairs, pixels in words of 64.
constexpr int64_t kPart = 1 << 16;

// Tells of steps that are so short that they would feel a poll each: many of them at once.
class Pacer {
   public:
    explicit Pacer(const Context& context) : context_(context) {}

    void step(int64_t work) {
        work_ += work;
        if (work_ > kPace) {
            context_.poll(work_);
            work_ = 0;
        }
    }

   private:
    static constexpr int64_t kPace = 4000;

    const Context& context_;
    int64_t work_ = 0;
};

// Call body(first, last) for the parts of [0, n); an item takes about `work` nanoseconds.
template <class Int, class Body>
void for_parts(const Context& context, Int n, int64_t work, Body body) {
    constexpr Int kSize = static_cast<Int>(kPart);
    for (Int first = 0; first < n;) {
        const Int last = n - first > kSize ? first + kSize : n;
        context.poll(static_cast<int64_t>(last - first) * work);
        body(first, last);
        first = last;
    }
}

// Call body(i) for every i in [0, n).
template <class Int, class Body>
void for_all(const Context& context, Int n, int64_t work, Body body) {
    for_parts(context, n, work, [&](Int first, Int last) {
        for (Int i = first; i < last; ++i) body(i);
    });
}

// Call body(i, row) for all items of rows that end at these places; an item takes about `work`
// nanoseconds.
template <class Body>
void for_rows(const Context& context, const Buffer<size_t>& row_ends, int64_t work, Body body) {
    constexpr size_t kRows = 64;  // at once: few rows have many items
    size_t start = 0;
    for (size_t top = 0; top < row_ends.size(); top += kRows) {
        size_t row = top;
        const size_t end = row_ends[std::min(top + kRows, row_ends.size()) - 1];
        for_parts(context, end - start, work, [&](size_t first, size_t last) {
            for (size_t i = start + first; i < start + last; ++i) {
                while (i >= row_ends[row]) ++row;
                body(i, row);
            }
        });
        start = end;
    }
}

template <class T>
void copy_all(const Context& context, const T* from, size_t n, T* to) {
    for_parts(context, n, 1, [&](size_t first, size_t last) {
        std::memcpy(to + first, from + first, (last - first) * sizeof(T));
    });
}

template <class T>
void append_all(const Context& context, const T* from, size_t n, Buffer<T>& to) {
    copy_all(context, from, n, to.grow(n));
    to.resize(to.size() + n);
}

template <class T>
void fill_all(const Context& context, T* to, size_t n, T value) {
    for_parts(context, n, 1,
              [&](size_t first, size_t last) { std::fill(to + first, to + last, value); });
}

template <class T>
void assign_all(const Context& context, size_t n, T value, Buffer<T>& to) {
    to.resize(n);
    fill_all(context, to.data(), n, value);
}

template <class T, class Less>
void sort_all(const Context& context, T* begin, T* end, Less less) {
    if (end - begin <= kPart) {
        std::sort(begin, end, less);
        return;
    }
    int64_t until_poll = kPart;
    std::sort(begin, end, [&](const T& a, const T& b) {
        if (--until_poll == 0) {
            until_poll = kPart;
            context.poll(4 * kPart);
        }
        return less(a, b);
    });
}

}  // namespace segcore
