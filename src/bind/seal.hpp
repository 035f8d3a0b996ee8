// Read-only arrays whose memory nothing in Python can make writable again, and batches of them.
#pragma once

#include <pybind11/numpy.h>

#include <utility>

#include "../core/types.hpp"

namespace segcore::bind {

// The name of capsules that own the memory of arrays. NumPy lets a read-only array become writable
// if its `base` is a writable array or buffer; a capsule is neither, and gives nothing away.
constexpr const char* kMemory = "segcore.memory";

// A sealed array of one axis in memory of malloc, which it takes. `type` is a number of NumPy.
pybind11::object sealed_array(void* memory, size_t size, int type);

// The buffer's memory as a sealed array.
template <class T>
pybind11::object to_sealed(Buffer<T>&& buffer) {
    buffer.shrink();
    if (!buffer.data()) buffer.grow(1);  // a capsule needs an address
    const size_t size = buffer.size();
    return sealed_array(buffer.release(), size, pybind11::detail::npy_format_descriptor<T>::value);
}

// A segcore._batch.Batch. Takes the references, of which each may be null after an error; returns
// null after an error.
PyObject* new_batch(PyObject* run_ends, PyObject* offsets, PyObject* height, PyObject* width);

// A batch of the core as a sealed segcore._batch.Batch.
template <class T>
pybind11::object to_python(Batch<T>&& batch, Size size) {
    pybind11::object run_ends = to_sealed(std::move(batch.run_ends));
    pybind11::object offsets = to_sealed(std::move(batch.offsets));
    PyObject* const made =
        new_batch(run_ends.release().ptr(), offsets.release().ptr(),
                  PyLong_FromLongLong(size.height), PyLong_FromLongLong(size.width));
    if (!made) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<pybind11::object>(made);
}

void register_seal(pybind11::module_&);  // seal, seal_batch, slice_batch

}  // namespace segcore::bind
