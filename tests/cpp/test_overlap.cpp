// Common pixels of every pair.
#include "masks.hpp"

namespace segcore::test {

namespace {

template <class T>
std::vector<int64_t> overlaps(const Context& context, BatchView<T> a, BatchView<T> b, Size size,
                              Limit limit = {}) {
    std::vector<int64_t> areas(static_cast<size_t>(a.count * b.count), -1);
    overlap(context, a, b, size, areas.data(), limit);
    return areas;
}

template <class T>
void check_overlap(const Context& context, const std::vector<Pixels>& a,
                   const std::vector<Pixels>& b, Size size) {
    const Note note("size:", {size.height, size.width});
    auto expected = [](const std::vector<Pixels>& a, const std::vector<Pixels>& b) {
        std::vector<int64_t> areas;
        for (const Pixels& p : a) {
            for (const Pixels& q : b) {
                int64_t area = 0;
                for (size_t i = 0; i < p.size(); ++i) area += p[i] & q[i];
                areas.push_back(area);
            }
        }
        return areas;
    };
    Masks<T> first(a), second(b);
    CHECK_EQUAL(overlaps(context, first.view(), second.view(), size), expected(a, b));
    CHECK_EQUAL(overlaps(context, second.view(), first.view(), size), expected(b, a));
    CHECK_EQUAL(overlaps(context, first.view(), first.view(), size), expected(a, a));
}

KERNEL_TEST(overlap_random_masks) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_overlap<T>(context, random_masks(random, size, 9), random_masks(random, size, 5),
                         size);
        check_overlap<T>(context, {}, random_masks(random, size, 2), size);
    }
}

// Counting without a limit is tested above: a limit puts zeros in what it gives.
template <class T>
void check_limit(const Context& context, const std::vector<Pixels>& a, const std::vector<Pixels>& b,
                 Size size) {
    const Note note("size:", {size.height, size.width});
    Masks<T> first(a), second(b);
    const std::vector<int64_t> all = overlaps(context, first.view(), second.view(), size);
    auto areas_of = [](const std::vector<Pixels>& masks) {
        std::vector<int64_t> areas;
        for (const Pixels& mask : masks) areas.push_back(std::count(mask.begin(), mask.end(), 1));
        return areas;
    };
    const std::vector<int64_t> a_areas = areas_of(a), b_areas = areas_of(b);
    for (double above : {0.0, 5e-324, 0.1, 1.0 / 3, 0.5, 0.9, 1.0, 1.5}) {
        for (uint8_t shift = 0; shift <= 4; ++shift) {
            std::vector<uint8_t> divisors;
            for (size_t j = 0; j < b.size(); ++j) {
                divisors.push_back(static_cast<uint8_t>((j + shift) % 4));
            }
            const bool given = shift < 4;
            std::vector<int64_t> expected = all;
            std::vector<double> ratios(all.size());
            for (size_t k = 0; k < all.size(); ++k) {
                const size_t j = k % b.size();
                const int64_t p = a_areas[k / b.size()], q = b_areas[j];
                const uint8_t divisor = given ? divisors[j] : 0;
                const int64_t whole = divisor == 0   ? p + q - all[k]
                                      : divisor == 1 ? p
                                      : divisor == 2 ? std::min(p, q)
                                                     : p + q;
                if (all[k] == 0) continue;
                ratios[k] = static_cast<double>(all[k]) / static_cast<double>(whole);
                if (ratios[k] < above) {
                    expected[k] = 0;
                    ratios[k] = 0;
                }
            }
            const Limit limit{above, given ? divisors.data() : nullptr};
            CHECK_EQUAL(overlaps(context, first.view(), second.view(), size, limit), expected);
            std::vector<double> divided(all.size(), -1);
            overlap_ratios(context, first.view(), second.view(), size, divided.data(), limit);
            CHECK_EQUAL(divided, ratios);
        }
    }
}

KERNEL_TEST(overlap_limit_random_masks) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_limit<T>(context, random_masks(random, size, 6), random_masks(random, size, 5), size);
    }
}

