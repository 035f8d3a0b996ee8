// Masks resized by the covered share of each pixel.
//
// Lengths are counted so that all borders are integers: an input pixel is w wide and h high, where
// the output has h rows and w columns, and an output pixel W wide and H high, where the input has H
// rows and W columns. Within an output column, the covered width is constant between the tops and
// bottoms of the runs. It is summed up from one of them to the next, and only the pixels that one
// lies in are looked at one by one.
#include <algorithm>

#include "kernels.hpp"
#include "parallel.hpp"
#include "run_writer.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

template <class T, class U>
class Coverer {
   public:
    Coverer(const Context& context, Size size, Size resized, int64_t limit)
        : context_(context),
          size_(size),
          resized_(resized),
          limit_(limit),
          divider_(size.height > 0 ? size.height : 1) {}

    void resize(const Runs<T>& runs, Buffer<U>& run_ends) {
        if (resized_.pixels() == 0) return;
        RunWriter<U> writer(context_, run_ends, resized_);
        pieces_.clear();
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                for_pieces(runs[i], size_.height, divider_,
                           [&](int64_t x, int64_t columns, Run piece) {
                               const int64_t top = piece.start - x * size_.height;
                               pieces_.push_back(
                                   {x, x + columns, top,
                                    columns > 1 ? size_.height : piece.stop - x * size_.height});
                           });
            }
        });
        size_t first = 0;  // the first piece that ends right of the output column's left border
        for (int64_t x = 0; x < resized_.width; ++x) {
            while (first < pieces_.size() &&
                   pieces_[first].right * resized_.width <= x * size_.width) {
                ++first;
            }
            if (first == pieces_.size()) break;
            x = std::max(x, pieces_[first].left * resized_.width / size_.width);
            // Columns that one piece covers altogether.
            const Block& piece = pieces_[first];
            const int64_t covered = piece.right * resized_.width / size_.width;
            if (piece.right - piece.left > 1 && piece.left * resized_.width <= x * size_.width &&
                covered > x) {
                writer.add(Block{x, covered, 0, resized_.height});
                x = covered - 1;
                continue;
            }
            context_.poll();
            collect(x, first);
            write_column(x, writer);
        }
        writer.finish();
    }

   private:
    // At this height, the covered width changes.
    struct Change {
        int64_t height, width;
    };

    void collect(int64_t x, size_t first) {
        const int64_t left = x * size_.width, right = left + size_.width;
        changes_.clear();
        for (size_t i = first; i < pieces_.size(); ++i) {
            const Block& piece = pieces_[i];
            if (piece.left * resized_.width >= right) break;
            const int64_t width = std::min(piece.right * resized_.width, right) -
                                  std::max(piece.left * resized_.width, left);
            changes_.push_back({piece.top * resized_.height, width});
            changes_.push_back({piece.bottom * resized_.height, -width});
        }
        std::sort(changes_.data(), changes_.data() + changes_.size(),
                  [](const Change& a, const Change& b) { return a.height < b.height; });
    }

    void write_column(int64_t x, RunWriter<U>& writer) {
        const int64_t column = x * resized_.height;
        writer.reserve(static_cast<int64_t>(2 * changes_.size()) + 1);
        auto add = [&](int64_t top, int64_t bottom, int64_t area) {
            if (area >= limit_ && top < bottom) writer.add(column + top, column + bottom);
        };
        // Row y is summed up as far down as `height`: its covered area is `area` up to there.
        int64_t y = 0, height = 0, area = 0, width = 0;
        for (size_t i = 0; i < changes_.size(); ++i) {
            const Change change = changes_[i];
            const int64_t row = change.height / size_.height;
            if (row > y) {
                add(y, y + 1, area + width * ((y + 1) * size_.height - height));
                add(y + 1, row, width * size_.height);
                y = row;
                height = y * size_.height;
                area = 0;
            }
            area += width * (change.height - height);
            height = change.height;
            width += change.width;
        }
        add(y, y + 1, area);  // nothing is covered further down
    }

    const Context& context_;
    Size size_, resized_;
    int64_t limit_;
    Divider<T> divider_;
    Buffer<Block> pieces_;
    Buffer<Change> changes_;
};

}  // namespace

template <class T, class U>
void cover(const Context& context, BatchView<T> masks, Size size, Size resized, int64_t limit,
           Batch<U>& batch) {
    const double work =
        40 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    PerWorker<Coverer<T, U>> coverers(threads_for(context, masks.count, work), context, size,
                                      resized, limit);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<U>& out, int worker) {
        coverers[worker].resize({masks, mask, size.pixels()}, out);
        return Status{};
    });
}

#define SEGCORE_COVER(T, U) \
    template void cover<T, U>(const Context&, BatchView<T>, Size, Size, int64_t, Batch<U>&)
SEGCORE_COVER(uint32_t, uint32_t);
SEGCORE_COVER(uint32_t, uint64_t);
SEGCORE_COVER(uint64_t, uint32_t);
SEGCORE_COVER(uint64_t, uint64_t);
#undef SEGCORE_COVER

}  // namespace segcore
