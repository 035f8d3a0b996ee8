// Masks to a label map, by the painter's algorithm.
//
// Runs follow columns, but arrays are usually stored by rows. So the masks are first painted into a
// column-major strip of 64 columns that stays in the cache; then the strip is transposed into the
// rows of the output. The strip holds small codes (0: not painted) rather than values, so that it
// is narrow whatever the output's dtype is.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "bits.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

constexpr int64_t kStrip = 64;

// The codes of the values to paint: 1, 2, ... A code is either the value less an origin, or the
// rank of the value among all values.
template <class Value>
struct Palette {
    Buffer<Value> values;  // sorted, without repetition
    bool consecutive = false;  // value = origin + code
    Value origin = 0;
    uint64_t codes = 0;  // the largest code

    Palette(const Value* of_mask, const int64_t* order, int64_t count) {
        values.resize(static_cast<size_t>(count));
        for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = of_mask[order[i]];
        if (count == 0) return;
        std::sort(values.data(), values.data() + count);
        values.resize(
            static_cast<size_t>(std::unique(values.data(), values.data() + count) - values.data()));
        const Value range = static_cast<Value>(values.back() - values[0]);
        consecutive = range < 255 || (values.size() > 255 && range < 65535);
        origin = static_cast<Value>(values[0] - 1);  // may wrap, and wraps back
        codes = consecutive ? uint64_t{range} + 1 : values.size();
    }

    uint64_t code(Value value) const {
        if (consecutive) return uint64_t{static_cast<Value>(value - values[0])} + 1;
        const Value* end = values.data() + values.size();
        return static_cast<uint64_t>(std::lower_bound(values.data(), end, value) - values.data()) +
               1;
    }
};

template <class T, class Value, class Code>
class Painter {
   public:
    Painter(const Context& context, BatchView<T> masks, const int64_t* order, int64_t order_count,
            const Palette<Value>& palette, const Code* codes, const LabelOutput& out)
        : context_(context),
          simd_(context.simd),
          masks_(masks),
          order_(order),
          order_count_(order_count),
          palette_(palette),
          codes_(codes),
          out_(out),
          height_(out.size.height),
          divider_(out.size.height),
          column_stride_((out.size.height + 63) / 64 * 64) {
        cells_.assign(static_cast<size_t>(kStrip * column_stride_), 0);
        cursors_.resize(static_cast<size_t>(order_count));
    }

    // Paint the columns [first, last).
    void paint(int64_t first, int64_t last) {
        for (int64_t i = 0; i < order_count_; ++i) {
            const T* begin = masks_.begin(order_[i]);
            const T* end = masks_.end(order_[i]);
            const T* at =
                first == 0 ? begin : std::upper_bound(begin, end, static_cast<T>(first * height_));
            cursors_[static_cast<size_t>(i)] = (at - begin) / 2;
        }
        for (int64_t x = first; x < last; x += kStrip) {
            context_.poll();
            const int64_t columns = last - x < kStrip ? last - x : kStrip;
            top_ = height_;
            bottom_ = 0;
            for (int64_t i = 0; i < order_count_; ++i) paint_mask(i, x, columns);
            if (top_ >= bottom_) continue;
            write_strip(x, columns);
            for (int64_t column = 0; column < columns; ++column) {
                std::fill_n(cells_.data() + column * column_stride_ + top_, bottom_ - top_,
                            Code{0});
            }
        }
    }

   private:
    void paint_mask(int64_t i, int64_t x, int64_t columns) {
        const Runs<T> runs(masks_, order_[i], out_.size.pixels());
        const int64_t first = x * height_, last = (x + columns) * height_, count = runs.size();
        const Code code = codes_[i];
        int64_t at = cursors_[static_cast<size_t>(i)];
        for (; at < count; ++at) {
            const Run run = runs[at];
            if (run.start >= last) break;
            fill({std::max(run.start, first) - first, std::min(run.stop, last) - first}, code);
            if (run.stop > last) break;  // it continues in the next strip
        }
        cursors_[static_cast<size_t>(i)] = at;
    }

    // Fill pixels of the strip, which are counted down its columns.
    void fill(Run run, Code code) {
        const int64_t x = static_cast<int64_t>(divider_.quotient(static_cast<T>(run.start)));
        for_columns(run, x, height_, [&](int64_t column, int64_t y, int64_t n) {
            std::fill_n(cells_.data() + column * column_stride_ + y, n, code);
            top_ = std::min(top_, y);
            bottom_ = std::max(bottom_, y + n);
        });
    }

    void write_strip(int64_t x, int64_t columns) {
        alignas(64) Code block[64 * kStrip];
        const bool side_by_side = out_.strides[1] == sizeof(Value);
        for (int64_t y0 = top_ / 64 * 64; y0 < bottom_; y0 += 64) {
            simd_.transpose[log2_of(sizeof(Code))](cells_.data() + y0,
                                                   static_cast<size_t>(column_stride_), block);
            const int64_t y1 = y0 + 64 < bottom_ ? y0 + 64 : bottom_;
            for (int64_t y = y0 > top_ ? y0 : top_; y < y1; ++y) {
                uint8_t* to = out_.data + y * out_.strides[0] + x * out_.strides[1];
                const Code* codes = block + (y - y0) * kStrip;
                if (sizeof(Code) == 1 && palette_.consecutive && side_by_side) {
                    simd_.recolor[log2_of(sizeof(Value))](reinterpret_cast<const uint8_t*>(codes),
                                                          static_cast<size_t>(columns),
                                                          palette_.origin, to);
                } else if (palette_.consecutive) {
                    const Value origin = palette_.origin;
                    write(codes, columns, to, [origin](Code code) {
                        return static_cast<Value>(origin + static_cast<Value>(code));
                    });
                } else {
                    const Value* values = palette_.values.data();
                    write(codes, columns, to,
                          [values](Code code) { return values[code - (code != 0)]; });
                }
            }
        }
    }

