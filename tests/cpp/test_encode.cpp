// Dense arrays to run ends.
#include <cmath>
#include <limits>

#include "arrays.hpp"
#include "masks.hpp"

namespace segcore::test {

namespace {

constexpr Scalar kOfWidth[] = {Scalar::u8, Scalar::i16, Scalar::u32, Scalar::i64};

template <class T>
void check_encode(const Context& context, const DenseView& view,
                  const std::vector<Pixels>& expected) {
    Batch<T> batch;
    encode(context, view, batch);
    CHECK_MASKS(batch, Masks<T>(expected));
}

// Foreground is any nonzero value: most have only one bit of the element set.
uint64_t nonzero(Random& random, int64_t width) {
    return random.one_in(2) ? 1 : uint64_t{1} << random.below(8 * width);
}

template <class T>
void check_masks(const Context& context, const std::vector<Pixels>& masks, Size size, int64_t width,
                 const Layout& layout) {
    const int64_t count = static_cast<int64_t>(masks.size());
    Random random(1);
    Array array(count, size, width, layout);
    for (int64_t i = 0; i < count; ++i) {
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const bool set = masks[static_cast<size_t>(i)][pixel_at(size, y, x)];
                array.set(i, y, x, set ? nonzero(random, width) : 0);
            }
        }
    }
    const Scalar scalar = kOfWidth[width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3];
    check_encode<T>(context,
                    {array.data(),
                     count,
                     size,
                     {array.stride(0), array.stride(1), array.stride(2)},
                     scalar,
                     false,
                     0},
                    masks);
}

template <class T>
void check_layouts(const Context& context, const std::vector<Pixels>& masks, Size size) {
    for (size_t i = 0; i < layouts().size(); ++i) {
        const int64_t width = int64_t{1} << (i + static_cast<size_t>(size.width)) % 4;
        for (int64_t each : {int64_t{1}, width}) {
            const Note note("size, layout, width:",
                            {size.height, size.width, static_cast<int64_t>(i), each});
            check_masks<T>(context, masks, size, each, layouts()[i]);
        }
    }
}

KERNEL_TEST(encode_layouts) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_layouts<T>(context, random_masks(random, size, 3), size);
    }
    check_layouts<T>(context, {}, {3, 4});
}

// Every mask of 2 x 3 and 3 x 2.
KERNEL_TEST(encode_tiny) {
    std::vector<Pixels> masks;
    for (int bits = 0; bits < 64; ++bits) {
        Pixels pixels;
        for (int i = 0; i < 6; ++i) pixels.push_back(bits >> i & 1);
        masks.push_back(pixels);
    }
    check_layouts<T>(context, masks, {2, 3});
    check_layouts<T>(context, masks, {3, 2});
}

// So many flips that bits are transposed instead of sorted, and columns longer than a block.
KERNEL_TEST(encode_noise_and_long_columns) {
    Random random(1);
    for (Size size : {Size{130, 140}, Size{64, 192}, Size{4097, 3}, Size{9000, 1}}) {
        const Note note("size:", {size.height, size.width});
        const std::vector<Pixels> masks = {noise(random, size, 0.5), noise(random, size, 0.001)};
        for (size_t layout : {0u, 1u, 2u, 10u}) {
            check_masks<T>(context, masks, size, 1, layouts()[layout]);
            check_masks<T>(context, masks, size, 4, layouts()[layout]);
        }
    }
}

