// What is computed of masks, and composed of them: pixel by pixel where the image is small, and
// by every instruction set alike where it is as large as can be.
#include <cmath>

#include "../arrays.hpp"
#include "../moves.hpp"
#include "../shapes.hpp"
#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

// What the kernels are asked, beside the masks.
struct Question {
    std::vector<int64_t> limits, order, reach;
    std::vector<uint64_t> values;
    std::vector<uint8_t> divisors;
    unsigned table;
    int connectivity;
    double above;
    size_t layout;
    bool outside;
};

Question question(Input& input, Size size, int64_t a, int64_t b) {
    Question q{};
    for (int64_t i = 0; i < a; ++i) {
        q.limits.push_back(input.flag() ? input.between(0, 30) : input.value<int64_t>());
        q.values.push_back(input.value<uint64_t>());
    }
    for (int64_t i = a ? input.between(0, 7) : 0; i > 0; --i) {
        q.order.push_back(input.between(0, a - 1));
    }
    for (int64_t i = 0; i < b; ++i) q.divisors.push_back(static_cast<uint8_t>(input.between(0, 2)));
    const int64_t columns = std::min<int64_t>(std::max<int64_t>(size.width, 1), 5);
    int64_t most = size.height;
    if (input.flag()) most = std::min<int64_t>(most, 4);
    for (int64_t i = input.between(1, columns); i > 0; --i) {
        q.reach.push_back(most = input.between(0, most));
    }
    q.table = static_cast<unsigned>(input.between(0, 15));
    q.connectivity = input.flag() ? 8 : 4;
    q.above = input.flag() ? static_cast<double>(input.byte()) / 200 : input.value<double>();
    q.layout = static_cast<size_t>(input.between(0, static_cast<int64_t>(layouts().size()) - 1));
    q.outside = input.flag();
    return q;
}

// -- pixel by pixel -------------------------------------------------------------------------------

template <class T>
void check_measures(const Context& context, const std::vector<Pixels>& pixels, Masks<T>& masks,
                    Size size) {
    std::vector<int64_t> areas(pixels.size()), corners(4 * pixels.size());
    area(context, masks.view(), size, areas.data());
    boxes(context, masks.view(), size, corners.data());
    for (size_t i = 0; i < pixels.size(); ++i) {
        CHECK_EQUAL(areas[i], std::count(pixels[i].begin(), pixels[i].end(), 1));
        int64_t x0 = size.width, y0 = size.height, x1 = 0, y1 = 0;
        for (int64_t at = 0; at < size.pixels(); ++at) {
            if (!pixels[i][static_cast<size_t>(at)]) continue;
            const int64_t x = at / size.height, y = at % size.height;
            x0 = std::min(x0, x), y0 = std::min(y0, y);
            x1 = std::max(x1, x + 1), y1 = std::max(y1, y + 1);
        }
        if (areas[i] == 0) x0 = y0 = 0;
        const auto box = corners.begin() + static_cast<int64_t>(4 * i);
        CHECK_EQUAL((std::vector<int64_t>(box, box + 4)), (std::vector<int64_t>{x0, y0, x1, y1}));
    }
}

template <class T>
void check_boolean(const Context& context, const std::vector<Pixels>& a,
                   const std::vector<Pixels>& b, Masks<T>& a_masks, Masks<T>& b_masks, Size size,
                   unsigned table) {
    if (a.size() == b.size() || a.size() == 1 || b.size() == 1) {
        const size_t count = a.size() == 1 ? b.size() : a.size();
        std::vector<Pixels> expected(count, Pixels(pixel_count(size)));
        for (size_t i = 0; i < count; ++i) {
            const Pixels &p = a[a.size() == 1 ? 0 : i], &q = b[b.size() == 1 ? 0 : i];
            for (size_t at = 0; at < p.size(); ++at) {
                expected[i][at] = table >> (2 * p[at] + q[at]) & 1;
            }
        }
        Batch<T> combined;
        combine(context, a_masks.view(), b_masks.view(), size, table, combined);
        CHECK_MASKS(combined, Masks<T>(expected));
    }
    for (bool intersect : {false, true}) {
        Pixels expected(pixel_count(size), intersect);
        for (const Pixels& mask : a) {
            for (size_t at = 0; at < mask.size(); ++at) {
                expected[at] = intersect ? expected[at] & mask[at] : expected[at] | mask[at];
            }
        }
        Batch<T> reduced;
        reduce(context, a_masks.view(), size, intersect ? kAnd : kOr, reduced);
        CHECK_MASKS(reduced, Masks<T>(std::vector<Pixels>{expected}));
    }
}

