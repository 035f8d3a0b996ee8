// Masks with rows and columns exchanged.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_transpose(const Context& context, const std::vector<Pixels>& masks, Size size) {
    const Note note("size:", {size.height, size.width});
    Masks<T> all(masks);
    for (int way = 0; way < 4; ++way) {
        const bool rows = way & 1, columns = way & 2;
        std::vector<Pixels> expected;
        for (const Pixels& mask : masks) {
            expected.push_back(
                reversed(transposed(mask, size), {size.width, size.height}, rows, columns));
        }
        Batch<T> batch;
        transpose(context, all.view(), size, rows, columns, batch);
        CHECK_MASKS(batch, Masks<T>(expected));
    }
}

KERNEL_TEST(transpose_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 20000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_transpose<T>(context, random_masks(random, size, 9), size);
        check_transpose<T>(context, {}, size);
    }
}

// Enough work for several threads.
KERNEL_TEST(transpose_many) {
    const Size size{4, 5};
    Random random(1);
    check_transpose<T>(context, many_masks(random, size, 20'000), size);
}

// Memory grows with the runs, not with the sides.
TEST(transpose_the_largest_size) {
    const int64_t height = int64_t{1} << 50, width = 511;
    Masks<uint64_t> masks;
    const auto rows = static_cast<uint64_t>(height);
    masks.add({5, 6, 3 * rows - 1, 3 * rows, 511 * rows - 2});
    masks.add({0});
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        transpose(context, masks.view(), {height, width}, false, false, batch);
        CHECK_EQUAL(values_of(batch.run_ends),
                    (std::vector<uint64_t>{5 * 511, 5 * 511 + 1, (rows - 2) * 511 + 510,
                                           (rows - 1) * 511, (rows - 1) * 511 + 2,
                                           (rows - 1) * 511 + 3, (rows - 1) * 511 + 510, 0}));
        CHECK_EQUAL(values_of(batch.offsets), (std::vector<int64_t>{0, 7, 8}));
    });
}

}  // namespace

}  // namespace segcore::test
