// Masks and their connected parts.
#include "shapes.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_components(const Context& context, const std::vector<Pixels>& masks, Size size,
                      int connectivity) {
    const Note note("size, connectivity:", {size.height, size.width, connectivity});
    std::vector<Pixels> expected;
    std::vector<int64_t> of_mask;
    for (size_t i = 0; i < masks.size(); ++i) {
        for (const Pixels& part : components_of(masks[i], size, connectivity)) {
            expected.push_back(part);
            of_mask.push_back(static_cast<int64_t>(i));
        }
    }
    Masks<T> all(masks);
    Batch<T> batch;
    Buffer<int64_t> parents;
    components(context, all.view(), size, connectivity, batch, parents);
    CHECK_MASKS(batch, Masks<T>(expected));
    CHECK_EQUAL(values_of(parents), of_mask);
}

KERNEL_TEST(components_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 3000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 6);
        for (int connectivity : {4, 8}) {
            check_components<T>(context, masks, size, connectivity);
            check_components<T>(context, {}, size, connectivity);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(components_many) {
    const Size size{4, 5};
    Random random(1);
    const auto masks = many_masks(random, size, 6'000);
    for (int connectivity : {4, 8}) check_components<T>(context, masks, size, connectivity);
}

TEST(components_the_largest_size) {
    const int64_t height = int64_t{1} << 50;
    const Size size{height, 512};
    const uint64_t column = uint64_t{1} << 50, pixels = column * 512;
    Masks<uint64_t> masks;
    // Two runs that meet at a corner, one over three columns, and one to the end of the image.
    masks.add({5, 9, column + 9, column + 12, 4 * column + 7, 6 * column + 2, pixels - 3});
    for_each_context([&](const Context& context) {
        Batch<uint64_t> four, eight;
        Buffer<int64_t> parents;
        components(context, masks.view(), size, 4, four, parents);
        CHECK_EQUAL(values_of(four.run_ends),
                    (std::vector<uint64_t>{5, 9, column + 9, column + 12, 4 * column + 7,
                                           6 * column + 2, pixels - 3}));
        CHECK_EQUAL(values_of(four.offsets), (std::vector<int64_t>{0, 2, 4, 6, 7}));
        components(context, masks.view(), size, 8, eight, parents);
        CHECK_EQUAL(values_of(eight.offsets), (std::vector<int64_t>{0, 4, 6, 7}));
    });
}

}  // namespace

}  // namespace segcore::test
