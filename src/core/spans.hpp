// Where neighbouring columns of a mask differ.
#pragma once

#include <algorithm>
#include <limits>

#include "blocks.hpp"
#include "runs.hpp"

namespace segcore {

// Rows [top, bottom) of a column.
struct Span {
    int64_t x, top, bottom;
};

// The mask XOR the mask one column to the right: its flips are those that only one of both lists
// has.
template <class T>
class SpanFinder {
   public:
    SpanFinder(const Context& context, Size size)
        : context_(context),
          height_(size.height),
          width_(size.width),
          pixels_(size.pixels()),
          divider_(size.height > 0 ? size.height : 1) {}

    // The spans in which the first column, whose flips these are, differs from other rows, given by
    // their flips.
    void first_column(const T* flips, const T* end, const Buffer<T>& others, Buffer<Span>& spans) {
        T* const begin = changes_of(static_cast<size_t>(end - flips) + others.size());
        T* to = differ(flips, end, others.data(), others.data() + others.size(), 0, begin);
        add_spans(begin, to, height_, spans);
    }

    // The spans of all columns but the first in which a mask differs from the column to the left.
    void other_columns(const Runs<T>& runs, Buffer<Span>& spans) {
        if (width_ < 2) return;
        const T* const flips = runs.flips();
        const T* const end = flips + runs.flip_count();
        const T height = static_cast<T>(height_);
        // Flips from the second column on, and those up to the last but one, a column further on.
        const T* const a = std::upper_bound(flips, end, height);
        const T* const b_end = std::lower_bound(flips, end, static_cast<T>(pixels_ - height_));
        const bool a_inside = (a - flips) % 2, b_inside = flips < b_end && flips[0] == 0;
        T* const begin = changes_of(static_cast<size_t>((end - a) + (b_end - flips)) + 1);
        T* to = begin;
        // At the top of the second column, the two differ if its first pixel and the one to its
        // left do.
        if (a_inside != b_inside) *to++ = height;
        to = differ(a, end, flips + b_inside, b_end, height, to);
        add_spans(begin, to, pixels_, spans);
    }

   private:
    // Write to `to` the values that only one of two ascending lists has, with a value added to
    // those of the second list.
    T* differ(const T* a, const T* a_end, const T* b, const T* b_end, T b_shift, T* to) {
        constexpr T kEnd = std::numeric_limits<T>::max();
        T next_a = a < a_end ? *a : kEnd;
        T next_b = b < b_end ? static_cast<T>(*b + b_shift) : kEnd;
        while (next_a != kEnd && next_b != kEnd) {
            context_.poll();
            for (int64_t i = 0; i < kItemsPerPoll && next_a != kEnd && next_b != kEnd; ++i) {
                const T position = next_a < next_b ? next_a : next_b;
                const bool in_a = next_a == position, in_b = next_b == position;
                *to = position;
                to += in_a ^ in_b;
                a += in_a;
                b += in_b;
                next_a = a < a_end ? *a : kEnd;
                next_b = b < b_end ? static_cast<T>(*b + b_shift) : kEnd;
            }
        }
        for (; a < a_end; ++a) *to++ = *a;
        for (; b < b_end; ++b) *to++ = static_cast<T>(*b + b_shift);
        return to;
    }

    T* changes_of(size_t most) {
        changes_.clear();
        return changes_.grow(most + 1);
    }

    // Divide the pixels between alternate changes into spans. Most are in one column.
    void add_spans(const T* change, const T* end, int64_t limit, Buffer<Span>& spans) {
        for_blocks(context_, (end - change + 1) / 2, [&](int64_t first, int64_t last) {
            spans.grow(static_cast<size_t>(last - first));
            for (int64_t i = first; i < last; ++i) {
                const auto start = static_cast<int64_t>(change[2 * i]);
                const int64_t stop =
                    change + 2 * i + 1 < end ? static_cast<int64_t>(change[2 * i + 1]) : limit;
                const auto x = static_cast<int64_t>(divider_.quotient(change[2 * i]));
                for_columns({start, stop}, x, height_, [&](int64_t column, int64_t y, int64_t n) {
                    spans.push_back({column, y, y + n});
                });
            }
        });
    }

    const Context& context_;
    int64_t height_, width_, pixels_;
    Divider<T> divider_;
    Buffer<T> changes_;
};

}  // namespace segcore
