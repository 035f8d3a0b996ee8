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
from libc.math cimport NAN
from libc.stdint cimport int64_t, uint8_t, uintptr_t
from libc.string cimport memcmp, memcpy

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
    bint read_int "segcore_read_int"(object, int64_t*)
    bint read_int_item "segcore_read_int_item"(list, Py_ssize_t, int64_t*)
    bint read_exact "segcore_read_exact"(list, Py_ssize_t, double*, uint8_t*)
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


# -- buffers --------------------------------------------------------------------------------------


cdef inline int append_integer(array.array to, int64_t value) except -1:
    cdef Py_ssize_t n = len(to)
    array.resize_smart(to, n + 1)
    to.data.as_longlongs[n] = value
    return 0


cdef inline int append_number(array.array to, double value) except -1:
    cdef Py_ssize_t n = len(to)
    array.resize_smart(to, n + 1)
    to.data.as_doubles[n] = value
    return 0


cdef inline int append_bytes(bytearray to, const void* values, Py_ssize_t n) except -1:
    cdef Py_ssize_t start = PyByteArray_GET_SIZE(to)
    PyByteArray_Resize(to, start + n)
    memcpy(PyByteArray_AS_STRING(to) + start, values, n)
    return 0


cdef inline int append_byte(bytearray to, uint8_t value) except -1:
    return append_bytes(to, &value, 1)


