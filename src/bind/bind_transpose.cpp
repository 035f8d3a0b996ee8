// transpose.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::object transpose(const Kernels& kernels, const BatchArrays& batch, bool rows, bool columns) {
    return make_batch({batch.size.width, batch.size.height}, [&](auto& transposed) {
        const auto masks = batch.view_like(transposed);
        kernels.without_gil([&](const Context& context) {
            segcore::transpose(context, masks, batch.size, rows, columns, transposed);
        });
    });
}

}  // namespace

void register_transpose(KernelsClass& c) {
    c.def("transpose", &transpose, py::arg("batch"), py::arg("rows") = false,
          py::arg("columns") = false);
}

}  // namespace segcore::bind
