// outline.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::tuple outline(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                  int64_t height, int64_t width, int connectivity) {
    const Size size = size_of(height, width);
    if (connectivity != 4 && connectivity != 8) {
        throw py::value_error("connectivity: expected 4 or 8");
    }
    return with_run_ends(size, [&](auto type) {
        const auto masks = batch_of<decltype(type)>(run_ends, offsets);
        Outlines found;
        kernels.without_gil([&](const Context& context) {
            segcore::outline(context, masks, size, connectivity, found);
        });
        py::array vertices = to_array(std::move(found.vertices));
        return py::make_tuple(vertices.reshape({vertices.size() / 2, py::ssize_t{2}}),
                              to_array(std::move(found.ring_offsets)),
                              to_array(std::move(found.outer)),
                              to_array(std::move(found.mask_offsets)));
    });
}

}  // namespace

void register_outline(KernelsClass& c) {
    c.def("outline", &outline, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"), py::arg("connectivity"));
}

}  // namespace segcore::bind
