// Areas and bounding boxes.
#include <algorithm>

#include "divide.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

template <class T>
struct Runs {
    const T* flip;
    const T* end;
    int64_t pixels;

    int64_t start() const { return static_cast<int64_t>(flip[0]); }
    int64_t stop() const { return flip + 1 < end ? static_cast<int64_t>(flip[1]) : pixels; }
};

}  // namespace

template <class T>
void area(const Context& context, BatchView<T> masks, Size size, int64_t* areas) {
    for (int64_t i = 0; i < masks.count; ++i) {
        context.poll(kWorkPerItem);
        areas[i] = area_of(context, masks.begin(i), masks.end(i), size.pixels());
    }
}

template <class T>
void boxes(const Context& context, BatchView<T> masks, Size size, int64_t* boxes) {
    const int64_t height = size.height;
    const Divider<T> divider(height > 0 ? height : 1);
    for (int64_t i = 0; i < masks.count; ++i, boxes += 4) {
        context.poll(kWorkPerItem);
        Runs<T> runs{masks.begin(i), masks.end(i), size.pixels()};
        if (runs.flip == runs.end) {
            std::fill(boxes, boxes + 4, 0);
            continue;
        }
        int64_t y0 = height, y1 = 0, x1 = 0;
        const int64_t x0 = static_cast<int64_t>(divider.quotient(runs.flip[0]));
        while (runs.flip < runs.end) {
            const T* const part_end = runs.end - runs.flip > kPart ? runs.flip + kPart : runs.end;
            for (; runs.flip < part_end; runs.flip += 2) {
                const int64_t first = runs.start(), last = runs.stop() - 1;
                const int64_t first_x =
                    static_cast<int64_t>(divider.quotient(static_cast<T>(first)));
                const int64_t last_x = static_cast<int64_t>(divider.quotient(static_cast<T>(last)));
                x1 = last_x + 1;
                if (first_x != last_x) {
                    y0 = 0;
                    y1 = height;
                } else {
                    y0 = std::min(y0, first - first_x * height);
                    y1 = std::max(y1, last - last_x * height + 1);
                }
            }
            if (runs.flip < runs.end) context.poll(3 * kPart);
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
