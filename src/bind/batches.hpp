// Batches of masks between Python (segcore/_batch.py) and the core.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <utility>

#include "../core/types.hpp"
#include "arrays.hpp"
#include "seal.hpp"

namespace segcore::bind {

// A Batch of Python. The arrays are null until it is loaded.
struct BatchArrays {
    py::array run_ends = py::reinterpret_steal<py::array>(py::handle());
    py::array offsets = py::reinterpret_steal<py::array>(py::handle());
    Size size{0, 0};

    // The masks, after a check of both arrays. T is the type of run ends of this size.
    template <class T>
    BatchView<T> view() const {
        const T* values = values_of<T>(run_ends, "run_ends");
        const int64_t* starts = values_of<int64_t>(offsets, "offsets");
        return {values, starts, count_of(starts, offsets.size(), run_ends.size(), "offsets")};
    }
    // The same beside another batch of this size, a view or one that a kernel makes.
    template <template <class> class Other, class T>
    BatchView<T> view_like(const Other<T>&) const {
        return view<T>();
    }
};

inline bool is_same(Size a, Size b) { return a.height == b.height && a.width == b.width; }

inline void check_same_size(const BatchArrays& a, const BatchArrays& b) {
    if (!is_same(a.size, b.size)) throw py::value_error("expected batches of the same image size");
}

// Call body(masks) with the view of a batch.
template <class Body>
auto with_masks(const BatchArrays& batch, Body&& body) {
    return with_run_ends(batch.size, [&](auto type) { return body(batch.view<decltype(type)>()); });
}

// Call fill(batch) with an empty batch of the core; return what it is then, as a Batch of Python.
template <class Fill>
py::object make_batch(Size size, Fill&& fill) {
    return with_run_ends(size, [&](auto type) {
        Batch<decltype(type)> batch;
        fill(batch);
        return to_python(std::move(batch), size);
    });
}

}  // namespace segcore::bind

namespace pybind11::detail {

template <>
struct type_caster<segcore::bind::BatchArrays> {
    PYBIND11_TYPE_CASTER(segcore::bind::BatchArrays, const_name("segcore._batch.Batch"));

    bool load(handle batch, bool convert) {
        if (!PyTuple_Check(batch.ptr()) || PyTuple_GET_SIZE(batch.ptr()) != 4) return false;
        const auto item = [&](Py_ssize_t i) { return handle(PyTuple_GET_ITEM(batch.ptr(), i)); };
        make_caster<int64_t> height, width;
        if (!isinstance<array>(item(0)) || !isinstance<array>(item(1)) ||
            !height.load(item(2), convert) || !width.load(item(3), convert)) {
            return false;
        }
        value.run_ends = reinterpret_borrow<array>(item(0));
        value.offsets = reinterpret_borrow<array>(item(1));
        value.size = segcore::bind::size_of(cast_op<int64_t>(height), cast_op<int64_t>(width));
        return true;
    }
};

}  // namespace pybind11::detail
