// Masks on a canvas of another size.
#include "moves.hpp"

namespace segcore::test {

namespace {

template <class T, class U>
void check_place(const Context& context, const std::vector<Pixels>& masks, Size size, int64_t dx,
                 int64_t dy, Size canvas) {
    const Note note("size, offset, canvas:", {size.height, size.width, dx, dy});
    dx = std::clamp(dx, -size.width, canvas.width);
    dy = std::clamp(dy, -size.height, canvas.height);
    const std::vector<int64_t> x(masks.size(), dx), y(masks.size(), dy);
    std::vector<Pixels> expected;
    for (const Pixels& mask : masks) expected.push_back(placed(mask, size, dx, dy, canvas));
    Masks<T> all(masks);
    Batch<U> batch;
    place(context, all.view(), size, x.data(), y.data(), canvas, batch);
    CHECK_MASKS(batch, Masks<U>(expected));
}

KERNEL_TEST(place_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 2000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 4);
        for (int i = 0; i < 6; ++i) {
            const Size canvas{random.between(0, size.height + 3), random.between(0, 40)};
            const int64_t dx = random.between(-9, 20), dy = i % 2 ? 0 : random.between(-9, 20);
            check_place<T, T>(context, masks, size, dx, dy, canvas);
            check_place<T, uint32_t>(context, masks, size, dx, dy, size);
            check_place<T, uint64_t>(context, masks, size, dx, dy, canvas);
        }
    }
}

// Enough work for several threads.
KERNEL_TEST(place_many) {
    const Size size{4, 5};
    Random random(1);
    check_place<T, T>(context, many_masks(random, size, 20'000), size, 1, -1, {6, 4});
}

TEST(place_on_the_largest_canvas) {
    const int64_t height = int64_t{1} << 50;
    const Size size{3, 4}, canvas{height, 511};
    Masks<uint32_t> masks;
    masks.add({1, 8});
    masks.add({0});
    const int64_t x[] = {507, 509}, y[] = {height - 3, -1};
    for_each_context([&](const Context& context) {
        Batch<uint64_t> batch;
        place(context, masks.view(), size, x, y, canvas, batch);
        const auto top = static_cast<uint64_t>(507 * height), rows = static_cast<uint64_t>(height);
        CHECK_EQUAL(
            values_of(batch.run_ends),
            (std::vector<uint64_t>{top + rows - 2, top + rows, top + 2 * rows - 3, top + 2 * rows,
                                   top + 3 * rows - 3, top + 3 * rows - 1, top + 2 * rows,
                                   top + 2 * rows + 2, top + 3 * rows, top + 3 * rows + 2}));
        CHECK_EQUAL(values_of(batch.offsets), (std::vector<int64_t>{0, 6, 10}));
    });
}

}  // namespace

}  // namespace segcore::test
