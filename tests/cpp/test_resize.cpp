// Masks resized by taking the nearest pixel.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T, class U>
void check_resize(const Context& context, const std::vector<Pixels>& masks, Size size,
                  Size result) {
    const Note note("sizes:", {size.height, size.width, result.height, result.width});
    Masks<T> all(masks);
    for (bool centers : {false, true}) {
        std::vector<Pixels> expected;
        for (const Pixels& mask : masks) expected.push_back(resized(mask, size, result, centers));
        Batch<U> batch;
        resize(context, all.view(), size, result, centers, batch);
        CHECK_MASKS(batch, Masks<U>(expected));
    }
}

KERNEL_TEST(resize_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 2000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 4);
        for (int i = 0; i < 6; ++i) {
            Size result{random.between(0, 40), random.between(0, 40)};
            if (size.pixels() == 0) result.width = 0;
            check_resize<T, uint32_t>(context, masks, size, result);
            check_resize<T, uint64_t>(context, masks, size, result);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(resize_many) {
    const Size size{4, 5};
    Random random(1);
    check_resize<T, T>(context, many_masks(random, size, 6'000), size, {3, 7});
}

}  // namespace

}  // namespace segcore::test
