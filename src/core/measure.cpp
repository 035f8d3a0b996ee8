// Areas, bounding boxes and moments.
#include <algorithm>
#include <limits>

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

template <class T>
void moments(const Context& context, BatchView<T> masks, Size size, bool second, double* moments) {
    const Divider<T> divider(size.height > 0 ? size.height : 1);
    const int64_t values = second ? 5 : 2;
    for (int64_t i = 0; i < masks.count; ++i, moments += values) {
        context.poll();
        const Runs<T> runs(masks, i, size.pixels());
        if (runs.empty()) {
            std::fill(moments, moments + values, std::numeric_limits<double>::quiet_NaN());
            continue;
        }
        // Call body(columns, rows, x, y) for each block of the mask, with its center.
        auto for_each_block = [&](auto body) {
            for (const Run run : runs) {
                for_pieces(run, size.height, divider, [&](int64_t left, int64_t n, Run piece) {
                    const int64_t top = piece.start - left * size.height;
                    const int64_t rows = n > 1 ? size.height : piece.stop - piece.start;
                    body(static_cast<double>(n), static_cast<double>(rows),
                         static_cast<double>(2 * left + n - 1) / 2,
                         static_cast<double>(2 * top + rows - 1) / 2);
                });
            }
        };
        const auto area = static_cast<double>(runs.area());
        double x = 0, y = 0;
        for_each_block([&](double columns, double rows, double center_x, double center_y) {
            x += columns * rows * center_x;
            y += columns * rows * center_y;
        });
        moments[0] = x /= area;
        moments[1] = y /= area;
        if (!second) continue;
        double xx = 0, yy = 0, xy = 0;
        for_each_block([&](double columns, double rows, double center_x, double center_y) {
            const double pixels = columns * rows, dx = center_x - x, dy = center_y - y;
            // n consecutive integers have the variance (n * n - 1) / 12.
            xx += pixels * (12 * dx * dx + (columns * columns - 1));
            yy += pixels * (12 * dy * dy + (rows * rows - 1));
            xy += pixels * (dx * dy);
        });
        moments[2] = xx / (12 * area);
        moments[3] = yy / (12 * area);
        moments[4] = xy / area;
    }
}

template void area<uint32_t>(const Context&, BatchView<uint32_t>, Size, int64_t*);
template void area<uint64_t>(const Context&, BatchView<uint64_t>, Size, int64_t*);
template void boxes<uint32_t>(const Context&, BatchView<uint32_t>, Size, int64_t*);
template void boxes<uint64_t>(const Context&, BatchView<uint64_t>, Size, int64_t*);
template void moments<uint32_t>(const Context&, BatchView<uint32_t>, Size, bool, double*);
template void moments<uint64_t>(const Context&, BatchView<uint64_t>, Size, bool, double*);

}  // namespace segcore
