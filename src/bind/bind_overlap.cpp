// overlap.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::array overlap(const Kernels& kernels, const py::array& a_run_ends, const py::array& a_offsets,
                  const py::array& b_run_ends, const py::array& b_offsets, int64_t height,
                  int64_t width) {
    const Size size = size_of(height, width);
    return with_run_ends(size, [&](auto type) -> py::array {
        const auto a = batch_of<decltype(type)>(a_run_ends, a_offsets);
        const auto b = batch_of<decltype(type)>(b_run_ends, b_offsets);
        py::array_t<int64_t> areas(
            {static_cast<py::ssize_t>(a.count), static_cast<py::ssize_t>(b.count)});
        int64_t* out = areas.mutable_data();
        without_gil([&] { segcore::overlap(kernels.context(), a, b, size, out); });
        return std::move(areas);
    });
}

}  // namespace

void register_overlap(KernelsClass& c) {
    c.def("overlap", &overlap, py::arg("a_run_ends"), py::arg("a_offsets"), py::arg("b_run_ends"),
          py::arg("b_offsets"), py::arg("height"), py::arg("width"));
}

}  // namespace segcore::bind
