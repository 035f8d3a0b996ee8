// overlap, overlap_ratios.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "../core/kernels.hpp"
#include "arrays.hpp"
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
py::array overlap(const Kernels& kernels, const py::array& a_run_ends, const py::array& a_offsets,
                  const py::array& b_run_ends, const py::array& b_offsets, int64_t height,
                  int64_t width, double above, const std::optional<py::array>& divisors) {
    const Size size = size_of(height, width);
    return with_run_ends(size, [&](auto type) -> py::array {
        const auto a = batch_of<decltype(type)>(a_run_ends, a_offsets);
        const auto b = batch_of<decltype(type)>(b_run_ends, b_offsets);
        const Limit limit{above, divisors_of(divisors, b.count)};
        py::array_t<Value> values(
            {static_cast<py::ssize_t>(a.count), static_cast<py::ssize_t>(b.count)});
        Value* out = values.mutable_data();
        kernels.without_gil([&](const Context& context) {
            if constexpr (std::is_same_v<Value, double>) {
                segcore::overlap_ratios(context, a, b, size, out, limit);
            } else {
                segcore::overlap(context, a, b, size, out, limit);
            }
        });
        return std::move(values);
    });
}

}  // namespace

void register_overlap(KernelsClass& c) {
    const auto define = [&c](const char* name, auto function) {
        c.def(name, function, py::arg("a_run_ends"), py::arg("a_offsets"), py::arg("b_run_ends"),
              py::arg("b_offsets"), py::arg("height"), py::arg("width"), py::arg("above") = 0.0,
              py::arg("divisors") = py::none());
    };
    define("overlap", &overlap<int64_t>);
    define("overlap_ratios", &overlap<double>);
}

}  // namespace segcore::bind
