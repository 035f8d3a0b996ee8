// Masks with rows and columns exchanged.
//
// The flips of the transposed mask are the pixels that differ from their left neighbour. They are
// found as spans of rows in each column: the mask XOR the mask one column to the right, whose flips
// are those that only one of both lists has. A row continues in the next one, so the first column
// is compared with the last one, one row further down. The pixels are then sorted by row, by
// counting.
#include <algorithm>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"
#include "spans.hpp"

namespace segcore {

namespace {

template <class T>
class Transposer {
   public:
    Transposer(const Context& context, Size size)
        : context_(context),
          height_(size.height),
          width_(size.width),
          pixels_(size.pixels()),
          finder_(context, size) {}

    void transpose(const Runs<T>& runs, Buffer<T>& run_ends) {
        if (runs.empty()) return;
        spans_.clear();
        first_column(runs);
        finder_.other_columns(runs, spans_);
        int64_t total = 0, lowest = height_, highest = 0;
        for (size_t i = 0; i < spans_.size(); ++i) {
            total += spans_[i].bottom - spans_[i].top;
            lowest = std::min(lowest, spans_[i].top);
            highest = std::max(highest, spans_[i].bottom);
        }
        const size_t count = static_cast<size_t>(total);
        if ((highest - lowest) / 8 > total + 64) {
            sort(run_ends.grow(count));
        } else {
            count_and_place(lowest, highest, run_ends.grow(count));
        }
        run_ends.resize(run_ends.size() + count);
    }

   private:
    void first_column(const Runs<T>& runs) {
        const T* const flips = runs.flips();
        const T* const end = flips + runs.flip_count();
        // The last column's flips, and whether it starts with foreground.
        const T top = static_cast<T>(pixels_ - height_);
        const T* const last = std::upper_bound(flips, end, top);
        const bool inside = (last - flips) % 2;
        below_.clear();
        if (inside) below_.push_back(top);
        below_.append(last, static_cast<size_t>(end - last));
        // One row further down, what was in the last row is outside of the image.
        for (size_t i = 0; i < below_.size(); ++i) below_[i] = static_cast<T>(below_[i] - top + 1);
        while (below_.size() && static_cast<int64_t>(below_.back()) >= height_) below_.pop_back();
        const T* const next = std::lower_bound(flips, end, static_cast<T>(height_));
        finder_.first_column(flips, next, below_, spans_);
    }

    // Write all pixels of the spans, whose columns ascend, row by row.
    void count_and_place(int64_t lowest, int64_t highest, T* to) {
        const size_t rows = static_cast<size_t>(highest > lowest ? highest - lowest : 0);
        starts_.assign(rows + 1, 0);
        for (size_t i = 0; i < spans_.size(); ++i) {
            ++starts_[static_cast<size_t>(spans_[i].top - lowest)];
            --starts_[static_cast<size_t>(spans_[i].bottom - lowest)];
        }
        for (size_t row = 0, pixels = 0, begin = 0; row < rows; ++row) {
            pixels += starts_[row];  // where more end than start, the sum wraps back
            starts_[row] = begin;
            begin += pixels;
        }
        // Copies, which the compiler keeps in registers.
        size_t* const starts = starts_.data();
        const Span* const spans = spans_.data();
        const int64_t width = width_;
        const size_t count = spans_.size();
        int64_t written = 0;
        for (size_t i = 0; i < count; ++i) {
            const int64_t x = spans[i].x, top = spans[i].top, height = spans[i].bottom - top;
            for_blocks(context_, height, [&](int64_t first, int64_t last) {
                for (int64_t y = top + first; y < top + last; ++y) {
                    to[starts[y - lowest]++] = static_cast<T>(y * width + x);
                }
            });
            written += height;
            if (written >= kItemsPerPoll) {
                context_.poll();
                written = 0;
            }
        }
    }

    // The same where there are few pixels for so many rows.
    void sort(T* to) {
        T* const begin = to;
        for_blocks(context_, static_cast<int64_t>(spans_.size()), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                const Span& span = spans_[static_cast<size_t>(i)];
                for (int64_t y = span.top; y < span.bottom; ++y) {
                    *to++ = static_cast<T>(y * width_ + span.x);
                }
            }
        });
        std::sort(begin, to);
    }

    const Context& context_;
    int64_t height_, width_, pixels_;
    SpanFinder<T> finder_;
    Buffer<T> below_;
    Buffer<Span> spans_;
    Buffer<size_t> starts_;
};

}  // namespace

template <class T>
void transpose(const Context& context, BatchView<T> masks, Size size, Batch<T>& batch) {
    const double work =
        8 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    std::vector<Transposer<T>> transposers;
    for (int i = threads_for(context, masks.count, work); i > 0; --i) {
        transposers.emplace_back(context, size);
    }
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<T>& out, int worker) {
        transposers[static_cast<size_t>(worker)].transpose({masks, mask, size.pixels()}, out);
        return Status{};
    });
}

template void transpose<uint32_t>(const Context&, BatchView<uint32_t>, Size, Batch<uint32_t>&);
template void transpose<uint64_t>(const Context&, BatchView<uint64_t>, Size, Batch<uint64_t>&);

}  // namespace segcore