    template <class ValueOf>
    void write(const Code* codes, int64_t n, uint8_t* to, ValueOf value_of) {
        const int64_t stride = out_.strides[1];
        if (stride == sizeof(Value)) {
            Value row[kStrip];
            std::memcpy(row, to, static_cast<size_t>(n) * sizeof(Value));
            for (int64_t j = 0; j < n; ++j) row[j] = codes[j] ? value_of(codes[j]) : row[j];
            std::memcpy(to, row, static_cast<size_t>(n) * sizeof(Value));
            return;
        }
        for (int64_t j = 0; j < n; ++j, to += stride) {
            if (!codes[j]) continue;
            const Value value = value_of(codes[j]);
            std::memcpy(to, &value, sizeof(Value));
        }
    }

    const Context& context_;
    const simd::Table& simd_;
    BatchView<T> masks_;
    const int64_t* order_;
    int64_t order_count_;
    const Palette<Value>& palette_;
    const Code* codes_;
    const LabelOutput& out_;
    int64_t height_;
    Divider<T> divider_;
    int64_t column_stride_;
    int64_t top_ = 0, bottom_ = 0;  // the rows of the strip that are painted
    Buffer<Code> cells_;  // 64 columns
    Buffer<int64_t> cursors_;  // each mask's next run
};

template <class T, class Value, class Code>
void paint_strips(const Context& context, BatchView<T> masks, const int64_t* order,
                  int64_t order_count, const Value* values, const Palette<Value>& palette,
                  const LabelOutput& out) {
    Buffer<Code> codes(static_cast<size_t>(order_count));
    for (int64_t i = 0; i < order_count; ++i) {
        codes[static_cast<size_t>(i)] = static_cast<Code>(palette.code(values[order[i]]));
    }
    const int64_t width = out.size.width, strips = (width + kStrip - 1) / kStrip;
    const double work =
        static_cast<double>(out.size.pixels()) * 0.5 + static_cast<double>(masks.total()) * 10;
    const int threads = threads_for(context, strips, work);
    parallel_for(context, threads, threads, [&](int64_t part, int) {
        const int64_t first = strips * part / threads * kStrip;
        const int64_t last = std::min(width, strips * (part + 1) / threads * kStrip);
        Painter<T, Value, Code>(context, masks, order, order_count, palette, codes.data(), out)
            .paint(first, last);
    });
}

// If columns are contiguous in memory, or few, each run is written directly.
template <class T, class Value>
void paint_columns(const Context& context, BatchView<T> masks, const int64_t* order,
                   int64_t order_count, const Value* values, const LabelOutput& out) {
    const int64_t height = out.size.height;
    const Divider<T> divider(height);
    for (int64_t i = 0; i < order_count; ++i) {
        const Value value = values[order[i]];
        context.poll();
        for (const Run run : Runs<T>(masks, order[i], out.size.pixels())) {
            const int64_t first = static_cast<int64_t>(divider.quotient(static_cast<T>(run.start)));
            for_columns(run, first, height, [&](int64_t x, int64_t y, int64_t n) {
                uint8_t* to = out.data + y * out.strides[0] + x * out.strides[1];
                if (sizeof(Value) == 1 && out.strides[0] == 1) {
                    std::memset(to, static_cast<int>(value), static_cast<size_t>(n));
                    return;
                }
                for (int64_t j = 0; j < n; ++j, to += out.strides[0]) {
                    std::memcpy(to, &value, sizeof(Value));
                }
            });
        }
    }
}

template <class T, class Value>
void paint_as(const Context& context, BatchView<T> masks, const int64_t* order, int64_t order_count,
              const void* values, const LabelOutput& out) {
    const Value* of_mask = static_cast<const Value*>(values);
    if (out.size.pixels() == 0 || order_count == 0) return;
    if (out.size.width < kStrip || std::abs(out.strides[0]) < std::abs(out.strides[1])) {
        paint_columns(context, masks, order, order_count, of_mask, out);
        return;
    }
    const Palette<Value> palette(of_mask, order, order_count);
    if (palette.codes <= std::numeric_limits<uint8_t>::max()) {
        paint_strips<T, Value, uint8_t>(context, masks, order, order_count, of_mask, palette, out);
    } else if (palette.codes <= std::numeric_limits<uint16_t>::max()) {
        paint_strips<T, Value, uint16_t>(context, masks, order, order_count, of_mask, palette, out);
    } else {
        paint_strips<T, Value, uint64_t>(context, masks, order, order_count, of_mask, palette, out);
    }
}

}  // namespace

template <class T>
void paint(const Context& context, BatchView<T> masks, const int64_t* order, int64_t order_count,
           const void* values, const LabelOutput& out) {
    switch (out.width) {
        case 1:
            return paint_as<T, uint8_t>(context, masks, order, order_count, values, out);
        case 2:
            return paint_as<T, uint16_t>(context, masks, order, order_count, values, out);
        case 4:
            return paint_as<T, uint32_t>(context, masks, order, order_count, values, out);
        default:
            return paint_as<T, uint64_t>(context, masks, order, order_count, values, out);
    }
}

template void paint<uint32_t>(const Context&, BatchView<uint32_t>, const int64_t*, int64_t,
                              const void*, const LabelOutput&);
template void paint<uint64_t>(const Context&, BatchView<uint64_t>, const int64_t*, int64_t,
                              const void*, const LabelOutput&);

}  // namespace segcore
