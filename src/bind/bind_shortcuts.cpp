// The usual calls of the pycocotools drop-in, in one step from objects to objects: for small masks,
// everything in between would take longer than the kernels. A shortcut returns None for unusual or
// invalid arguments; segcore/compat/pycocotools/mask.py then takes the general path, which also
// raises the errors.
//
// These are plain C functions, as calling one through pybind11 takes three times as long.
#include <algorithm>
#include <cmath>
#include <new>

#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "coco_objects.h"
#include "gil.hpp"
#include "kernels_class.hpp"
#include "rle_dicts.hpp"

namespace segcore::bind {

namespace py = pybind11;

namespace {

// Releases the GIL if there is enough work to make up for it.
class Unlocked {
   public:
    explicit Unlocked(double nanoseconds) : release_(nanoseconds > 20'000) {}

   private:
    GilRelease release_;
};

struct Rles {
    Size size{0, 0};
    Batch<uint32_t> batch;
};

// Read one RLE dict. Returns false unless it is ordinary.
bool read_one(const Context& context, PyObject* object, Rles& rles) {
    RleDict dict;
    if (!dict.read(object)) return false;
    rles.size = dict.size;
    return dict.decode(context, rles.batch);
}

// Read a list of RLE dicts. Returns false unless all are ordinary.
bool read_list(const Context& context, PyObject* object, Rles& rles) {
    RleDicts dicts;
    if (!dicts.read(object)) return false;
    rles.size = dicts.size();
    const Unlocked unlocked(dicts.work());
    return dicts.decode(context, rles.batch);
}

bool read(const Context& context, PyObject* object, Rles& rles) {
    return PyDict_CheckExact(object) ? read_one(context, object, rles)
                                     : read_list(context, object, rles);
}

py::object write(const Context& context, const Batch<uint32_t>& batch, Size size, bool alone) {
    Strings<uint8_t> strings;
    {
        const Unlocked unlocked(static_cast<double>(batch.run_ends.size()) * 4);
        string_encode(context, batch.view(), size, strings);
    }
    if (!alone) return to_rle_dicts(strings, size);
    return to_rle_dict(strings.values.data(), strings.offsets[1], size);
}

// -- the shortcuts: each returns an empty object to decline ---------------------------------------

py::object encode(const Context& context, PyObject* const* args) {
    if (!py::detail::npy_api::get().PyArray_Check_(args[0])) return {};
    const auto* array = py::detail::array_proxy(args[0]);
    const int type = py::detail::array_descriptor_proxy(array->descr)->type_num;
    const bool bytes =
        type == py::detail::npy_api::NPY_UBYTE_ || type == py::detail::npy_api::NPY_BOOL_;
    if (!bytes || (array->nd != 2 && array->nd != 3) ||
        !(array->flags & py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_)) {
        return {};
    }
    const Size size = ordinary_size(array->dimensions[0], array->dimensions[1]);
    const int64_t count = array->nd == 3 ? array->dimensions[2] : 1;
    if (size.pixels() == 0 || count < 1) return {};
    Batch<uint32_t> batch;
    {
        const Unlocked unlocked(static_cast<double>(count) * static_cast<double>(size.pixels()) /
                                16);
        encode_changes(context, reinterpret_cast<const uint8_t*>(array->data), count, size, batch);
    }
    return write(context, batch, size, array->nd == 2);
}

PyObject* numpy_zeros = nullptr;  // numpy.zeros; is never freed

// An array in Fortran order; of zeros if it is large, whose pages come when they are written.
template <size_t N>
py::object new_dense(const Py_intptr_t (&shape)[N], bool large) {
    if (!large) return new_array<uint8_t>(shape);
    py::tuple sides(N);
    for (size_t i = 0; i < N; ++i) sides[i] = shape[i];
    return py::handle(numpy_zeros)(sides, "uint8", "F");
}

py::object decode(const Context& context, PyObject* const* args) {
    constexpr int64_t kLarge = 1 << 20, kMost = int64_t{1} << 40;  // bytes
    Rles rles;
    if (!read(context, args[0], rles)) return {};
    const BatchView<uint32_t> view = rles.batch.view();
    const int64_t height = rles.size.height, width = rles.size.width, pixels = rles.size.pixels();
    if (view.count > kMost / pixels) return {};
    const bool large = pixels * view.count >= kLarge;
    const py::object out = PyDict_CheckExact(args[0])
                               ? new_dense({height, width}, large)
                               : new_dense({height, width, view.count}, large);
    const Unlocked unlocked(static_cast<double>(pixels * view.count) / 8);
    segcore::decode(
        context, view,
        {data_of<uint8_t>(out), view.count, rles.size, {pixels, 1, height}, 1, 1, large});
    return out;
}

py::object area(const Context& context, PyObject* const* args) {
    Rles rles;
    if (!read(context, args[0], rles)) return {};
    const BatchView<uint32_t> view = rles.batch.view();
    if (PyDict_CheckExact(args[0])) {
        int64_t alone = 0;
        segcore::area(context, view, rles.size, &alone);
        return py::cast(py::make_scalar(static_cast<uint32_t>(alone)));
    }
    Buffer<int64_t> areas(static_cast<size_t>(view.count));
    segcore::area(context, view, rles.size, areas.data());
    const py::object out = new_array<uint32_t>({view.count});
    std::copy_n(areas.data(), areas.size(), data_of<uint32_t>(out));
    return out;
}

py::object to_bbox(const Context& context, PyObject* const* args) {
    Rles rles;
    if (!read(context, args[0], rles)) return {};
    const BatchView<uint32_t> view = rles.batch.view();
    Buffer<int64_t> corners(static_cast<size_t>(view.count) * 4);
    boxes(context, view, rles.size, corners.data());
    // In C order, four values per mask, as pycocotools returns it.
    py::object out = PyDict_CheckExact(args[0]) ? new_array<double>({4})
                                                : py::array_t<double>({view.count, int64_t{4}});
    double* to = data_of<double>(out);
    for (int64_t* box = corners.data(); box < corners.data() + corners.size(); box += 4, to += 4) {
        to[0] = static_cast<double>(box[0]);
        to[1] = static_cast<double>(box[1]);
        to[2] = static_cast<double>(box[2] - box[0]);
        to[3] = static_cast<double>(box[3] - box[1]);
    }
    return out;
}

py::object merge(const Context& context, PyObject* const* args) {
    if (!PyBool_Check(args[1]) && !PyLong_CheckExact(args[1])) return {};
    const bool intersect = PyObject_IsTrue(args[1]);
    RleDicts dicts;
    if (!dicts.read(args[0])) return {};
    Batch<uint32_t> batch, merged;
    {
        const Unlocked unlocked(dicts.work());
        if (!dicts.decode(context, batch)) return {};
        // If runs of length zero were removed, the general path determines which of them to
        // restore.
        const BatchView<uint32_t> view = batch.view();
        if (dicts.count_runs() != view.total() + view.count) return {};
        reduce(context, view, dicts.size(), intersect ? kAnd : kOr, merged);
    }
    return write(context, merged, dicts.size(), true);
}

// Read the crowd flags: a list of ints, one per ground truth.
bool read_crowds(PyObject* list, int64_t count, Buffer<uint8_t>& crowds) {
    if (!PyList_CheckExact(list) || PyList_GET_SIZE(list) != count) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        check_signals(i);
        int64_t value = 0;
        if (!segcore_read_int_item(list, i, &value) || value < 0 || value > 255) return false;
        crowds.push_back(value != 0);
    }
    return true;
}

py::object mask_iou(const Context& context, PyObject* const* args) {
    Rles detections, truths;
    Buffer<uint8_t> crowds;
    if (!read_list(context, args[0], detections) || !read_list(context, args[1], truths) ||
        detections.size.height != truths.size.height ||
        detections.size.width != truths.size.width ||
        !read_crowds(args[2], truths.batch.view().count, crowds)) {
        return {};
    }
    const BatchView<uint32_t> dt = detections.batch.view(), gt = truths.batch.view();
    const py::object out = new_array<double>({dt.count, gt.count});
    double* ratio = data_of<double>(out);
    const Unlocked unlocked(static_cast<double>(dt.count * gt.count) * 100);
    Buffer<double> ratios(static_cast<size_t>(dt.count * gt.count));  // in C order
    // Crowd flags are Divisors: 1 is the area of the detection.
    overlap_ratios(context, dt, gt, detections.size, ratios.data(), {0, crowds.data()});
    for (int64_t g = 0; g < gt.count; ++g) {
        context.poll();
        const double* from = ratios.data() + g;
        for (int64_t d = 0; d < dt.count; ++d, from += gt.count) *ratio++ = *from;
    }
    return out;
}

// Append the first `length` items of a list. Returns false unless all are finite numbers.
bool read_numbers(PyObject* list, Py_ssize_t length, Buffer<double>& numbers) {
    double* const to = numbers.grow(static_cast<size_t>(length));
    const int done = segcore_read_numbers(list, length, to);
    if (done < 0) throw py::error_already_set();
    numbers.resize(numbers.size() + static_cast<size_t>(length));
    return done &&
           std::all_of(to, to + length, [](double number) { return std::isfinite(number); });
}

// A new reference to item i of a list, or an empty object if it has become shorter.
py::object item_of(PyObject* list, Py_ssize_t i) {
    return py::reinterpret_steal<py::object>(segcore_item(list, i));
}

// Read a list of boxes x y width height. Returns false for anything else.
bool read_boxes(PyObject* list, Buffer<double>& boxes) {
    if (!PyList_CheckExact(list)) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
        check_signals(i);
        const py::object box = item_of(list, i);
        if (!box || !PyList_CheckExact(box.ptr()) || PyList_GET_SIZE(box.ptr()) != 4 ||
            !read_numbers(box.ptr(), 4, boxes)) {
            return false;
        }
    }
    return boxes.size() > 0;
}

// The IoU of boxes, of which _box_iou in segcore/compat/_functions.py is the definition. COCO's
// evaluation calls it per image and category with a few boxes, for which this takes a hundredth of
// the time of NumPy's functions.
double common_length(const double* a, const double* b) {
    return std::min(a[2] + a[0], b[2] + b[0]) - std::max(a[0], b[0]);
}

py::object box_iou(const Context& context, PyObject* const* args) {
    Buffer<double> detections, truths;
    if (!read_boxes(args[0], detections) || !read_boxes(args[1], truths)) return {};
    const size_t m = detections.size() / 4, n = truths.size() / 4;
    Buffer<uint8_t> crowds;
    if (!read_crowds(args[2], static_cast<int64_t>(n), crowds)) return {};
    const py::object out =
        new_array<double>({static_cast<Py_ssize_t>(m), static_cast<Py_ssize_t>(n)});
    double* ratio = data_of<double>(out);
    const Unlocked unlocked(static_cast<double>(m * n) * 2);
    for (size_t g = 0; g < n; ++g) {
        context.poll();
        const double* gt = truths.data() + 4 * g;
        for (size_t d = 0; d < m; ++d, ++ratio) {
            const double* dt = detections.data() + 4 * d;
            const double width = common_length(dt, gt), height = common_length(dt + 1, gt + 1);
            const double common = width * height, area = dt[2] * dt[3];
            const double divisor = crowds[g] ? area : area + gt[2] * gt[3] - common;
            *ratio = width > 0 && height > 0 ? common / divisor : 0;
        }
    }
    return out;
}

// Without detections or without ground truths there are no ratios, if the rest is ordinary.
py::object iou_of_nothing(PyObject* const* args) {
    PyObject* const rest = PyList_GET_SIZE(args[0]) ? args[0] : args[1];
    RleDicts dicts;
    Buffer<double> boxes;
    Buffer<uint8_t> crowds;
    const bool ordinary = PyList_GET_SIZE(rest) == 0 || dicts.read(rest) || read_boxes(rest, boxes);
    if (!ordinary || !read_crowds(args[2], PyList_GET_SIZE(args[1]), crowds)) return {};
    return py::list();
}

py::object iou(const Context& context, PyObject* const* args) {
    if (!PyList_CheckExact(args[0]) || !PyList_CheckExact(args[1])) return {};
    const py::object first = item_of(args[0], 0);
    if (!first || PyList_GET_SIZE(args[1]) == 0) return iou_of_nothing(args);
    return PyDict_CheckExact(first.ptr()) ? mask_iou(context, args) : box_iou(context, args);
}

// Append a ring. Returns false for anything else.
bool read_ring(PyObject* ring, Buffer<double>& coordinates) {
    return PyList_CheckExact(ring) && PyList_GET_SIZE(ring) >= 6 &&
           PyList_GET_SIZE(ring) % 2 == 0 && read_numbers(ring, PyList_GET_SIZE(ring), coordinates);
}

py::object from_polygons(const Context& context, PyObject* const* args) {
    int64_t height = 0, width = 0;
    if (!PyList_CheckExact(args[0]) || PyList_GET_SIZE(args[0]) == 0 ||
        !segcore_read_int(args[1], &height) || !segcore_read_int(args[2], &width)) {
        return {};
    }
    const Size size = ordinary_size(height, width);
    if (size.pixels() == 0) return {};
    Buffer<double> coordinates;
    Buffer<int64_t> ring_offsets, mask_offsets;
    ring_offsets.push_back(0);
    mask_offsets.push_back(0);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(args[0]); ++i) {
        check_signals(i);
        const py::object ring = item_of(args[0], i);
        if (!ring || !read_ring(ring.ptr(), coordinates)) return {};
        ring_offsets.push_back(static_cast<int64_t>(coordinates.size() / 2));
        mask_offsets.push_back(i + 1);
    }
    const int64_t count = static_cast<int64_t>(mask_offsets.size()) - 1;
    Batch<uint32_t> batch;
    {
        const Unlocked unlocked(static_cast<double>(coordinates.size()) * 50);
        if (!rasterize_polygons(context, coordinates.data(), ring_offsets.data(),
                                mask_offsets.data(), count, size, batch)
                 .ok()) {
            return {};
        }
    }
    return write(context, batch, size, false);
}

