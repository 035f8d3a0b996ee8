// Boolean operations.
#include "masks.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_combine(const Context& context, const std::vector<Pixels>& a,
                   const std::vector<Pixels>& b, Size size, unsigned table) {
    const Note note("size, table:", {size.height, size.width, table});
    const size_t count = a.size() == 1 ? b.size() : a.size();
    std::vector<Pixels> expected;
    for (size_t i = 0; i < count; ++i) {
        const Pixels& p = a[a.size() == 1 ? 0 : i];
        const Pixels& q = b[b.size() == 1 ? 0 : i];
        Pixels pixels(p.size());
        for (size_t at = 0; at < p.size(); ++at) pixels[at] = table >> (2 * p[at] + q[at]) & 1;
        expected.push_back(pixels);
    }
    Masks<T> first(a), second(b);
    Batch<T> batch;
    combine(context, first.view(), second.view(), size, table, batch);
    CHECK_MASKS(batch, Masks<T>(expected));
}

KERNEL_TEST(merge_combine) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto a = random_masks(random, size, 4), b = random_masks(random, size, 4);
        for (unsigned table = 0; table < 16; ++table) {
            check_combine<T>(context, a, b, size, table);
        }
        // One mask serves for all of the other batch.
        check_combine<T>(context, {a[0]}, b, size, 0b0100);
        check_combine<T>(context, a, {b[0]}, size, 0b0100);
        check_combine<T>(context, {a[0]}, {}, size, 0b1110);
        check_combine<T>(context, {}, {b[0]}, size, 0b1110);
        check_combine<T>(context, {}, {}, size, 0b1110);
    }
}

// Every pair of masks of 2 x 2, with every table.
KERNEL_TEST(merge_combine_tiny) {
    std::vector<Pixels> a, b;
    for (int bits = 0; bits < 256; ++bits) {
        a.push_back({uint8_t(bits & 1), uint8_t(bits >> 1 & 1), uint8_t(bits >> 2 & 1),
                     uint8_t(bits >> 3 & 1)});
        b.push_back({uint8_t(bits >> 4 & 1), uint8_t(bits >> 5 & 1), uint8_t(bits >> 6 & 1),
                     uint8_t(bits >> 7 & 1)});
    }
    for (unsigned table = 0; table < 16; ++table) check_combine<T>(context, a, b, {2, 2}, table);
}

// Enough work for several threads.
KERNEL_TEST(merge_combine_many) {
    const Size size{4, 5};
    Random random(1);
    const auto a = many_masks(random, size, 12'000), b = many_masks(random, size, 12'000);
    check_combine<T>(context, a, b, size, 0b0110);
}

Pixels reduced(const std::vector<Pixels>& masks, Size size, unsigned table) {
    Pixels result(pixel_count(size), table == kAnd);
    for (const Pixels& pixels : masks) {
        for (size_t i = 0; i < result.size(); ++i) {
            result[i] = table >> (2 * result[i] + pixels[i]) & 1;
        }
    }
    return result;
}

template <class T>
void check_reduce(const Context& context, const std::vector<Pixels>& masks, Size size) {
    const Note note("masks, size:", {static_cast<int64_t>(masks.size()), size.height, size.width});
    Masks<T> all(masks);
    for (unsigned table : {kAnd, kOr, kXor}) {
        Batch<T> batch;
        reduce(context, all.view(), size, table, batch);
        CHECK_MASKS(batch, Masks<T>({reduced(masks, size, table)}));
    }
}

template <class T>
void check_groups(const Context& context, const std::vector<Pixels>& masks, Size size,
                  const std::vector<int64_t>& groups) {
    Masks<T> all(masks);
    for (unsigned table : {kAnd, kOr, kXor}) {
        std::vector<Pixels> expected;
        for (size_t i = 0; i + 1 < groups.size(); ++i) {
            expected.push_back(
                reduced({masks.begin() + groups[i], masks.begin() + groups[i + 1]}, size, table));
        }
        Batch<T> batch;
        reduce(context, all.view(), groups.data(), static_cast<int64_t>(groups.size()) - 1, size,
               table, batch);
        CHECK_MASKS(batch, Masks<T>(expected));
    }
}

KERNEL_TEST(merge_reduce_groups) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        const auto masks = random_masks(random, size, 12);
        check_groups<T>(context, masks, size, {0, 0, 1, 3, 3, 8, 12, 12});
        check_groups<T>(context, {}, size, {0});
    }
}

// Enough work for several threads.
KERNEL_TEST(merge_reduce_many_groups) {
    const Size size{4, 5};
    Random random(1);
    std::vector<int64_t> groups{0};
    while (groups.back() < 12'000) {
        groups.push_back(std::min<int64_t>(groups.back() + random.below(6), 12'000));
    }
    check_groups<T>(context, many_masks(random, size, 12'000), size, groups);
}

KERNEL_TEST(merge_reduce) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        for (int64_t count : {0, 1, 2, 3, 4, 5, 7, 8, 20}) {
            check_reduce<T>(context, random_masks(random, size, count), size);
        }
    }
}

// Masks whose intersection is not empty, with runs of all lengths.
KERNEL_TEST(merge_reduce_complements) {
    for (Size size : {Size{65, 66}, Size{200, 3}, Size{16, 17}}) {
        Random random(1);
        for (int repeat = 0; repeat < 20; ++repeat) {
            auto masks = random_masks(random, size, random.between(1, 9));
            for (Pixels& pixels : masks) {
                const Pixels hole = rectangle(random, size);
                for (size_t i = 0; i < hole.size(); ++i) pixels[i] = !hole[i] || pixels[i];
            }
            check_reduce<T>(context, masks, size);
        }
    }
}

// Few runs over many pixels: no plane is built.
KERNEL_TEST(merge_reduce_sparse) {
    const Size size{3000, 40};
    Random random(1);
    std::vector<Pixels> masks;
    for (int i = 0; i < 5; ++i) {
        Pixels pixels(pixel_count(size));
        for (int run = 0; run < 3; ++run) {
            const int64_t first = random.below(size.pixels());
            const int64_t last = random.between(first, size.pixels());
            std::fill(pixels.begin() + first, pixels.begin() + last, uint8_t{1});
        }
        masks.push_back(pixels);
        check_reduce<T>(context, masks, size);
    }
}

TEST(merge_the_largest_size) {
    const Size size{int64_t{1} << 40, int64_t{1} << 18};
    const uint64_t pixels = uint64_t{1} << 58;
    Masks<uint64_t> masks;
    masks.add({5, pixels - 7});
    masks.add({9, uint64_t{1} << 50});
    masks.add({pixels - 9});
    for_each_context([&](const Context& context) {
        Batch<uint64_t> either, both, neither;
        reduce(context, masks.view(), size, kOr, either);
        CHECK_EQUAL(values_of(either.run_ends), std::vector<uint64_t>{5});
        reduce(context, masks.view(), size, kAnd, both);
        CHECK(values_of(both.run_ends).empty());
        combine(context, masks.view(), masks.view(), size, 0b0001, neither);
        CHECK_EQUAL(
            values_of(neither.run_ends),
            (std::vector<uint64_t>{0, 5, pixels - 7, 0, 9, uint64_t{1} << 50, 0, pixels - 9}));
    });
}

}  // namespace

}  // namespace segcore::test
