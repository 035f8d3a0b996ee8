// gather: parts of arrays, one after the other.
#include <pybind11/stl.h>

#include <cstring>
#include <optional>
#include <vector>

#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// Parts of arrays of one dtype.
struct Parts {
    std::vector<py::array> arrays;
    const int64_t* array;  // of each part; null if there is only one
    const int64_t *starts, *lengths;
    py::ssize_t count;

    size_t array_of(py::ssize_t part) const {
        return array ? static_cast<size_t>(array[part]) : size_t{0};
    }
};

// Returns the total length of parts that lie within their arrays.
int64_t total_of(const Parts& parts) {
    int64_t total = 0;
    for (py::ssize_t i = 0; i < parts.count; ++i) {
        check_signals(i);
        const size_t array = parts.array_of(i);
        const int64_t size = array < parts.arrays.size() ? parts.arrays[array].size() : -1;
        const int64_t start = parts.starts[i], length = parts.lengths[i];
        if (start < 0 || length < 0 || length > size || start > size - length ||
            total > INT64_MAX - length) {
            throw py::value_error("part " + std::to_string(i) + ": expected a part of " +
                                  std::to_string(size) + " items");
        }
        total += length;
    }
    return total;
}

py::array gathered(const Parts& parts) {
    if (parts.arrays.empty()) throw py::value_error("values: expected one or more arrays");
    std::vector<const char*> data;
    for (const py::array& values : parts.arrays) {
        if (values.ndim() != 1 || !(values.flags() & py::array::c_style) ||
            values.dtype().kind() == 'O' || !values.dtype().equal(parts.arrays[0].dtype())) {
            refuse("values", "contiguous arrays of one dimension and dtype");
        }
        data.push_back(static_cast<const char*>(values.data()));
    }
    py::array whole(parts.arrays[0].dtype(), total_of(parts));
    const size_t width = static_cast<size_t>(whole.itemsize());
    char* to = static_cast<char*>(whole.mutable_data());
    const GilRelease release;
    for (py::ssize_t i = 0; i < parts.count; ++i) {
        const size_t bytes = static_cast<size_t>(parts.lengths[i]) * width;
        const char* const from = data[parts.array_of(i)];
        if (bytes) std::memcpy(to, from + static_cast<size_t>(parts.starts[i]) * width, bytes);
        to += bytes;
    }
    return whole;
}

py::array gather(std::vector<py::array> values, const std::optional<py::array>& of_part,
                 const py::array& starts, const py::array& lengths) {
    const int64_t* const array = of_part ? values_of<int64_t>(*of_part, "array") : nullptr;
    const Parts parts{std::move(values), array, values_of<int64_t>(starts, "starts"),
                      values_of<int64_t>(lengths, "lengths"), starts.size()};
    if (lengths.size() != parts.count) refuse("lengths", "as many values as starts");
    if (of_part && of_part->size() != parts.count) refuse("array", "as many values as starts");
    return gathered(parts);
}

}  // namespace

void register_gather(py::module_& m) {
    m.def(
        "gather",
        [](const py::array& values, const py::array& starts, const py::array& lengths) {
            return gather({values}, std::nullopt, starts, lengths);
        },
        py::arg("values"), py::arg("starts"), py::arg("lengths"),
        "Return parts of an array, one after the other.");
    m.def("gather_from", &gather, py::arg("values"), py::arg("array"), py::arg("starts"),
          py::arg("lengths"), "Return parts of several arrays of one dtype, one after the other.");
}

}  // namespace segcore::bind
