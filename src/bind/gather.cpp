// gather: parts of an array, one after the other.
#include <cstring>

#include "arrays.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// Returns the total length of parts that lie within `size` items.
int64_t total_of(const int64_t* starts, const int64_t* lengths, py::ssize_t count, int64_t size) {
    int64_t total = 0;
    for (py::ssize_t i = 0; i < count; ++i) {
        check_signals(i);
        if (starts[i] < 0 || lengths[i] < 0 || lengths[i] > size || starts[i] > size - lengths[i] ||
            total > INT64_MAX - lengths[i]) {
            throw py::value_error("part " + std::to_string(i) + ": expected a part of " +
                                  std::to_string(size) + " items");
        }
        total += lengths[i];
    }
    return total;
}

py::array gather(const py::array& values, const py::array& starts, const py::array& lengths) {
    if (values.ndim() != 1 || !(values.flags() & py::array::c_style) ||
        values.dtype().kind() == 'O') {
        refuse("values", "a contiguous array of one dimension");
    }
    const int64_t* const first = values_of<int64_t>(starts, "starts");
    const int64_t* const length = values_of<int64_t>(lengths, "lengths");
    const py::ssize_t count = starts.size();
    if (lengths.size() != count) refuse("lengths", "as many values as starts");
    py::array parts(values.dtype(), total_of(first, length, count, values.size()));
    const size_t width = static_cast<size_t>(values.itemsize());
    const char* const from = static_cast<const char*>(values.data());
    char* to = static_cast<char*>(parts.mutable_data());
    const GilRelease release;
    for (py::ssize_t i = 0; i < count; ++i) {
        const size_t bytes = static_cast<size_t>(length[i]) * width;
        if (bytes) std::memcpy(to, from + static_cast<size_t>(first[i]) * width, bytes);
        to += bytes;
    }
    return parts;
}

}  // namespace

void register_gather(py::module_& m) {
    m.def("gather", &gather, py::arg("values"), py::arg("starts"), py::arg("lengths"),
          "Return parts of an array, one after the other.");
}

}  // namespace segcore::bind