template <class T>
void check_resolve(const Context& context, const std::vector<Pixels>& pixels, Masks<T>& masks,
                   Size size, const std::vector<int64_t>& limits) {
    Pixels taken(pixel_count(size));
    std::vector<Pixels> expected;
    std::vector<int64_t> common, got(pixels.size(), -1);
    for (size_t i = 0; i < pixels.size(); ++i) {
        Pixels free(taken.size());
        common.push_back(0);
        for (size_t at = 0; at < taken.size(); ++at) {
            free[at] = pixels[i][at] & !taken[at];
            common[i] += pixels[i][at] & taken[at];
        }
        if (common[i] > limits[i]) free.assign(free.size(), 0);
        for (size_t at = 0; at < taken.size(); ++at) taken[at] |= free[at];
        expected.push_back(free);
    }
    Batch<T> batch;
    resolve(context, masks.view(), size, limits.data(), batch, got.data());
    CHECK_MASKS(batch, Masks<T>(expected));
    CHECK_EQUAL(got, common);
}

// Moves, resizing and a map, of which the question's numbers make the arguments.
template <class T>
void check_geometry(const Context& context, const std::vector<Pixels>& pixels, Masks<T>& masks,
                    Size size, const Question& q) {
    const int64_t seed = static_cast<int64_t>(q.table) + 16 * static_cast<int64_t>(q.reach.size());
    const Size other{size.pixels() ? 1 + seed % 7 : 0, 1 + seed % 11};
    const int64_t dx = std::clamp(seed % 9 - 4, -size.width, other.width);
    const int64_t dy = std::clamp(seed % 5 - 2, -size.height, other.height);
    const int64_t limit = 1 + seed % std::max<int64_t>(size.pixels(), 1);
    const double map[] = {0.25 * static_cast<double>(seed % 8),
                          0.1 * static_cast<double>(seed % 13),
                          0,
                          -0.3,
                          static_cast<double>(seed % 3),
                          1,
                          q.outside ? 0.1 : 0,
                          0,
                          1};
    const std::vector<int64_t> x(pixels.size(), dx), y(pixels.size(), dy);
    std::vector<double> maps;
    std::vector<Pixels> expected[6];
    for (const Pixels& mask : pixels) {
        maps.insert(maps.end(), map, map + 9);
        expected[0].push_back(placed(mask, size, dx, dy, other));
        expected[1].push_back(reversed(mask, size, seed % 2, q.outside));
        expected[2].push_back(
            reversed(transposed(mask, size), {size.width, size.height}, seed % 2, q.outside));
        expected[3].push_back(resized(mask, size, other, q.outside));
        expected[4].push_back(covered(mask, size, other, limit));
        expected[5].push_back(warped(mask, size, map, other));
    }
    Batch<T> batches[6];
    place(context, masks.view(), size, x.data(), y.data(), other, batches[0]);
    reverse(context, masks.view(), size, seed % 2, q.outside, batches[1]);
    transpose(context, masks.view(), size, seed % 2, q.outside, batches[2]);
    resize(context, masks.view(), size, other, q.outside, batches[3]);
    cover(context, masks.view(), size, other, limit, batches[4]);
    warp(context, masks.view(), size, maps.data(), other, batches[5]);
    for (int i = 0; i < 6; ++i) CHECK_MASKS(batches[i], Masks<T>(expected[i]));
}

