// Run ends to dense arrays.
//
// - Rows first (C order): the flips are sorted by row, by counting. A row of bits is kept; each
//   row's flips toggle it, and it is expanded to the elements of the row: row(y) is row(y - 1)
//   XOR flips(y). Row 0 holds the value with which each column starts.
// - Columns first (Fortran order): a run is a stretch of elements.
#include <cstdlib>

#include "bits.hpp"
#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

template <class U>
void fill_as(uint8_t* to, int64_t stride, int64_t n, uint64_t value) {
    const U element = static_cast<U>(value);
    for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * stride, &element, sizeof(U));
}

void fill(uint8_t* to, int64_t stride, int64_t n, int width, uint64_t value) {
    if (stride == width && (value == 0 || width == 1)) {
        std::memset(to, static_cast<uint8_t>(value), static_cast<size_t>(n * width));
        return;
    }
    switch (width) {
        case 1:
            return fill_as<uint8_t>(to, stride, n, value);
        case 2:
            return fill_as<uint16_t>(to, stride, n, value);
        case 4:
            return fill_as<uint32_t>(to, stride, n, value);
        default:
            return fill_as<uint64_t>(to, stride, n, value);
    }
}

// Copy n contiguous elements to strided ones.
template <class U>
void spread_as(const uint8_t* from, uint8_t* to, int64_t stride, size_t n) {
    for (size_t i = 0; i < n; ++i, to += stride) std::memcpy(to, from + i * sizeof(U), sizeof(U));
}

void spread(const uint8_t* from, uint8_t* to, int64_t stride, size_t n, int width) {
    switch (width) {
        case 1:
            return spread_as<uint8_t>(from, to, stride, n);
        case 2:
            return spread_as<uint16_t>(from, to, stride, n);
        case 4:
            return spread_as<uint32_t>(from, to, stride, n);
        default:
            return spread_as<uint64_t>(from, to, stride, n);
    }
}

// Writes a range of memory from front to back, bypassing the caches: through a small buffer, in
// whole cache lines, so that the old content of a line need not be read first. This doubles the
// speed for large outputs; small ones are better left in the cache for their reader.
class Stream {
   public:
    Stream(const simd::Table& simd) : simd_(simd), memory_(kRoom + 64) {
        uint8_t* start = memory_.data();
        buffer_ = start + (64 - reinterpret_cast<uintptr_t>(start) % 64) % 64;
    }

    void open(uint8_t* to) {
        // The buffer is as far into a line as the memory is.
        begin_ = end_ = reinterpret_cast<uintptr_t>(to) % 64;
        to_ = to - begin_;
    }

    // Where the next n bytes are to be written; n is at most kRoom - 64.
    uint8_t* next(size_t n) {
        if (end_ + n > kRoom) flush();
        uint8_t* at = buffer_ + end_;
        end_ += n;
        return at;
    }

    // Write n elements of `width` bytes.
    void fill(int64_t n, int width, uint64_t value) {
        constexpr int64_t kMost = kRoom / 16;  // elements
        for (; n > 0; n -= kMost) {
            const int64_t count = n < kMost ? n : kMost;
            segcore::fill(next(static_cast<size_t>(count * width)), width, count, width, value);
        }
    }

    void close() {
        flush();
        std::memcpy(to_ + begin_, buffer_ + begin_, end_ - begin_);
    }

    static constexpr size_t kRoom = 16384;

   private:
    // Write the whole lines, and move the rest to the front.
    void flush() {
        size_t done = 0;
        if (begin_ && end_ >= 64) {
            std::memcpy(to_ + begin_, buffer_ + begin_, 64 - begin_);
            done = 64;
        } else if (begin_) {
            return;
        }
        const size_t whole = end_ / 64 * 64;
        simd_.stream(buffer_ + done, to_ + done, whole - done);
        std::memcpy(buffer_, buffer_ + whole, end_ - whole);
        to_ += whole;
        end_ -= whole;
        begin_ = 0;
    }

