// Dense arrays to run ends.
//
// Both ways of reading pack 64 pixels to a word of bits and work on those.
// - Columns first (Fortran order): a flip is a bit that differs from the one before it.
// - Rows first (C order): the flips of column-major order between rows y - 1 and y are the set bits
//   of row(y) XOR row(y - 1); row 0 is compared with the last row shifted by one column. The few
//   flips found are sorted by column, by counting. Where they are many, the bits are transposed
//   in 64 x 64 blocks instead, and read columns first.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "bits.hpp"
#include "kernels.hpp"
#include "leaves.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

int width_of(Scalar scalar) {
    switch (scalar) {
        case Scalar::u8:
        case Scalar::i8:
            return 1;
        case Scalar::u16:
        case Scalar::i16:
        case Scalar::f16:
            return 2;
        case Scalar::u32:
        case Scalar::i32:
        case Scalar::f32:
            return 4;
        default:
            return 8;
    }
}

// The nearest float16, ties to even: how NumPy rounds a threshold. NaN stays NaN.
uint16_t half_bits(double value) {
    const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const double magnitude = std::fabs(value);
    if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
    if (magnitude >= 65520.0) return static_cast<uint16_t>(sign | 0x7c00);
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // magnitude < 2**exponent
    if (exponent < -13 || magnitude == 0) exponent = -13;
    // The spacing of float16 here is 2**(exponent - 11): count it, in nearbyint's ties to even.
    const double steps = std::nearbyint(std::ldexp(magnitude, 11 - exponent));
    return static_cast<uint16_t>(sign | (((exponent + 13) << 10) + static_cast<int>(steps)));
}

// The threshold as an integer that compares with float16 bits as pack_greater_f16 takes them. -0 is
// taken as +0, which is the larger integer; NaN as infinity, which nothing exceeds.
int16_t half_limit(double threshold) {
    if (std::isnan(threshold)) return 0x7c00;
    const uint16_t bits = half_bits(threshold);
    const int16_t value = static_cast<int16_t>(bits == 0x8000 ? 0 : bits);
    return static_cast<int16_t>(value ^ ((value >> 15) & 0x7fff));
}

// `value > threshold` for integers, as value >= lowest (in the bits of their type), or never.
struct AtLeast {
    uint64_t lowest = 0;
    bool nothing = true;
};

template <class T>
AtLeast at_least(double threshold) {
    // 2**digits is exact as a double, which the largest integer itself need not be.
    const double beyond = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const double floor = std::floor(threshold);
    if (std::isnan(threshold) || floor >= beyond) return {};
    T lowest = std::numeric_limits<T>::min();
    if (floor >= static_cast<double>(lowest)) {
        const T whole = static_cast<T>(floor);
        if (whole == std::numeric_limits<T>::max()) return {};
        lowest = static_cast<T>(whole + 1);
    }
    return {static_cast<uint64_t>(lowest), false};
}

AtLeast at_least(Scalar scalar, double threshold) {
    switch (scalar) {
        case Scalar::u8:
            return at_least<uint8_t>(threshold);
        case Scalar::i8:
            return at_least<int8_t>(threshold);
        case Scalar::u16:
            return at_least<uint16_t>(threshold);
        case Scalar::i16:
            return at_least<int16_t>(threshold);
        case Scalar::u32:
            return at_least<uint32_t>(threshold);
        case Scalar::i32:
            return at_least<int32_t>(threshold);
        case Scalar::u64:
            return at_least<uint64_t>(threshold);
        case Scalar::i64:
            return at_least<int64_t>(threshold);
        default:
            return {};
    }
}

// Reads elements, one behind the other or strided, as the bits of a mask.
class Reader {
   public:
    Reader(const Context& context, const DenseView& dense)
        : simd_(context.simd),
          scalar_(dense.scalar),
          width_(width_of(dense.scalar)),
          has_threshold_(dense.has_threshold),
          threshold_(dense.threshold),
          at_least_(at_least(dense.scalar, dense.threshold)),
          half_limit_(half_limit(dense.threshold)) {}

    int width() const { return width_; }

    // Whether n elements, `stride` bytes apart, are bytes side by side that are only asked for
    // being nonzero: the common case, for which there are leaf functions that do more at once.
    bool plain_bytes(int64_t stride) const { return width_ == 1 && stride == 1 && !has_threshold_; }