template <class T>
void check_shapes(const Context& context, const std::vector<Pixels>& pixels, Masks<T>& masks,
                  Size size, const Question& q) {
    std::vector<Pixels> parts, larger;
    std::vector<int64_t> of_mask;
    for (size_t i = 0; i < pixels.size(); ++i) {
        for (const Pixels& part : components_of(pixels[i], size, q.connectivity)) {
            parts.push_back(part);
            of_mask.push_back(static_cast<int64_t>(i));
        }
        larger.push_back(grown(pixels[i], size, q.reach, q.outside));
    }
    Batch<T> split, dilated;
    Buffer<int64_t> parents;
    components(context, masks.view(), size, q.connectivity, split, parents);
    CHECK_MASKS(split, Masks<T>(parts));
    CHECK_EQUAL(values_of(parents), of_mask);
    dilate(context, masks.view(), size, q.reach.data(), static_cast<int64_t>(q.reach.size()),
           q.outside, dilated);
    CHECK_MASKS(dilated, Masks<T>(larger));
    check_geometry(context, pixels, masks, size, q);
    Outlines outlines;
    outline(context, masks.view(), size, q.connectivity, outlines);
    CHECK(filled(outlines, size) == pixels);
    int64_t around = 0;
    for (size_t i = 0; i < outlines.outer.size(); ++i) around += outlines.outer[i] < 0;
    CHECK_EQUAL(around, static_cast<int64_t>(parts.size()));
}

template <class T>
void check_overlap(const Context& context, const std::vector<Pixels>& a,
                   const std::vector<Pixels>& b, Masks<T>& a_masks, Masks<T>& b_masks, Size size,
                   const Question& q) {
    std::vector<int64_t> all, above;
    for (const Pixels& p : a) {
        for (size_t j = 0; j < b.size(); ++j) {
            int64_t p_area = 0, q_area = 0, both = 0;
            for (size_t at = 0; at < p.size(); ++at) {
                p_area += p[at], q_area += b[j][at], both += p[at] & b[j][at];
            }
            const int64_t divisor = q.divisors[j] == 0   ? p_area + q_area - both
                                    : q.divisors[j] == 1 ? p_area
                                                         : std::min(p_area, q_area);
            const double share = static_cast<double>(both) / static_cast<double>(divisor);
            all.push_back(both);
            above.push_back(both == 0 || share < q.above ? 0 : both);
        }
    }
    std::vector<int64_t> got(all.size(), -1);
    overlap(context, a_masks.view(), b_masks.view(), size, got.data());
    CHECK_EQUAL(got, all);
    got.assign(all.size(), -1);
    overlap(context, a_masks.view(), b_masks.view(), size, got.data(),
            {q.above, q.divisors.data()});
    CHECK_EQUAL(got, above);
}

template <class T, class Value>
void check_paint(const Context& context, const std::vector<Pixels>& pixels, Masks<T>& masks,
                 Size size, const Question& q) {
    Array got(1, size, sizeof(Value), layouts()[q.layout]), expected = got;
    std::vector<Value> values;
    for (uint64_t value : q.values) values.push_back(static_cast<Value>(value));
    for (int64_t i : q.order) {
        const size_t mask = static_cast<size_t>(i);
        for (int64_t at = 0; at < size.pixels(); ++at) {
            if (!pixels[mask][static_cast<size_t>(at)]) continue;
            expected.set(0, at % size.height, at / size.height, values[mask]);
        }
    }
    paint(context, masks.view(), q.order.data(), static_cast<int64_t>(q.order.size()),
          values.data(),
          LabelOutput{got.data(), size, {got.stride(1), got.stride(2)}, sizeof(Value)});
    CHECK_EQUAL(got.memory(), expected.memory());
}

