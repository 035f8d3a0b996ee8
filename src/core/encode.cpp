// Dense arrays to run ends.
//
// Both ways of reading pack 64 pixels into a word of bits.
// - Columns first (Fortran order): a flip is a bit that differs from the one before it.
// - Rows first (C order): the flips of column-major order between rows y - 1 and y are the set bits
//   of row(y) XOR row(y - 1); row 0 is compared with the last row shifted by one column. The few
//   flips found are sorted by column, by counting. If there are many, the bits are transposed in 64
// x 64 blocks instead, and read columns first.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "bits.hpp"
#include "leaves.hpp"
#include "read_bits.hpp"
#include "read_line.hpp"

namespace segcore {

namespace {

constexpr int64_t kBlock = 8192;  // pixels to read at a time
constexpr int64_t kFewRows = 16;

// Encodes masks one by one, and reuses its buffers.
template <class T>
class Encoder {
   public:
    Encoder(const Context& context, const DenseView& dense, const BitPlanes* planes)
        : context_(context),
          simd_(context.simd),
          dense_(dense),
          planes_(planes),
          reader_(context, dense),
          line_reader_(context, false) {}

    void encode(int64_t mask, Buffer<T>& run_ends) {
        if (dense_.size.height == 0 || dense_.size.width == 0) return;
        mask_ = mask;
        data_ = dense_.data + mask * dense_.strides[0];
        if (columns_first()) {
            read_columns(run_ends);
        } else if (!read_rows(run_ends)) {
            transpose_rows(run_ends);
        }
    }

   private:
    // Row y of the mask, as bits.
    void read_row(int64_t y, uint64_t* bits) {
        const int64_t width = dense_.size.width;
        if (planes_) {
            std::copy_n(planes_->row(mask_, y), words_for(width), bits);
            return;
        }
        reader_.read(data_ + y * dense_.strides[1], dense_.strides[2], static_cast<size_t>(width),
                     bits);
    }

    bool columns_first() const {
        if (planes_) return false;
        const int64_t y = std::abs(dense_.strides[1]), x = std::abs(dense_.strides[2]);
        const int64_t limit = int64_t{1} << 31;  // of the 32-bit lists of read_rows
        return dense_.size.width == 1 || dense_.size.height == 1 || y < x ||
               dense_.size.height >= limit || dense_.size.width >= limit;
    }

    // Append the flips in the next `words` words of bits; previous_ is the last bit before them.
    void append_flips(const uint64_t* bits, size_t words, int64_t n, int64_t base,
                      Buffer<T>& run_ends) {
        flips_.resize(words);
        uint64_t previous = previous_, any = 0;
        for (size_t w = 0; w < words; ++w) {
            const uint64_t word = bits[w];
            flips_[w] = word ^ (word << 1 | previous);
            previous = word >> 63;
            any |= flips_[w];
        }
        if (n % 64) {
            const uint64_t last = flips_[words - 1];
            flips_[words - 1] = last & ((uint64_t{1} << n % 64) - 1);
            previous = bits[words - 1] >> (n % 64 - 1) & 1;
        }
        previous_ = previous;
        if (!any) return;
        T* out = run_ends.grow(64 * words);
        const size_t count = positions(simd_, flips_.data(), words, static_cast<T>(base), out);
        run_ends.resize(run_ends.size() + count);
    }

    void read_columns(Buffer<T>& run_ends) {
        const int64_t height = dense_.size.height, width = dense_.size.width;
        const int64_t x = dense_.strides[2], y = height == 1 ? x : dense_.strides[1];
        // Columns that follow each other in memory are one long column.
        const bool joined = width == 1 || x == y * height;
        const int64_t columns = joined ? 1 : width;
        const int64_t length = joined ? height * width : height;
        if (joined && reader_.plain_bytes(y)) return line_reader_.read(data_, length, run_ends);
        bits_.resize(words_for(kBlock));
        previous_ = 0;
        for (int64_t column = 0; column < columns; ++column) {
            for (int64_t start = 0; start < length; start += kBlock) {
                const int64_t n = length - start < kBlock ? length - start : kBlock;
                context_.poll();
                reader_.read(data_ + column * x + start * y, y, static_cast<size_t>(n),
                             bits_.data());
                append_flips(bits_.data(), words_for(n), n, column * length + start, run_ends);
            }
        }
    }