// -- as C functions, which have the instruction set as their `self` -------------------------------

using Shortcut = py::object (*)(const Context&, PyObject* const*);

template <Shortcut shortcut, Py_ssize_t arity>
PyObject* call(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    try {
        if (count != arity) throw py::type_error("wrong number of arguments");
        const auto* table = static_cast<const simd::Table*>(PyCapsule_GetPointer(self, nullptr));
        Signals signals;
        const Context context{*table, num_threads(), signals.for_this_thread()};
        py::object result = shortcut(context, args);
        if (!result && !PyErr_Occurred()) Py_RETURN_NONE;
        return result.release().ptr();
    } catch (py::error_already_set& error) {
        if (error.matches(PyExc_MemoryError)) Py_RETURN_NONE;
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const Interrupted&) {
        // A signal's handler has raised an exception.
    } catch (const std::bad_alloc&) {
        if (!PyErr_Occurred()) Py_RETURN_NONE;
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

template <Shortcut shortcut, Py_ssize_t arity>
PyMethodDef definition(const char* name) {
    return {name,
            reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call<shortcut, arity>)),
            METH_FASTCALL, nullptr};
}

py::dict shortcuts(const Kernels& kernels) {
    static PyMethodDef definitions[] = {
        definition<encode, 1>("encode"),
        definition<decode, 1>("decode"),
        definition<area, 1>("area"),
        definition<to_bbox, 1>("toBbox"),
        definition<merge, 2>("merge"),
        definition<iou, 3>("iou"),
        definition<from_polygons, 3>("frPyObjects"),
    };
    const py::capsule table(&kernels.simd());
    py::dict functions;
    for (PyMethodDef& each : definitions) {
        functions[each.ml_name] =
            py::reinterpret_steal<py::object>(PyCFunction_New(&each, table.ptr()));
    }
    return functions;
}

}  // namespace

void register_shortcuts(KernelsClass& c) {
    numpy_zeros = py::object(py::module_::import("numpy").attr("zeros")).release().ptr();
    c.def("shortcuts", &shortcuts);
}

}  // namespace segcore::bind
