// match, precision_recall.
#include <string>

#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

constexpr int64_t kMaxThresholds = 64;  // one bit each

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

py::tuple precision_recall(const Kernels& kernels, const py::array& matched,
                           const py::array& ignored, const py::array& scores, int64_t num_true,
                           int64_t num_thresholds, const py::array& recalls) {
    if (num_thresholds < 0 || num_thresholds > kMaxThresholds || num_true < 1) {
        throw py::value_error("expected at most 64 thresholds, and a true object");
    }
    const int64_t count = scores.size(), num_recalls = recalls.size();
    const Ranked ranked{vector_of<uint64_t>(matched, count, "matched"),
                        vector_of<uint64_t>(ignored, count, "ignored"),
                        vector_of<double>(scores, count, "scores"), count};
    const double* levels = vector_of<double>(recalls, num_recalls, "recalls");
    py::array_t<double> precision({num_thresholds, num_recalls});
    py::array_t<double> at({num_thresholds, num_recalls}), recall(num_thresholds);
    const Curves curves{precision.mutable_data(), at.mutable_data(), recall.mutable_data(),
                        num_thresholds};
    kernels.without_gil([&](const Context& context) {
        segcore::precision_recall(context, ranked, num_true, levels, num_recalls, curves);
    });
    return py::make_tuple(std::move(precision), std::move(at), std::move(recall));
}

}  // namespace

void register_match(KernelsClass& c) {
    c.def("match", &match, py::arg("ratios"), py::arg("groups_a"), py::arg("groups_b"),
          py::arg("ignored"), py::arg("crowd"), py::arg("claims"), py::arg("thresholds"));
    c.def("precision_recall", &precision_recall, py::arg("matched"), py::arg("ignored"),
          py::arg("scores"), py::arg("num_true"), py::arg("num_thresholds"), py::arg("recalls"));
}

}  // namespace segcore::bind
