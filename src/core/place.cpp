// Masks on a canvas of another size.
//
// A run moves as it is within a column. One over several columns is split into its parts in the
// first and the last column, and whole columns between them; what then touches is joined again.
#include <algorithm>

#include "kernels.hpp"
#include "parallel.hpp"
#include "run_writer.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

template <class T, class U>
void place_one(const Context& context, const Runs<T>& runs, Size size, const Divider<T>& divider,
               int64_t dx, int64_t dy, Size canvas, Buffer<U>& run_ends) {
    // The columns of the mask that lie on the canvas.
    const int64_t left = std::max<int64_t>(0, -dx), right = std::min(size.width, canvas.width - dx);
    if (left >= right || canvas.height == 0 || size.height == 0) return;
    RunWriter<U> writer(context, run_ends, canvas);
    auto add = [&](int64_t x, int64_t columns, Run piece) {
        const int64_t top = piece.start - x * size.height;
        const Block block{
            std::max(x, left) + dx, std::min(x + columns, right) + dx,
            std::max<int64_t>(top + dy, 0),
            std::min(top + std::min(piece.stop - piece.start, size.height) + dy, canvas.height)};
        if (block.left < block.right && block.top < block.bottom) writer.add(block);
    };
    // The runs from the first one that ends in these columns, up to the last that starts there.
    const T* const flips = runs.flips();
    const auto before =
        std::upper_bound(flips, flips + runs.flip_count(), static_cast<T>(left * size.height));
    const int64_t end = right * size.height;
    for_blocks(context, runs.size() - (before - flips) / 2, [&](int64_t first, int64_t last) {
        const int64_t skipped = (before - flips) / 2;
        writer.reserve(last - first);
        for (int64_t i = skipped + first; i < skipped + last; ++i) {
            const Run run = runs[i];
            if (run.start >= end) return;
            const auto x = static_cast<int64_t>(divider.quotient(static_cast<T>(run.start)));
            const int64_t move = (x + dx) * canvas.height + dy - x * size.height;
            if (run.stop > (x + 1) * size.height) {
                for_pieces(run, size.height, divider, add);
            } else if (x >= left) {
                const int64_t column = (x + dx) * canvas.height;
                const int64_t start = std::max(run.start + move, column);
                const int64_t stop = std::min(run.stop + move, column + canvas.height);
                if (start >= stop) continue;
                writer.reserve(1);
                writer.add(start, stop);
            }
        }
    });
    writer.finish();
}

}  // namespace

template <class T, class U>
void place(const Context& context, BatchView<T> masks, Size size, const int64_t* x,
           const int64_t* y, Size canvas, Batch<U>& batch) {
    const Divider<T> divider(size.height > 0 ? size.height : 1);
    const double work =
        4 * static_cast<double>(masks.total()) + 50. * static_cast<double>(masks.count);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<U>& out, int) {
        place_one<T, U>(context, {masks, mask, size.pixels()}, size, divider, x[mask], y[mask],
                        canvas, out);
        return Status{};
    });
}

#define SEGCORE_PLACE(T, U)                                                                       \
    template void place<T, U>(const Context&, BatchView<T>, Size, const int64_t*, const int64_t*, \
                              Size, Batch<U>&)
SEGCORE_PLACE(uint32_t, uint32_t);
SEGCORE_PLACE(uint32_t, uint64_t);
SEGCORE_PLACE(uint64_t, uint32_t);
SEGCORE_PLACE(uint64_t, uint64_t);
#undef SEGCORE_PLACE

}  // namespace segcore