// Every way of counting, against every other: layers, planes, ranks in a plane and in run ends.
std::vector<Pixels> of_every_way(Random& random, Size size) {
    std::vector<Pixels> masks;
    auto add = [&](auto is_foreground) { masks.push_back(where(size, is_foreground)); };
    const int64_t h = size.height, w = size.width;
    masks.push_back(rectangle(random, size));
    masks.push_back(noise(random, size, 0.5));
    masks.push_back(noise(random, size, 0.002));
    masks.push_back(random_runs(random, size));
    masks.push_back(Pixels(pixel_count(size), 1));
    add([](int64_t y, int64_t) { return y % 2 == 0; });            // more runs than layers
    add([](int64_t y, int64_t) { return y % 16 < 7; });            // several layers
    add([](int64_t, int64_t x) { return x % 2 == 0; });            // whole columns
    add([h](int64_t y, int64_t x) { return y + 1 == h || x == 0; });
    add([w](int64_t, int64_t x) { return x > 0 && x + 1 < w; });   // one run over many columns
    add([w](int64_t y, int64_t x) { return x > w / 2 || (x == w / 2 && y > 3); });
    add([h, w](int64_t y, int64_t x) { return y == h - 1 && x == w - 1; });
    add([](int64_t y, int64_t x) { return (y - 20) * (y - 20) + (x - 30) * (x - 30) < 300; });
    // Noise in one part: planes that begin and end elsewhere.
    Pixels part = noise(random, size, 0.4);
    for (size_t i = 0; i < part.size(); ++i) {
        if (i < part.size() / 3 || i > part.size() / 2) part[i] = 0;
    }
    masks.push_back(part);
    return masks;
}

KERNEL_TEST(overlap_every_way) {
    for (Size size : {Size{70, 80}, Size{600, 11}, Size{9, 700}, Size{33000, 3}}) {
        Random random(1);
        const auto masks = of_every_way(random, size);
        check_overlap<T>(context, masks, masks, size);
        check_limit<T>(context, masks, masks, size);
    }
}

// Small masks all over the image: most lie apart.
KERNEL_TEST(overlap_apart) {
    const Size size{60, 200};
    Random random(1);
    auto discs = [&](int64_t count) {
        std::vector<Pixels> masks;
        for (int64_t i = 0; i < count; ++i) {
            const int64_t cy = random.below(60), cx = random.below(200), r = 1 + random.below(12);
            masks.push_back(where(size, [=](int64_t y, int64_t x) {
                return (y - cy) * (y - cy) + (x - cx) * (x - cx) < r * r;
            }));
        }
        return masks;
    };
    const auto a = discs(40), b = discs(50);
    check_overlap<T>(context, a, b, size);
    check_limit<T>(context, a, b, size);
}

// Enough work for several threads.
KERNEL_TEST(overlap_many) {
    const Size size{9, 10};
    Random random(1);
    check_overlap<T>(context, random_masks(random, size, 250), random_masks(random, size, 130),
                     size);
}

std::vector<int64_t> bounds(Random& random, int64_t count, int64_t groups) {
    std::vector<int64_t> ends = {0, count};
    for (int64_t i = 1; i < groups; ++i) ends.push_back(random.between(0, count));
    std::sort(ends.begin(), ends.end());
    return ends;
}

