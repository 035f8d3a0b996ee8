#include "rle_dicts.hpp"

#include "../core/kernels.hpp"
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

// The size of an ordinary RLE, or a size without pixels if it has none.
Size read_size(PyObject* pair) {
    if (!pair || !PyList_CheckExact(pair) || PyList_GET_SIZE(pair) != 2) return {0, 0};
    const int64_t height = small_int(item_of(pair, Py_ssize_t{0}).ptr(), kMaxPixels);
    const int64_t width = small_int(item_of(pair, Py_ssize_t{1}).ptr(), kMaxPixels);
    return ordinary_size(height, width);
}

}  // namespace

py::object item_of(PyObject* dict, PyObject* key) {
#if PY_VERSION_HEX >= 0x030d0000
    PyObject* item = nullptr;
    PyDict_GetItemRef(dict, key, &item);
#else
    PyObject* item = PyDict_GetItemWithError(dict, key);
    Py_XINCREF(item);
#endif
    if (!item) PyErr_Clear();
    return py::reinterpret_steal<py::object>(item);
}

py::object item_of(PyObject* list, Py_ssize_t i) {
#if PY_VERSION_HEX >= 0x030d0000
    PyObject* item = PyList_GetItemRef(list, i);
    if (!item) PyErr_Clear();
#else
    PyObject* item = i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : nullptr;
    Py_XINCREF(item);
#endif
    return py::reinterpret_steal<py::object>(item);
}

Size ordinary_size(int64_t height, int64_t width) {
    if (height < 1 || width < 1 || height > kMaxPixels / width) return {0, 0};
    return {height, width};
}

int64_t small_int(PyObject* object, int64_t most) {
    if (!object || !PyLong_CheckExact(object)) return -1;
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    return overflow || value < 0 || value > most ? -1 : value;
}

bool RleDict::read(PyObject* rle) {
    if (!PyDict_CheckExact(rle)) return false;
    size = read_size(item_of(rle, size_key()).ptr());
    if (size.pixels() == 0) return false;
    counts = item_of(rle, counts_key());
    if (!counts) return false;
    PyObject* const text = counts.ptr();
    const void* start = nullptr;
    if (PyBytes_CheckExact(text)) {
        start = PyBytes_AS_STRING(text);
        length = PyBytes_GET_SIZE(text);
    } else if (PyUnicode_CheckExact(text) && PyUnicode_IS_ASCII(text)) {
        start = PyUnicode_DATA(text);
        length = PyUnicode_GET_LENGTH(text);
    } else {
        return false;
    }
    string = static_cast<const uint8_t*>(start);
    return true;
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
        const py::object rle = item_of(list, i);
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
