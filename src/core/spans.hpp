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
        if (width_ < 2 || by_column(runs, spans)) return;
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
    // The same, column by column, which is faster. Returns false if runs span several columns.
    bool by_column(const Runs<T>& runs, Buffer<Span>& spans) {
        const int64_t count = runs.size();
        const T* const flips = runs.flips();
        if (runs.flip_count() % 2) return false;
        columns_.resize(static_cast<size_t>(count));
        bool is_in_columns = true;
        for_blocks(context_, count, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                const T x = divider_.quotient(flips[2 * i]);
                columns_[static_cast<size_t>(i)] = x;
                is_in_columns &= flips[2 * i + 1] <= (x + 1) * static_cast<T>(height_);
            }
        });
        if (!is_in_columns) return false;
        // The runs of the column to the left, if it is `before`, and those of column x.
        int64_t left = 0, polled = 0;
        auto before = static_cast<int64_t>(-1);
        for (int64_t i = 0; i < count;) {
            const T x = columns_[static_cast<size_t>(i)];
            int64_t end = i + 1;
            while (end < count && columns_[static_cast<size_t>(end)] == x) ++end;
            const auto column = static_cast<int64_t>(x);
            if (left < i && before + 1 < column) {
                compare(before + 1, flips + 2 * left, flips + 2 * i, nullptr, nullptr, spans);
                left = i;
            }
            if (column > 0) {
                compare(column, flips + 2 * left, flips + 2 * i, flips + 2 * i, flips + 2 * end,
                        spans);
            }
            left = i;
            before = column;
            i = end;
            if (end - polled > kItemsPerPoll) {
                context_.poll();
                polled = end;
            }
        }
        if (before + 1 < width_) {
            compare(before + 1, flips + 2 * left, flips + 2 * count, nullptr, nullptr, spans);
        }
        return true;
    }

    // Append where the runs of column x differ from those of the column to its left.
    void compare(int64_t x, const T* a, const T* a_end, const T* b, const T* b_end,
                 Buffer<Span>& spans) {
        const int64_t top = x * height_, left = top - height_;
        if (a_end - a == 2 && b_end - b == 2) {  // the usual case, if they overlap
            const auto a_start = static_cast<int64_t>(a[0]) - left,
                       a_stop = static_cast<int64_t>(a[1]) - left,
                       b_start = static_cast<int64_t>(b[0]) - top,
                       b_stop = static_cast<int64_t>(b[1]) - top;
            if (std::max(a_start, b_start) <= std::min(a_stop, b_stop)) {
                Span* to = spans.grow(2);
                Span* const begin = to;
                *to = {x, std::min(a_start, b_start), std::max(a_start, b_start)};
                to += a_start != b_start;
                *to = {x, std::min(a_stop, b_stop), std::max(a_stop, b_stop)};
                to += a_stop != b_stop;
                spans.resize(spans.size() + static_cast<size_t>(to - begin));
                return;
            }
        }
        T* const begin = changes_of(static_cast<size_t>((a_end - a) + (b_end - b)));
        T* const end = differ(b, b_end, a, a_end, static_cast<T>(height_), begin);
        for (const T* change = begin; change < end; change += 2) {
            spans.push_back(
                {x, static_cast<int64_t>(change[0]) - top, static_cast<int64_t>(change[1]) - top});
        }
    }

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
    Buffer<T> changes_, columns_;
};

}  // namespace segcore