    // Bits of n elements, `stride` bytes apart.
    void read(const uint8_t* values, int64_t stride, size_t n, uint64_t* bits) {
        if (stride != width_) values = gather(values, stride, n);
        if (!has_threshold_) {
            simd_.pack_nonzero[log2_of(static_cast<size_t>(width_))](values, n, bits);
            return;
        }
        switch (scalar_) {
            case Scalar::f16:
                return simd_.pack_greater_f16(values, n, half_limit_, bits);
            case Scalar::f32:
                return simd_.pack_greater_f32(reinterpret_cast<const float*>(values), n,
                                              static_cast<float>(threshold_), bits);
            case Scalar::f64:
                return simd_.pack_greater_f64(reinterpret_cast<const double*>(values), n,
                                              threshold_, bits);
            default:
                if (at_least_.nothing) {
                    std::memset(bits, 0, words_for(static_cast<int64_t>(n)) * sizeof(uint64_t));
                    return;
                }
                simd_.pack_at_least[static_cast<size_t>(scalar_)](values, n, at_least_.lowest,
                                                                  bits);
        }
    }

   private:
    template <class T>
    void gather_as(const uint8_t* values, int64_t stride, size_t n) {
        gathered_.resize(n * sizeof(T));
        for (size_t i = 0; i < n; ++i, values += stride) {
            std::memcpy(gathered_.data() + i * sizeof(T), values, sizeof(T));
        }
    }
    const uint8_t* gather(const uint8_t* values, int64_t stride, size_t n) {
        switch (width_) {
            case 1:
                gather_as<uint8_t>(values, stride, n);
                break;
            case 2:
                gather_as<uint16_t>(values, stride, n);
                break;
            case 4:
                gather_as<uint32_t>(values, stride, n);
                break;
            default:
                gather_as<uint64_t>(values, stride, n);
        }
        return gathered_.data();
    }

    const simd::Table& simd_;
    Scalar scalar_;
    int width_;
    bool has_threshold_;
    double threshold_;
    AtLeast at_least_;
    int16_t half_limit_;
    Buffer<uint8_t> gathered_;
};

