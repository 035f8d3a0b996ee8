// overlap, overlap_ratios.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "../core/kernels.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// One Divisor per mask of b.
const uint8_t* divisors_of(const std::optional<py::array>& divisors, int64_t count) {
    if (!divisors) return nullptr;
    const uint8_t* values = values_of<uint8_t>(*divisors, "divisors");
    const auto is_known = [](uint8_t value) { return value <= 3; };
    if (divisors->ndim() != 1 || divisors->shape(0) != count ||
        !std::all_of(values, values + count, is_known)) {
        throw py::value_error("divisors: expected 0 to 3 for each mask of b");
    }
    return values;
}

template <class Value>
py::array overlap(const Kernels& kernels, const BatchArrays& a, const BatchArrays& b, double above,
                  const std::optional<py::array>& divisors) {
    check_same_size(a, b);
    return with_masks(a, [&](auto x) -> py::array {
        const auto y = b.view_like(x);
        const Limit limit{above, divisors_of(divisors, y.count)};
        py::array_t<Value> values(
            {static_cast<py::ssize_t>(x.count), static_cast<py::ssize_t>(y.count)});
        Value* out = values.mutable_data();
        kernels.without_gil([&](const Context& context) {
            if constexpr (std::is_same_v<Value, double>) {
                segcore::overlap_ratios(context, x, y, a.size, out, limit);
            } else {
                segcore::overlap(context, x, y, a.size, out, limit);
            }
        });
        return std::move(values);
    });
}

}  // namespace

void register_overlap(KernelsClass& c) {
    const auto define = [&c](const char* name, auto function) {
        c.def(name, function, py::arg("a"), py::arg("b"), py::arg("above") = 0.0,
              py::arg("divisors") = py::none());
    };
    define("overlap", &overlap<int64_t>);
    define("overlap_ratios", &overlap<double>);
}

}  // namespace segcore::bind
