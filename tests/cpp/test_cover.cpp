// Masks resized by the covered share of each pixel.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T, class U>
void check_cover(const Context& context, const std::vector<Pixels>& masks, Size size, Size result,
                 int64_t limit) {
    const Note note("sizes:", {size.height, size.width, result.height, result.width});
    Masks<T> all(masks);
    std::vector<Pixels> expected;
    for (const Pixels& mask : masks) expected.push_back(covered(mask, size, result, limit));
    Batch<U> batch;
    cover(context, all.view(), size, result, limit, batch);
    CHECK_MASKS(batch, Masks<U>(expected));
}

KERNEL_TEST(cover_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 300) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 3);
        for (int i = 0; i < 3; ++i) {
            Size result{random.between(0, 12), random.between(0, 12)};
            if (size.pixels() == 0) result.width = 0;
            const int64_t most = std::max<int64_t>(size.pixels(), 1);
            for (int64_t limit : {int64_t{1}, (most + 1) / 2, most}) {
                check_cover<T, T>(context, masks, size, result, limit);
            }
            check_cover<uint32_t, T>(context, masks, size, result, random.between(1, most));
            check_cover<uint64_t, T>(context, masks, size, result, random.between(1, most));
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(cover_many) {
    const Size size{4, 5};
    Random random(1);
    check_cover<T, T>(context, many_masks(random, size, 3'000), size, {3, 7}, 7);
}

}  // namespace

}  // namespace segcore::test
