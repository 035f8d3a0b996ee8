// transpose.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::object transpose(const Kernels& kernels, const BatchArrays& batch) {
    return make_batch({batch.size.width, batch.size.height}, [&](auto& transposed) {
        const auto masks = batch.view_like(transposed);
        kernels.without_gil([&](const Context& context) {
            segcore::transpose(context, masks, batch.size, transposed);
        });
    });
}

}  // namespace

void register_transpose(KernelsClass& c) { c.def("transpose", &transpose, py::arg("batch")); }

}  // namespace segcore::bind
