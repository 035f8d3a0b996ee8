// components.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::tuple components(const Kernels& kernels, const BatchArrays& batch, int connectivity) {
    if (connectivity != 4 && connectivity != 8) {
        throw py::value_error("connectivity: expected 4 or 8");
    }
    Buffer<int64_t> parents;
    py::object parts = make_batch(batch.size, [&](auto& found) {
        const auto masks = batch.view_like(found);
        kernels.without_gil([&](const Context& context) {
            segcore::components(context, masks, batch.size, connectivity, found, parents);
        });
    });
    return py::make_tuple(std::move(parts), to_array(std::move(parents)));
}

}  // namespace

void register_components(KernelsClass& c) {
    c.def("components", &components, py::arg("batch"), py::arg("connectivity"));
}

}  // namespace segcore::bind
