// combine, reduce, resolve.
#include <pybind11/stl.h>

#include <optional>

#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::object combine(const Kernels& kernels, const BatchArrays& a, const BatchArrays& b,
                   unsigned table) {
    check_same_size(a, b);
    if (table > 15) throw py::value_error("table: expected 0 to 15");
    return make_batch(a.size, [&](auto& combined) {
        const auto x = a.view_like(combined), y = b.view_like(combined);
        if (x.count != y.count && x.count != 1 && y.count != 1) {
            throw py::value_error(
                "expected the same number of masks in both batches, or one mask in one of them");
        }
        kernels.without_gil([&](const Context& context) {
            segcore::combine(context, x, y, a.size, table, combined);
        });
    });
}

py::object reduce(const Kernels& kernels, const BatchArrays& batch, unsigned table,
                  const std::optional<py::array>& groups) {
    if (table != kAnd && table != kOr && table != kXor) {
        throw py::value_error("table: expected the table of AND, OR or XOR");
    }
    return make_batch(batch.size, [&](auto& reduced) {
        const auto masks = batch.view_like(reduced);
        const int64_t all[] = {0, masks.count};
        const int64_t* bounds = groups ? values_of<int64_t>(*groups, "groups") : all;
        const int64_t count = groups ? count_of(bounds, groups->size(), masks.count, "groups") : 1;
        kernels.without_gil([&](const Context& context) {
            segcore::reduce(context, masks, bounds, count, batch.size, table, reduced);
        });
    });
}

py::tuple resolve(const Kernels& kernels, const BatchArrays& batch, const py::array& limits) {
    const int64_t* values = values_of<int64_t>(limits, "limits");
    py::array_t<int64_t> overlaps(limits.size());
    int64_t* counts = overlaps.mutable_data();
    py::object visible = make_batch(batch.size, [&](auto& found) {
        const auto masks = batch.view_like(found);
        if (limits.ndim() != 1 || limits.size() != masks.count) {
            throw py::value_error("limits: expected one per mask");
        }
        kernels.without_gil([&](const Context& context) {
            segcore::resolve(context, masks, batch.size, values, found, counts);
        });
    });
    return py::make_tuple(std::move(visible), std::move(overlaps));
}

}  // namespace

void register_merge(KernelsClass& c) {
    c.def("combine", &combine, py::arg("a"), py::arg("b"), py::arg("table"));
    c.def("reduce", &reduce, py::arg("batch"), py::arg("table"), py::arg("groups") = py::none());
    c.def("resolve", &resolve, py::arg("batch"), py::arg("limits"));
}

}  // namespace segcore::bind
