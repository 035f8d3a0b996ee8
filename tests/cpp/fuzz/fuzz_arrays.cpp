// Dense arrays and label maps, of every layout and dtype, to masks and back.
#include <cmath>
#include <map>

#include "../label_maps.hpp"
#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

constexpr int kWidths[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};  // of each Scalar

// The bits of the elements of an array, mask by mask, in column-major order.
struct Dense {
    int64_t count;
    Size size;
    std::vector<uint64_t> elements;
    size_t layout;
};

// A few values, or any.
std::vector<uint64_t> elements_of(Input& input, size_t count) {
    std::vector<uint64_t> palette(4), elements;
    for (uint64_t& value : palette) value = input.flag() ? input.byte() : input.value<uint64_t>();
    const bool any = input.flag();
    while (elements.size() < count) {
        const uint8_t next = input.byte();
        if (any) {
            elements.push_back(static_cast<uint64_t>(next) * 0x0101010101010101u);
            continue;
        }
        const size_t run = 1 + next / 4;
        elements.insert(elements.end(), std::min(run, count - elements.size()), palette[next % 4]);
        if (input.is_empty()) elements.resize(count, palette[next % 4]);
    }
    return elements;
}

template <class V>
V as(uint64_t bits) {
    V value;
    std::memcpy(&value, &bits, sizeof(V));
    return value;
}

// As NumPy compares: an integer exactly, a float with the threshold rounded to its dtype.
bool is_foreground(uint64_t bits, Scalar scalar, bool has_threshold, double threshold) {
    const int width = kWidths[static_cast<size_t>(scalar)];
    if (!has_threshold) return low_bytes(bits, width) != 0;
    auto exceeds = [&](auto value) {
        return static_cast<long double>(value) > static_cast<long double>(threshold);
    };
    switch (scalar) {
        case Scalar::u8:
            return exceeds(as<uint8_t>(bits));
        case Scalar::i8:
            return exceeds(as<int8_t>(bits));
        case Scalar::u16:
            return exceeds(as<uint16_t>(bits));
        case Scalar::i16:
            return exceeds(as<int16_t>(bits));
        case Scalar::u32:
            return exceeds(as<uint32_t>(bits));
        case Scalar::i32:
            return exceeds(as<int32_t>(bits));
        case Scalar::u64:
            return exceeds(as<uint64_t>(bits));
        case Scalar::i64:
            return exceeds(as<int64_t>(bits));
        case Scalar::f32:
            return as<float>(bits) > static_cast<float>(threshold);
        default:
            return as<double>(bits) > threshold;
    }
}

void set_all(Array& array, const Dense& dense) {
    const int64_t pixels = dense.size.pixels();
    for (int64_t i = 0; i < dense.count * pixels; ++i) {
        const int64_t at = i % pixels;
        array.set(i / pixels, at % dense.size.height, at / dense.size.height,
                  dense.elements[static_cast<size_t>(i)]);
    }
}

template <class T>
void check_encode(const Dense& dense, Scalar scalar, bool has_threshold, double threshold) {
    Array array(dense.count, dense.size, kWidths[static_cast<size_t>(scalar)],
                layouts()[dense.layout]);
    set_all(array, dense);
    const DenseView view{array.data(), dense.count,
                         dense.size,   {array.stride(0), array.stride(1), array.stride(2)},
                         scalar,       has_threshold,
                         threshold};
    const bool is_defined = scalar != Scalar::f16;  // which C++ does not have
    std::vector<Pixels> expected(static_cast<size_t>(dense.count));
    for (size_t i = 0; is_defined && i < dense.elements.size(); ++i) {
        expected[i / pixel_count(dense.size)].push_back(
            is_foreground(dense.elements[i], scalar, has_threshold, threshold));
    }
    Masks<T> masks(expected);
    std::vector<uint64_t> first;
    for_variants([&](const Context& context) {
        Batch<T> batch;
        encode(context, view, batch);
        if (is_defined) CHECK_MASKS(batch, masks);
        check_canonical(batch.view(), dense.size);
        Results results;
        results.add(batch);
        results.check(first);
    });
}

// One bit a pixel, and one byte.
template <class T>
void check_packed(const Dense& dense, bool little) {
    const Size size = dense.size;
    const int64_t row_bytes = (size.width + 7) / 8;
    std::vector<uint8_t> rows(static_cast<size_t>(dense.count * size.height * row_bytes));
    std::vector<uint8_t> columns(dense.elements.size());
    std::vector<Pixels> bits(static_cast<size_t>(dense.count));
    Masks<T> changes;
    for (int64_t i = 0; i < dense.count; ++i) {
        std::vector<T> flips;
        for (int64_t at = 0; at < size.pixels(); ++at) {
            const size_t place = static_cast<size_t>(i * size.pixels() + at);
            const int64_t y = at % size.height, x = at / size.height;
            const uint8_t value = static_cast<uint8_t>(dense.elements[place]);
            columns[place] = value;
            if (value != (at ? columns[place - 1] : 0)) flips.push_back(static_cast<T>(at));
            bits[static_cast<size_t>(i)].push_back(value & 1);
            const size_t byte = static_cast<size_t>((i * size.height + y) * row_bytes + x / 8);
            const int shift = static_cast<int>(little ? x % 8 : 7 - x % 8);
            rows[byte] = static_cast<uint8_t>(rows[byte] | (value & 1) << shift);
        }
        changes.add(flips);
    }
    Masks<T> masks(bits);
    for_variants([&](const Context& context) {
        Batch<T> from_bits, from_changes;
        encode_bits(context, rows.data(), dense.count, size, little, from_bits);
        CHECK_MASKS(from_bits, masks);
        encode_changes(context, columns.data(), dense.count, size, from_changes);
        CHECK_MASKS(from_changes, changes);
    });
}

