#include "seal.hpp"

#include "numpy_api.hpp"

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

// A read-only view of an array with other dimensions, from this data on.
PyObject* view_of(PyObject* array, const Py_intptr_t* dimensions, char* data) {
    PyObject* const owner = owner_of(array);
    if (!owner) return nullptr;
    const auto& api = py::detail::npy_api::get();
    const auto* from = py::detail::array_proxy(array);
    Py_INCREF(from->descr);  // for the new array
    constexpr int kReadOnly = 0;
    PyObject* const view =
        api.PyArray_NewFromDescr_(api.PyArray_Type_, from->descr, from->nd, dimensions,
                                  from->strides, data, kReadOnly, nullptr);
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

bool is_array(PyObject* object) {
    if (Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_) return true;
    PyErr_SetString(PyExc_TypeError, "array: expected a numpy.ndarray");
    return false;
}

PyObject* seal(PyObject*, PyObject* array) {
    if (!is_array(array)) return nullptr;
    const auto* from = py::detail::array_proxy(array);
    return view_of(array, from->dimensions, from->data);
}

PyObject* slice(PyObject*, PyObject* const* args, Py_ssize_t arity) {
    if (arity != 4) {
        PyErr_SetString(PyExc_TypeError, "expected run_ends, offsets, start and stop");
        return nullptr;
    }
    if (!is_array(args[0]) || !is_array(args[1])) return nullptr;
    const Py_ssize_t start = PyLong_AsSsize_t(args[2]), stop = PyLong_AsSsize_t(args[3]);
    if (PyErr_Occurred()) return nullptr;
    const auto* run_ends = py::detail::array_proxy(args[0]);
    const auto* offsets = py::detail::array_proxy(args[1]);
    if (run_ends->nd != 1 || offsets->nd != 1 || start < 0 || stop < start ||
        stop >= offsets->dimensions[0]) {
        PyErr_SetString(PyExc_ValueError, "expected the masks start to stop of a batch");
        return nullptr;
    }
    const int64_t* const bounds = reinterpret_cast<const int64_t*>(offsets->data) + start;
    const Py_intptr_t runs[] = {bounds[stop - start] - bounds[0]};
    PyObject* const view =
        view_of(args[0], runs, run_ends->data + bounds[0] * run_ends->strides[0]);
    if (!view) return nullptr;
    const Py_intptr_t count[] = {stop - start + 1};
    const py::object moved = new_array<int64_t>(count, false);
    int64_t* const to = data_of<int64_t>(moved);
    for (Py_ssize_t i = 0; i < count[0]; ++i) to[i] = bounds[i] - bounds[0];
    return Py_BuildValue("NN", view, seal(nullptr, moved.ptr()));
}

// Plain C functions: calling one through pybind11 takes longer than all that these do.
PyMethodDef definitions[] = {
    {"seal", seal, METH_O, "seal(array, /)\n--\n\nReturn a read-only view that hides its owner."},
    {"slice", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(slice)), METH_FASTCALL,
     "slice(run_ends, offsets, start, stop, /)\n--\n\nReturn masks of a sealed batch, sealed."},
};

}  // namespace

void register_seal(py::module_& m) {
    for (PyMethodDef& definition : definitions) {
        PyObject* const function =
            PyCFunction_NewEx(&definition, nullptr, m.attr("__name__").ptr());
        if (!function) throw py::error_already_set();
        m.attr(definition.ml_name) = py::reinterpret_steal<py::object>(function);
    }
}

}  // namespace segcore::bind
