// components.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::tuple components(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                     int64_t height, int64_t width, int connectivity) {
    const Size size = size_of(height, width);
    if (connectivity != 4 && connectivity != 8) {
        throw py::value_error("connectivity: expected 4 or 8");
    }
    return with_run_ends(size, [&](auto type) {
        const auto masks = batch_of<decltype(type)>(run_ends, offsets);
        Batch<decltype(type)> batch;
        Buffer<int64_t> parents;
        kernels.without_gil([&](const Context& context) {
            segcore::components(context, masks, size, connectivity, batch, parents);
        });
        return py::make_tuple(to_array(std::move(batch.run_ends)),
                              to_array(std::move(batch.offsets)), to_array(std::move(parents)));
    });
}

}  // namespace

void register_components(KernelsClass& c) {
    c.def("components", &components, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"), py::arg("connectivity"));
}

}  // namespace segcore::bind
