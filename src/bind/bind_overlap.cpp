// overlap, overlap_ratios.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// One Divisor per mask of b.
const uint8_t* divisors_of(const std::optional<py::array>& divisors, int64_t count) {
    if (!divisors) return nullptr;
    const uint8_t* values = values_of<uint8_t>(*divisors, "divisors");
    const auto is_known = [](uint8_t value) { return value <= 3; };
    if (divisors->ndim() != 1 || divisors->shape(0) != count ||
        !std::all_of(values, values + count, is_known)) {
        throw py::value_error("divisors: expected 0 to 3 for each mask of b");
    }
    return values;
}

py::array overlap(const Kernels& kernels, const BatchArrays& a, const BatchArrays& b, double above,
                  const std::optional<py::array>& divisors) {
    check_same_size(a, b);
    return with_masks(a, [&](auto x) -> py::array {
        const auto y = b.view_like(x);
        const Limit limit{above, divisors_of(divisors, y.count)};
        py::array_t<int64_t> areas({x.count, y.count});
        int64_t* out = areas.mutable_data();
        kernels.without_gil(
            [&](const Context& context) { segcore::overlap(context, x, y, a.size, out, limit); });
        return std::move(areas);
    });
}

py::array overlap_ratios(const Kernels& kernels, const BatchArrays& a, const BatchArrays& b,
                         double above, const std::optional<py::array>& divisors,
                         const std::optional<std::pair<py::array, py::array>>& groups) {
    check_same_size(a, b);
    return with_masks(a, [&](auto x) -> py::array {
        const auto y = b.view_like(x);
        const Limit limit{above, divisors_of(divisors, y.count)};
        if (!groups) {
            py::array_t<double> ratios({x.count, y.count});
            double* out = ratios.mutable_data();
            kernels.without_gil([&](const Context& context) {
                segcore::overlap_ratios(context, x, y, a.size, out, limit);
            });
            return std::move(ratios);
        }
        const Groups pairs = groups_of(groups->first, groups->second, x.count, y.count);
        py::array_t<double> ratios(pairs.pairs());
        double* out = ratios.mutable_data();
        kernels.without_gil([&](const Context& context) {
            segcore::overlap_ratios(context, x, y, a.size, pairs, out, limit);
        });
        return std::move(ratios);
    });
}

}  // namespace

void register_overlap(KernelsClass& c) {
    c.def("overlap", &overlap, py::arg("a"), py::arg("b"), py::arg("above") = 0.0,
          py::arg("divisors") = py::none());
    c.def("overlap_ratios", &overlap_ratios, py::arg("a"), py::arg("b"), py::arg("above") = 0.0,
          py::arg("divisors") = py::none(), py::arg("groups") = py::none());
}

}  // namespace segcore::bind
