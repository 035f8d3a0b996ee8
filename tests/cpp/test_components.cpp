// Masks and their connected parts.
#include "masks.hpp"

namespace segcore::test {

namespace {

// Spread the first pixel of each component, again and again, until nothing changes.
std::vector<Pixels> components_of(const Pixels& pixels, Size size, int connectivity) {
    std::vector<size_t> first(pixels.size());
    for (size_t i = 0; i < pixels.size(); ++i) first[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const size_t here = pixel_at(size, y, x);
                if (!pixels[here]) continue;
                for (int64_t dx = -1; dx <= 1; ++dx) {
                    for (int64_t dy = -1; dy <= 1; ++dy) {
                        if (connectivity == 4 && dx && dy) continue;
                        if (x + dx < 0 || x + dx >= size.width) continue;
                        if (y + dy < 0 || y + dy >= size.height) continue;
                        const size_t there = pixel_at(size, y + dy, x + dx);
                        if (!pixels[there] || first[there] >= first[here]) continue;
                        first[here] = first[there];
                        changed = true;
                    }
                }
            }
        }
    }
    std::vector<Pixels> parts;
    for (size_t i = 0; i < pixels.size(); ++i) {
        if (!pixels[i] || first[i] != i) continue;
        Pixels part(pixels.size());
        for (size_t j = 0; j < pixels.size(); ++j) part[j] = pixels[j] && first[j] == i;
        parts.push_back(part);
    }
    return parts;
}

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
    // Two runs that meet at a corner, one over three columns, and one to the end of the picture.
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
