// place.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// One offset per mask, at which the image is within the canvas or just beyond its edges.
const int64_t* offsets_in(const py::array& offsets, const char* name, int64_t count, int64_t side,
                          int64_t canvas_side) {
    const int64_t* values = values_of<int64_t>(offsets, name);
    bool good = offsets.ndim() == 1 && offsets.shape(0) == count;
    for (int64_t i = 0; good && i < count; ++i) {
        check_signals(i);
        good = values[i] >= -side && values[i] <= canvas_side;
    }
    if (good) return values;
    throw py::value_error(std::string(name) +
                          ": expected one offset per mask, from minus the image's side to the "
                          "canvas's");
}

py::object place(const Kernels& kernels, const BatchArrays& batch, const py::array& x,
                 const py::array& y, int64_t height, int64_t width) {
    const Size canvas = size_of(height, width);
    return with_masks(batch, [&](auto masks) {
        const int64_t* left = offsets_in(x, "x", masks.count, batch.size.width, width);
        const int64_t* top = offsets_in(y, "y", masks.count, batch.size.height, height);
        return make_batch(canvas, [&](auto& placed) {
            kernels.without_gil([&](const Context& context) {
                segcore::place(context, masks, batch.size, left, top, canvas, placed);
            });
        });
    });
}

}  // namespace

void register_place(KernelsClass& c) {
    c.def("place", &place, py::arg("batch"), py::arg("x"), py::arg("y"), py::arg("height"),
          py::arg("width"));
}

}  // namespace segcore::bind
