#include "read_bits.hpp"

#include <cmath>
#include <limits>

namespace segcore {

namespace {

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

// Copy n elements, `stride` bytes apart, to contiguous ones.
template <class T>
void gather_as(const uint8_t* values, int64_t stride, size_t n, Buffer<uint8_t>& gathered) {
    gathered.resize(n * sizeof(T));
    for (size_t i = 0; i < n; ++i, values += stride) {
        std::memcpy(gathered.data() + i * sizeof(T), values, sizeof(T));
    }
}

// The bits of each byte in the opposite order.
uint64_t reverse_in_bytes(uint64_t x) {
    x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
    x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
    return (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
}

}  // namespace

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

Limits::Limits(const DenseView& dense) : half(half_limit(dense.threshold)) {
    const AtLeast limit = at_least(dense.scalar, dense.threshold);
    lowest = limit.lowest;
    nothing = limit.nothing;
}

void BitReader::read(const uint8_t* values, int64_t stride, size_t n, uint64_t* bits) {
    if (stride != width_) values = gather(values, stride, n);
    if (!has_threshold_) {
        simd_.pack_nonzero[log2_of(static_cast<size_t>(width_))](values, n, bits);
        return;
    }
    switch (scalar_) {
        case Scalar::f16:
            return simd_.pack_greater_f16(values, n, limits_.half, bits);
        case Scalar::f32:
            return simd_.pack_greater_f32(reinterpret_cast<const float*>(values), n,
                                          static_cast<float>(threshold_), bits);
        case Scalar::f64:
            return simd_.pack_greater_f64(reinterpret_cast<const double*>(values), n, threshold_,
                                          bits);
        default:
            if (limits_.nothing) {
                std::memset(bits, 0, words_for(static_cast<int64_t>(n)) * sizeof(uint64_t));
                return;
            }
            simd_.pack_at_least[static_cast<size_t>(scalar_)](values, n, limits_.lowest, bits);
    }
}

const uint8_t* BitReader::gather(const uint8_t* values, int64_t stride, size_t n) {
    switch (width_) {
        case 1:
            gather_as<uint8_t>(values, stride, n, gathered_);
            break;
        case 2:
            gather_as<uint16_t>(values, stride, n, gathered_);
            break;
        case 4:
            gather_as<uint32_t>(values, stride, n, gathered_);
            break;
        default:
            gather_as<uint64_t>(values, stride, n, gathered_);
    }
    return gathered_.data();
}

bool BitPlanes::suit(const DenseView& dense) {
    const int64_t next = std::min(std::abs(dense.strides[1]), std::abs(dense.strides[2]));
    constexpr int64_t kLimit = int64_t{1} << 31;  // of the 32-bit lists of read_rows
    return dense.count > 1 && dense.size.width > 1 && dense.size.width < kLimit &&
           dense.size.height < kLimit && dense.strides[0] == width_of(dense.scalar) &&
           dense.strides[0] < next;
}

BitPlanes::BitPlanes(const Context& context, const DenseView& dense, int threads)
    : dense_(dense), words_(words_for(dense.size.width)) {
    bits_.resize(static_cast<size_t>(dense.count * dense.size.height) * words_);
    PerWorker<BitReader> readers(threads, context, dense);
    parallel_for(context, dense.size.height, threads, [&](int64_t y, int worker) {
        for (size_t word = 0; word < words_; ++word) {
            for (int64_t mask = 0; mask < dense.count; mask += 64) {
                pack(context.simd, readers[worker], mask, y, word);
            }
        }
    });
}

BitPlanes::BitPlanes(const Context& context, const uint8_t* rows, bool little,
                     const DenseView& dense, int threads)
    : dense_(dense), words_(words_for(dense.size.width)) {
    const size_t bytes = static_cast<size_t>((dense.size.width + 7) / 8);
    const size_t count = static_cast<size_t>(dense.count * dense.size.height);
    bits_.resize(count * words_);
    const uint64_t last = ~uint64_t{0} >> (64 * words_ - static_cast<size_t>(dense.size.width));
    parallel_for(context, dense.count * dense.size.height, threads, [&](int64_t row, int) {
        uint64_t* words = bits_.data() + static_cast<size_t>(row) * words_;
        words[words_ - 1] = 0;
        std::memcpy(words, rows + static_cast<size_t>(row) * bytes, bytes);
        for (size_t w = 0; !little && w < words_; ++w) words[w] = reverse_in_bytes(words[w]);
        words[words_ - 1] &= last;
    });
}

void BitPlanes::pack(const simd::Table& simd, BitReader& reader, int64_t mask, int64_t y,
                     size_t word) {
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
        uint64_t* to =
            bits_.data() + word +
            words_ * static_cast<size_t>((mask + static_cast<int64_t>(i)) * dense_.size.height + y);
        reader.read(turned + i * 64 * width, static_cast<int64_t>(width), pixels, to);
    }
}

}  // namespace segcore