# -- objects --------------------------------------------------------------------------------------


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
        append_byte(self.kinds, kind)
        append_integer(self.sizes, height)
        append_integer(self.sizes, width)
        return append_integer(self.lengths, length)

    cdef bint append_rle(self, dict rle) except -1:
        """Append an RLE of a common form. For other forms, return False and append nothing."""
        cdef Rle read
        if not read_rle(rle, "size", "counts", &read):
            return False
        counts = <object>read.counts
        Py_DECREF(counts)  # which has a reference of its own now
        if read.string:
            append_bytes(self.characters, read.string, read.length)
            self.append_head(STRING, read.height, read.width, read.length)
        elif self.append_runs(<list>counts, read.length):
            self.append_head(COUNTS, read.height, read.width, read.length)
        else:
            return False
        return True

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
        append_integer(self.ring_lengths, n // 2)
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
        append_integer(self.ring_lengths, n // 2)
        return True


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


# -- rows of tables -------------------------------------------------------------------------------

cdef enum:
    # Forms of values, as in src/json/table.hpp.
    PLAIN = 0
    FRACTION = 1
    SIZE_FIRST = 1
    COUNTS_FIRST = 2
    UNKNOWN = 0xFF  # as the index of a column: another member
    UNCOMMON = -2  # none: nothing was appended

cdef enum:
    RLE_STRING = 1  # kinds of segmentations
    RLE_COUNTS = 2
    RINGS = 3

cdef int64_t MOST = <int64_t>1 << 62  # of integers
cdef int64_t MOST_EXACT = <int64_t>1 << 53  # that a double holds exactly
cdef int64_t MOST_SIDE = (<int64_t>1 << 31) - 1


cdef class _Column:
    """Appends values of common forms to a column of an ``ObjectTable``; this one, none."""

    cdef object twin
    cdef Py_ssize_t filled  # rows; the last ones, which do not have the member, may be left out

    def __cinit__(self, twin):
        self.twin = twin

    cdef int fill(self, Py_ssize_t rows) except -1:
        """Append missing values up to this number of rows."""
        while self.filled < rows:
            self.append_missing()
            self.filled += 1
        return 0

    cdef int append(self, value) except -1:
        """Append a value and return its form, or return UNCOMMON and append nothing."""
        return UNCOMMON

    cdef int append_missing(self) except -1:
        self.twin.append_missing()
        return 0


cdef class _Integers(_Column):
    cdef array.array values

    def __cinit__(self, twin):
        self.values = twin.values

    cdef int append(self, value) except -1:
        cdef int64_t integer
        if not read_int(value, &integer) or not -MOST <= integer <= MOST:
            return UNCOMMON
        append_integer(self.values, integer)
        return PLAIN

    cdef int append_missing(self) except -1:
        return append_integer(self.values, 0)


cdef class _Numbers(_Column):
    cdef array.array values

    def __cinit__(self, twin):
        self.values = twin.values

    cdef int append(self, value) except -1:
        cdef int64_t integer
        if type(value) is float:
            append_number(self.values, <double>value)
            return FRACTION
        if not read_int(value, &integer) or not -MOST_EXACT <= integer <= MOST_EXACT:
            return UNCOMMON
        append_number(self.values, <double>integer)
        return PLAIN

    cdef int append_missing(self) except -1:
        return append_number(self.values, NAN)


cdef class _Boxes(_Column):
    cdef array.array values

    def __cinit__(self, twin):
        self.values = twin.values

    cdef int append(self, value) except -1:
        cdef double[4] numbers
        cdef uint8_t is_integer
        cdef int i, form = 0
        if type(value) is not list or len(<list>value) != 4:
            return UNCOMMON
        for i in range(4):
            if not read_exact(<list>value, i, &numbers[i], &is_integer):
                return UNCOMMON
            form |= is_integer << i
        for i in range(4):
            append_number(self.values, numbers[i])
        return form

    cdef int append_missing(self) except -1:
        for _ in range(4):
            append_number(self.values, NAN)
        return 0


cdef class _Segmentations(_Column):
    cdef bytearray kinds, characters, is_integer
    cdef array.array heights, widths, starts, lengths, runs, ring_ends, coordinates

    def __cinit__(self, twin):
        self.kinds = twin.kinds
        self.characters = twin.characters
        self.is_integer = twin.is_integer
        self.heights = twin.heights
        self.widths = twin.widths
        self.starts = twin.starts
        self.lengths = twin.lengths
        self.runs = twin.runs
        self.ring_ends = twin.ring_ends
        self.coordinates = twin.coordinates

    cdef int append(self, value) except -1:
        if type(value) is dict:
            return self.append_rle(<dict>value)
        return self.append_rings(<list>value) if type(value) is list else UNCOMMON

    cdef int append_missing(self) except -1:
        return self.append_head(0, 0, 0, 0, 0)

    cdef int append_head(
        self, int kind, int64_t height, int64_t width, int64_t start, int64_t length
    ) except -1:
        append_byte(self.kinds, kind)
        append_integer(self.heights, height)
        append_integer(self.widths, width)
        append_integer(self.starts, start)
        return append_integer(self.lengths, length)

    cdef int append_rle(self, dict rle) except -1:
        cdef Rle read
        cdef Py_ssize_t start
        if len(rle) != 2 or not read_rle(rle, "size", "counts", &read):
            return UNCOMMON
        counts = <object>read.counts
        Py_DECREF(counts)  # which has a reference of its own now
        if not (0 <= read.height <= MOST_SIDE and 0 <= read.width <= MOST_SIDE):
            return UNCOMMON
        if read.string:
            if not is_ascii(read.string, read.length):
                return UNCOMMON
            start = PyByteArray_GET_SIZE(self.characters)
            append_bytes(self.characters, read.string, read.length)
            self.append_head(RLE_STRING, read.height, read.width, start, read.length)
        else:
            start = len(self.runs)
            if not self.append_runs(<list>counts, read.length):
                return UNCOMMON
            self.append_head(RLE_COUNTS, read.height, read.width, start, read.length)
        for name in rle:
            return SIZE_FIRST if name == "size" else COUNTS_FIRST

    cdef bint append_runs(self, list counts, Py_ssize_t n) except -1:
        cdef Py_ssize_t start = len(self.runs), i
        array.resize_smart(self.runs, start + n)
        cdef int64_t* runs = <int64_t*>self.runs.data.as_longlongs + start
        for i in range(n):
            check_signals(i)
            if not read_int_item(counts, i, &runs[i]) or not -MOST <= runs[i] <= MOST:
                array.resize_smart(self.runs, start)
                return False
        return True

    cdef int append_rings(self, list rings) except -1:
        cdef Py_ssize_t start = len(self.coordinates), first = len(self.ring_ends)
        for ring in rings:
            if type(ring) is not list or not self.append_ring(
                <list>ring, 6 if len(self.ring_ends) == first else 0
            ):
                array.resize_smart(self.coordinates, start)
                array.resize_smart(self.ring_ends, first)
                PyByteArray_Resize(self.is_integer, start)
                return UNCOMMON
        self.append_head(RINGS, 0, 0, first, len(self.ring_ends) - first)
        return PLAIN

    cdef bint append_ring(self, list ring, Py_ssize_t least) except -1:
        cdef Py_ssize_t n = len(ring), start = len(self.coordinates), i
        if n % 2 or n < least:
            return False
        array.resize_smart(self.coordinates, start + n)
        PyByteArray_Resize(self.is_integer, start + n)
        cdef double* numbers = self.coordinates.data.as_doubles + start
        cdef uint8_t* are_integers = <uint8_t*>PyByteArray_AS_STRING(self.is_integer) + start
        for i in range(n):
            check_signals(i)
            if not read_exact(ring, i, &numbers[i], &are_integers[i]):
                return False
        append_integer(self.ring_ends, (start + n) // 2)
        return True


cdef inline bint is_ascii(const char* characters, Py_ssize_t n) noexcept:
    cdef unsigned char all_bits = 0
    cdef Py_ssize_t i
    for i in range(n):
        all_bits |= <unsigned char>characters[i]
    return all_bits < 128


cdef dict COLUMNS = {
    "integer": _Integers, "number": _Numbers, "box": _Boxes, "segmentation": _Segmentations
}


cdef class _Rows:
    """Appends dicts to an ``ObjectTable``, which converts values that are not of a common form."""

    cdef object table, plain
    cdef dict index, shapes
    cdef list columns
    cdef bytearray shape
    cdef bytes last_shape
    cdef array.array shape_ids, positions, extra_lengths

    def __cinit__(self, table, plain):
        self.table = table
        self.plain = plain
        self.index = table.index
        self.shapes = table.shapes
        self.columns = [
            COLUMNS.get(kind if type(kind) is str else "", _Column)(column)
            for (_, kind), column in zip(table.fields, table.by_index)
        ]
        self.shape = bytearray()
        self.last_shape = b""
        self.shape_ids = table.shape_ids
        self.positions = table.positions
        self.extra_lengths = table.extra.lengths

    cdef int append(self, dict item) except -1:
        cdef list others = None
        cdef int index, form
        PyByteArray_Resize(self.shape, 0)
        for name, value in item.items():
            found = self.index.get(name)
            if found is None:
                if others is None:
                    others = []
                others.append((name, value))
                index, form = UNKNOWN, PLAIN
            else:
                index = found
                form = self.append_value(index, value)
            append_byte(self.shape, index)
            append_byte(self.shape, form)
        if others is None:
            append_integer(self.extra_lengths, 0)
        else:
            self.table.append_extra(self.plain(dict(others)))
        append_integer(self.positions, -1)
        return self.append_shape()

    cdef int append_value(self, int index, value) except -1:
        cdef _Column column = <_Column>self.columns[index]
        column.fill(len(self.shape_ids))
        cdef int form = column.append(value)
        if form == UNCOMMON:
            form = self.table.append_value(index, self.plain(value))
        column.filled += 1
        return form

    cdef int append_shape(self) except -1:
        """Most rows have the shape of the one before."""
        cdef Py_ssize_t n = len(self.shape_ids), size = len(self.shape)
        array.resize_smart(self.shape_ids, n + 1)
        if n and size == len(self.last_shape) and not memcmp(
            PyByteArray_AS_STRING(self.shape), <const char*>self.last_shape, size
        ):
            self.shape_ids.data.as_uints[n] = self.shape_ids.data.as_uints[n - 1]
            return 0
        self.last_shape = bytes(self.shape)
        number = self.shapes.setdefault(self.last_shape, len(self.shapes))
        self.shape_ids.data.as_uints[n] = number
        return 0


def read_rows(table, list items, plain):
    """Append objects to an ``ObjectTable`` of ``segcore.data``; `plain` converts their values."""
    cdef _Rows to = _Rows(table, plain)
    cdef Py_ssize_t index = 0
    for item in items:
        check_signals(index)
        if type(item) is not dict:
            item = plain(item)
        if type(item) is not dict:
            raise ValueError("expected an object")
        to.append(<dict>item)
        index += 1
    for column in to.columns:
        (<_Column>column).fill(index)


# -- writing --------------------------------------------------------------------------------------

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