    // The columns of the flips between row y and the one above it. Row 0 is compared with the last
    // row, one column to the right. The columns of several rows follow one another.
    size_t flips_of_bytes(int64_t y, int64_t rows, uint32_t* xs) {
        const size_t n = static_cast<size_t>(rows * dense_.size.width);
        const uint8_t* row = data_ + y * dense_.strides[1];
        if (y > 0) return simd_.flips_between(row, row - dense_.strides[1], n, 0, xs);
        const size_t first = row[0] != 0;
        if (first) xs[0] = 0;
        const uint8_t* last = data_ + (dense_.size.height - 1) * dense_.strides[1];
        return first + simd_.flips_between(row + 1, last, n - 1, 1, xs + first);
    }

    // The same for elements that must be read as bits first; the bits of row y - 1 are kept.
    size_t flips_of_bits(int64_t y, uint32_t* xs) {
        const int64_t width = dense_.size.width;
        const size_t words = words_for(width);
        bits_.resize(2 * words);
        uint64_t* row = bits_.data() + (y % 2 ? words : 0);
        uint64_t* above = bits_.data() + (y % 2 ? 0 : words);
        if (y == 0) {
            read_row(dense_.size.height - 1, above);
            for (size_t w = words; w-- > 0;) {
                above[w] = above[w] << 1 | (w ? above[w - 1] >> 63 : 0);
            }
            if (width % 64) above[words - 1] &= (uint64_t{1} << width % 64) - 1;
        }
        read_row(y, row);
        for (size_t w = 0; w < words; ++w) above[w] ^= row[w];
        return simd_.positions_u32(above, words, 0, xs);
    }

    // Split the flips by row, count them by column, and append them to xs_.
    void split_rows(int64_t y, int64_t rows, uint32_t* xs, size_t count) {
        const uint32_t width = static_cast<uint32_t>(dense_.size.width);
        size_t* row_end = row_ends_.data() + y;
        uint32_t start = 0;
        for (size_t i = 0; i < count; ++i) {
            for (; xs[i] - start >= width; start += width) *row_end++ = xs_.size() + i;
            xs[i] -= start;
            ++columns_[xs[i] + 1];
        }
        xs_.resize(xs_.size() + count);
        while (row_end < row_ends_.data() + y + rows) *row_end++ = xs_.size();
    }

    // Returns false, with nothing appended, if there are too many flips for this method.
    bool read_rows(Buffer<T>& run_ends) {
        const int64_t height = dense_.size.height, width = dense_.size.width;
        const size_t n = static_cast<size_t>(width);
        // Blocks of 64 x 64 pixels do not suit few rows. Flips are counted in 32 bits.
        const int64_t limit = height < kFewRows ? height * width : height * width / 32 + 1024;
        const size_t most = static_cast<size_t>(std::min(limit, int64_t{1} << 31));
        const bool bytes = !planes_ && reader_.plain_bytes(dense_.strides[2]);
        columns_.assign(n + 1, 0);
        xs_.clear();
        row_ends_.resize(static_cast<size_t>(height));
        // Rows of bytes that follow each other in memory are taken several at a time.
        const bool joined = bytes && dense_.strides[1] == width;
        const int64_t together = joined ? std::max(kBlock / width, int64_t{1}) : 1;
        for (int64_t y = 0; y < height;) {
            if (xs_.size() > most) return false;
            context_.poll();
            const int64_t rows = y == 0 ? 1 : std::min(together, height - y);
            uint32_t* xs = xs_.grow(64 * words_for(rows * width) + 64);
            const size_t count = bytes ? flips_of_bytes(y, rows, xs) : flips_of_bits(y, xs);
            split_rows(y, rows, xs, count);
            y += rows;
        }

        if (xs_.size() == 0) return true;
        for (size_t x = 0; x < n; ++x) columns_[x + 1] += columns_[x];
        T* out = run_ends.grow(xs_.size());
        for (size_t i = 0, y = 0; i < xs_.size();) {
            context_.poll();
            const size_t end = std::min(i + static_cast<size_t>(kBlock), xs_.size());
            for (; i < end; ++i) {
                while (i >= row_ends_[y]) ++y;
                out[columns_[xs_[i]]++] = static_cast<T>(xs_[i] * height + static_cast<int64_t>(y));
            }
        }
        run_ends.resize(run_ends.size() + xs_.size());
        return true;
    }

