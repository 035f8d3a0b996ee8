// outline.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::tuple outline(const Kernels& kernels, const BatchArrays& batch, int connectivity) {
    if (connectivity != 4 && connectivity != 8) {
        throw py::value_error("connectivity: expected 4 or 8");
    }
    return with_masks(batch, [&](auto masks) {
        Outlines found;
        kernels.without_gil([&](const Context& context) {
            segcore::outline(context, masks, batch.size, connectivity, found);
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
    c.def("outline", &outline, py::arg("batch"), py::arg("connectivity"));
}

}  // namespace segcore::bind
