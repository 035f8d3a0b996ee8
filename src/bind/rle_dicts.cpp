#include "rle_dicts.hpp"

#include "../core/kernels.hpp"
#include "coco_objects.h"
#include "signals.hpp"

namespace segcore::bind {

namespace py = pybind11;

namespace {

constexpr int64_t kMaxPixels = (int64_t{1} << 32) - 1;

// Interned and never freed: a dict finds such keys by their address.
PyObject* key(const char* name) { return PyUnicode_InternFromString(name); }
PyObject* size_key() {
    static PyObject* const interned = key("size");
    return interned;
}
PyObject* counts_key() {
    static PyObject* const interned = key("counts");
    return interned;
}

}  // namespace

Size ordinary_size(int64_t height, int64_t width) {
    if (height < 1 || width < 1 || height > kMaxPixels / width) return {0, 0};
    return {height, width};
}

bool RleDict::read(PyObject* dict) {
    SegcoreRle rle;
    if (!PyDict_CheckExact(dict) || !segcore_read_rle(dict, size_key(), counts_key(), &rle)) {
        return false;
    }
    counts = py::reinterpret_steal<py::object>(rle.counts);
    size = ordinary_size(rle.height, rle.width);
    string = reinterpret_cast<const uint8_t*>(rle.string);
    length = rle.length;
    return string && size.pixels() != 0;
}

bool RleDict::decode(const Context& context, Batch<uint32_t>& batch) const {
    const int64_t offsets[2] = {0, length};
    return string_decode(context, string, offsets, 1, size, batch).ok();
}

bool RleDicts::read(PyObject* list) {
    if (!PyList_CheckExact(list)) return false;
    const size_t count = static_cast<size_t>(PyList_GET_SIZE(list));
    offsets_.grow(count + 1);
    characters_.grow(256 * count);  // a guess
    offsets_.push_back(0);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
        check_signals(i);
        const auto rle = py::reinterpret_steal<py::object>(segcore_item(list, i));
        if (!rle || !add(rle.ptr())) return false;
    }
    return offsets_.size() > 1;
}

bool RleDicts::add(PyObject* rle) {
    RleDict dict;
    if (!dict.read(rle)) return false;
    if (offsets_.size() == 1) size_ = dict.size;
    if (dict.size.height != size_.height || dict.size.width != size_.width) return false;
    characters_.append(dict.string, static_cast<size_t>(dict.length));
    offsets_.push_back(static_cast<int64_t>(characters_.size()));
    return true;
}

bool RleDicts::decode(const Context& context, Batch<uint32_t>& batch) const {
    const int64_t count = static_cast<int64_t>(offsets_.size()) - 1;
    return string_decode(context, characters_.data(), offsets_.data(), count, size_, batch).ok();
}

int64_t RleDicts::count_runs() const {
    // Each run has one character that is not followed by another one of its count.
    int64_t runs = 0;
    for (size_t i = 0; i < characters_.size(); ++i) runs += characters_[i] < 48 + 32;
    return runs;
}

py::object to_rle_dict(const uint8_t* string, int64_t length, Size size) {
    auto take = [](PyObject* made) {
        if (!made) throw py::error_already_set();
        return py::reinterpret_steal<py::object>(made);
    };
    const py::object dict = take(PyDict_New());
    const py::object pair = take(PyList_New(2));
    PyList_SET_ITEM(pair.ptr(), 0, take(PyLong_FromLongLong(size.height)).release().ptr());
    PyList_SET_ITEM(pair.ptr(), 1, take(PyLong_FromLongLong(size.width)).release().ptr());
    const py::object counts = take(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(string),
                                                             static_cast<Py_ssize_t>(length)));
    if (PyDict_SetItem(dict.ptr(), size_key(), pair.ptr()) < 0 ||
        PyDict_SetItem(dict.ptr(), counts_key(), counts.ptr()) < 0) {
        throw py::error_already_set();
    }
    return dict;
}

py::list to_rle_dicts(const Strings<uint8_t>& strings, Size size) {
    const size_t count = strings.offsets.size() - 1;
    py::list dicts(count);
    for (size_t i = 0; i < count; ++i) {
        check_signals(static_cast<Py_ssize_t>(i));
        const int64_t start = strings.offsets[i];
        dicts[i] = to_rle_dict(strings.values.data() + start, strings.offsets[i + 1] - start, size);
    }
    return dicts;
}

}  // namespace segcore::bind
