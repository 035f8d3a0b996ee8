// Run ends to dense arrays.
#include "arrays.hpp"
#include "masks.hpp"

namespace segcore::test {

namespace {

// All of the output's memory is compared, so that nothing is written between its elements.
template <class T>
void check_decode(const Context& context, const std::vector<Pixels>& masks, Size size,
                  int64_t width, const Layout& layout, uint64_t one, bool zeroed) {
    const Note note("zeroed:", {zeroed});
    const int64_t count = static_cast<int64_t>(masks.size());
    Array got(count, size, width, layout), expected(count, size, width, layout);
    for (int64_t i = 0; i < count; ++i) {
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const bool set = masks[static_cast<size_t>(i)][pixel_at(size, y, x)];
                expected.set(i, y, x, set ? one : 0);
                if (zeroed) got.set(i, y, x, 0);
            }
        }
    }
    Masks<T> batch(masks);
    decode(context, batch.view(),
           DenseOutput{got.data(),
                       count,
                       size,
                       {got.stride(0), got.stride(1), got.stride(2)},
                       static_cast<int>(width),
                       one,
                       zeroed});
    CHECK_EQUAL(got.memory(), expected.memory());
}

template <class T>
void check_decode(const Context& context, const std::vector<Pixels>& masks, Size size,
                  int64_t width, const Layout& layout, uint64_t one) {
    check_decode<T>(context, masks, size, width, layout, one, false);
    check_decode<T>(context, masks, size, width, layout, one, true);
}

template <class T>
void check_layouts(const Context& context, const std::vector<Pixels>& masks, Size size) {
    for (size_t i = 0; i < layouts().size(); ++i) {
        const int64_t width = int64_t{1} << (i + static_cast<size_t>(size.width)) % 4;
        for (int64_t each : {int64_t{1}, width}) {
            const Note note("size, layout, width:",
                            {size.height, size.width, static_cast<int64_t>(i), each});
            check_decode<T>(context, masks, size, each, layouts()[i], 1);
        }
    }
}

KERNEL_TEST(decode_layouts) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_layouts<T>(context, random_masks(random, size, 3), size);
    }
    check_layouts<T>(context, {}, {3, 4});
}

// Every mask of 2 x 3 and 3 x 2.
KERNEL_TEST(decode_tiny) {
    std::vector<Pixels> masks;
    for (int bits = 0; bits < 64; ++bits) {
        Pixels pixels;
        for (int i = 0; i < 6; ++i) pixels.push_back(bits >> i & 1);
        masks.push_back(pixels);
    }
    check_layouts<T>(context, masks, {2, 3});
    check_layouts<T>(context, masks, {3, 2});
}

// The one of floats and of swapped bytes.
KERNEL_TEST(decode_ones) {
    Random random(1);
    const Size size{33, 66};
    const auto masks = random_masks(random, size, 3);
    const std::vector<std::pair<int64_t, uint64_t>> ones = {
        {1, 255},        {2, 0x3c00},           {2, 0x0100},
        {4, 0x3f800000}, {4, 0x01000000},       {8, 0x3ff0000000000000},
        {8, 0xf03f},     {8, uint64_t{1} << 56}};
    for (const auto& [width, one] : ones) {
        for (size_t layout : {0u, 1u, 2u, 6u, 12u}) {
            const Note note("width, layout:", {width, static_cast<int64_t>(layout)});
            check_decode<T>(context, masks, size, width, layouts()[layout], one);
        }
    }
}

// Blank words, on both sides and in between, and rows that repeat.
KERNEL_TEST(decode_wide) {
    Random random(1);
    const Size size{9, 1000};
    std::vector<Pixels> masks = {
        where(size, [](int64_t y, int64_t x) { return y > 2 && y < 7 && x >= 300 && x < 420; }),
        where(size, [](int64_t y, int64_t x) { return y == 4 && x % 300 < 3; }),
        where(size, [](int64_t, int64_t x) { return x == 999; }),
        where(size, [](int64_t y, int64_t x) { return y == 8 && x == 640; }),
        noise(random, size, 0.001),
        random_runs(random, size)};
    check_layouts<T>(context, masks, size);
}

// Outputs so large that they are written past the caches, at every place in a cache line.
KERNEL_TEST(decode_streamed) {
    if (sizeof(T) == 8) return;  // it takes a while, and is the same
    Random random(1);
    for (int64_t width : {1, 8}) {
        const Size size{1500 / width, 2801 / width + 2};
        std::vector<Pixels> masks = {Pixels(pixel_count(size), 0), rectangle(random, size),
                                     noise(random, size, 0.0005)};
        while (static_cast<int64_t>(masks.size()) * size.pixels() * width < int64_t{8} << 20) {
            masks.push_back(masks[1]);
        }
        const Note note("size, width:", {size.height, size.width, width});
        for (size_t layout : {0u, 1u, 6u, 7u}) {
            check_decode<T>(context, masks, size, width, layouts()[layout], 1, false);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(decode_many) {
    const Size size{5, 7};
    Random random(1);
    const auto masks = many_masks(random, size, 6000);
    check_decode<T>(context, masks, size, 1, layouts()[0], 1);
}

}  // namespace

}  // namespace segcore::test