// All of the memory is compared: what is between the elements stays.
template <class T>
void check_decode(const Dense& dense, int width, uint64_t one, bool zeroed) {
    std::vector<Pixels> pixels(static_cast<size_t>(dense.count));
    Array expected(dense.count, dense.size, width, layouts()[dense.layout]), before = expected;
    Dense numbers = dense;
    for (size_t i = 0; i < dense.elements.size(); ++i) {
        const bool bit = dense.elements[i] & 1;
        pixels[i / pixel_count(dense.size)].push_back(bit);
        numbers.elements[i] = bit ? one : 0;
    }
    set_all(expected, numbers);
    if (zeroed) {
        std::fill(numbers.elements.begin(), numbers.elements.end(), 0);
        set_all(before, numbers);
    }
    Masks<T> masks(pixels);
    for_variants([&](const Context& context) {
        Array got = before;
        decode(context, masks.view(),
               DenseOutput{got.data(),
                           dense.count,
                           dense.size,
                           {got.stride(0), got.stride(1), got.stride(2)},
                           width,
                           one,
                           zeroed});
        CHECK_EQUAL(got.memory(), expected.memory());
    });
}

template <class T>
void check_label_runs(LabelMap& map, const std::vector<uint64_t>& labels, Labels wanted) {
    std::map<uint64_t, Pixels> parts;  // by label, ascending
    std::map<uint64_t, uint64_t> ids;
    for (size_t at = 0; at < labels.size(); ++at) {
        const uint64_t label = low_bytes(labels[at], map.kind.width);
        if (wanted.has_background && label == wanted.background) continue;
        ids[map.key(label)] = label;
        Pixels& pixels = parts[map.key(label)];
        pixels.resize(labels.size());
        pixels[at] = 1;
    }
    std::vector<uint64_t> expected_ids;
    Masks<T> expected;
    for (const auto& [key, pixels] : parts) {
        expected_ids.push_back(ids[key]);
        expected.add(flips_of<T>(pixels));
    }
    for_variants([&](const Context& context) {
        Buffer<uint64_t> found;
        Batch<T> batch;
        label_runs(context, map.view(), wanted, found, batch);
        CHECK_EQUAL(values_of(found), expected_ids);
        CHECK_MASKS(batch, expected);
    });
}

void check_table(LabelMap& a, LabelMap& b, const std::vector<uint64_t>& a_labels,
                 const std::vector<uint64_t>& b_labels) {
    std::map<std::pair<uint64_t, uint64_t>, int64_t> pairs;
    for (size_t i = 0; i < a_labels.size(); ++i) ++pairs[{a.key(a_labels[i]), b.key(b_labels[i])}];
    std::vector<int64_t> pixels;
    for (const auto& each : pairs) pixels.push_back(each.second);
    for_variants([&](const Context& context) {
        OverlapTable table;
        overlap_table(context, a.view(), b.view(), table);
        CHECK_EQUAL(values_of(table.pixels), pixels);
        size_t i = 0;
        for (const auto& each : pairs) {
            CHECK_EQUAL(a.key(table.a[i]), each.first.first);
            CHECK_EQUAL(b.key(table.b[i]), each.first.second);
            ++i;
        }
    });
}

size_t any_layout(Input& input) {
    return static_cast<size_t>(input.between(0, static_cast<int64_t>(layouts().size()) - 1));
}

void fuzz_dense(Input& input, int64_t what) {
    const int64_t count = input.between(0, 3);
    const Size size = small_size(input);
    const auto scalar = static_cast<Scalar>(input.between(0, 10));
    const bool is_float = scalar >= Scalar::f16, has_threshold = is_float || input.flag();
    const double threshold = input.flag() ? static_cast<double>(static_cast<int8_t>(input.byte()))
                                          : input.value<double>();
    const bool flag = input.flag();
    const int width = 1 << input.between(0, 3);
    const uint64_t one = input.flag() ? 1 : input.value<uint64_t>();
    Dense dense{count, size, {}, any_layout(input)};
    dense.elements = elements_of(input, static_cast<size_t>(count * size.pixels()));
    for_run_ends(size, [&](auto type) {
        using T = decltype(type);
        if (what == 0) check_encode<T>(dense, scalar, has_threshold, threshold);
        if (what == 1) check_packed<T>(dense, flag);
        if (what == 2) check_decode<T>(dense, width, one, flag);
    });
}

void fuzz_labels(Input& input, bool one_map) {
    const Size size = small_size(input);
    const Kind a_kind = input.pick(kinds()), b_kind = input.pick(kinds());
    const size_t a_layout = any_layout(input), b_layout = any_layout(input);
    const bool has_background = input.flag();
    const auto a = elements_of(input, pixel_count(size));
    LabelMap a_map(a, size, a_kind, layouts()[a_layout]);
    if (one_map) {
        const Labels wanted{has_background, low_bytes(a.empty() ? 0 : a[0], a_kind.width)};
        for_run_ends(size, [&](auto type) { check_label_runs<decltype(type)>(a_map, a, wanted); });
        return;
    }
    const auto b = elements_of(input, pixel_count(size));
    LabelMap b_map(b, size, b_kind, layouts()[b_layout]);
    check_table(a_map, b_map, a, b);
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    const int64_t what = input.between(0, 4);
    if (what < 3) return fuzz_dense(input, what);
    fuzz_labels(input, what == 3);
}
