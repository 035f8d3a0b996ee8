// Masks with the order of their rows, of their columns, or of both reversed.
//
// Both reversed, the list of flips is: position p becomes `pixels - p`. Rows alone are mirrored
// column by column: the flips of a column become their distances from its other end, in reverse
// order. Columns alone are the two steps after one another.
#include <algorithm>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

// Append all flips in reverse order.
template <class T>
void reverse_all(const Runs<T>& runs, int64_t pixels, Buffer<T>& run_ends) {
    const int64_t count = runs.flip_count();
    const T* const flips = runs.flips();
    T* to = run_ends.grow(static_cast<size_t>(count) + 1);
    T* const begin = run_ends.data();
    const bool starts = count > 0 && flips[0] == 0;
    if (count % 2) *to++ = 0;  // the last pixel is foreground
    for (int64_t i = count - 1; i >= starts; --i) *to++ = static_cast<T>(pixels) - flips[i];
    run_ends.resize(static_cast<size_t>(to - begin));
}

template <class T>
class Mirror {
   public:
    Mirror(const Context& context, Size size, const Divider<T>& divider, Buffer<T>& run_ends)
        : context_(context),
          height_(size.height),
          pixels_(size.pixels()),
          divider_(divider),
          run_ends_(run_ends) {}

    // Append the runs, mirrored within their columns.
    void rows(const Runs<T>& runs) {
        // A run has at most three pieces: in its first and last column, and whole columns between.
        int64_t room = 2 * runs.size() + 4;
        reserve(room);
        first_ = column_ = to_;
        int64_t current = -1, x = 0;
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                const Run run = runs[i];
                x = column_of(run.start, x);
                if (x != current) {
                    close_column();
                    if (const int64_t added = add_lone_runs(runs, i, last, x)) {
                        x += added;
                        i += added - 1;
                        continue;
                    }
                }
                if (run.stop <= (x + 1) * height_) {
                    add(x, 1, run, current);
                    continue;
                }
                reserve(2 * (runs.size() - i) + 6);
                for_pieces(run, height_, divider_, [&](int64_t left, int64_t columns, Run piece) {
                    add(left, columns, piece, current);
                });
            }
        });
        close_column();
        if (to_ != first_ && static_cast<int64_t>(to_[-1]) == pixels_) --to_;
        commit();
    }

   private:
    // The column of a position that is not before column x: mostly that one, or the next.
    int64_t column_of(int64_t position, int64_t x) const {
        const int64_t next = (x + 1) * height_;
        if (position < next) return x;
        if (position < next + height_) return x + 1;
        return static_cast<int64_t>(divider_.quotient(static_cast<T>(position)));
    }

    // Most columns of an object hold one run, which touches neither end of its column, so that
    // nothing is to be put in order or joined. From run `i` in column `x` on, add those of
    // consecutive columns, and return their number.
    int64_t add_lone_runs(const Runs<T>& runs, int64_t i, int64_t last, int64_t x) {
        const T* const first = runs.flips() + 2 * i;
        const T* const end = runs.flips() + 2 * std::min(last, runs.size() - 1);
        const T height = static_cast<T>(height_);
        const T* flip = first;
        T* to = to_;
        for (T top = static_cast<T>(x) * height, bottom; flip < end; flip += 2, top = bottom) {
            bottom = top + height;
            if (flip[0] <= top || flip[1] >= bottom || flip[2] < bottom) break;
            *to++ = top + bottom - flip[1];  // may wrap on its way
            *to++ = top + bottom - flip[0];
        }
        to_ = column_ = to;
        return (flip - first) / 2;
    }

    void add(int64_t x, int64_t columns, Run piece, int64_t& current) {
        if (x != current) {
            close_column();
            current = x;
        }
        const int64_t ends = (2 * x + columns) * height_;
        to_[0] = static_cast<T>(ends - piece.stop);
        to_[1] = static_cast<T>(ends - piece.start);
        to_ += 2;
    }

    // The runs of the column descend: reverse them, and join the first one to the run before it.
    void close_column() {
        for (T *low = column_, *high = to_ - 2; low < high; low += 2, high -= 2) {
            std::swap(low[0], high[0]);
            std::swap(low[1], high[1]);
        }
        if (column_ != first_ && column_ != to_ && column_[-1] == column_[0]) {
            std::copy(column_ + 1, to_, column_ - 1);
            to_ -= 2;
        }
        column_ = to_;
    }

    void commit() { run_ends_.resize(static_cast<size_t>(to_ - run_ends_.data())); }

    void reserve(int64_t values) {
        if (limit_ - to_ >= values) return;
        const std::ptrdiff_t first = first_ ? to_ - first_ : 0,
                             column = column_ ? to_ - column_ : 0;
        if (to_) commit();
        to_ = run_ends_.grow(static_cast<size_t>(values));
        limit_ = to_ + values;
        first_ = to_ - first;
        column_ = to_ - column;
    }

    const Context& context_;
    int64_t height_, pixels_;
    const Divider<T>& divider_;
    Buffer<T>& run_ends_;
    T* first_ = nullptr;   // of this mask
    T* column_ = nullptr;  // of the column that is being written
    T* to_ = nullptr;
    T* limit_ = nullptr;
};

}  // namespace

template <class T>
void reverse(const Context& context, BatchView<T> masks, Size size, bool rows, bool columns,
             Batch<T>& batch) {
    const Divider<T> divider(size.height > 0 ? size.height : 1);
    const double work =
        4 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    std::vector<Buffer<T>> reversed(static_cast<size_t>(threads_for(context, masks.count, work)));
    // Most masks keep the number of their flips.
    if (reversed.size() == 1) batch.run_ends.grow(static_cast<size_t>(masks.total()) + 1024);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<T>& out, int worker) {
        const Runs<T> runs(masks, mask, size.pixels());
        if (rows && columns) {
            reverse_all(runs, size.pixels(), out);
        } else if (rows) {
            Mirror<T>(context, size, divider, out).rows(runs);
        } else if (columns) {
            Buffer<T>& flips = reversed[static_cast<size_t>(worker)];
            flips.clear();
            reverse_all(runs, size.pixels(), flips);
            Mirror<T>(context, size, divider, out)
                .rows({flips.data(), flips.data() + flips.size(), size.pixels()});
        } else {
            out.append(runs.flips(), static_cast<size_t>(runs.flip_count()));
        }
        return Status{};
    });
}

template void reverse<uint32_t>(const Context&, BatchView<uint32_t>, Size, bool, bool,
                                Batch<uint32_t>&);
template void reverse<uint64_t>(const Context&, BatchView<uint64_t>, Size, bool, bool,
                                Batch<uint64_t>&);

}  // namespace segcore