// Blocks of 64 masks that lie side by side.
KERNEL_TEST(encode_interleaved) {
    Random random(1);
    for (int64_t count : {63, 64, 65, 130}) {
        const Note note("masks:", {count});
        const Size size{7, 66};
        const auto masks = random_masks(random, size, count);
        for (int64_t width : {1, 2, 4, 8}) {
            check_masks<T>(context, masks, size, width, layouts()[2]);
            check_masks<T>(context, masks, size, width, layouts()[3]);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(encode_many) {
    const Size size{5, 7};
    Random random(1);
    const auto masks = many_masks(random, size, 6000);
    check_masks<T>(context, masks, size, 1, layouts()[0]);
    check_masks<T>(context, masks, size, 1, layouts()[2]);
}

// Arrays that NumPy has broadcast: one mask, row, column or pixel stands for many.
KERNEL_TEST(encode_broadcast) {
    Random random(1);
    const Size size{65, 66};
    std::vector<uint8_t> values(pixel_count(size));
    for (uint8_t& value : values) value = random.one_in(3);
    const int64_t steps[][3] = {{0, 66, 1}, {0, 0, 1}, {0, 66, 0},  {0, 0, 0},
                                {0, 1, 65}, {1, 0, 0}, {0, -66, 0}, {1, 1, 1}};
    for (const auto& stride : steps) {
        const Note note("strides:", {stride[0], stride[1], stride[2]});
        const uint8_t* data = values.data() + (stride[1] < 0 ? 64 * 66 : 0);
        std::vector<Pixels> expected;
        for (int64_t i = 0; i < 3; ++i) {
            expected.push_back(where(size, [&](int64_t y, int64_t x) {
                return data[i * stride[0] + y * stride[1] + x * stride[2]] != 0;
            }));
        }
        check_encode<T>(context,
                        {data, 3, size, {stride[0], stride[1], stride[2]}, Scalar::u8, false, 0},
                        expected);
    }
}

// -- thresholds -----------------------------------------------------------------------------------

double half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31) return fraction ? NAN : bits & 0x8000 ? -HUGE_VAL : HUGE_VAL;
    const double value =
        exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

// The nearest float16, found by looking at them all; 65504 is the largest, and 65520 rounds up.
double nearest_half(double value) {
    if (std::isnan(value)) return value;
    if (std::fabs(value) >= 65520) return std::copysign(HUGE_VAL, value);
    double best = 0;
    int best_bits = 1;
    for (int bits = 0; bits < 0x7c00; ++bits) {
        const double each = std::copysign(half_value(static_cast<uint16_t>(bits)), value);
        const double better = std::fabs(best - value) - std::fabs(each - value);
        if (bits == 0 || better > 0 || (better == 0 && best_bits % 2)) {
            best = each;
            best_bits = bits;
        }
    }
    return best;
}

const std::vector<double>& thresholds() {
    static const std::vector<double> all = {0.0,
                                            -0.0,
                                            0.5,
                                            -0.5,
                                            1,
                                            -1,
                                            126.5,
                                            127,
                                            128,
                                            254.999,
                                            255,
                                            256,
                                            -128,
                                            -128.5,
                                            -129,
                                            32766.5,
                                            32767,
                                            65504,
                                            65519,
                                            65520,
                                            65535,
                                            65536,
                                            -65520,
                                            1e-8,
                                            -1e-8,
                                            2.98e-8,
                                            5.96e-8,
                                            8.9e-8,
                                            1.00048828125,
                                            1.00146484375,
                                            0x1p31,
                                            0x1p31 - 1,
                                            0x1p32,
                                            0x1p32 - 1,
                                            -0x1p31,
                                            0x1p53,
                                            0x1p63,
                                            0x1p63 - 1024,
                                            -0x1p63,
                                            0x1p64,
                                            0x1p64 - 2048,
                                            -0x1p64,
                                            3e38,
                                            1e300,
                                            -1e300,
                                            HUGE_VAL,
                                            -HUGE_VAL,
                                            NAN,
                                            0.1,
                                            1.0 / 3};
    return all;
}

// Exact for every integer: a long double holds 64 bits on the machines that these tests run on.
static_assert(std::numeric_limits<long double>::digits >= 64);
template <class V>
bool exceeds(V value, double threshold) {
    return static_cast<long double>(value) > static_cast<long double>(threshold);
}
bool exceeds(float value, double threshold) { return value > static_cast<float>(threshold); }
bool exceeds(double value, double threshold) { return value > threshold; }

template <class V>
std::vector<V> values_around_thresholds() {
    using Limits = std::numeric_limits<V>;
    std::vector<V> values = {Limits::lowest(), Limits::max(), V{0}, V{1}, static_cast<V>(-1)};
    for (double threshold : thresholds()) {
        const double low = static_cast<double>(Limits::lowest());
        const double high = static_cast<double>(Limits::max());
        if (!(threshold > low && threshold < high)) continue;
        const V value = static_cast<V>(threshold);
        if constexpr (Limits::is_integer) {
            values.insert(values.end(),
                          {static_cast<V>(value - 1), value, static_cast<V>(value + 1)});
        } else {
            values.insert(values.end(), {std::nextafter(value, Limits::lowest()), value,
                                         std::nextafter(value, Limits::max())});
        }
    }
    if constexpr (!Limits::is_integer) {
        values.insert(values.end(), {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()});
    }
    return values;
}

// One row, then one column, and one that is strided.
template <class T>
void check_threshold(const Context& context, const void* values, int64_t count, int64_t width,
                     Scalar scalar, double threshold, const Pixels& expected) {
    const Note note("values of scalar type:", {static_cast<int64_t>(scalar)});
    const uint8_t* data = static_cast<const uint8_t*>(values);
    check_encode<T>(context, {data, 1, {1, count}, {0, 0, width}, scalar, true, threshold},
                    {expected});
    check_encode<T>(context, {data, 1, {count, 1}, {0, width, 0}, scalar, true, threshold},
                    {expected});
    const Pixels backwards(expected.rbegin(), expected.rend());
    check_encode<T>(
        context,
        {data + (count - 1) * width, 1, {1, count}, {0, 0, -width}, scalar, true, threshold},
        {backwards});
}

template <class T, class V>
void check_thresholds(const Context& context, Scalar scalar) {
    static const std::vector<V> values = values_around_thresholds<V>();
    for (double threshold : thresholds()) {
        Pixels expected;
        for (V value : values) expected.push_back(exceeds(value, threshold));
        check_threshold<T>(context, values.data(), static_cast<int64_t>(values.size()), sizeof(V),
                           scalar, threshold, expected);
    }
}

KERNEL_TEST(encode_thresholds) {
    check_thresholds<T, uint8_t>(context, Scalar::u8);
    check_thresholds<T, int8_t>(context, Scalar::i8);
    check_thresholds<T, uint16_t>(context, Scalar::u16);
    check_thresholds<T, int16_t>(context, Scalar::i16);
    check_thresholds<T, uint32_t>(context, Scalar::u32);
    check_thresholds<T, int32_t>(context, Scalar::i32);
    check_thresholds<T, uint64_t>(context, Scalar::u64);
    check_thresholds<T, int64_t>(context, Scalar::i64);
    check_thresholds<T, float>(context, Scalar::f32);
    check_thresholds<T, double>(context, Scalar::f64);
}

// All float16 near and far.
KERNEL_TEST(encode_thresholds_of_f16) {
    std::vector<uint16_t> values;
    for (uint32_t bits = 0; bits < 65536; bits += bits % 64 == 2 ? 27 : 1) {
        values.push_back(static_cast<uint16_t>(bits));
    }
    for (double threshold : thresholds()) {
        const double limit = nearest_half(threshold);
        Pixels expected;
        for (uint16_t value : values) expected.push_back(half_value(value) > limit);
        check_threshold<T>(context, values.data(), static_cast<int64_t>(values.size()), 2,
                           Scalar::f16, threshold, expected);
    }
}

}  // namespace

}  // namespace segcore::test
