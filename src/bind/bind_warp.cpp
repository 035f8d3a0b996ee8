// warp.
#include <cmath>

#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// What the kernel relies on: finite numbers, and sides that float64 and the products below hold.
const double* check_matrices(const py::array& matrices, int64_t count, Size size, Size warped) {
    const double* values = values_of<double>(matrices, "matrices");
    constexpr int64_t kMost = int64_t{1} << 31;
    bool good = matrices.ndim() == 2 && matrices.shape(0) == count && matrices.shape(1) == 9;
    for (py::ssize_t i = 0; good && i < matrices.size(); ++i) {
        check_signals(i);
        good = std::isfinite(values[i]);
    }
    for (int64_t side : {size.height, size.width, warped.height, warped.width}) {
        good = good && side < kMost;
    }
    if (good) return values;
    throw py::value_error("matrices: expected nine finite numbers per mask, and sides below 2**31");
}

py::object warp(const Kernels& kernels, const BatchArrays& batch, const py::array& matrices,
                int64_t height, int64_t width) {
    const Size warped = size_of(height, width);
    return with_masks(batch, [&](auto masks) {
        const double* values = check_matrices(matrices, masks.count, batch.size, warped);
        return make_batch(warped, [&](auto& result) {
            kernels.without_gil([&](const Context& context) {
                segcore::warp(context, masks, batch.size, values, warped, result);
            });
        });
    });
}

}  // namespace

void register_warp(KernelsClass& c) {
    c.def("warp", &warp, py::arg("batch"), py::arg("matrices"), py::arg("height"),
          py::arg("width"));
}

}  // namespace segcore::bind
