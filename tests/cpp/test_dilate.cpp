// Masks grown by a shape.
#include "shapes.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_dilate(const Context& context, const std::vector<Pixels>& masks, Size size,
                  std::vector<int64_t> reach) {
    const Note note("size:", {size.height, size.width});
    const size_t most = static_cast<size_t>(std::max<int64_t>(size.width, 1));
    if (reach.size() > most) reach.resize(most);
    for (int64_t& rows : reach) rows = std::min(rows, size.height);
    std::vector<Pixels> expected;
    for (const Pixels& mask : masks) expected.push_back(grown(mask, size, reach));
    Masks<T> all(masks);
    Batch<T> batch;
    dilate(context, all.view(), size, reach.data(), static_cast<int64_t>(reach.size()), batch);
    CHECK_MASKS(batch, Masks<T>(expected));
}

KERNEL_TEST(dilate_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 2000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 6);
        check_dilate<T>(context, masks, size, {0});
        check_dilate<T>(context, masks, size, {1, 1});
        check_dilate<T>(context, masks, size, {3, 2, 2, 0});
        check_dilate<T>(context, masks, size, {5, 5, 5, 5, 5, 5});
        check_dilate<T>(context, {}, size, {1});
    }
}

// Enough work for several threads.
KERNEL_TEST(dilate_many) {
    const Size size{4, 5};
    Random random(1);
    check_dilate<T>(context, many_masks(random, size, 6'000), size, {1, 1, 0});
}

TEST(dilate_the_largest_size) {
    const int64_t height = int64_t{1} << 50;
    const Size size{height, 512};
    const uint64_t column = uint64_t{1} << 50, pixels = column * 512;
    Masks<uint64_t> masks;
    masks.add({5, 9, pixels - 3});
    const std::vector<int64_t> reach{4, 2};
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        dilate(context, masks.view(), size, reach.data(), 2, batch);
        CHECK_EQUAL(values_of(batch.run_ends),
                    (std::vector<uint64_t>{1, 13, column + 3, column + 11, pixels - column - 5,
                                           pixels - column, pixels - 7}));
    });
}

}  // namespace

}  // namespace segcore::test