    void transpose_rows(Buffer<T>& run_ends) {
        const int64_t height = dense_.size.height, width = dense_.size.width;
        const size_t row_words = words_for(width), column_words = words_for(height);
        // All rows as bits, filled up to a multiple of 64 rows with zeros.
        bits_.resize(row_words * column_words * 64);
        flips_.resize(row_words);
        // The flips are counted on the way: the first row's are at most as many as its pixels.
        size_t flips = static_cast<size_t>(width);
        for (int64_t y = 0; y < height; ++y) {
            uint64_t* row = bits_.data() + static_cast<size_t>(y) * row_words;
            read_row(y, row);
            context_.poll();
            if (y == 0) continue;
            const uint64_t* above = row - row_words;
            for (size_t w = 0; w < row_words; ++w) flips_[w] = row[w] ^ above[w];
            flips += simd_.count_bits(flips_.data(), row_words);
        }
        run_ends.grow(flips + 64 * column_words);
        const size_t rows_end = static_cast<size_t>(height) * row_words;
        std::fill(bits_.data() + rows_end, bits_.data() + bits_.size(), uint64_t{0});
        strip_.resize(64 * column_words);
        previous_ = 0;
        for (size_t w = 0; w < row_words; ++w) {
            context_.poll();
            for (size_t block = 0; block < column_words; ++block) {
                uint64_t rows[64], columns[64];
                for (size_t j = 0; j < 64; ++j) {
                    rows[j] = bits_[(block * 64 + j) * row_words + w];
                }
                simd_.transpose_bits(rows, columns);
                for (size_t j = 0; j < 64; ++j) strip_[j * column_words + block] = columns[j];
            }
            for (size_t j = 0; j < 64; ++j) {
                const int64_t x = static_cast<int64_t>(64 * w + j);
                if (x >= width) break;
                const uint64_t* column = strip_.data() + j * column_words;
                for (int64_t start = 0; start < height; start += kBlock) {
                    const int64_t n = height - start < kBlock ? height - start : kBlock;
                    if (start) context_.poll();
                    append_flips(column + start / 64, words_for(n), n, x * height + start,
                                 run_ends);
                }
            }
        }
    }

    const Context& context_;
    const simd::Table& simd_;
    const DenseView& dense_;
    const BitPlanes* planes_;
    BitReader reader_;
    LineReader<T> line_reader_;
    int64_t mask_ = 0;
    const uint8_t* data_ = nullptr;
    uint64_t previous_ = 0;  // the last bit before the next words of append_flips
    Buffer<uint64_t> bits_;
    Buffer<uint64_t> flips_;
    Buffer<uint64_t> strip_;
    Buffer<uint32_t> xs_;  // read_rows: the columns of the flips, row after row,
    Buffer<size_t> row_ends_;  // where each row's end,
    Buffer<uint32_t> columns_;  // and the count, later the position, of each column's flips
};

double work_of(const DenseView& dense, double bytes) {
    return static_cast<double>(dense.count) * (bytes / 16 + 100);
}

// Encode from the planes or, without them, from the array.
template <class T>
void encode_all(const Context& context, const DenseView& dense, const BitPlanes* planes,
                double work, Batch<T>& batch) {
    PerWorker<Encoder<T>> encoders(threads_for(context, dense.count, work), context, dense, planes);
    build_batch<T>(context, dense.count, work, batch,
                   [&](int64_t mask, Buffer<T>& run_ends, int worker) {
                       encoders[worker].encode(mask, run_ends);
                       return Status{};
                   });
}

}  // namespace

template <class T>
void encode(const Context& context, const DenseView& dense, Batch<T>& batch) {
    const double bytes = static_cast<double>(dense.size.pixels()) * width_of(dense.scalar);
    const double work = work_of(dense, bytes);
    std::optional<BitPlanes> planes;
    if (BitPlanes::suit(dense)) {
        planes.emplace(context, dense, threads_for(context, dense.count, work));
    }
    encode_all(context, dense, planes ? &*planes : nullptr, work, batch);
}

template <class T>
void encode_bits(const Context& context, const uint8_t* rows, int64_t count, Size size, bool little,
                 Batch<T>& batch) {
    const DenseView dense{nullptr, count, size, {0, 0, 0}, Scalar::u8, false, 0};
    if (size.pixels() == 0) return encode_all(context, dense, nullptr, 0, batch);
    const double work = work_of(dense, static_cast<double>(size.pixels()) / 4);
    const BitPlanes planes(context, rows, little, dense, threads_for(context, count, work));
    encode_all(context, dense, &planes, work, batch);
}

template void encode_bits<uint32_t>(const Context&, const uint8_t*, int64_t, Size, bool,
                                    Batch<uint32_t>&);
template void encode_bits<uint64_t>(const Context&, const uint8_t*, int64_t, Size, bool,
                                    Batch<uint64_t>&);
template void encode<uint32_t>(const Context&, const DenseView&, Batch<uint32_t>&);
template void encode<uint64_t>(const Context&, const DenseView&, Batch<uint64_t>&);

}  // namespace segcore
