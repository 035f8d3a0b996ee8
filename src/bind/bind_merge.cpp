// combine, reduce, resolve.
#include <pybind11/stl.h>

#include <optional>

#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::tuple combine(const Kernels& kernels, const py::array& a_run_ends, const py::array& a_offsets,
                  const py::array& b_run_ends, const py::array& b_offsets, int64_t height,
                  int64_t width, unsigned table) {
    const Size size = size_of(height, width);
    if (table > 15) throw py::value_error("table: expected 0 to 15");
    return with_run_ends(size, [&](auto type) {
        const auto a = batch_of<decltype(type)>(a_run_ends, a_offsets);
        const auto b = batch_of<decltype(type)>(b_run_ends, b_offsets);
        if (a.count != b.count && a.count != 1 && b.count != 1) {
            throw py::value_error(
                "expected the same number of masks in both batches, or one mask in one of them");
        }
        Batch<decltype(type)> batch;
        kernels.without_gil(
            [&](const Context& context) { segcore::combine(context, a, b, size, table, batch); });
        return to_tuple(std::move(batch));
    });
}

py::tuple reduce(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                 int64_t height, int64_t width, unsigned table,
                 const std::optional<py::array>& groups) {
    const Size size = size_of(height, width);
    if (table != kAnd && table != kOr && table != kXor) {
        throw py::value_error("table: expected the table of AND, OR or XOR");
    }
    return with_run_ends(size, [&](auto type) {
        const auto masks = batch_of<decltype(type)>(run_ends, offsets);
        const int64_t all[] = {0, masks.count};
        const int64_t* bounds = groups ? values_of<int64_t>(*groups, "groups") : all;
        const int64_t count = groups ? count_of(bounds, groups->size(), masks.count, "groups") : 1;
        Batch<decltype(type)> batch;
        kernels.without_gil([&](const Context& context) {
            segcore::reduce(context, masks, bounds, count, size, table, batch);
        });
        return to_tuple(std::move(batch));
    });
}

py::tuple resolve(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                  int64_t height, int64_t width, const py::array& limits) {
    const Size size = size_of(height, width);
    const int64_t* values = values_of<int64_t>(limits, "limits");
    return with_run_ends(size, [&](auto type) -> py::tuple {
        const auto masks = batch_of<decltype(type)>(run_ends, offsets);
        if (limits.ndim() != 1 || limits.size() != masks.count) {
            throw py::value_error("limits: expected one per mask");
        }
        py::array_t<int64_t> overlaps(masks.count);
        int64_t* counts = overlaps.mutable_data();
        Batch<decltype(type)> batch;
        kernels.without_gil([&](const Context& context) {
            segcore::resolve(context, masks, size, values, batch, counts);
        });
        return py::make_tuple(to_array(std::move(batch.run_ends)),
                              to_array(std::move(batch.offsets)), std::move(overlaps));
    });
}

}  // namespace

void register_merge(KernelsClass& c) {
    c.def("combine", &combine, py::arg("a_run_ends"), py::arg("a_offsets"), py::arg("b_run_ends"),
          py::arg("b_offsets"), py::arg("height"), py::arg("width"), py::arg("table"));
    c.def("reduce", &reduce, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"), py::arg("table"), py::arg("groups") = py::none());
    c.def("resolve", &resolve, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"), py::arg("limits"));
}

}  // namespace segcore::bind
