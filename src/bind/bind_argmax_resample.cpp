// argmax_resample.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

void argmax_resample(const Kernels& kernels, const py::array& scores, const py::array& x_positions,
                     const py::array& y_positions, py::array out) {
    if (scores.ndim() != 3 || scores.shape(0) == 0) refuse("scores", "a (C, h, w) array");
    const ClassView view{values_of<float>(scores, "scores"),
                         scores.shape(0),
                         scores.shape(1),
                         scores.shape(2),
                         {values_of<float>(x_positions, "x_positions"),
                          values_of<float>(y_positions, "y_positions")}};
    const Size size = size_of(y_positions.size(), x_positions.size());
    const int width = static_cast<int>(out.itemsize());
    if (out.ndim() != 2 || out.shape(0) != size.height || out.shape(1) != size.width ||
        out.dtype().kind() != 'u' || !is_native(out.dtype()) ||
        !(out.flags() & py::array::c_style) || !is_aligned(out)) {
        refuse("out",
               "an aligned C-contiguous (H, W) array of unsigned integers, one per position");
    }
    if (view.classes > int64_t{1} << 31 || (width < 4 && view.classes > int64_t{1} << 8 * width)) {
        refuse("out", "a dtype that holds all classes");
    }
    check_positions(view.positions.x, size.width, view.columns);
    check_positions(view.positions.y, size.height, view.rows);
    void* const labels = out.mutable_data();
    kernels.without_gil([&](const Context& context) {
        segcore::argmax_resample(context, view, size, labels, width);
    });
}

}  // namespace

void register_argmax_resample(KernelsClass& c) {
    c.def("argmax_resample", &argmax_resample, py::arg("scores"), py::arg("x_positions"),
          py::arg("y_positions"), py::arg("out"));
}

}  // namespace segcore::bind