// The bits of each byte in the opposite order.
uint64_t reverse_in_bytes(uint64_t x) {
    x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
    x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
    return (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
}

// Masks as rows of words, one bit a pixel: an eighth of the size of bytes.
class Planes {
   public:
    // Arrays whose masks lie side by side, pixel by pixel, as in (H, W, N) in C order, would be
    // read once a mask. They are read once for all: blocks of 64 pixels by 64 masks are transposed
    // and packed.
    static bool suit(const DenseView& dense) {
        const int64_t next = std::min(std::abs(dense.strides[1]), std::abs(dense.strides[2]));
        constexpr int64_t kLimit = int64_t{1} << 31;  // of the 32-bit lists of read_rows
        return dense.count > 1 && dense.size.width > 1 && dense.size.width < kLimit &&
               dense.size.height < kLimit && dense.strides[0] == width_of(dense.scalar) &&
               dense.strides[0] < next;
    }

    Planes(const Context& context, const DenseView& dense, int threads)
        : dense_(dense), words_(words_for(dense.size.width)) {
        bits_.resize(static_cast<size_t>(dense.count * dense.size.height) * words_);
        std::vector<Reader> readers;
        for (int i = 0; i < threads; ++i) readers.emplace_back(context, dense);
        parallel_for(context, dense.size.height, threads, [&](int64_t y, int worker) {
            for (size_t word = 0; word < words_; ++word) {
                for (int64_t mask = 0; mask < dense.count; mask += 64) {
                    context.poll(kBlockWork);
                    pack(context.simd, readers[static_cast<size_t>(worker)], mask, y, word);
                }
            }
        });
    }

    // Rows of whole bytes, eight pixels each, the first of which is the byte's highest bit or, in
    // little order, its lowest. What is behind the last pixel does not matter.
    Planes(const Context& context, const uint8_t* rows, bool little, const DenseView& dense,
           int threads)
        : dense_(dense), words_(words_for(dense.size.width)) {
        const size_t bytes = static_cast<size_t>((dense.size.width + 7) / 8);
        const size_t count = static_cast<size_t>(dense.count * dense.size.height);
        bits_.resize(count * words_);
        const uint64_t last = ~uint64_t{0} >> (64 * words_ - static_cast<size_t>(dense.size.width));
        parallel_for(context, dense.count * dense.size.height, threads, [&](int64_t row, int) {
            uint64_t* words = bits_.data() + static_cast<size_t>(row) * words_;
            words[words_ - 1] = 0;
            copy_all(context, rows + static_cast<size_t>(row) * bytes, bytes,
                     reinterpret_cast<uint8_t*>(words));
            if (!little) {
                for_all(context, words_, 1,
                        [&](size_t w) { words[w] = reverse_in_bytes(words[w]); });
            }
            words[words_ - 1] &= last;
        });
    }

    const uint64_t* row(int64_t mask, int64_t y) const {
        return bits_.data() + static_cast<size_t>(mask * dense_.size.height + y) * words_;
    }

   private:
    static constexpr int64_t kBlockWork = 2000;  // to pack 64 by 64 pixels

    void pack(const simd::Table& simd, Reader& reader, int64_t mask, int64_t y, size_t word) {
        const size_t width = static_cast<size_t>(reader.width());
        const int64_t x0 = static_cast<int64_t>(64 * word);
        const size_t pixels = static_cast<size_t>(std::min(dense_.size.width - x0, int64_t{64}));
        const size_t masks = static_cast<size_t>(std::min(dense_.count - mask, int64_t{64}));
        const uint8_t* from =
            dense_.data + mask * dense_.strides[0] + y * dense_.strides[1] + x0 * dense_.strides[2];
        alignas(64) uint8_t block[64 * 64 * 8], turned[64 * 64 * 8];
        for (size_t x = 0; x < pixels; ++x) {
            std::memcpy(block + x * 64 * width, from + static_cast<int64_t>(x) * dense_.strides[2],
                        masks * width);
        }
        for (size_t x = pixels; x < 64; ++x) std::memset(block + x * 64 * width, 0, 64 * width);
        for (size_t x = 0; masks < 64 && x < pixels; ++x) {
            std::memset(block + (x * 64 + masks) * width, 0, (64 - masks) * width);
        }
        simd.transpose[log2_of(width)](block, 64, turned);
        for (size_t i = 0; i < masks; ++i) {
            uint64_t* to = bits_.data() + word +
                           words_ * static_cast<size_t>(
                                        (mask + static_cast<int64_t>(i)) * dense_.size.height + y);
            reader.read(turned + i * 64 * width, static_cast<int64_t>(width), pixels, to);
        }
    }

    const DenseView& dense_;
    size_t words_;
    Buffer<uint64_t> bits_;
};

constexpr int64_t kBlock = 8192;  // pixels to read at a time
constexpr int64_t kBlockWork = kBlock / 2;

// Encodes one mask after the other; what it allocates serves for all of them.
template <class T>
class Encoder {
   public:
    Encoder(const Context& context, const DenseView& dense, const Planes* planes)
        : context_(context),
          simd_(context.simd),
          dense_(dense),
          planes_(planes),
          reader_(context, dense) {}

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
            copy_all(context_, planes_->row(mask_, y), words_for(width), bits);
            return;
        }
        const uint8_t* row = data_ + y * dense_.strides[1];
        for_parts(context_, width, 1, [&](int64_t first, int64_t last) {
            reader_.read(row + first * dense_.strides[2], dense_.strides[2],
                         static_cast<size_t>(last - first), bits + first / 64);
        });
    }

    bool columns_first() const {
        if (planes_) return false;
        const int64_t y = std::abs(dense_.strides[1]), x = std::abs(dense_.strides[2]);
        const int64_t limit = int64_t{1} << 31;  // of the 32-bit lists of read_rows
        return dense_.size.width == 1 || (y < x && dense_.size.height > 1) ||
               dense_.size.height >= limit || dense_.size.width >= limit;
    }

    // Append the flips among `words` words of bits that continue those before them (previous_).
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

    // Append the flips of n bytes against those one place before; `base` is the first's position.
    void append_line(const uint8_t* bytes, int64_t n, int64_t base, Buffer<T>& run_ends) {
        const size_t room = 64 * words_for(n);
        if constexpr (sizeof(T) == 4) {
            const size_t count =
                simd_.flips_between(bytes, bytes - 1, static_cast<size_t>(n),
                                    static_cast<uint32_t>(base), run_ends.grow(room));
            run_ends.resize(run_ends.size() + count);
        } else {
            xs_.resize(room);
            const size_t count =
                simd_.flips_between(bytes, bytes - 1, static_cast<size_t>(n), 0, xs_.data());
            T* out = run_ends.grow(count);
            for (size_t i = 0; i < count; ++i) out[i] = static_cast<T>(base + xs_[i]);
            run_ends.resize(run_ends.size() + count);
        }
    }

    // Bytes in one line: all of them are compared with their neighbours in place.
    void read_line(const uint8_t* bytes, int64_t length, Buffer<T>& run_ends) {
        if (bytes[0] != 0) run_ends.push_back(0);
        Pacer pacer(context_);
        for (int64_t start = 1; start < length; start += kBlock) {
            const int64_t n = length - start < kBlock ? length - start : kBlock;
            pacer.step(kBlockWork);
            append_line(bytes + start, n, start, run_ends);
        }
    }

    void read_columns(Buffer<T>& run_ends) {
        const int64_t height = dense_.size.height, width = dense_.size.width;
        const int64_t y = dense_.strides[1], x = dense_.strides[2];
        // Columns that follow each other in memory are one long column.
        const bool joined = width == 1 || x == y * height;
        const int64_t columns = joined ? 1 : width;
        const int64_t length = joined ? height * width : height;
        if (joined && reader_.plain_bytes(y)) return read_line(data_, length, run_ends);
        bits_.resize(words_for(kBlock));
        previous_ = 0;
        Pacer pacer(context_);
        for (int64_t column = 0; column < columns; ++column) {
            for (int64_t start = 0; start < length; start += kBlock) {
                const int64_t n = length - start < kBlock ? length - start : kBlock;
                pacer.step(kBlockWork);
                reader_.read(data_ + column * x + start * y, y, static_cast<size_t>(n),
                             bits_.data());
                append_flips(bits_.data(), words_for(n), n, column * length + start, run_ends);
            }
        }
    }

    // The columns of the flips between row y and the one above it. Row 0 is compared with the last
    // row, one column to the right. Of several rows, each row's columns follow the last one's.
    size_t flips_of_bytes(int64_t y, int64_t rows, uint32_t* xs) {
        const size_t n = static_cast<size_t>(rows * dense_.size.width);
        const uint8_t* row = data_ + y * dense_.strides[1];
        if (y > 0) return flips_between(row, row - dense_.strides[1], n, 0, xs);
        const size_t first = row[0] != 0;
        if (first) xs[0] = 0;
        const uint8_t* last = data_ + (dense_.size.height - 1) * dense_.strides[1];
        return first + flips_between(row + 1, last, n - 1, 1, xs + first);
    }
    size_t flips_between(const uint8_t* row, const uint8_t* above, size_t n, uint32_t base,
                         uint32_t* xs) {
        size_t count = 0;
        for_parts(context_, n, 1, [&](size_t first, size_t last) {
            count += simd_.flips_between(row + first, above + first, last - first,
                                         static_cast<uint32_t>(base + first), xs + count);
        });
        return count;
    }

    // The same for elements that have to be read as bits first: those of row y - 1 are kept.
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
        size_t count = 0;
        for_parts(context_, words, 1, [&](size_t first, size_t last) {
            for (size_t w = first; w < last; ++w) above[w] ^= row[w];
            count += simd_.positions_u32(above + first, last - first,
                                         static_cast<uint32_t>(64 * first), xs + count);
        });
        return count;
    }

    // Tell the rows of flips apart, count them by column, and append them to xs_.
    void split_rows(int64_t y, int64_t rows, uint32_t* xs, size_t count) {
        const uint32_t width = static_cast<uint32_t>(dense_.size.width);
        size_t* row_end = row_ends_.data() + y;
        uint32_t start = 0;
        for_all(context_, count, 1, [&](size_t i) {
            for (; xs[i] - start >= width; start += width) *row_end++ = xs_.size() + i;
            xs[i] -= start;
            ++columns_[xs[i] + 1];
        });
        xs_.resize(xs_.size() + count);
        while (row_end < row_ends_.data() + y + rows) *row_end++ = xs_.size();
    }

    // False, with nothing appended, where the flips are too many for this way.
    bool read_rows(Buffer<T>& run_ends) {
        const int64_t height = dense_.size.height, width = dense_.size.width;
        const size_t n = static_cast<size_t>(width);
        const size_t most = static_cast<size_t>(
            std::min(height * width / 32 + 1024, int64_t{1} << 31));  // they are counted in 32 bits
        const bool bytes = !planes_ && reader_.plain_bytes(dense_.strides[2]);
        assign_all(context_, n + 1, uint32_t{0}, columns_);
        xs_.clear();
        row_ends_.resize(static_cast<size_t>(height));
        // Rows of bytes that follow each other in memory are taken several at a time.
        const bool joined = bytes && dense_.strides[1] == width;
        const int64_t together = joined ? std::max(kBlock / width, int64_t{1}) : 1;
        for (int64_t y = 0; y < height;) {
            if (xs_.size() > most) return false;
            const int64_t rows = y == 0 ? 1 : std::min(together, height - y);
            uint32_t* xs = xs_.grow(64 * words_for(rows * width) + 64);
            const size_t count = bytes ? flips_of_bytes(y, rows, xs) : flips_of_bits(y, xs);
            split_rows(y, rows, xs, count);
            y += rows;
        }

        if (xs_.size() == 0) return true;
        for_all(context_, n, 1, [&](size_t x) { columns_[x + 1] += columns_[x]; });
        T* out = run_ends.grow(xs_.size());
        for_rows(context_, row_ends_, 2, [&](size_t i, size_t y) {
            const uint32_t x = xs_[i];
            out[columns_[x]++] = static_cast<T>(x * height + static_cast<int64_t>(y));
        });
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
            if (y == 0) continue;
            const uint64_t* above = row - row_words;
            for_parts(context_, row_words, 1, [&](size_t first, size_t last) {
                for (size_t w = first; w < last; ++w) flips_[w] = row[w] ^ above[w];
                flips += simd_.count_bits(flips_.data() + first, last - first);
            });
        }
        run_ends.grow(flips + 64 * column_words);
        const size_t rows_end = static_cast<size_t>(height) * row_words;
        fill_all(context_, bits_.data() + rows_end, bits_.size() - rows_end, uint64_t{0});
        strip_.resize(64 * column_words);
        previous_ = 0;
        Pacer pacer(context_);
        for (size_t w = 0; w < row_words; ++w) {
            for (size_t block = 0; block < column_words; ++block) {
                pacer.step(kTransposeWork);
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
                    pacer.step(kBlockWork);
                    append_flips(column + start / 64, words_for(n), n, x * height + start,
                                 run_ends);
                }
            }
        }
    }

    static constexpr int64_t kTransposeWork = 50;  // of 64 by 64 bits

    const Context& context_;
    const simd::Table& simd_;
    const DenseView& dense_;
    const Planes* planes_;
    Reader reader_;
    int64_t mask_ = 0;
    const uint8_t* data_ = nullptr;
    uint64_t previous_ = 0;  // the bit before those that append_flips is given
    Buffer<uint64_t> bits_;
    Buffer<uint64_t> flips_;
    Buffer<uint64_t> strip_;
    Buffer<uint32_t> xs_;  // read_rows: the columns of the flips, row after row,
    Buffer<size_t> row_ends_;  // where each row's end,
    Buffer<uint32_t> columns_;  // and how many, later where, each column's are
};

