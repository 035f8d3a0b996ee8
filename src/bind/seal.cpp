#include "seal.hpp"

namespace segcore::bind {

namespace py = pybind11;

namespace {

// The capsule that keeps the array's memory alive: the one that it has, or a new one round it.
PyObject* owner_of(PyObject* array) {
    const auto& api = py::detail::npy_api::get();
    PyObject* base = py::detail::array_proxy(array)->base;
    while (base && Py_TYPE(base) == api.PyArray_Type_) base = py::detail::array_proxy(base)->base;
    if (base && PyCapsule_IsValid(base, kMemory)) {
        Py_INCREF(base);
        return base;
    }
    PyObject* const owner = PyCapsule_New(array, kMemory, [](PyObject* capsule) {
        Py_DECREF(static_cast<PyObject*>(PyCapsule_GetPointer(capsule, kMemory)));
    });
    if (owner) Py_INCREF(array);
    return owner;
}

PyObject* seal(PyObject*, PyObject* array) {
    const auto& api = py::detail::npy_api::get();
    if (Py_TYPE(array) != api.PyArray_Type_) {
        PyErr_SetString(PyExc_TypeError, "array: expected a numpy.ndarray");
        return nullptr;
    }
    PyObject* const owner = owner_of(array);
    if (!owner) return nullptr;
    const auto* from = py::detail::array_proxy(array);
    Py_INCREF(from->descr);  // for the new array
    constexpr int kReadOnly = 0;
    PyObject* const view =
        api.PyArray_NewFromDescr_(api.PyArray_Type_, from->descr, from->nd, from->dimensions,
                                  from->strides, from->data, kReadOnly, nullptr);
    if (!view) {
        Py_DECREF(owner);
        return nullptr;
    }
    if (api.PyArray_SetBaseObject_(view, owner) < 0) {  // which takes the owner
        Py_DECREF(view);
        return nullptr;
    }
    return view;
}

// A plain C function: calling one through pybind11 takes longer than all that this does.
PyMethodDef seal_definition = {
    "seal", seal, METH_O, "seal(array, /)\n--\n\nReturn a read-only view that hides its owner."};

}  // namespace

void register_seal(py::module_& m) {
    PyObject* const function =
        PyCFunction_NewEx(&seal_definition, nullptr, m.attr("__name__").ptr());
    if (!function) throw py::error_already_set();
    m.attr("seal") = py::reinterpret_steal<py::object>(function);
}

}  // namespace segcore::bind
