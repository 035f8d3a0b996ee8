#include "seal.hpp"

namespace segcore::bind {

namespace py = pybind11;

namespace {

// segcore._batch.Batch, a subclass of tuple.
PyTypeObject* batch_type = nullptr;

// A read-only array of this dtype and memory. Takes the references to both `descr` and `owner`.
PyObject* new_view(PyObject* descr, int ndim, const Py_intptr_t* dimensions,
                   const Py_intptr_t* strides, void* data, PyObject* owner) {
    const auto& api = py::detail::npy_api::get();
    constexpr int kReadOnly = 0;
    PyObject* const view = api.PyArray_NewFromDescr_(api.PyArray_Type_, descr, ndim, dimensions,
                                                     strides, data, kReadOnly, nullptr);
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
    const auto* from = py::detail::array_proxy(array);
    Py_INCREF(from->descr);
    return new_view(from->descr, from->nd, dimensions, from->strides, data, owner);
}

bool is_array(PyObject* object) {
    if (Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_) return true;
    PyErr_SetString(PyExc_TypeError, "array: expected a numpy.ndarray");
    return false;
}

bool is_sealed(PyObject* array) {
    const auto* from = py::detail::array_proxy(array);
    return !(from->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_) && from->base &&
           PyCapsule_IsValid(from->base, kMemory);
}

PyObject* seal(PyObject*, PyObject* array) {
    if (!is_array(array)) return nullptr;
    const auto* from = py::detail::array_proxy(array);
    return view_of(array, from->dimensions, from->data);
}

bool is_batch(PyObject* batch) {
    if (Py_TYPE(batch) == batch_type) {
        return is_array(PyTuple_GET_ITEM(batch, 0)) && is_array(PyTuple_GET_ITEM(batch, 1));
    }
    PyErr_SetString(PyExc_TypeError, "batch: expected a Batch");
    return false;
}

// A batch of other arrays, which it takes, and of the same image size.
PyObject* with_arrays(PyObject* batch, PyObject* run_ends, PyObject* offsets) {
    return new_batch(run_ends, offsets, Py_NewRef(PyTuple_GET_ITEM(batch, 2)),
                     Py_NewRef(PyTuple_GET_ITEM(batch, 3)));
}

PyObject* seal_batch(PyObject*, PyObject* batch) {
    if (!is_batch(batch)) return nullptr;
    PyObject *const run_ends = PyTuple_GET_ITEM(batch, 0), *const offsets =
                                                               PyTuple_GET_ITEM(batch, 1);
    if (is_sealed(run_ends) && is_sealed(offsets)) return Py_NewRef(batch);
    return with_arrays(batch, seal(nullptr, run_ends), seal(nullptr, offsets));
}

// The offsets of masks whose run ends begin with the first of these.
py::object moved(const int64_t* bounds, size_t count) {
    Buffer<int64_t> offsets(count);
    for (size_t i = 0; i < count; ++i) offsets[i] = bounds[i] - bounds[0];
    return to_sealed(std::move(offsets));
}

PyObject* slice_batch(PyObject*, PyObject* const* args, Py_ssize_t arity) {
    if (arity != 3) {
        PyErr_SetString(PyExc_TypeError, "expected batch, start and stop");
        return nullptr;
    }
    if (!is_batch(args[0])) return nullptr;
    const Py_ssize_t start = PyLong_AsSsize_t(args[1]), stop = PyLong_AsSsize_t(args[2]);
    if (PyErr_Occurred()) return nullptr;
    PyObject* const array = PyTuple_GET_ITEM(args[0], 0);
    const auto* run_ends = py::detail::array_proxy(array);
    const auto* offsets = py::detail::array_proxy(PyTuple_GET_ITEM(args[0], 1));
    if (run_ends->nd != 1 || offsets->nd != 1 || start < 0 || stop < start ||
        stop >= offsets->dimensions[0]) {
        PyErr_SetString(PyExc_ValueError, "expected the masks start to stop of a batch");
        return nullptr;
    }
    const int64_t* const bounds = reinterpret_cast<const int64_t*>(offsets->data) + start;
    const Py_intptr_t runs[] = {bounds[stop - start] - bounds[0]};
    char* const first = run_ends->data + bounds[0] * run_ends->strides[0];
    py::object made = moved(bounds, static_cast<size_t>(stop - start + 1));
    return with_arrays(args[0], view_of(array, runs, first), made.release().ptr());
}

// Plain C functions: calling one through pybind11 takes longer than all that these do.
PyMethodDef definitions[] = {
    {"seal", seal, METH_O, "seal(array, /)\n--\n\nReturn a read-only view that hides its owner."},
    {"seal_batch", seal_batch, METH_O,
     "seal_batch(batch, /)\n--\n\nReturn the batch with its arrays sealed."},
    {"slice_batch", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(slice_batch)),
     METH_FASTCALL,
     "slice_batch(batch, start, stop, /)\n--\n\nReturn masks of a sealed batch, sealed."},
};

}  // namespace

py::object sealed_array(void* memory, size_t size, int type) {
    PyObject* const owner = PyCapsule_New(memory, kMemory, [](PyObject* capsule) {
        std::free(PyCapsule_GetPointer(capsule, kMemory));
    });
    if (!owner) {
        std::free(memory);
        throw py::error_already_set();
    }
    const Py_intptr_t shape[] = {static_cast<Py_intptr_t>(size)};
    PyObject* const descr = py::detail::npy_api::get().PyArray_DescrFromType_(type);
    PyObject* const array = new_view(descr, 1, shape, nullptr, memory, owner);
    if (!array) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(array);
}

PyObject* new_batch(PyObject* run_ends, PyObject* offsets, PyObject* height, PyObject* width) {
    PyObject* const items[] = {run_ends, offsets, height, width};
    const bool complete = run_ends && offsets && height && width;
    PyObject* const batch = complete ? batch_type->tp_alloc(batch_type, 4) : nullptr;
    for (Py_ssize_t i = 0; i < 4; ++i) {
        if (batch) {
            PyTuple_SET_ITEM(batch, i, items[i]);
        } else {
            Py_XDECREF(items[i]);
        }
    }
    return batch;
}

void register_seal(py::module_& m) {
    py::object type = py::module_::import("segcore._batch").attr("Batch");
    batch_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());  // is never freed
    for (PyMethodDef& definition : definitions) {
        PyObject* const function =
            PyCFunction_NewEx(&definition, nullptr, m.attr("__name__").ptr());
        if (!function) throw py::error_already_set();
        m.attr(definition.ml_name) = py::reinterpret_steal<py::object>(function);
    }
}

}  // namespace segcore::bind
