// The pairs of labels of two maps that occur, and the pixels of each.
#include <map>
#include <utility>

#include "label_maps.hpp"

namespace segcore::test {

namespace {

void check_table(const Context& context, const std::vector<uint64_t>& labels_a,
                 const std::vector<uint64_t>& labels_b, LabelMap& a, LabelMap& b) {
    std::map<std::pair<uint64_t, uint64_t>, int64_t> pixels;
    for (size_t i = 0; i < labels_a.size(); ++i) ++pixels[{a.key(labels_a[i]), b.key(labels_b[i])}];
    std::vector<uint64_t> expected_a, expected_b;
    std::vector<int64_t> expected_pixels;
    for (const auto& [pair, count] : pixels) {
        expected_a.push_back(a.key(pair.first));
        expected_b.push_back(b.key(pair.second));
        expected_pixels.push_back(count);
    }
    OverlapTable table;
    overlap_table(context, a.view(), b.view(), table);
    CHECK_EQUAL(values_of(table.a), expected_a);
    CHECK_EQUAL(values_of(table.b), expected_b);
    CHECK_EQUAL(values_of(table.pixels), expected_pixels);
}

// Patches of one label, laid over each other, and sometimes noise.
std::vector<uint64_t> random_labels(Random& random, Size size) {
    const std::vector<uint64_t> some = {
        0, 1, 2, 127, 128, 255, 4095, 4096, 70000, ~uint64_t{0}, uint64_t{1} << 63, random.bits()};
    std::vector<uint64_t> labels(pixel_count(size), random.pick(some));
    for (int64_t i = random.below(6); i > 0 && !labels.empty(); --i) {
        const Pixels patch = random_mask(random, size);
        const bool is_noise = random.one_in(4);
        const uint64_t label = random.pick(some);
        for (size_t at = 0; at < labels.size(); ++at) {
            if (patch[at]) labels[at] = is_noise ? random.pick(some) : label;
        }
    }
    return labels;
}

TEST(overlap_table_layouts) {
    for_each_context([](const Context& context) {
        for (Size size : sizes()) {
            Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
            for (size_t i = 0; i < layouts().size(); ++i) {
                const Kind kind_a = random.pick(kinds()), kind_b = random.pick(kinds());
                const Note note("size, layout:",
                                {size.height, size.width, static_cast<int64_t>(i)});
                const Note widths("widths:", {kind_a.width, kind_b.width});
                const auto labels_a = random_labels(random, size);
                const auto labels_b = random_labels(random, size);
                LabelMap a(labels_a, size, kind_a, layouts()[i]);
                LabelMap b(labels_b, size, kind_b, random.pick(layouts()));
                check_table(context, labels_a, labels_b, a, b);
                check_table(context, labels_b, labels_a, b, a);
                check_table(context, labels_a, labels_a, a, a);
            }
        }
    });
}

// Labels and pairs outgrow each table in turn, and threads have different ones.
TEST(overlap_table_of_many_pairs) {
    for_each_context([](const Context& context) {
        Random random(1);
        const Size size{300, 400};
        for (int64_t most : {3, 200, 700, 100'000}) {
            const Note note("labels:", {most});
            std::vector<uint64_t> labels_a(pixel_count(size)), labels_b(pixel_count(size));
            for (size_t i = 0; i < labels_a.size(); ++i) {
                const int64_t reach = most * static_cast<int64_t>(i) / size.pixels() + 1;
                labels_a[i] = static_cast<uint64_t>(random.below(reach));
                labels_b[i] = static_cast<uint64_t>(random.below(reach)) << 40;
            }
            LabelMap a(labels_a, size, {4, false, false}, layouts()[1]);
            LabelMap b(labels_b, size, {8, true, false}, layouts()[0]);
            check_table(context, labels_a, labels_b, a, b);
            LabelMap bytes(labels_a, size, {1, false, false}, layouts()[1]);
            LabelMap other(labels_b, size, {1, true, false}, layouts()[1]);
            check_table(context, labels_a, labels_b, bytes, other);
            check_table(context, labels_a, labels_a, bytes, bytes);
        }
    });
}

}  // namespace

}  // namespace segcore::test
