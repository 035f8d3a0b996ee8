# cython: language_level=3, boundscheck=False, wraparound=False, freethreading_compatible=True
"""Convert COCO objects to flat buffers and back. Compiled twin of ``_coco_python.py``.

This module only loops over Python objects. It reads the common forms of objects. All other forms,
and all errors, are delegated to the functions of the Python twin, so that both behave the same.
"""

from cpython cimport array
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_FORMAT,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

from numpy import ndarray as _ndarray

from segcore.formats._coco_python import COUNTS as _COUNTS
from segcore.formats._coco_python import POLYGON as _POLYGON
from segcore.formats._coco_python import STRING as _STRING
from segcore.formats._coco_python import Flat, read_object, read_polygon

cdef extern from "Python.h":
    str PyUnicode_DecodeASCII(const char*, Py_ssize_t, const char*)
    int PyByteArray_Resize(object, Py_ssize_t) except -1
    char* PyByteArray_AS_STRING(object)
    Py_ssize_t PyByteArray_GET_SIZE(object)

cdef extern from "bind/coco_objects.h":
    ctypedef struct Rle "SegcoreRle":
        int64_t height, width
        PyObject* counts
        const char* string
        Py_ssize_t length

    bint read_rle "segcore_read_rle"(dict, str, str, Rle*)
    bint read_int_item "segcore_read_int_item"(list, Py_ssize_t, int64_t*)
    int read_numbers "segcore_read_numbers"(list, Py_ssize_t, double*) except -1

cdef int STRING = _STRING, COUNTS = _COUNTS, POLYGON = _POLYGON
cdef object ndarray = _ndarray

ctypedef fused Number:
    int
    long
    long long
    float
    double


cdef inline int check_signals(Py_ssize_t step) except -1:
    """Let Ctrl-C interrupt a long loop. Called at every step."""
    return PyErr_CheckSignals() if step % 65536 == 0 else 0


cdef inline void convert(const Number* numbers, double* to, Py_ssize_t n) noexcept:
    cdef Py_ssize_t i
    for i in range(n):
        to[i] = <double>numbers[i]


cdef void convert_view(Py_buffer* view, double* to, Py_ssize_t n) noexcept:
    """Convert aligned numbers of one of the formats ``dfilq`` to doubles."""
    cdef char kind = view.format[0]
    if kind == b"d":
        convert(<const double*>view.buf, to, n)
    elif kind == b"f":
        convert(<const float*>view.buf, to, n)
    elif kind == b"i":
        convert(<const int*>view.buf, to, n)
    elif kind == b"l":
        convert(<const long*>view.buf, to, n)
    else:
        convert(<const long long*>view.buf, to, n)


cdef inline bint has_points(Py_buffer* view) noexcept:
    """Return whether an array has the shape (K, 2), or (K, 1, 2) as in OpenCV."""
    if view.ndim == 3:
        return view.shape[1] == 1 and view.shape[2] == 2
    return view.ndim == 2 and view.shape[1] == 2


