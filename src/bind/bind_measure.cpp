// area, boxes, moments.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::array area(const Kernels& kernels, const BatchArrays& batch) {
    return with_masks(batch, [&](auto masks) -> py::array {
        py::array_t<int64_t> areas(masks.count);
        int64_t* out = areas.mutable_data();
        kernels.without_gil(
            [&](const Context& context) { segcore::area(context, masks, batch.size, out); });
        return std::move(areas);
    });
}

py::array boxes(const Kernels& kernels, const BatchArrays& batch) {
    return with_masks(batch, [&](auto masks) -> py::array {
        py::array_t<int64_t> found({static_cast<py::ssize_t>(masks.count), py::ssize_t{4}});
        int64_t* out = found.mutable_data();
        kernels.without_gil(
            [&](const Context& context) { segcore::boxes(context, masks, batch.size, out); });
        return std::move(found);
    });
}

py::array moments(const Kernels& kernels, const BatchArrays& batch, bool second) {
    return with_masks(batch, [&](auto masks) -> py::array {
        py::array_t<double> found(
            {static_cast<py::ssize_t>(masks.count), py::ssize_t{second ? 5 : 2}});
        double* out = found.mutable_data();
        kernels.without_gil([&](const Context& context) {
            segcore::moments(context, masks, batch.size, second, out);
        });
        return std::move(found);
    });
}

}  // namespace

void register_measure(KernelsClass& c) {
    c.def("area", &area, py::arg("batch"));
    c.def("boxes", &boxes, py::arg("batch"));
    c.def("moments", &moments, py::arg("batch"), py::arg("second"));
}

}  // namespace segcore::bind
