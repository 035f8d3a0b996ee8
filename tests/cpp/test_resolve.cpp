// Overlapping masks made disjoint.
#include <limits>

#include "masks.hpp"

namespace segcore::test {

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

template <class T>
void check_resolve(const Context& context, const std::vector<Pixels>& masks, Size size,
                   const std::vector<int64_t>& limits) {
    const Note note("masks, size:", {static_cast<int64_t>(masks.size()), size.height, size.width});
    Pixels taken(pixel_count(size));
    std::vector<Pixels> expected;
    std::vector<int64_t> overlaps;
    for (size_t i = 0; i < masks.size(); ++i) {
        Pixels free(taken.size());
        int64_t overlap = 0;
        for (size_t at = 0; at < taken.size(); ++at) {
            free[at] = masks[i][at] & !taken[at];
            overlap += masks[i][at] & taken[at];
        }
        if (overlap > limits[i]) free.assign(free.size(), 0);
        for (size_t at = 0; at < taken.size(); ++at) taken[at] |= free[at];
        expected.push_back(free);
        overlaps.push_back(overlap);
    }
    Masks<T> all(masks);
    Batch<T> batch;
    std::vector<int64_t> counts(masks.size(), -1);
    resolve(context, all.view(), size, limits.data(), batch, counts.data());
    CHECK_MASKS(batch, Masks<T>(expected));
    CHECK_EQUAL(counts, overlaps);
}

KERNEL_TEST(resolve_random) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        for (int64_t count : {0, 1, 2, 3, 8, 20}) {
            const auto masks = random_masks(random, size, count);
            std::vector<int64_t> limits(masks.size(), kNever);
            check_resolve<T>(context, masks, size, limits);
            for (int64_t& limit : limits) limit = random.between(-1, size.pixels());
            check_resolve<T>(context, masks, size, limits);
        }
    }
}

// Few runs among many pixels: taken pixels are kept as a mask.
TEST(resolve_the_largest_size) {
    const Size size{int64_t{1} << 40, int64_t{1} << 18};
    const uint64_t pixels = uint64_t{1} << 58;
    Masks<uint64_t> masks;
    masks.add({5, 7, 100, 200});
    masks.add({6, 10});                  // begins in what is taken
    masks.add({10, 12});                 // touches it
    masks.add({0, 300});                 // encloses it
    masks.add({250, 350});               // more than its limit is taken
    masks.add({pixels - 7});             // reaches the end
    masks.add({299, 301, pixels - 9});
    masks.add({0});
    const std::vector<int64_t> limits{kNever, kNever, kNever, kNever, 49, kNever, kNever, kNever};
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        std::vector<int64_t> overlaps(8);
        resolve(context, masks.view(), size, limits.data(), batch, overlaps.data());
        CHECK_EQUAL(
            values_of(batch.run_ends),
            (std::vector<uint64_t>{5,          7,   100, 200,        7,          10,  10,
                                   12,         0,   5,   12,         100,        200, 300,
                                   pixels - 7, 300, 301, pixels - 9, pixels - 7, 301, pixels - 9}));
        CHECK_EQUAL(values_of(batch.offsets),
                    (std::vector<int64_t>{0, 4, 6, 8, 14, 14, 15, 19, 21}));
        CHECK_EQUAL(overlaps, (std::vector<int64_t>{0, 1, 0, 107, 50, 0, 8, 310}));
    });
}

}  // namespace

}  // namespace segcore::test
