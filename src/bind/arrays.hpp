// Conversion of NumPy arrays to the views of the core (src/core/types.hpp) and back.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstring>
#include <string>
#include <utility>

#include "../core/kernels.hpp"
#include "seal.hpp"
#include "signals.hpp"

namespace segcore::bind {

namespace py = pybind11;

// An array of T in Fortran order, created by the C function that pybind11 uses: for small arrays,
// py::array_t takes longer than the kernels that fill them.
template <class T, size_t N>
py::object new_array(const Py_intptr_t (&shape)[N]) {
    const auto& api = py::detail::npy_api::get();
    PyObject* const dtype = api.PyArray_DescrFromType_(py::detail::npy_format_descriptor<T>::value);
    PyObject* const array =
        api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype, static_cast<int>(N), shape, nullptr,
                                  nullptr, py::array::f_style, nullptr);
    if (!array) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(array);
}

template <class T>
T* data_of(const py::object& array) {
    return reinterpret_cast<T*>(py::detail::array_proxy(array.ptr())->data);
}

[[noreturn]] inline void refuse(const char* name, const std::string& what) {
    throw py::type_error(std::string(name) + ": expected " + what);
}

inline bool is_native(const py::dtype& dtype) { return dtype.byteorder() != '>'; }

inline bool is_aligned(const py::array& array) {
    return array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_;
}

// The values of an aligned C-contiguous array of T, in native byte order, as it is.
template <class T>
const T* values_of(const py::array& array, const char* name) {
    constexpr char kind = std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
    const py::dtype dtype = array.dtype();
    if (dtype.kind() != kind || dtype.itemsize() != sizeof(T) || !is_native(dtype) ||
        !(array.flags() & py::array::c_style) || !is_aligned(array)) {
        refuse(name,
               std::string("an aligned C-contiguous array of ") + kind + std::to_string(sizeof(T)));
    }
    return static_cast<const T*>(array.data());
}

// Offsets that begin with 0, do not descend, and end with `total`: returns how many items they
// divide it into.
inline int64_t count_of(const int64_t* offsets, py::ssize_t size, int64_t total, const char* name) {
    bool good = size >= 1 && offsets[0] == 0 && offsets[size - 1] == total;
    for (py::ssize_t i = 1; good && i < size; ++i) {
        check_signals(i);
        good = offsets[i - 1] <= offsets[i];
    }
    if (!good) {
        throw py::value_error(std::string(name) + ": expected offsets from 0 to " +
                              std::to_string(total) + " that never descend");
    }
    return static_cast<int64_t>(size) - 1;
}

// Groups of two sequences of `rows` and `columns` items.
inline Groups groups_of(const py::array& a, const py::array& b, int64_t rows, int64_t columns) {
    Groups groups{values_of<int64_t>(a, "groups_a"), values_of<int64_t>(b, "groups_b"), 0};
    groups.count = count_of(groups.a, a.size(), rows, "groups_a");
    if (count_of(groups.b, b.size(), columns, "groups_b") != groups.count) {
        refuse("groups_b", "as many groups as groups_a");
    }
    return groups;
}

// Positions that are sorted and lie among the samples, or the kernel would read out of bounds.
inline void check_positions(const float* positions, int64_t count, int64_t samples) {
    if (count == 0) return;
    bool good = positions[0] >= 0 && positions[count - 1] <= static_cast<float>(samples - 1);
    for (int64_t i = 1; i < count; ++i) {
        check_signals(i);
        good &= positions[i - 1] <= positions[i];
    }
    if (!good)
        throw py::value_error("positions: expected ascending positions from 0 to the last sample");
}

inline Size size_of(int64_t height, int64_t width) {
    constexpr int64_t kMaxPixels = int64_t{1} << 59;
    if (height < 0 || width < 0 || (height && width >= kMaxPixels / height + 1) ||
        height * width >= kMaxPixels) {
        throw py::value_error("height and width: expected fewer than 2**59 pixels");
    }
    return {height, width};
}

inline bool is_wide(Size size) { return size.pixels() >= int64_t{1} << 32; }

// Call body(T{}) for the type that run ends of this size have.
template <class Body>
auto with_run_ends(Size size, Body&& body) {
    return is_wide(size) ? body(uint64_t{}) : body(uint32_t{});
}

// The buffer's memory as an array. Small results are copied, so that they take no more memory than
// they need.
template <class T>
py::array to_array(Buffer<T>&& buffer) {
    const size_t size = buffer.size();
    if (size <= 4096) {
        const Py_intptr_t shape[] = {static_cast<Py_intptr_t>(size)};
        py::object array = new_array<T>(shape);
        if (size) std::memcpy(data_of<T>(array), buffer.data(), size * sizeof(T));
        return py::reinterpret_steal<py::array>(array.release());
    }
    buffer.shrink();
    T* data = buffer.release();
    py::capsule owner(data, kMemory, [](void* memory) { std::free(memory); });
    return py::array_t<T>(static_cast<py::ssize_t>(size), data, owner);
}

template <class T>
py::tuple to_tuple(Strings<T>&& strings) {
    return py::make_tuple(to_array(std::move(strings.values)),
                          to_array(std::move(strings.offsets)));
}

}  // namespace segcore::bind
