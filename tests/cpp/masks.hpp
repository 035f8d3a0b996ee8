// Masks as arrays of pixels, against which kernels are checked, and the contexts of kernels.
#pragma once

#include <algorithm>
#include <vector>

#include "core/kernels.hpp"
#include "harness.hpp"
#include "random.hpp"
#include "simd/dispatch.hpp"

namespace segcore::test {

// A test of a kernel: it runs for 32-bit and 64-bit run ends (T), on every instruction set that
// this processor has, on one thread and on three (context).
#define KERNEL_TEST(name)                                 \
    template <class T>                                    \
    static void name(const Context& context);             \
    static const Registered registered_##name(#name, [] { \
        for_each_context([](const Context& context) {     \
            {                                             \
                const Note note("32-bit run ends");       \
                name<uint32_t>(context);                  \
            }                                             \
            const Note note("64-bit run ends");           \
            name<uint64_t>(context);                      \
        });                                               \
    });                                                   \
    template <class T>                                    \
    static void name([[maybe_unused]] const Context& context)

template <class Body>
void for_each_variant(Body body) {
    for (const simd::Table* table : simd::variants()) {
        const Note note(table->name);
        body(*table);
    }
}

template <class Body>
void for_each_context(Body body) {
    for_each_variant([&](const simd::Table& table) {
        for (int threads : {1, 3}) {
            const Note note("threads:", {threads});
            body(Context{table, threads});
        }
    });
}

// One byte per pixel, 0 or 1, in column-major order.
using Pixels = std::vector<uint8_t>;

inline size_t pixel_count(Size size) { return static_cast<size_t>(size.pixels()); }
inline size_t pixel_at(Size size, int64_t y, int64_t x) {
    return static_cast<size_t>(x * size.height + y);
}

template <class T>
std::vector<T> flips_of(const Pixels& pixels) {
    std::vector<T> flips;
    uint8_t before = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
        if (pixels[i] != before) flips.push_back(static_cast<T>(i));
        before = pixels[i];
    }
    return flips;
}

// A batch in memory that ends where it does, so that a sanitizer sees what is read beyond.
template <class T>
struct Masks {
    std::vector<T> run_ends;
    std::vector<int64_t> offsets{0};

    Masks() = default;
    explicit Masks(const std::vector<Pixels>& masks) {
        for (const Pixels& pixels : masks) add(flips_of<T>(pixels));
    }
    void add(const std::vector<T>& flips) {
        run_ends.insert(run_ends.end(), flips.begin(), flips.end());
        offsets.push_back(static_cast<int64_t>(run_ends.size()));
    }
    BatchView<T> view() {
        run_ends.shrink_to_fit();
        return {run_ends.data(), offsets.data(), static_cast<int64_t>(offsets.size()) - 1};
    }
};

template <class V>
std::vector<V> values_of(const Buffer<V>& buffer) {
    std::vector<V> values;
    for (size_t i = 0; i < buffer.size(); ++i) values.push_back(buffer[i]);
    return values;
}

#define CHECK_MASKS(batch, expected)                               \
    do {                                                           \
        const auto& wanted = expected;                             \
        CHECK_EQUAL(values_of((batch).offsets), wanted.offsets);   \
        CHECK_EQUAL(values_of((batch).run_ends), wanted.run_ends); \
    } while (false)

inline void check_status(const Status& got, const Status& expected, const char* file, int line) {
    auto text = [](const Status& status) {
        return "{code " + show(status.code) + ", mask " + show(status.mask) + ", position " +
               show(status.position) + ", value " + show(status.value) + "}";
    };
    if (text(got) == text(expected)) return;
    fail(file, line, "got the status " + text(got) + ", expected " + text(expected));
}

// The second may be in braces: CHECK_STATUS(decode(...), {Code::coordinate, mask, position, 0}).
#define CHECK_STATUS(got, ...) ::segcore::test::check_status(got, __VA_ARGS__, __FILE__, __LINE__)

// -- random masks ---------------------------------------------------------------------------------

inline Pixels noise(Random& random, Size size, double density) {
    Pixels pixels(pixel_count(size));
    for (uint8_t& pixel : pixels) pixel = random.unit() < density;
    return pixels;
}

inline Pixels rectangle(Random& random, Size size) {
    Pixels pixels(pixel_count(size));
    const int64_t y0 = random.below(size.height), y1 = random.between(y0, size.height);
    const int64_t x0 = random.below(size.width), x1 = random.between(x0, size.width);
    for (int64_t x = x0; x < x1; ++x) {
        for (int64_t y = y0; y < y1; ++y) pixels[pixel_at(size, y, x)] = 1;
    }
    return pixels;
}

// Runs of all lengths, some of them longer than a column.
inline Pixels random_runs(Random& random, Size size) {
    Pixels pixels;
    const int64_t longest = random.between(1, 3 * size.height);
    for (uint8_t value = 0; pixels.size() < pixel_count(size); value ^= 1) {
        pixels.resize(pixels.size() + static_cast<size_t>(random.between(1, longest)), value);
    }
    pixels.resize(pixel_count(size));
    return pixels;
}

template <class Test>
Pixels where(Size size, Test is_foreground) {
    Pixels pixels(pixel_count(size));
    for (int64_t x = 0; x < size.width; ++x) {
        for (int64_t y = 0; y < size.height; ++y) {
            pixels[pixel_at(size, y, x)] = is_foreground(y, x);
        }
    }
    return pixels;
}

// A mask of one of the kinds that take different paths.
inline Pixels random_mask(Random& random, Size size) {
    if (size.pixels() == 0) return {};
    switch (random.below(9)) {
        case 0:
            return Pixels(pixel_count(size), 0);
        case 1:
            return Pixels(pixel_count(size), 1);
        case 2:
            return noise(random, size, 0.5);
        case 3:
            return noise(random, size, 0.03);
        case 4:
            return where(size, [](int64_t y, int64_t) { return y % 2 == 0; });
        case 5:
            return where(size, [](int64_t, int64_t x) { return x % 2 == 1; });
        case 6: {
            Pixels pixels(pixel_count(size));
            pixels[static_cast<size_t>(random.one_in(2) ? size.pixels() - 1 : 0)] = 1;
            return pixels;
        }
        case 7:
            return random_runs(random, size);
        default:
            return rectangle(random, size);
    }
}

inline std::vector<Pixels> random_masks(Random& random, Size size, int64_t count) {
    std::vector<Pixels> masks;
    for (int64_t i = 0; i < count; ++i) masks.push_back(random_mask(random, size));
    return masks;
}

// Enough small masks to use several threads: the same hundred, repeated.
inline std::vector<Pixels> many_masks(Random& random, Size size, size_t count) {
    std::vector<Pixels> masks = random_masks(random, size, 100);
    masks.reserve(count);
    for (size_t i = 0; masks.size() < count; ++i) masks.push_back(masks[i]);
    return masks;
}

// Sizes on both sides of what a vector or a word holds, and without pixels.
inline const std::vector<Size>& sizes() {
    static const std::vector<Size> all = {
        {0, 0},   {0, 5},   {5, 0},   {1, 1},   {1, 2},    {2, 1},   {3, 3},   {1, 64},
        {1, 65},  {64, 1},  {65, 1},  {15, 16}, {16, 17},  {17, 15}, {31, 32}, {32, 33},
        {33, 31}, {63, 64}, {64, 63}, {64, 64}, {65, 66},  {66, 65}, {2, 127}, {127, 2},
        {3, 129}, {129, 3}, {1, 200}, {200, 1}, {128, 128}};
    return all;
}

}  // namespace segcore::test
