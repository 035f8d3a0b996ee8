// Masks and their outlines.
#include "shapes.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_outline(const Context& context, const std::vector<Pixels>& masks, Size size) {
    for (int connectivity : {4, 8}) {
        const Note note("size, connectivity:", {size.height, size.width, connectivity});
        Masks<T> all(masks);
        Outlines outlines;
        outline(context, all.view(), size, connectivity, outlines);
        CHECK(filled(outlines, size) == masks);
        // As many outer rings as there are parts, and each hole's is one of its mask's.
        Batch<T> parts;
        Buffer<int64_t> parents;
        components(context, all.view(), size, connectivity, parts, parents);
        size_t around = 0;
        for (size_t mask = 0; mask < masks.size(); ++mask) {
            const int64_t first = outlines.mask_offsets[mask];
            for (int64_t r = first; r < outlines.mask_offsets[mask + 1]; ++r) {
                const int64_t outer = outlines.outer[static_cast<size_t>(r)];
                if (outer < 0) {
                    ++around;
                } else {
                    CHECK(first <= outer && outer < r);
                    CHECK(outlines.outer[static_cast<size_t>(outer)] < 0);
                }
            }
        }
        CHECK_EQUAL(around, parents.size());
    }
}

KERNEL_TEST(outline_random) {
    for (Size size : sizes()) {
        if (size.pixels() > 3000) continue;
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_outline<T>(context, random_masks(random, size, 6), size);
        check_outline<T>(context, {}, size);
    }
}

// Enough work for several threads.
KERNEL_TEST(outline_many) {
    const Size size{4, 5};
    Random random(1);
    check_outline<T>(context, many_masks(random, size, 6'000), size);
}

TEST(outline_the_largest_size) {
    const int64_t height = int64_t{1} << 50;
    const Size size{height, 512};
    Masks<uint64_t> masks;
    masks.add({0});
    masks.add({5, 9, (uint64_t{1} << 50) + 5, (uint64_t{1} << 50) + 9});
    for_each_context([&](const Context& context) {
        Outlines outlines;
        outline(context, masks.view(), size, 8, outlines);
        CHECK_EQUAL(
            values_of(outlines.vertices),
            (std::vector<int64_t>{0, 0, 512, 0, 512, height, 0, height, 0, 5, 2, 5, 2, 9, 0, 9}));
    });
}

}  // namespace

}  // namespace segcore::test
