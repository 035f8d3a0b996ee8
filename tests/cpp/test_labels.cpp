// A label map to masks.
#include <map>

#include "label_maps.hpp"

namespace segcore::test {

namespace {

// `labels` holds the bits of every pixel's label, in column-major order.
template <class T>
void check_labels(const Context& context, const std::vector<uint64_t>& labels, Size size, Kind kind,
                  Labels wanted, const Layout& layout) {
    Array array(1, size, kind.width, layout);
    // By label, ascending: flipping the sign bit sorts signed numbers correctly.
    const uint64_t sign = kind.is_signed ? uint64_t{1} << (8 * kind.width - 1) : 0;
    std::map<uint64_t, Pixels> masks;
    for (int64_t x = 0; x < size.width; ++x) {
        for (int64_t y = 0; y < size.height; ++y) {
            const size_t at = pixel_at(size, y, x);
            const uint64_t label = low_bytes(labels[at], kind.width);
            array.set(0, y, x, kind.swapped ? swap_bytes(label, kind.width) : label);
            if (wanted.has_background && label == wanted.background) continue;
            Pixels& pixels = masks[label ^ sign];
            pixels.resize(pixel_count(size));
            pixels[at] = 1;
        }
    }
    std::vector<uint64_t> ids_expected;
    Masks<T> expected;
    for (const auto& [key, pixels] : masks) {
        ids_expected.push_back(key ^ sign);
        expected.add(flips_of<T>(pixels));
    }
    Buffer<uint64_t> ids;
    Batch<T> batch;
    label_runs(context,
               LabelView{array.data(),
                         size,
                         {array.stride(1), array.stride(2)},
                         kind.width,
                         kind.is_signed,
                         kind.swapped},
               wanted, ids, batch);
    CHECK_EQUAL(values_of(ids), ids_expected);
    CHECK_MASKS(batch, expected);
}

// Patches of one label, laid over each other.
std::vector<uint64_t> random_labels(Random& random, Size size) {
    const std::vector<uint64_t> some = {0,
                                        1,
                                        2,
                                        127,
                                        128,
                                        255,
                                        256,
                                        4095,
                                        4096,
                                        70000,
                                        ~uint64_t{0},
                                        uint64_t{1} << 63,
                                        random.bits()};
    std::vector<uint64_t> labels(pixel_count(size), random.pick(some));
    for (int64_t i = random.below(6); i > 0 && !labels.empty(); --i) {
        const Pixels patch = random_mask(random, size);
        const uint64_t label = random.pick(some);
        for (size_t at = 0; at < labels.size(); ++at) {
            if (patch[at]) labels[at] = label;
        }
    }
    return labels;
}

KERNEL_TEST(labels_layouts) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        for (size_t i = 0; i < layouts().size(); ++i) {
            const Kind kind = random.pick(kinds());
            const Note note("size, layout, width:",
                            {size.height, size.width, static_cast<int64_t>(i), kind.width});
            const auto labels = random_labels(random, size);
            const uint64_t any = labels.empty() ? 7 : labels[0];
            check_labels<T>(context, labels, size, kind, {false, 0}, layouts()[i]);
            check_labels<T>(context, labels, size, kind, {true, 0}, layouts()[i]);
            check_labels<T>(context, labels, size, kind, {true, low_bytes(any, kind.width)},
                            layouts()[i]);
        }
    }
}

// So many labels that those beyond the first thousands are looked up by hashing.
KERNEL_TEST(labels_of_every_pixel) {
    Random random(1);
    const Size size{70, 75};
    std::vector<uint64_t> counted(pixel_count(size)), hashed(pixel_count(size));
    for (size_t i = 0; i < counted.size(); ++i) {
        counted[i] = i * 3;
        hashed[i] = random.one_in(2) ? random.bits() : (i % 500) << 40;
    }
    for (const Kind& kind : kinds()) {
        const Note note("width:", {kind.width});
        // Whose masks would take long to spell out are left to one kind.
        if (kind.width != 1 && (kind.is_signed || sizeof(T) == 8)) continue;
        check_labels<T>(context, counted, size, kind, {true, 3}, layouts()[0]);
        check_labels<T>(context, hashed, size, kind, {false, 0}, layouts()[1]);
    }
}

// Columns longer than a block, labels that change at its ends.
KERNEL_TEST(labels_of_long_columns) {
    for (Size size : {Size{9000, 1}, Size{4097, 3}, Size{2048, 4}}) {
        std::vector<uint64_t> labels(pixel_count(size));
        for (size_t i = 0; i < labels.size(); ++i) labels[i] = (i + 1) / 4096 + i % 4099 / 4000;
        check_labels<T>(context, labels, size, {1, false, false}, {false, 0}, layouts()[1]);
        check_labels<T>(context, labels, size, {4, true, false}, {false, 0}, layouts()[1]);
        check_labels<T>(context, labels, size, {2, true, false}, {false, 0}, layouts()[10]);
    }
}

// Maps that NumPy has broadcast: one row, column or pixel stands for many.
KERNEL_TEST(labels_broadcast) {
    const Size size{65, 66};
    std::vector<uint8_t> values(200);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(i * i / 50);
    const int64_t steps[][2] = {{0, 1}, {1, 0}, {0, 0}, {1, 1}, {2, 1}, {-1, 0}};
    for (const auto& stride : steps) {
        const Note note("strides:", {stride[0], stride[1]});
        const uint8_t* data = values.data() + (stride[0] < 0 ? 199 : 0);
        std::map<uint64_t, Pixels> masks;
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                Pixels& pixels = masks[data[y * stride[0] + x * stride[1]]];
                pixels.resize(pixel_count(size));
                pixels[pixel_at(size, y, x)] = 1;
            }
        }
        Masks<T> expected;
        for (const auto& [label, pixels] : masks) expected.add(flips_of<T>(pixels));
        Buffer<uint64_t> ids;
        Batch<T> batch;
        label_runs(context, LabelView{data, size, {stride[0], stride[1]}, 1, false, false},
                   {false, 0}, ids, batch);
        CHECK_EQUAL(ids.size(), masks.size());
        CHECK_MASKS(batch, expected);
    }
}

}  // namespace

}  // namespace segcore::test