template <class T>
void check_small(const std::vector<Pixels>& a, const std::vector<Pixels>& b, Size size,
                 const Question& q, int64_t kernel) {
    Masks<T> a_masks(a), b_masks(b);
    for_variants([&](const Context& context) {
        switch (kernel) {
            case 0:
                return check_measures(context, a, a_masks, size);
            case 1:
                return check_boolean(context, a, b, a_masks, b_masks, size, q.table);
            case 2:
                return check_resolve(context, a, a_masks, size, q.limits);
            case 3:
                return check_shapes(context, a, a_masks, size, q);
            case 4:
                return check_overlap(context, a, b, a_masks, b_masks, size, q);
            case 5:
                return check_paint<T, uint8_t>(context, a, a_masks, size, q);
            case 6:
                return check_paint<T, uint16_t>(context, a, a_masks, size, q);
            case 7:
                return check_paint<T, uint32_t>(context, a, a_masks, size, q);
            default:
                return check_paint<T, uint64_t>(context, a, a_masks, size, q);
        }
    });
}

// -- every instruction set alike ------------------------------------------------------------------

template <class T>
void check_large(Masks<T>& a, Masks<T>& b, Size size, const Question& q) {
    const BatchView<T> va = a.view(), vb = b.view();
    std::vector<uint64_t> first;
    for_variants([&](const Context& context) {
        Results results;
        auto add = [&](const Batch<T>& batch) {
            check_canonical(batch.view(), size);
            results.add(batch);
        };
        std::vector<int64_t> numbers(static_cast<size_t>(4 * va.count));
        area(context, va, size, numbers.data());
        results.add(numbers);
        boxes(context, va, size, numbers.data());
        results.add(numbers);
        std::vector<double> values(static_cast<size_t>(5 * va.count));
        moments(context, va, size, true, values.data());
        results.add(values);
        if (va.count == vb.count || va.count == 1 || vb.count == 1) {
            Batch<T> combined;
            combine(context, va, vb, size, q.table, combined);
            add(combined);
        }
        Batch<T> united, common, resolved, split, dilated;
        reduce(context, va, size, kOr, united);
        reduce(context, va, size, kAnd, common);
        add(united), add(common);
        numbers.assign(static_cast<size_t>(va.count), -1);
        resolve(context, va, size, q.limits.data(), resolved, numbers.data());
        add(resolved);
        results.add(numbers);
        Buffer<int64_t> parents;
        components(context, va, size, q.connectivity, split, parents);
        add(split);
        results.add(parents);
        // With foreground outside, the result has runs in every column.
        const bool outside = q.outside && size.width <= 1 << 16;
        dilate(context, va, size, q.reach.data(), static_cast<int64_t>(q.reach.size()), outside,
               dilated);
        add(dilated);
        numbers.assign(static_cast<size_t>(va.count * vb.count), -1);
        overlap(context, va, vb, size, numbers.data(), {q.above, q.divisors.data()});
        results.add(numbers);
        Outlines outlines;
        outline(context, va, size, q.connectivity, outlines);
        results.add(outlines.vertices), results.add(outlines.ring_offsets);
        results.add(outlines.outer), results.add(outlines.mask_offsets);
        results.check(first);
    });
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    const int64_t kernel = input.between(0, 11), n = input.between(0, 5), m = input.between(0, 4);
    if (kernel > 8) {
        const segcore::Size size = large_size(input);
        const Question q = question(input, size, n, m);
        auto a = large_masks<uint64_t>(input, size, n), b = large_masks<uint64_t>(input, size, m);
        return check_large(a, b, size, q);
    }
    const segcore::Size size = small_size(input);
    const Question q = question(input, size, n, m);
    const auto a = small_masks(input, size, n), b = small_masks(input, size, m);
    for_run_ends(size, [&](auto type) { check_small<decltype(type)>(a, b, size, q, kernel); });
}