    const simd::Table& simd_;
    Buffer<uint8_t> memory_;
    uint8_t* buffer_;
    uint8_t* to_ = nullptr;          // where buffer_ goes
    size_t begin_ = 0, end_ = 0;     // the part of it in use
};

constexpr double kStreamBytes = 8 << 20;

// Decodes masks one by one, and reuses its buffers.
template <class T>
class Decoder {
   public:
    Decoder(const Context& context, BatchView<T> masks, const DenseOutput& out)
        : context_(context),
          simd_(context.simd),
          masks_(masks),
          out_(out),
          height_(out.size.height),
          width_(out.size.width),
          divider_(out.size.height > 0 ? out.size.height : 1),
          stream_(context.simd) {
        const double bytes =
            static_cast<double>(out.size.pixels()) * out.width * static_cast<double>(out.count);
        if (out.zeroed || bytes < kStreamBytes) return;
        if (columns_first()) {
            streaming_ = out.strides[1] == out.width && out.strides[2] == out.strides[1] * height_;
        } else {
            streaming_ = out.strides[2] == out.width && out.strides[1] == out.strides[2] * width_ &&
                         out.strides[1] <= static_cast<int64_t>(Stream::kRoom / 2);
        }
    }

    void decode(int64_t mask) {
        if (height_ == 0 || width_ == 0) return;
        uint8_t* to = out_.data + mask * out_.strides[0];
        if (columns_first()) {
            write_columns({masks_, mask, out_.size.pixels()}, to);
        } else {
            write_rows({masks_, mask, out_.size.pixels()}, to);
        }
    }

   private:
    bool columns_first() const {
        const int64_t y = std::abs(out_.strides[1]), x = std::abs(out_.strides[2]);
        const int64_t limit = int64_t{1} << 31;  // of the 32-bit lists of write_rows
        return width_ == 1 || (y < x && height_ > 1) || height_ >= limit || width_ >= limit;
    }

    // -- columns first ----------------------------------------------------------------------------

    // Fill the pixels of the run.
    void write_run(uint8_t* to, Run run, uint64_t value) {
        const int64_t y_stride = out_.strides[1], x_stride = out_.strides[2];
        if (run.start == run.stop) return;
        if (x_stride == y_stride * height_) {
            if (out_.width == 1 && y_stride == 1) {  // the usual case
                std::memset(to + run.start, static_cast<int>(value),
                            static_cast<size_t>(run.stop - run.start));
                return;
            }
            fill(to + run.start * y_stride, y_stride, run.stop - run.start, out_.width, value);
            return;
        }
        for_columns(run, column_of(run.start), height_, [&](int64_t x, int64_t y, int64_t n) {
            fill(to + x * x_stride + y * y_stride, y_stride, n, out_.width, value);
        });
    }

    void write_columns(const Runs<T>& runs, uint8_t* to) {
        if (streaming_) return stream_columns(runs, to);
        int64_t done = 0, polled = 0;
        for (const Run run : runs) {
            if (!out_.zeroed) write_run(to, {done, run.start}, 0);
            write_run(to, run, out_.one);
            done = run.stop;
            poll_between(polled, done);
        }
        if (!out_.zeroed) write_run(to, {done, out_.size.pixels()}, 0);
    }

    void stream_columns(const Runs<T>& runs, uint8_t* to) {
        int64_t done = 0, polled = 0;
        stream_.open(to);
        for (const Run run : runs) {
            stream_.fill(run.start - done, out_.width, 0);
            stream_.fill(run.stop - run.start, out_.width, out_.one);
            done = run.stop;
            poll_between(polled, done);
        }
        stream_.fill(out_.size.pixels() - done, out_.width, 0);
        stream_.close();
    }

    void poll_between(int64_t& polled, int64_t done) {
        if (done - polled <= kItemsPerPoll) return;
        context_.poll();
        polled = done;
    }