cdef class _Appender:
    """Appends whole objects to the buffers of a Flat, whose memory grows geometrically."""

    cdef object flat
    cdef bytearray kinds, characters
    cdef array.array sizes, lengths, runs, ring_lengths, coordinates

    def __cinit__(self, flat):
        self.flat = flat
        self.kinds = flat.kinds
        self.characters = flat.characters
        self.sizes = flat.sizes
        self.lengths = flat.lengths
        self.runs = flat.runs
        self.ring_lengths = flat.ring_lengths
        self.coordinates = flat.coordinates

    cdef int append_head(self, int kind, int64_t height, int64_t width, int64_t length) except -1:
        cdef Py_ssize_t n = PyByteArray_GET_SIZE(self.kinds)
        PyByteArray_Resize(self.kinds, n + 1)
        PyByteArray_AS_STRING(self.kinds)[n] = kind
        array.resize_smart(self.lengths, n + 1)
        self.lengths.data.as_longlongs[n] = length
        array.resize_smart(self.sizes, 2 * n + 2)
        self.sizes.data.as_longlongs[2 * n] = height
        self.sizes.data.as_longlongs[2 * n + 1] = width
        return 0

    cdef bint append_rle(self, dict rle) except -1:
        """Append an RLE of a common form. For other forms, return False and append nothing."""
        cdef Rle read
        if not read_rle(rle, "size", "counts", &read):
            return False
        counts = <object>read.counts
        Py_DECREF(counts)  # which has a reference of its own now
        if read.string:
            self.append_characters(read.string, read.length)
            self.append_head(STRING, read.height, read.width, read.length)
        elif self.append_runs(<list>counts, read.length):
            self.append_head(COUNTS, read.height, read.width, read.length)
        else:
            return False
        return True

    cdef int append_characters(self, const char* characters, Py_ssize_t n) except -1:
        cdef Py_ssize_t start = PyByteArray_GET_SIZE(self.characters)
        PyByteArray_Resize(self.characters, start + n)
        memcpy(PyByteArray_AS_STRING(self.characters) + start, characters, n)
        return 0

    cdef bint append_runs(self, list counts, Py_ssize_t n) except -1:
        cdef Py_ssize_t start = len(self.runs), i
        array.resize_smart(self.runs, start + n)
        cdef int64_t* runs = <int64_t*>self.runs.data.as_longlongs + start
        for i in range(n):
            check_signals(i)
            if not read_int_item(counts, i, &runs[i]):
                array.resize_smart(self.runs, start)
                return False
        return True

    cdef bint append_polygon(self, polygon) except -1:
        """Append a ring or a list of rings. For other forms, return False and append nothing.

        If the first ring has fewer than three points, the polygon is delegated to the Python twin,
        which handles boxes and errors.
        """
        if type(polygon) is list:
            return self.append_rings(<list>polygon)
        if type(polygon) is not ndarray or not self.append_array(polygon, 6):
            return False
        self.append_head(POLYGON, -1, -1, 1)
        return True

    cdef bint append_rings(self, list polygon) except -1:
        cdef Py_ssize_t start = len(self.coordinates)
        cdef Py_ssize_t first_ring = len(self.ring_lengths)
        cdef Py_ssize_t rings = 0
        cdef bint done
        for ring in polygon:
            check_signals(rings)
            if type(ring) is list:
                done = self.append_ring(<list>ring, rings == 0)
            else:
                done = type(ring) is ndarray and self.append_array(ring, 2 if rings else 6)
            if not done:
                array.resize_smart(self.coordinates, start)
                array.resize_smart(self.ring_lengths, first_ring)
                return False
            rings += 1
        self.append_head(POLYGON, -1, -1, rings)
        return True

    cdef bint append_ring(self, list ring, bint is_first) except -1:
        cdef Py_ssize_t n = len(ring), start = len(self.coordinates)
        if n % 2 or (is_first and n < 6):
            return False
        array.resize_smart(self.coordinates, start + n)
        if not read_numbers(ring, n, self.coordinates.data.as_doubles + start):
            return False
        self.append_ring_length(n // 2)
        return True

    cdef bint append_array(self, ring, Py_ssize_t least) except -1:
        """Append an array of points or of at least ``least`` numbers, or return False as above."""
        cdef Py_buffer view
        try:
            PyObject_GetBuffer(ring, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)
        except (BufferError, ValueError):
            return False  # not contiguous, or a dtype that buffers do not support
        try:
            return self.append_view(&view, least)
        finally:
            PyBuffer_Release(&view)

    cdef bint append_view(self, Py_buffer* view, Py_ssize_t least) except -1:
        if view.format[0] not in b"dfilq" or view.format[1] != 0:
            return False
        if <uintptr_t>view.buf % view.itemsize:
            return False  # not aligned
        cdef Py_ssize_t start = len(self.coordinates), n = view.len // view.itemsize
        if view.ndim == 1:
            if n % 2 or n < least:
                return False
        elif n < least or not has_points(view):
            return False
        array.resize_smart(self.coordinates, start + n)
        convert_view(view, self.coordinates.data.as_doubles + start, n)
        self.append_ring_length(n // 2)
        return True

    cdef int append_ring_length(self, Py_ssize_t points) except -1:
        cdef Py_ssize_t rings = len(self.ring_lengths)
        array.resize_smart(self.ring_lengths, rings + 1)
        self.ring_lengths.data.as_longlongs[rings] = points
        return 0


def read_objects(list objects):
    """Convert RLE dicts, polygons and annotation dicts to flat buffers."""
    flat = Flat()
    cdef _Appender to = _Appender(flat)
    cdef Py_ssize_t index = 0
    for item in objects:
        check_signals(index)
        segmentation = item
        if type(item) is dict:
            segmentation = (<dict>item).get("segmentation", item)
        if type(segmentation) is dict:
            if not to.append_rle(<dict>segmentation):
                read_object(flat, index, item)
        elif not to.append_polygon(segmentation):
            read_object(flat, index, item)
        index += 1
    return flat


def read_polygons(list polygons):
    """Convert polygons to flat buffers."""
    flat = Flat()
    cdef _Appender to = _Appender(flat)
    cdef Py_ssize_t index = 0
    for polygon in polygons:
        check_signals(index)
        if not to.append_polygon(polygon):
            read_polygon(flat, index, polygon)
        index += 1
    return flat


def write_strings(const unsigned char[::1] characters, const int64_t[::1] offsets, height, width):
    """Convert concatenated compressed strings to RLE dicts."""
    cdef Py_ssize_t i, n = offsets.shape[0] - 1
    cdef const char* text = ""
    if characters.shape[0]:
        text = <const char*>&characters[0]
    cdef list rles = []
    for i in range(n):
        check_signals(i)
        counts = PyUnicode_DecodeASCII(text + offsets[i], offsets[i + 1] - offsets[i], NULL)
        rles.append({"size": [height, width], "counts": counts})
    return rles


def write_counts(counts, const int64_t[::1] offsets, height, width):
    """Convert concatenated run lengths to RLE dicts."""
    cdef list runs = counts.tolist()
    cdef Py_ssize_t i, n = offsets.shape[0] - 1
    cdef list rles = []
    for i in range(n):
        check_signals(i)
        rles.append({"size": [height, width], "counts": runs[offsets[i] : offsets[i + 1]]})
    return rles
