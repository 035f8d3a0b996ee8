// paint, label_runs.
#include <pybind11/stl.h>

#include <optional>

#include "../core/bits.hpp"
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"
#include "labels.hpp"

namespace segcore::bind {

namespace {

template <class Value>
void swap_all(Buffer<uint8_t>& values) {
    for (size_t i = 0; i + sizeof(Value) <= values.size(); i += sizeof(Value)) {
        Value value;
        std::memcpy(&value, &values[i], sizeof(Value));
        value = static_cast<Value>(swap_bytes(value, static_cast<int>(sizeof(Value))));
        std::memcpy(&values[i], &value, sizeof(Value));
    }
}

// The values, in the byte order of the array that they are painted into.
Buffer<uint8_t> values_for(const py::array& out, const py::array& values) {
    Buffer<uint8_t> bytes;
    bytes.append(static_cast<const uint8_t*>(values.data()), static_cast<size_t>(values.nbytes()));
    if (is_native(out.dtype())) return bytes;
    switch (out.itemsize()) {
        case 2:
            swap_all<uint16_t>(bytes);
            break;
        case 4:
            swap_all<uint32_t>(bytes);
            break;
        case 8:
            swap_all<uint64_t>(bytes);
            break;
        default:
            break;
    }
    return bytes;
}

// The bits of `number` in an integer of `width` bytes; false where it does not fit.
bool bits_of(const py::int_& number, py::ssize_t width, bool is_signed, uint64_t& bits) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    const uint64_t mask = width == 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * width) - 1;
    if (is_signed) {
        const int64_t limit = static_cast<int64_t>(mask >> 1);
        if (overflow || value > limit || value < -limit - 1) return false;
        bits = static_cast<uint64_t>(value) & mask;
        return true;
    }
    if (overflow < 0 || (!overflow && value < 0)) return false;
    bits = PyLong_AsUnsignedLongLong(number.ptr());
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return bits <= mask;
}

// What the kernel relies on: one value per mask, and indices of masks.
void check_painting(const py::array& order, const py::array& values, const py::array& out,
                    int64_t count) {
    if (values.ndim() != 1 || values.size() != count || values.itemsize() != out.itemsize() ||
        !(values.flags() & py::array::c_style)) {
        refuse("values", "one value per mask, of the dtype of out");
    }
    const int64_t* indices = values_of<int64_t>(order, "order");
    for (py::ssize_t i = 0; i < order.size(); ++i) {
        if (indices[i] < 0 || indices[i] >= count) {
            throw py::index_error("order: expected indices of masks");
        }
    }
}

void paint(const Kernels& kernels, const BatchArrays& batch, const py::array& order,
           const py::array& values, py::array out) {
    check_labels(out, "out");
    const LabelOutput view{static_cast<uint8_t*>(out.mutable_data()),
                           size_of(out.shape(0), out.shape(1)),
                           {out.strides(0), out.strides(1)},
                           static_cast<int>(out.itemsize())};
    const int64_t* indices = values_of<int64_t>(order, "order");
    if (!is_same(view.size, batch.size)) refuse("out", "an array of the size of the batch");
    with_masks(batch, [&](auto masks) {
        check_painting(order, values, out, masks.count);
        const Buffer<uint8_t> bytes = values_for(out, values);
        kernels.without_gil([&](const Context& context) {
            segcore::paint(context, masks, indices, order.size(), bytes.data(), view);
        });
    });
}

py::tuple label_runs(const Kernels& kernels, const py::array& labels,
                     const std::optional<py::int_>& background) {
    const LabelView view = label_view(labels, "labels");
    Labels wanted{false, 0};
    if (background) {
        wanted.has_background =
            bits_of(*background, labels.itemsize(), view.is_signed, wanted.background);
    }
    Buffer<uint64_t> ids;
    py::object masks = make_batch(view.size, [&](auto& batch) {
        kernels.without_gil([&](const Context& context) {
            segcore::label_runs(context, view, wanted, ids, batch);
        });
    });
    return py::make_tuple(labels_array(ids, labels.dtype()), std::move(masks));
}

}  // namespace

void register_labels(KernelsClass& c) {
    c.def("paint", &paint, py::arg("batch"), py::arg("order"), py::arg("values"), py::arg("out"));
    c.def("label_runs", &label_runs, py::arg("labels"), py::arg("background"));
}

}  // namespace segcore::bind
