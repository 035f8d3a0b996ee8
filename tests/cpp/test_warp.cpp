// Masks under affine and perspective maps.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T, class U>
void check_warp(const Context& context, const std::vector<Pixels>& masks, Size size,
                const std::vector<double>& matrices, Size result) {
    const Note note("sizes:", {size.height, size.width, result.height, result.width});
    Masks<T> all(masks);
    std::vector<Pixels> expected;
    for (size_t i = 0; i < masks.size(); ++i) {
        expected.push_back(warped(masks[i], size, matrices.data() + 9 * i, result));
    }
    Batch<U> batch;
    warp(context, all.view(), size, matrices.data(), result, batch);
    CHECK_MASKS(batch, Masks<U>(expected));
}

// One matrix for each mask: turned, sheared, mirrored, at rest; with a horizon or without.
std::vector<double> random_matrices(Random& random, size_t count) {
    std::vector<double> matrices;
    for (size_t i = 0; i < count; ++i) {
        const bool is_affine = random.below(3) > 0, is_round = random.below(3) == 0;
        for (int k = 0; k < 9; ++k) {
            double value = 4 * random.unit() - 2;
            if (k % 3 == 2) value = 5 * value + 3;
            if (k / 3 == 2) value = is_affine ? k == 8 : k == 8 ? 1 : value / 20;
            matrices.push_back(is_round ? std::round(4 * value) / 4 : value);
        }
    }
    return matrices;
}

KERNEL_TEST(warp_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 2000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 9);
        for (int i = 0; i < 3; ++i) {
            const Size result{random.between(0, 30), random.between(0, 30)};
            const auto matrices = random_matrices(random, masks.size());
            check_warp<T, uint32_t>(context, masks, size, matrices, result);
            check_warp<T, uint64_t>(context, masks, size, matrices, result);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(warp_many) {
    const Size size{4, 5};
    Random random(1);
    const auto masks = many_masks(random, size, 3'000);
    check_warp<T, T>(context, masks, size, random_matrices(random, masks.size()), {6, 5});
}

}  // namespace

}  // namespace segcore::test
