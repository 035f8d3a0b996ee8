// Conversion of label maps from NumPy arrays to the kernels' views and back.
#pragma once

#include "../core/kernels.hpp"
#include "arrays.hpp"

namespace segcore::bind {

inline void check_labels(const py::array& array, const char* name) {
    const py::dtype dtype = array.dtype();
    if (array.ndim() != 2 || (dtype.kind() != 'u' && dtype.kind() != 'i')) {
        refuse(name, "an (H, W) array of integers");
    }
}

inline LabelView label_view(const py::array& labels, const char* name) {
    check_labels(labels, name);
    return {static_cast<const uint8_t*>(labels.data()),
            size_of(labels.shape(0), labels.shape(1)),
            {labels.strides(0), labels.strides(1)},
            static_cast<int>(labels.itemsize()),
            labels.dtype().kind() == 'i',
            !is_native(labels.dtype())};
}

// Labels that a kernel found, in the dtype of the map they were in, and native byte order.
inline py::array labels_array(const Buffer<uint64_t>& labels, const py::dtype& of_map) {
    const py::dtype dtype =
        is_native(of_map) ? of_map : of_map.attr("newbyteorder")("=").cast<py::dtype>();
    py::array array(dtype, static_cast<py::ssize_t>(labels.size()));
    char* to = static_cast<char*>(array.mutable_data());
    const size_t width = static_cast<size_t>(dtype.itemsize());
    for (size_t i = 0; i < labels.size(); ++i) {
        check_signals(static_cast<Py_ssize_t>(i));
        std::memcpy(to + i * width, &labels[i], width);
    }
    return array;
}

}  // namespace segcore::bind
