// Small arrays and scalars, created through NumPy's C API: with pybind11 this would take longer
// than the kernels that fill them.
#pragma once

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/numpy.h>

namespace segcore::bind {

namespace py = pybind11;

// The functions of NumPy's C API that pybind11 does not reach, by their place in its table, which
// is the same in every version.
struct NumpyApi {
    PyObject* (*scalar)(void* data, PyObject* dtype, PyObject* base);
    PyObject* (*zeros)(int ndim, const Py_intptr_t* shape, PyObject* dtype, int fortran);
    PyObject* uint32 = py::dtype::of<uint32_t>().release().ptr();

    static const NumpyApi& get() {
        PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<NumpyApi> api;
        return api.call_once_and_store_result([] { return NumpyApi(); }).get_stored();
    }

   private:
    NumpyApi() {
        const py::object capsule =
            py::module_::import("numpy._core._multiarray_umath").attr("_ARRAY_API");
        void** table = static_cast<void**>(PyCapsule_GetPointer(capsule.ptr(), nullptr));
        if (!table) throw py::error_already_set();
        scalar = reinterpret_cast<decltype(scalar)>(table[60]);
        zeros = reinterpret_cast<decltype(zeros)>(table[183]);
    }
};

// Load NumPy's functions, ours and pybind11's, when the module is imported: pybind11 releases the
// GIL when it loads them, and a thread must not do that while Python exits (gil.hpp).
inline void load_numpy_api() {
    NumpyApi::get();
    py::detail::npy_api::get();
}

// An array of T in Fortran order; of zeros where it is large, whose pages come when written to.
template <class T, size_t N>
py::object new_array(const Py_intptr_t (&shape)[N], bool zeroed) {
    if (zeroed) {
        PyObject* dtype = py::dtype::of<T>().release().ptr();  // a reference that zeros() takes
        PyObject* array = NumpyApi::get().zeros(static_cast<int>(N), shape, dtype, 1);
        if (!array) throw py::error_already_set();
        return py::reinterpret_steal<py::object>(array);
    }
    const auto& api = py::detail::npy_api::get();
    PyObject* array = api.PyArray_NewFromDescr_(
        api.PyArray_Type_, api.PyArray_DescrFromType_(py::detail::npy_format_descriptor<T>::value),
        static_cast<int>(N), shape, nullptr, nullptr, py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_,
        nullptr);
    if (!array) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(array);
}

template <class T>
T* data_of(const py::object& array) {
    return reinterpret_cast<T*>(py::detail::array_proxy(array.ptr())->data);
}

}  // namespace segcore::bind
