// dilate.
#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// What the kernel relies on, so that its positions stay in range.
void check_reach(const int64_t* reach, int64_t count, Size size) {
    bool good = count >= 1 && count <= size.width + 1;
    for (int64_t k = 0; good && k < count; ++k) {
        good = reach[k] >= 0 && reach[k] <= (k ? reach[k - 1] : size.height);
    }
    if (good) return;
    throw py::value_error(
        "reach: expected up to `width + 1` numbers from `height` down to 0 that never ascend");
}

py::object dilate(const Kernels& kernels, const BatchArrays& batch, const py::array& reach,
                  bool outside) {
    const int64_t* values = values_of<int64_t>(reach, "reach");
    const int64_t count = reach.size();
    check_reach(values, count, batch.size);
    return make_batch(batch.size, [&](auto& dilated) {
        const auto masks = batch.view_like(dilated);
        kernels.without_gil([&](const Context& context) {
            segcore::dilate(context, masks, batch.size, values, count, outside, dilated);
        });
    });
}

}  // namespace

void register_dilate(KernelsClass& c) {
    c.def("dilate", &dilate, py::arg("batch"), py::arg("reach"), py::arg("outside") = false);
}

}  // namespace segcore::bind
