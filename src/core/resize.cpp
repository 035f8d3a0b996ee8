// Masks resized by taking the nearest pixel.
//
// Output row Y takes one input row, which never descends with Y. So an input run gives the rows
// from the first one that takes its first row or a later one, up to that of the row behind it.
// Columns are taken likewise: the runs of a column are written once for every output column that
// takes it.
#include "kernels.hpp"
#include "parallel.hpp"
#include "run_writer.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

// The first output row (or column) that takes an input row, or one behind it.
class Taken {
   public:
    // Output row Y takes input row floor(Y * inputs / outputs) or, by its center,
    // floor((2 * Y + 1) * inputs / (2 * outputs)).
    Taken(int64_t inputs, int64_t outputs, bool centers)
        : inputs_(centers ? 2 * inputs : inputs),
          outputs_(centers ? 2 * outputs : outputs),
          before_(centers ? inputs : 0) {}

    int64_t first(int64_t row) const {
        const int64_t position = row * outputs_ - before_;
        return position <= 0 ? 0 : (position - 1) / inputs_ + 1;
    }

   private:
    int64_t inputs_, outputs_, before_;
};

template <class T, class U>
class Resizer {
   public:
    Resizer(const Context& context, Size size, Size resized, bool centers)
        : context_(context),
          size_(size),
          resized_(resized),
          rows_(size.height, resized.height, centers),
          columns_(size.width, resized.width, centers),
          divider_(size.height > 0 ? size.height : 1) {}

    void resize(const Runs<T>& runs, Buffer<U>& run_ends) {
        if (resized_.pixels() == 0) return;
        RunWriter<U> writer(context_, run_ends, resized_);
        column_ = -1;
        pieces_.clear();
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                for_pieces(
                    runs[i], size_.height, divider_,
                    [&](int64_t x, int64_t columns, Run piece) { add(x, columns, piece, writer); });
            }
        });
        write_column(writer);
        writer.finish();
    }

   private:
    void add(int64_t x, int64_t columns, Run piece, RunWriter<U>& writer) {
        if (x != column_) {
            write_column(writer);
            column_ = x;
            left_ = columns_.first(x);
            right_ = columns_.first(x + columns);
        }
        if (left_ == right_) return;
        const int64_t top = piece.start - x * size_.height;
        const int64_t bottom = columns > 1 ? size_.height : piece.stop - x * size_.height;
        const Run rows{rows_.first(top), rows_.first(bottom)};
        if (columns > 1) {
            writer.add(Block{left_, right_, rows.start, rows.stop});
        } else if (rows.start < rows.stop) {
            pieces_.push_back(rows);
        }
    }

    // Write the pieces of the last column.
    void write_column(RunWriter<U>& writer) {
        const auto count = static_cast<int64_t>(pieces_.size());
        if (count == 1) {
            const Run rows = pieces_[0];
            writer.add(Block{left_, right_, rows.start, rows.stop});
        } else if (count) {
            for (int64_t x = left_; x < right_; ++x) {
                const int64_t column = x * resized_.height;
                context_.poll();
                writer.reserve(count);
                for (size_t i = 0; i < pieces_.size(); ++i) {
                    writer.add(column + pieces_[i].start, column + pieces_[i].stop);
                }
            }
        }
        pieces_.clear();
    }

    const Context& context_;
    Size size_, resized_;
    Taken rows_, columns_;
    Divider<T> divider_;
    int64_t column_ = -1;             // of the input,
    int64_t left_ = 0, right_ = 0;    // the columns of the output that take it,
    Buffer<Run> pieces_;              // and their rows
};

}  // namespace

template <class T, class U>
void resize(const Context& context, BatchView<T> masks, Size size, Size resized, bool centers,
            Batch<U>& batch) {
    const double work =
        20 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    PerWorker<Resizer<T, U>> resizers(threads_for(context, masks.count, work), context, size,
                                      resized, centers);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<U>& out, int worker) {
        resizers[worker].resize({masks, mask, size.pixels()}, out);
        return Status{};
    });
}

#define SEGCORE_RESIZE(T, U) \
    template void resize<T, U>(const Context&, BatchView<T>, Size, Size, bool, Batch<U>&)
SEGCORE_RESIZE(uint32_t, uint32_t);
SEGCORE_RESIZE(uint32_t, uint64_t);
SEGCORE_RESIZE(uint64_t, uint32_t);
SEGCORE_RESIZE(uint64_t, uint64_t);
#undef SEGCORE_RESIZE

}  // namespace segcore