double work_of(const DenseView& dense, double bytes) {
    return static_cast<double>(dense.count) * (bytes / 16 + 100);
}

// Encode from the planes or, without them, from the array.
template <class T>
void encode_all(const Context& context, const DenseView& dense, const Planes* planes, double work,
                Batch<T>& batch) {
    const int threads = threads_for(context, dense.count, work);
    std::vector<Encoder<T>> encoders;
    encoders.reserve(static_cast<size_t>(threads));
    for (int i = 0; i < threads; ++i) encoders.emplace_back(context, dense, planes);
    build_batch<T>(context, dense.count, work, batch,
                   [&](int64_t mask, Buffer<T>& run_ends, int worker) {
                       encoders[static_cast<size_t>(worker)].encode(mask, run_ends);
                       return Status{};
                   });
}

}  // namespace

template <class T>
void encode(const Context& context, const DenseView& dense, Batch<T>& batch) {
    const double bytes = static_cast<double>(dense.size.pixels()) * width_of(dense.scalar);
    const double work = work_of(dense, bytes);
    std::optional<Planes> planes;
    if (Planes::suit(dense)) {
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
    const Planes planes(context, rows, little, dense, threads_for(context, count, work));
    encode_all(context, dense, &planes, work, batch);
}

template void encode_bits<uint32_t>(const Context&, const uint8_t*, int64_t, Size, bool,
                                    Batch<uint32_t>&);
template void encode_bits<uint64_t>(const Context&, const uint8_t*, int64_t, Size, bool,
                                    Batch<uint64_t>&);
template void encode<uint32_t>(const Context&, const DenseView&, Batch<uint32_t>&);
template void encode<uint64_t>(const Context&, const DenseView&, Batch<uint64_t>&);

}  // namespace segcore
