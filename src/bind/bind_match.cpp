// match, precision_recall.
#include <string>

#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

template <class T>
const T* vector_of(const py::array& array, int64_t count, const char* name) {
    const T* values = values_of<T>(array, name);
    if (array.ndim() != 1 || array.shape(0) != count) {
        refuse(name, "shape (" + std::to_string(count) + ",)");
    }
    return values;
}

template <class T>
const T* matrix_of(const py::array& array, int64_t columns, const char* name) {
    const T* values = values_of<T>(array, name);
    if (array.ndim() != 2 || array.shape(1) != columns) {
        refuse(name, "an array of " + std::to_string(columns) + " columns");
    }
    return values;
}

py::array match(const Kernels& kernels, const py::array& ratios, const py::array& groups_a,
                const py::array& groups_b, const py::array& ignored, const py::array& crowd,
                const py::array& claims, const py::array& thresholds) {
    Candidates all{};
    all.rows = claims.size();
    all.columns = crowd.size();
    all.groups = groups_of(groups_a, groups_b, all.rows, all.columns);
    all.ratios = vector_of<double>(ratios, all.groups.pairs(), "ratios");
    all.ignored = matrix_of<uint8_t>(ignored, all.columns, "ignored");
    all.ranges = ignored.shape(0);
    all.crowd = vector_of<uint8_t>(crowd, all.columns, "crowd");
    all.claims = vector_of<uint8_t>(claims, all.rows, "claims");
    all.num_thresholds = thresholds.size();
    all.thresholds = vector_of<double>(thresholds, all.num_thresholds, "thresholds");
    py::array_t<int64_t> matches({all.ranges, all.num_thresholds, all.rows});
    int64_t* out = matches.mutable_data();
    kernels.without_gil([&](const Context& context) { segcore::match(context, all, out); });
    return std::move(matches);
}

template <class Bits>
Ranked<Bits> ranked_of(const py::array& matched, const py::array& ignored, const py::array& scores,
                       const py::array& ranks, const py::array& classes,
                       const py::array& num_true) {
    Ranked<Bits> ranked{};
    ranked.count = scores.size();
    ranked.matched = matrix_of<Bits>(matched, ranked.count, "matched");
    ranked.ignored = matrix_of<Bits>(ignored, ranked.count, "ignored");
    ranked.scores = vector_of<double>(scores, ranked.count, "scores");
    ranked.ranks = vector_of<int64_t>(ranks, ranked.count, "ranks");
    ranked.classes = values_of<int64_t>(classes, "classes");
    ranked.num_classes = count_of(ranked.classes, classes.size(), ranked.count, "classes");
    ranked.num_true = matrix_of<int64_t>(num_true, ranked.num_classes, "num_true");
    ranked.ranges = num_true.shape(0);
    if (matched.shape(0) != ranked.ranges || ignored.shape(0) != ranked.ranges) {
        refuse("num_true", "as many rows as matched and ignored");
    }
    return ranked;
}

template <class Bits>
py::tuple precision_recall_of(const Kernels& kernels, const Ranked<Bits>& ranked,
                              const Levels& levels) {
    std::vector<int64_t> shape = {ranked.num_classes, ranked.ranges, levels.num_limits,
                                  levels.num_thresholds};
    py::array_t<double> recall(shape);
    shape.push_back(levels.num_recalls);
    py::array_t<double> precision(shape), scores(shape);
    const Curves curves{precision.mutable_data(), scores.mutable_data(), recall.mutable_data()};
    kernels.without_gil([&](const Context& context) {
        segcore::precision_recall(context, ranked, levels, curves);
    });
    return py::make_tuple(std::move(precision), std::move(scores), std::move(recall));
}

py::tuple precision_recall(const Kernels& kernels, const py::array& matched,
                           const py::array& ignored, const py::array& scores,
                           const py::array& ranks, const py::array& classes,
                           const py::array& num_true, const py::array& limits,
                           int64_t num_thresholds, const py::array& recalls) {
    if (num_thresholds < 0 || num_thresholds > 8 * matched.itemsize()) {
        refuse("num_thresholds", "at most one per bit of matched");
    }
    const Levels levels{vector_of<int64_t>(limits, limits.size(), "limits"), limits.size(),
                        vector_of<double>(recalls, recalls.size(), "recalls"), recalls.size(),
                        num_thresholds};
    const auto with = [&](auto bits) {
        const auto ranked =
            ranked_of<decltype(bits)>(matched, ignored, scores, ranks, classes, num_true);
        return precision_recall_of(kernels, ranked, levels);
    };
    if (matched.itemsize() == 1) return with(uint8_t{});
    if (matched.itemsize() == 2) return with(uint16_t{});
    return matched.itemsize() == 4 ? with(uint32_t{}) : with(uint64_t{});
}

}  // namespace

void register_match(KernelsClass& c) {
    c.def("match", &match, py::arg("ratios"), py::arg("groups_a"), py::arg("groups_b"),
          py::arg("ignored"), py::arg("crowd"), py::arg("claims"), py::arg("thresholds"));
    c.def("precision_recall", &precision_recall, py::arg("matched"), py::arg("ignored"),
          py::arg("scores"), py::arg("ranks"), py::arg("classes"), py::arg("num_true"),
          py::arg("limits"), py::arg("num_thresholds"), py::arg("recalls"));
}

}  // namespace segcore::bind