    int64_t column_of(int64_t position) const {
        return static_cast<int64_t>(divider_.quotient(static_cast<T>(position)));
    }

    // -- rows first -------------------------------------------------------------------------------

    // Call body(i) for every `step`-th of n flips, and poll between blocks of them.
    template <class Body>
    void for_each(size_t n, size_t step, Body body) {
        for_blocks(context_, static_cast<int64_t>(n), [&](int64_t first, int64_t last) {
            for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); i += step)
                body(i);
        });
    }

    // Sort the flips by row, into xs_ and row_ends_; lay out row 0, its flips included, in bits_;
    // and find the words [low_, high_) outside of which all rows are empty.
    void sort_by_row(const Runs<T>& runs) {
        const T* const flips = runs.flips();
        const size_t n = static_cast<size_t>(runs.flip_count());
        row_ends_.assign(static_cast<size_t>(height_) + 1, 0);
        bits_.assign(words_for(width_), 0);
        flip_xs_.resize(n);
        flip_ys_.resize(n);
        for_each(n, 1, [&](size_t i) {
            const T x = divider_.quotient(flips[i]);
            const T y = static_cast<T>(flips[i] - x * static_cast<T>(height_));
            flip_xs_[i] = static_cast<uint32_t>(x);
            flip_ys_[i] = static_cast<uint32_t>(y);
            ++row_ends_[y + 1];
        });
        // Column x starts inside the run [start, stop) where start <= x * height < stop.
        for_each(n, 2, [&](size_t i) {
            const size_t first = flip_xs_[i] + size_t{flip_ys_[i] != 0};
            const size_t last = i + 1 < n ? flip_xs_[i + 1] + size_t{flip_ys_[i + 1] != 0}
                                          : static_cast<size_t>(width_);
            set_bits(bits_.data(), first, last);
        });
        low_ = flip_xs_[0] / 64;
        high_ = (n % 2 ? static_cast<size_t>(width_ - 1)
                       : flip_xs_[n - 1] - size_t{flip_ys_[n - 1] == 0}) /
                    64 +
                1;
        for (size_t y = 1; y < row_ends_.size(); ++y) row_ends_[y] += row_ends_[y - 1];
        xs_.resize(n);
        // Each row's start advances to its end.
        for_each(n, 1, [&](size_t i) { xs_[row_ends_[flip_ys_[i]]++] = flip_xs_[i]; });
    }

    void write_rows(const Runs<T>& runs, uint8_t* to) {
        const int64_t y_stride = out_.strides[1], x_stride = out_.strides[2];
        if (runs.empty()) {
            if (!out_.zeroed) clear_rows(to, height_);
            return;
        }
        sort_by_row(runs);
        const int width = out_.width;
        const size_t n = static_cast<size_t>(width_), bytes = n * static_cast<size_t>(width);
        const bool direct = x_stride == width;
        if (!direct) row_.resize(bytes);
        // Blank rows above the first flip, and below the last, are cleared at once.
        size_t i = row_ends_[0];
        bool blank = row_is_blank();
        int64_t top = 0;
        while (blank && top < height_ && row_ends_[static_cast<size_t>(top)] == i) ++top;
        if (streaming_) {
            stream_.open(to);
            stream_.fill(top * width_, width, 0);
        } else if (!out_.zeroed) {
            clear_rows(to, top);
        }
        to += top * y_stride;
        int64_t y = top;
        for (; y < height_ && !(blank && i == xs_.size()); ++y, to += y_stride) {
            const size_t end_of_row = row_ends_[static_cast<size_t>(y)];
            if (y % kRowsPerPoll == 0) context_.poll();
            if (i < end_of_row) {
                for (; i < end_of_row; ++i) bits_[xs_[i] / 64] ^= uint64_t{1} << xs_[i] % 64;
                blank = row_is_blank();
            }
            if (streaming_) {
                write_row(stream_.next(bytes), blank);
            } else if (direct) {
                write_row(to, blank);
            } else if (!(blank && out_.zeroed)) {
                write_row(row_.data(), blank);
                spread(row_.data(), to, x_stride, n, width);
            }
        }
        if (streaming_) {
            stream_.fill((height_ - y) * width_, width, 0);
            stream_.close();
        } else if (!out_.zeroed) {
            clear_rows(to, height_ - y);
        }
    }

    bool row_is_blank() const {
        uint64_t any = 0;
        for (size_t w = low_; w < high_; ++w) any |= bits_[w];
        return any == 0;
    }

    // Write the elements of a row contiguously.
    void write_row(uint8_t* to, bool blank) {
        const size_t width = static_cast<size_t>(out_.width), n = static_cast<size_t>(width_);
        const bool zeroed = out_.zeroed && row_.size() == 0;
        if (blank) {
            if (!zeroed) clear(to, n);
            return;
        }
        const size_t first = 64 * low_, last = 64 * high_ < n ? 64 * high_ : n;
        if (!zeroed) {
            clear(to, first);
            expand(first, last, to);
            clear(to + last * width, n - last);
            return;
        }
        // Words without foreground are skipped: there are many between runs.
        for (size_t w = low_; w < high_; ++w) {
            if (bits_[w] == 0) continue;
            size_t end = w + 1;
            while (end < high_ && bits_[end] != 0) ++end;
            const size_t start = 64 * w, stop = 64 * end < n ? 64 * end : n;
            expand(start, stop, to);
            w = end;
        }
    }

    // Expand the pixels [first, last) of the row; `first` is a multiple of 64.
    void expand(size_t first, size_t last, uint8_t* row) {
        const size_t width = static_cast<size_t>(out_.width);
        simd_.expand[log2_of(width)](bits_.data() + first / 64, last - first, out_.one,
                                     row + first * width);
    }

    void clear(uint8_t* to, size_t n) {
        fill(to, out_.width, static_cast<int64_t>(n), out_.width, 0);
    }

    void clear_rows(uint8_t* to, int64_t rows) {
        const int64_t y_stride = out_.strides[1], x_stride = out_.strides[2];
        if (x_stride == out_.width && y_stride == width_ * x_stride) {
            fill(to, x_stride, rows * width_, out_.width, 0);
            return;
        }
        for (int64_t y = 0; y < rows; ++y) {
            fill(to + y * y_stride, x_stride, width_, out_.width, 0);
        }
    }

    static constexpr int64_t kRowsPerPoll = 64;

    const Context& context_;
    const simd::Table& simd_;
    BatchView<T> masks_;
    const DenseOutput& out_;
    int64_t height_;
    int64_t width_;
    Divider<T> divider_;
    Stream stream_;
    bool streaming_ = false;
    Buffer<uint64_t> bits_;        // the row that is written next
    size_t low_ = 0, high_ = 0;    // its words outside of which the mask is empty
    Buffer<uint32_t> flip_xs_, flip_ys_;
    Buffer<uint32_t> xs_;          // the columns of the flips, row after row,
    Buffer<size_t> row_ends_;    // and where each row's end
    Buffer<uint8_t> row_;
};

}  // namespace

template <class T>
void decode(const Context& context, BatchView<T> masks, const DenseOutput& out) {
    const double bytes = static_cast<double>(out.size.pixels()) * out.width;
    const double work = static_cast<double>(masks.count) * (bytes / 16 + 100);
    const int threads = threads_for(context, masks.count, work);
    PerWorker<Decoder<T>> decoders(threads, context, masks, out);
    parallel_for(context, masks.count, threads,
                 [&](int64_t mask, int worker) { decoders[worker].decode(mask); });
}

template void decode<uint32_t>(const Context&, BatchView<uint32_t>, const DenseOutput&);
template void decode<uint64_t>(const Context&, BatchView<uint64_t>, const DenseOutput&);

}  // namespace segcore