// The ratios of the pairs of each group are those of the matrix of all pairs.
template <class T>
void check_groups(const Context& context, const std::vector<Pixels>& a,
                  const std::vector<Pixels>& b, Size size, Random& random) {
    const Note note("size:", {size.height, size.width});
    Masks<T> first(a), second(b);
    std::vector<uint8_t> divisors;
    for (size_t j = 0; j < b.size(); ++j) divisors.push_back(static_cast<uint8_t>(j % 4));
    for (double above : {0.0, 0.1, 0.5}) {
        const Limit limit{above, random.one_in(2) ? divisors.data() : nullptr};
        std::vector<double> all(a.size() * b.size());
        overlap_ratios(context, first.view(), second.view(), size, all.data(), limit);
        const int64_t count = random.between(1, 4);
        const std::vector<int64_t> groups_a = bounds(random, first.view().count, count);
        const std::vector<int64_t> groups_b = bounds(random, second.view().count, count);
        std::vector<double> expected;
        for (size_t g = 0; g < static_cast<size_t>(count); ++g) {
            for (int64_t i = groups_a[g]; i < groups_a[g + 1]; ++i) {
                for (int64_t j = groups_b[g]; j < groups_b[g + 1]; ++j) {
                    expected.push_back(
                        all[static_cast<size_t>(i) * b.size() + static_cast<size_t>(j)]);
                }
            }
        }
        const Groups groups{groups_a.data(), groups_b.data(), count};
        CHECK_EQUAL(static_cast<size_t>(groups.pairs()), expected.size());
        std::vector<double> ratios(expected.size(), -1);
        overlap_ratios(context, first.view(), second.view(), size, groups, ratios.data(), limit);
        CHECK_EQUAL(ratios, expected);
    }
}

KERNEL_TEST(overlap_groups_random_masks) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_groups<T>(context, random_masks(random, size, 9), random_masks(random, size, 5), size,
                        random);
        check_groups<T>(context, {}, random_masks(random, size, 2), size, random);
    }
}

KERNEL_TEST(overlap_groups_of_every_way) {
    const Size size{70, 90};
    Random random(2);
    check_groups<T>(context, of_every_way(random, size), of_every_way(random, size), size, random);
}

// Areas from the run ends alone, which no array of pixels could hold.
int64_t common(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b, uint64_t pixels) {
    uint64_t area = 0;
    for (size_t i = 0; i < a.size(); i += 2) {
        const uint64_t a_stop = i + 1 < a.size() ? a[i + 1] : pixels;
        for (size_t j = 0; j < b.size(); j += 2) {
            const uint64_t b_stop = j + 1 < b.size() ? b[j + 1] : pixels;
            const uint64_t start = std::max(a[i], b[j]), stop = std::min(a_stop, b_stop);
            area += stop > start ? stop - start : 0;
        }
    }
    return static_cast<int64_t>(area);
}

void check_huge(const Context& context, Size size) {
    const Note note("size:", {size.height, size.width});
    Random random(1);
    std::vector<std::vector<uint64_t>> flips;
    for (int64_t count : {0, 1, 2, 3, 10, 51, 200}) {
        // All over the image, or close together at its end.
        for (uint64_t spread : {uint64_t{1} << 58, uint64_t{1} << 20, uint64_t{2000}}) {
            std::vector<uint64_t> mask;
            const uint64_t pixels = static_cast<uint64_t>(size.pixels());
            for (int64_t i = 0; i < count; ++i) {
                mask.push_back(pixels - 1 - random.bits() % std::min(spread, pixels));
            }
            std::sort(mask.begin(), mask.end());
            mask.erase(std::unique(mask.begin(), mask.end()), mask.end());
            flips.push_back(mask);
        }
    }
    Masks<uint64_t> masks;
    std::vector<int64_t> expected;
    for (const auto& a : flips) {
        masks.add(a);
        for (const auto& b : flips) {
            expected.push_back(common(a, b, static_cast<uint64_t>(size.pixels())));
        }
    }
    Masks<uint64_t> copy = masks;
    CHECK_EQUAL(overlaps(context, masks.view(), masks.view(), size), expected);
    CHECK_EQUAL(overlaps(context, masks.view(), copy.view(), size), expected);
}

TEST(overlap_huge) {
    for_each_context([](const Context& context) {
        check_huge(context, {int64_t{1} << 29, int64_t{1} << 29});
        check_huge(context, {int64_t{1} << 58, 1});
        check_huge(context, {1, int64_t{1} << 58});
        check_huge(context, {32767, int64_t{1} << 40});
    });
}

}  // namespace

}  // namespace segcore::test
