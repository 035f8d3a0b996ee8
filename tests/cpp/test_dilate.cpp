// Dilation by a shape.
#include "shapes.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_dilate(const Context& context, const std::vector<Pixels>& masks, Size size,
                  std::vector<int64_t> reach) {
    const Note note("size:", {size.height, size.width});
    const size_t most = static_cast<size_t>(size.width + 1);
    if (reach.size() > most) reach.resize(most);
    for (int64_t& rows : reach) rows = std::min(rows, size.height);
    Masks<T> all(masks);
    for (const bool outside : {false, true}) {
        std::vector<Pixels> expected;
        for (const Pixels& mask : masks) expected.push_back(grown(mask, size, reach, outside));
        Batch<T> batch;
        dilate(context, all.view(), size, reach.data(), static_cast<int64_t>(reach.size()), outside,
               batch);
        CHECK_MASKS(batch, Masks<T>(expected));
    }
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

// Few runs come of few runs, however many columns they span, and however far the shape reaches.
TEST(dilate_wide) {
    const Size size{3, int64_t{1} << 40};
    Masks<uint64_t> masks;
    masks.add({0, 30, 33});
    masks.add({});
    const std::vector<int64_t> reach{2, 2, 1};
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        dilate(context, masks.view(), size, reach.data(), 3, true, batch);
        CHECK_EQUAL(values_of(batch.run_ends), (std::vector<uint64_t>{0, 0}));
        CHECK_EQUAL(values_of(batch.offsets), (std::vector<int64_t>{0, 1, 2}));
    });
    // A diamond turns one pixel into a run in each of its columns.
    const int64_t radius = 3000, side = 2 * radius + 1;
    std::vector<int64_t> diamond;
    for (int64_t k = 0; k <= radius; ++k) diamond.push_back(radius - k);
    Masks<uint64_t> dot;
    const uint64_t middle = static_cast<uint64_t>(radius * side + radius);
    dot.add({middle, middle + 1});
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        dilate(context, dot.view(), {side, side}, diamond.data(), radius + 1, false, batch);
        CHECK_EQUAL(batch.run_ends.size(), static_cast<size_t>(2 * side));
    });
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
        dilate(context, masks.view(), size, reach.data(), 2, false, batch);
        CHECK_EQUAL(values_of(batch.run_ends),
                    (std::vector<uint64_t>{1, 13, column + 3, column + 11, pixels - column - 5,
                                           pixels - column, pixels - 7}));
    });
}

}  // namespace

}  // namespace segcore::test
