// rasterize_polygons, rasterize_boxes.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"
#include "status.hpp"

namespace segcore::bind {

namespace {

py::object rasterize_polygons(const Kernels& kernels, const py::array& coordinates,
                              const py::array& ring_offsets, const py::array& mask_offsets,
                              int64_t height, int64_t width, int64_t filling) {
    const Size size = size_of(height, width);
    if (filling < 0 || filling > 2) throw py::value_error("filling: expected 0, 1 or 2");
    const double* points = values_of<double>(coordinates, "coordinates");
    const int64_t* rings = values_of<int64_t>(ring_offsets, "ring_offsets");
    const int64_t* masks = values_of<int64_t>(mask_offsets, "mask_offsets");
    if (coordinates.size() % 2) refuse("coordinates", "an even number of values");
    const int64_t ring_count =
        count_of(rings, ring_offsets.size(), coordinates.size() / 2, "ring_offsets");
    const int64_t count = count_of(masks, mask_offsets.size(), ring_count, "mask_offsets");
    return make_batch(size, [&](auto& batch) {
        check(kernels.without_gil([&](const Context& context) {
            return segcore::rasterize_polygons(context, points, rings, masks, count, size, batch,
                                               Filling{filling});
        }),
              size);
    });
}

py::object rasterize_boxes(const Kernels& kernels, const py::array& boxes, int64_t height,
                           int64_t width) {
    const Size size = size_of(height, width);
    if (boxes.ndim() != 2 || boxes.shape(1) != 4) refuse("boxes", "an (N, 4) array");
    const double* corners = values_of<double>(boxes, "boxes");
    return make_batch(size, [&](auto& batch) {
        check(kernels.without_gil([&](const Context& context) {
            return segcore::rasterize_boxes(context, corners, boxes.shape(0), size, batch);
        }),
              size);
    });
}

}  // namespace

void register_rasterize(KernelsClass& c) {
    c.def("rasterize_polygons", &rasterize_polygons, py::arg("coordinates"),
          py::arg("ring_offsets"), py::arg("mask_offsets"), py::arg("height"), py::arg("width"),
          py::arg("filling") = 0);
    c.def("rasterize_boxes", &rasterize_boxes, py::arg("boxes"), py::arg("height"),
          py::arg("width"));
}

}  // namespace segcore::bind
