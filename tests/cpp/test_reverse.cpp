// Masks with the order of rows, columns, or both reversed.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_reverse(const Context& context, const std::vector<Pixels>& masks, Size size) {
    const Note note("size:", {size.height, size.width});
    Masks<T> all(masks);
    for (int way = 0; way < 4; ++way) {
        const bool rows = way & 1, columns = way & 2;
        std::vector<Pixels> expected;
        for (const Pixels& mask : masks) expected.push_back(reversed(mask, size, rows, columns));
        Batch<T> batch;
        reverse(context, all.view(), size, rows, columns, batch);
        CHECK_MASKS(batch, Masks<T>(expected));
    }
}

KERNEL_TEST(reverse_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 20000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_reverse<T>(context, random_masks(random, size, 9), size);
        check_reverse<T>(context, {}, size);
    }
}

// Enough work for several threads.
KERNEL_TEST(reverse_many) {
    const Size size{4, 5};
    Random random(1);
    check_reverse<T>(context, many_masks(random, size, 20'000), size);
}

}  // namespace

}  // namespace segcore::test
