// reverse.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

py::object reverse(const Kernels& kernels, const BatchArrays& batch, bool rows, bool columns) {
    return make_batch(batch.size, [&](auto& reversed) {
        const auto masks = batch.view_like(reversed);
        kernels.without_gil([&](const Context& context) {
            segcore::reverse(context, masks, batch.size, rows, columns, reversed);
        });
    });
}

}  // namespace

void register_reverse(KernelsClass& c) {
    c.def("reverse", &reverse, py::arg("batch"), py::arg("rows"), py::arg("columns"));
}

}  // namespace segcore::bind
