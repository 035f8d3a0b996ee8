// area, boxes.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::array area(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
               int64_t height, int64_t width) {
    const Size size = size_of(height, width);
    return with_run_ends(size, [&](auto type) -> py::array {
        const auto batch = batch_of<decltype(type)>(run_ends, offsets);
        py::array_t<int64_t> areas(batch.count);
        int64_t* out = areas.mutable_data();
        kernels.without_gil(
            [&](const Context& context) { segcore::area(context, batch, size, out); });
        return std::move(areas);
    });
}

py::array boxes(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                int64_t height, int64_t width) {
    const Size size = size_of(height, width);
    return with_run_ends(size, [&](auto type) -> py::array {
        const auto batch = batch_of<decltype(type)>(run_ends, offsets);
        py::array_t<int64_t> found({static_cast<py::ssize_t>(batch.count), py::ssize_t{4}});
        int64_t* out = found.mutable_data();
        kernels.without_gil(
            [&](const Context& context) { segcore::boxes(context, batch, size, out); });
        return std::move(found);
    });
}

}  // namespace

void register_measure(KernelsClass& c) {
    c.def("area", &area, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"));
    c.def("boxes", &boxes, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"));
}

}  // namespace segcore::bind
