// resize, cover.
#include <algorithm>

#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// What the kernels rely on, so that positions stay in range.
void check_sizes(Size size, Size resized) {
    constexpr int64_t kMost = int64_t{1} << 61;
    auto fits = [](int64_t a, int64_t b) { return a == 0 || b <= (kMost - 1) / a; };
    const bool is_empty = size.pixels() == 0 && resized.pixels() != 0;
    if (fits(size.height, resized.height) && fits(size.width, resized.width) && !is_empty) return;
    throw py::value_error("size: expected sides whose products are below 2**61");
}

py::object resize(const Kernels& kernels, const BatchArrays& batch, int64_t height, int64_t width,
                  bool centers) {
    const Size resized = size_of(height, width);
    check_sizes(batch.size, resized);
    return with_masks(batch, [&](auto masks) {
        return make_batch(resized, [&](auto& result) {
            kernels.without_gil([&](const Context& context) {
                segcore::resize(context, masks, batch.size, resized, centers, result);
            });
        });
    });
}

py::object cover(const Kernels& kernels, const BatchArrays& batch, int64_t height, int64_t width,
                 int64_t limit) {
    const Size resized = size_of(height, width);
    check_sizes(batch.size, resized);
    if (limit < 1 || limit > std::max<int64_t>(batch.size.pixels(), 1)) {
        throw py::value_error("limit: expected 1 to the number of pixels");
    }
    return with_masks(batch, [&](auto masks) {
        return make_batch(resized, [&](auto& result) {
            kernels.without_gil([&](const Context& context) {
                segcore::cover(context, masks, batch.size, resized, limit, result);
            });
        });
    });
}

}  // namespace

void register_resize(KernelsClass& c) {
    c.def("resize", &resize, py::arg("batch"), py::arg("height"), py::arg("width"),
          py::arg("centers"));
    c.def("cover", &cover, py::arg("batch"), py::arg("height"), py::arg("width"), py::arg("limit"));
}

}  // namespace segcore::bind
