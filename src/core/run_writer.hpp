// Writes the runs of a mask in ascending order, and joins those that touch.
#pragma once

#include <algorithm>

#include "blocks.hpp"
#include "runs.hpp"

namespace segcore {

template <class T>
class RunWriter {
   public:
    // Appends to `run_ends`, which is complete after finish().
    RunWriter(const Context& context, Buffer<T>& run_ends, Size size)
        : context_(context), run_ends_(run_ends), size_(size), first_(run_ends.size()) {
        reserve(16);
    }

    // Make room for `runs` more runs.
    void reserve(int64_t runs) {
        if (limit_ - to_ < 2 * runs) grow(2 * static_cast<size_t>(std::max<int64_t>(runs, 64)));
    }

    // Write the pixels [start, stop), not before those that were written. There must be room.
    void add(int64_t start, int64_t stop) {
        if (to_ != begin_ && to_[-1] == static_cast<T>(start)) {
            to_[-1] = static_cast<T>(stop);
        } else {
            to_[0] = static_cast<T>(start);
            to_[1] = static_cast<T>(stop);
            to_ += 2;
        }
    }

    // Write a block; several columns must be all that their columns have. Makes room itself.
    void add(const Block& block) {
        const int64_t height = size_.height;
        if (block.top == 0 && block.bottom == height) {
            reserve(1);
            return add(block.left * height, block.right * height);
        }
        for_blocks(context_, block.right - block.left, [&](int64_t first, int64_t last) {
            reserve(last - first);
            for (int64_t x = block.left + first; x < block.left + last; ++x) {
                add(x * height + block.top, x * height + block.bottom);
            }
        });
    }

    // A last run that reaches the end of the image has no run end.
    void finish() {
        if (to_ != begin_ && static_cast<int64_t>(to_[-1]) == size_.pixels()) --to_;
        commit();
    }

   private:
    void commit() { run_ends_.resize(static_cast<size_t>(to_ - run_ends_.data())); }

    void grow(size_t values) {
        if (to_) commit();
        to_ = run_ends_.grow(values);
        begin_ = run_ends_.data() + first_;
        limit_ = to_ + values;
    }

    const Context& context_;
    Buffer<T>& run_ends_;
    Size size_;
    size_t first_;
    T* begin_ = nullptr;
    T* to_ = nullptr;
    T* limit_ = nullptr;
};

}  // namespace segcore
