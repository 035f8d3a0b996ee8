// overlap_table.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"
#include "labels.hpp"

namespace segcore::bind {

namespace {

py::tuple overlap_table(const Kernels& kernels, const py::array& labels_a,
                        const py::array& labels_b) {
    const LabelView a = label_view(labels_a, "labels_a"), b = label_view(labels_b, "labels_b");
    if (a.size.height != b.size.height || a.size.width != b.size.width) {
        refuse("labels_b", "an array of the shape of labels_a");
    }
    OverlapTable table;
    kernels.without_gil(
        [&](const Context& context) { segcore::overlap_table(context, a, b, table); });
    return py::make_tuple(labels_array(table.a, labels_a.dtype()),
                          labels_array(table.b, labels_b.dtype()),
                          to_array(std::move(table.pixels)));
}

}  // namespace

void register_overlap_table(KernelsClass& c) {
    c.def("overlap_table", &overlap_table, py::arg("labels_a"), py::arg("labels_b"));
}

}  // namespace segcore::bind
