// The runs of one mask, and the pieces of a run in the columns of the image.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "divide.hpp"
#include "types.hpp"

namespace segcore {

// The foreground pixels [start, stop), in column-major order.
struct Run {
    int64_t start, stop;
};

// Part of a mask: rows [top, bottom) of the columns [left, right).
struct Block {
    int64_t left, right, top, bottom;
};

// The runs of a mask. A last run without a run end is closed by the end of the image.
template <class T>
class Runs {
   public:
    class Iterator {
       public:
        Iterator(const T* flip, const T* end, int64_t pixels)
            : flip_(flip), end_(end), pixels_(pixels) {}
        Run operator*() const {
            return {static_cast<int64_t>(flip_[0]),
                    end_ - flip_ > 1 ? static_cast<int64_t>(flip_[1]) : pixels_};
        }
        Iterator& operator++() {
            flip_ += 2;
            return *this;
        }
        bool operator!=(const Iterator&) const { return flip_ < end_; }

       private:
        const T* flip_;
        const T* end_;
        int64_t pixels_;
    };

    Runs(const T* begin, const T* end, int64_t pixels)
        : begin_(begin), end_(end), pixels_(pixels) {}
    Runs(BatchView<T> masks, int64_t mask, int64_t pixels)
        : Runs(masks.begin(mask), masks.end(mask), pixels) {}

    Iterator begin() const { return {begin_, end_, pixels_}; }
    Iterator end() const { return {end_, end_, pixels_}; }

    const T* flips() const { return begin_; }
    int64_t flip_count() const { return end_ - begin_; }
    int64_t size() const { return (end_ - begin_ + 1) / 2; }
    bool empty() const { return begin_ == end_; }
    Run operator[](int64_t i) const { return *Iterator(begin_ + 2 * i, end_, pixels_); }

    // Of a mask that is not empty: its first foreground pixel, and the position behind its last.
    int64_t first() const { return static_cast<int64_t>(*begin_); }
    int64_t last() const { return has_open_end() ? pixels_ : static_cast<int64_t>(end_[-1]); }

    // Foreground pixels. No area exceeds T, so that the sum may wrap on its way.
    int64_t area() const {
        const std::ptrdiff_t pairs = (end_ - begin_) / 2;
        T sum = 0;
        for (std::ptrdiff_t i = 0; i < pairs; ++i) sum += begin_[2 * i + 1] - begin_[2 * i];
        if (has_open_end()) sum += static_cast<T>(pixels_) - end_[-1];
        return static_cast<int64_t>(sum);
    }

   private:
    bool has_open_end() const { return (end_ - begin_) % 2 != 0; }

    const T* begin_;
    const T* end_;
    int64_t pixels_;
};

// Call body(x, y, n) for each column that the pixels [start, stop) lie in: n of them from row y of
// column x. `x` is the column of the first.
template <class Body>
inline void for_columns(Run run, int64_t x, int64_t height, Body body) {
    int64_t y = run.start - x * height;
    for (int64_t left = run.stop - run.start; left > 0; ++x, y = 0) {
        const int64_t n = std::min(left, height - y);
        body(x, y, n);
        left -= n;
    }
}

// Call body(x, columns, piece) for the pieces of a run that lie in one column, or fill several.
template <class T, class Body>
inline void for_pieces(Run run, int64_t height, const Divider<T>& divider, Body body) {
    int64_t x = static_cast<int64_t>(divider.quotient(static_cast<T>(run.start)));
    if (run.stop <= (x + 1) * height) return body(x, int64_t{1}, run);  // the usual case
    for (int64_t start = run.start; start < run.stop;) {
        const int64_t top = x * height;
        int64_t columns = 1;
        if (start == top && run.stop - top >= 2 * height) {
            columns = static_cast<int64_t>(divider.quotient(static_cast<T>(run.stop - top)));
        }
        const int64_t stop = std::min(run.stop, top + columns * height);
        body(x, columns, Run{start, stop});
        start = stop;
        x += columns;
    }
}

}  // namespace segcore
