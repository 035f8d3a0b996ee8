// Masks to a label map.
#include "arrays.hpp"
#include "masks.hpp"

namespace segcore::test {

namespace {

// All of the output's memory is compared: what is not painted stays.
template <class T, class Value>
void check_paint(const Context& context, const std::vector<Pixels>& masks,
                 const std::vector<int64_t>& order, const std::vector<Value>& values, Size size,
                 const Layout& layout) {
    Array got(1, size, sizeof(Value), layout), expected = got;
    for (int64_t i : order) {
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                const size_t mask = static_cast<size_t>(i);
                if (masks[mask][pixel_at(size, y, x)]) expected.set(0, y, x, values[mask]);
            }
        }
    }
    Masks<T> batch(masks);
    paint(context, batch.view(), order.data(), static_cast<int64_t>(order.size()), values.data(),
          LabelOutput{got.data(), size, {got.stride(1), got.stride(2)}, sizeof(Value)});
    CHECK_EQUAL(got.memory(), expected.memory());
}

std::vector<int64_t> random_order(Random& random, int64_t masks, int64_t count) {
    std::vector<int64_t> order;
    for (int64_t i = 0; masks > 0 && i < count; ++i) order.push_back(random.below(masks));
    return order;
}

// Values side by side, far from each other, or all the same.
template <class Value>
std::vector<Value> random_values(Random& random, size_t count) {
    const int64_t kind = random.below(3);
    const uint64_t first = random.bits();
    std::vector<Value> values;
    for (size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<Value>(kind == 0   ? first + i
                                            : kind == 1 ? random.bits()
                                                        : first));
    }
    return values;
}

template <class T, class Value>
void check_value(const Context& context, Random& random, Size size) {
    const auto masks = random_masks(random, size, random.below(6));
    const int64_t count = static_cast<int64_t>(masks.size());
    for (size_t i = 0; i < layouts().size(); ++i) {
        const Note note("size, layout, width:", {size.height, size.width, static_cast<int64_t>(i),
                                                 static_cast<int64_t>(sizeof(Value))});
        check_paint<T, Value>(context, masks, random_order(random, count, 7),
                              random_values<Value>(random, masks.size()), size, layouts()[i]);
    }
}

KERNEL_TEST(paint_layouts) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_value<T, uint8_t>(context, random, size);
        check_value<T, uint16_t>(context, random, size);
        check_value<T, uint32_t>(context, random, size);
        check_value<T, uint64_t>(context, random, size);
    }
}

// Every number of values at which codes become wider, all of them next to each other or not.
template <class T, class Value>
void check_many_values(const Context& context, size_t count, uint64_t first, uint64_t step) {
    const Note note("values, first, step, width:",
                    {static_cast<int64_t>(count), static_cast<int64_t>(first),
                     static_cast<int64_t>(step), static_cast<int64_t>(sizeof(Value))});
    const Size size{20, 70};
    Random random(1);
    Masks<T> masks;
    std::vector<Value> values;
    std::vector<int64_t> order;
    Array got(1, size, sizeof(Value), layouts()[0]), expected = got;
    for (size_t i = 0; i < count; ++i) {
        const int64_t at = static_cast<int64_t>(i) % size.pixels();
        const T flip = static_cast<T>(at);
        if (at + 1 < size.pixels()) {
            masks.add({flip, static_cast<T>(flip + 1)});
        } else {
            masks.add({flip});
        }
        values.push_back(static_cast<Value>(first + i * step));
        order.push_back(static_cast<int64_t>(i));
        expected.set(0, at % size.height, at / size.height, values.back());
    }
    paint(context, masks.view(), order.data(), static_cast<int64_t>(count), values.data(),
          LabelOutput{got.data(), size, {got.stride(1), got.stride(2)}, sizeof(Value)});
    CHECK_EQUAL(got.memory(), expected.memory());
}

KERNEL_TEST(paint_many_values) {
    for (size_t count : {254u, 255u, 256u, 257u, 1000u}) {
        for (uint64_t step : {uint64_t{1}, uint64_t{2}, uint64_t{97}, uint64_t{70000}}) {
            for (uint64_t first : {uint64_t{0}, uint64_t{1}, uint64_t{128}, ~uint64_t{0} - 300}) {
                check_many_values<T, uint8_t>(context, count, first, step);
                check_many_values<T, uint16_t>(context, count, first, step);
                check_many_values<T, uint32_t>(context, count, first, step);
                check_many_values<T, uint64_t>(context, count, first, step);
            }
        }
    }
    for (size_t count : {65534u, 65535u, 65536u, 65537u}) {
        for (uint64_t step : {1u, 3u}) {
            check_many_values<T, uint16_t>(context, count, 0, step);
            check_many_values<T, uint32_t>(context, count, 0, step);
        }
    }
}

// Enough work for several threads: strips that begin and end within runs.
KERNEL_TEST(paint_wide) {
    const Size size{300, 1000};
    Random random(1);
    const std::vector<Pixels> masks = {
        rectangle(random, size),
        random_runs(random, size),
        Pixels(pixel_count(size), 1),
        where(size, [](int64_t, int64_t x) { return x % 128 == 64; }),
        where(size, [](int64_t y, int64_t x) { return x == 63 || (x == 128 && y == 299); }),
        where(size, [](int64_t y, int64_t) { return y >= 100 && y < 165; })};
    for (size_t layout : {0u, 1u, 9u}) {
        check_paint<T, uint8_t>(context, masks, {2, 1, 0, 3, 4, 5}, {1, 2, 3, 4, 5, 6}, size,
                                layouts()[layout]);
        check_paint<T, uint32_t>(context, masks, {4, 5, 3, 0}, {1, 2, 3, 4, 5, 6}, size,
                                 layouts()[layout]);
    }
}

}  // namespace

}  // namespace segcore::test
