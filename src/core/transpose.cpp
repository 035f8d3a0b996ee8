// Masks with rows and columns exchanged, and then the rows or columns of the result reversed.
//
// The flips of the result are the pixels that differ from their left neighbor, or from the right
// one if rows are reversed. They are found column by column, and then sorted by row, by counting. A
// row continues in the next one, so the first pixel of a row is compared with the last one of the
// row before.
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
    Transposer(const Context& context, Size size, bool reverse_rows, bool reverse_columns)
        : context_(context),
          height_(size.height),
          width_(size.width),
          reverse_rows_(reverse_rows),
          reverse_columns_(reverse_columns),
          finder_(context, size),
          divider_(size.width > 0 ? size.width : 1) {}

    void transpose(const Runs<T>& runs, Buffer<T>& run_ends) {
        if (runs.empty()) return;
        find(runs);
        int64_t total = 0, lowest = height_, highest = 0;
        for_spans([&](Span& span) {
            if (reverse_rows_) span.x = width_ - span.x;
            if (reverse_columns_) {
                span = {span.x, height_ - span.bottom, height_ - span.top};
            }
            total += span.bottom - span.top;
            lowest = std::min(lowest, span.top);
            highest = std::max(highest, span.bottom);
        });
        const auto count = static_cast<size_t>(total);
        flips_.resize(count + kShort);
        write_flips(flips_.data());
        T* const to = run_ends.grow(count);
        if ((highest - lowest) / 8 > total + 64) {
            std::copy(flips_.data(), flips_.data() + count, to);
            std::sort(to, to + count);
        } else {
            sort_by_row(total, lowest, highest, to);
        }
        run_ends.resize(run_ends.size() + count);
    }

   private:
    // Most spans are short: writing some flips too many takes less time than to count.
    static constexpr int64_t kShort = 4;

    // Find the spans in the order in which the flips of each row ascend: those of the first pixels,
    // then [begin_, end_).
    void find(const Runs<T>& runs) {
        spans_.clear();
        finder_.find(runs, spans_);
        found_ = spans_.size();
        begin_ = 0;
        end_ = found_;
        // The first pixels of the rows of the result, and the last ones, in the rows that follow.
        first_.clear();
        last_.clear();
        const int64_t first_x = reverse_rows_ ? width_ : 0, step = reverse_columns_ ? -1 : 1;
        const auto add_edge = [&](const Span& span) {
            if (span.x == first_x) {
                first_.push_back(span.top);
                first_.push_back(span.bottom);
                return;
            }
            const int64_t top = std::max<int64_t>(span.top + step, 0);
            const int64_t bottom = std::min(span.bottom + step, height_);
            if (top == bottom) return;
            last_.push_back(top);
            last_.push_back(bottom);
        };
        while (begin_ < end_ && spans_[begin_].x == 0) add_edge(spans_[begin_++]);
        while (begin_ < end_ && spans_[end_ - 1].x == width_) --end_;
        for (size_t i = end_; i < found_; ++i) add_edge(spans_[i]);
        finder_.differ(first_x, first_, last_, spans_);
        if (reverse_rows_) std::reverse(spans_.data() + begin_, spans_.data() + end_);
    }

    template <class Body>
    void for_spans(Body body) {
        const auto for_range = [&](size_t begin, size_t end) {
            Span* const spans = spans_.data() + begin;
            for_blocks(context_, static_cast<int64_t>(end - begin),
                       [&](int64_t first, int64_t last) {
                           for (int64_t i = first; i < last; ++i) body(spans[i]);
                       });
        };
        for_range(found_, spans_.size());
        for_range(begin_, end_);
    }

    void write_flips(T* to) {
        const T width = static_cast<T>(width_);
        for_spans([&](const Span& span) {
            T flip = static_cast<T>(span.top * width_ + span.x);
            for (int64_t i = 0; i < kShort; ++i) to[i] = flip + static_cast<T>(i) * width;
            const int64_t count = span.bottom - span.top;
            for_blocks(context_, count - kShort, [&](int64_t first, int64_t last) {
                for (int64_t i = kShort + first; i < kShort + last; ++i) {
                    to[i] = flip + static_cast<T>(i) * width;
                }
            });
            to += count;
        });
    }

    // Count the flips of each row, and write them row by row.
    void sort_by_row(int64_t total, int64_t lowest, int64_t highest, T* to) {
        const T below = static_cast<T>(lowest);
        starts_.assign(static_cast<size_t>(std::max<int64_t>(highest - lowest, 0)), 0);
        T* const starts = starts_.data();
        const T* const flips = flips_.data();
        for_blocks(context_, total, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) ++starts[divider_.quotient(flips[i]) - below];
        });
        T start = 0;
        for (size_t row = 0; row < starts_.size(); ++row) {
            const T count = starts[row];
            starts[row] = start;
            start += count;
        }
        for_blocks(context_, total, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                to[starts[divider_.quotient(flips[i]) - below]++] = flips[i];
            }
        });
    }

    const Context& context_;
    int64_t height_, width_;
    bool reverse_rows_, reverse_columns_;
    SpanFinder<T> finder_;
    Divider<T> divider_;
    Buffer<Span> spans_;
    size_t begin_ = 0, end_ = 0, found_ = 0;  // see find()
    Buffer<int64_t> first_, last_;
    Buffer<T> flips_, starts_;
};

}  // namespace

template <class T>
void transpose(const Context& context, BatchView<T> masks, Size size, bool rows, bool columns,
               Batch<T>& batch) {
    const double work =
        8 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    PerWorker<Transposer<T>> transposers(threads_for(context, masks.count, work), context, size,
                                         rows, columns);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<T>& out, int worker) {
        transposers[worker].transpose({masks, mask, size.pixels()}, out);
        return Status{};
    });
}

template void transpose<uint32_t>(const Context&, BatchView<uint32_t>, Size, bool, bool,
                                  Batch<uint32_t>&);
template void transpose<uint64_t>(const Context&, BatchView<uint64_t>, Size, bool, bool,
                                  Batch<uint64_t>&);

}  // namespace segcore
