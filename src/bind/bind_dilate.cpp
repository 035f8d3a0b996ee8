// dilate.
#include "../core/kernels.hpp"
#include "arrays.hpp"
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

py::tuple dilate(const Kernels& kernels, const py::array& run_ends, const py::array& offsets,
                 int64_t height, int64_t width, const py::array& reach, bool outside) {
    const Size size = size_of(height, width);
    const int64_t* values = values_of<int64_t>(reach, "reach");
    const int64_t count = reach.size();
    check_reach(values, count, size);
    return with_run_ends(size, [&](auto type) {
        const auto masks = batch_of<decltype(type)>(run_ends, offsets);
        Batch<decltype(type)> batch;
        kernels.without_gil([&](const Context& context) {
            segcore::dilate(context, masks, size, values, count, outside, batch);
        });
        return to_tuple(std::move(batch));
    });
}

}  // namespace

void register_dilate(KernelsClass& c) {
    c.def("dilate", &dilate, py::arg("run_ends"), py::arg("offsets"), py::arg("height"),
          py::arg("width"), py::arg("reach"), py::arg("outside") = false);
}

}  // namespace segcore::bind
