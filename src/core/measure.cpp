// Areas and bounding boxes.
#include <algorithm>

#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

template <class T>
void area(const Context& context, BatchView<T> masks, Size size, int64_t* areas) {
    for (int64_t i = 0; i < masks.count; ++i) {
        context.poll();
        areas[i] = Runs<T>(masks, i, size.pixels()).area();
    }
}

template <class T>
void boxes(const Context& context, BatchView<T> masks, Size size, int64_t* boxes) {
    const int64_t height = size.height;
    const Divider<T> divider(height > 0 ? height : 1);
    for (int64_t i = 0; i < masks.count; ++i, boxes += 4) {
        context.poll();
        const Runs<T> runs(masks, i, size.pixels());
        if (runs.empty()) {
            std::fill(boxes, boxes + 4, 0);
            continue;
        }
        auto column_of = [&](int64_t position) {
            return static_cast<int64_t>(divider.quotient(static_cast<T>(position)));
        };
        const int64_t x0 = column_of(runs.first());
        int64_t y0 = height, y1 = 0, x1 = 0;
        for (const Run run : runs) {
            const int64_t last = run.stop - 1;
            const int64_t first_x = column_of(run.start), last_x = column_of(last);
            x1 = last_x + 1;
            if (first_x != last_x) {
                y0 = 0;
                y1 = height;
            } else {
                y0 = std::min(y0, run.start - first_x * height);
                y1 = std::max(y1, last - last_x * height + 1);
            }
        }
        boxes[0] = x0;
        boxes[1] = y0;
        boxes[2] = x1;
        boxes[3] = y1;
    }
}

template void area<uint32_t>(const Context&, BatchView<uint32_t>, Size, int64_t*);
template void area<uint64_t>(const Context&, BatchView<uint64_t>, Size, int64_t*);
template void boxes<uint32_t>(const Context&, BatchView<uint32_t>, Size, int64_t*);
template void boxes<uint64_t>(const Context&, BatchView<uint64_t>, Size, int64_t*);

}  // namespace segcore
