/* COCO's Python objects in their ordinary form: exact dicts, lists, ints, floats and strings. Both
 * compiled readers include this: segcore/formats/_coco.pyx, and the shortcuts of the drop-in. They
 * leave other forms, and all errors, to segcore/formats/_coco_python.py and segcore/compat.
 *
 * It is C, because Cython's module is. Nothing here leaves an exception set, except Ctrl-C. */
#ifndef SEGCORE_COCO_OBJECTS_H
#define SEGCORE_COCO_OBJECTS_H

#include <Python.h>
#include <stdint.h>

enum { SEGCORE_STEPS_BETWEEN_SIGNALS = 1 << 16 };

/* Return a new reference to the value of a key, or null. */
static inline PyObject* segcore_value(PyObject* dict, PyObject* key) {
    PyObject* value;
#ifdef Py_GIL_DISABLED
    PyDict_GetItemRef(dict, key, &value);
#else
    value = PyDict_GetItemWithError(dict, key);
    Py_XINCREF(value);
#endif
    if (!value) PyErr_Clear();
    return value;
}

/* Return a new reference to an item, or null if the list has become shorter. */
static inline PyObject* segcore_item(PyObject* list, Py_ssize_t i) {
    PyObject* item;
#ifdef Py_GIL_DISABLED
    item = PyList_GetItemRef(list, i);
    if (!item) PyErr_Clear();
#else
    item = i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : NULL;
    Py_XINCREF(item);
#endif
    return item;
}

/* Read an int of 64 bits. Returns 0 for anything else, bool included. */
static inline int segcore_read_int(PyObject* object, int64_t* value) {
    int overflow = 0;
    if (!object || !PyLong_CheckExact(object)) return 0;
    *value = PyLong_AsLongLongAndOverflow(object, &overflow);
    return !overflow;
}

/* An item that is only looked at, or null. It needs a reference only if there is no GIL. */
static inline PyObject* segcore_peek(PyObject* list, Py_ssize_t i) {
#ifdef Py_GIL_DISABLED
    return segcore_item(list, i);
#else
    return i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : NULL;
#endif
}

static inline void segcore_end_peek(PyObject* item) {
#ifdef Py_GIL_DISABLED
    Py_XDECREF(item);
#else
    (void)item;
#endif
}

static inline int segcore_read_int_item(PyObject* list, Py_ssize_t i, int64_t* value) {
    PyObject* const item = segcore_peek(list, i);
    const int done = segcore_read_int(item, value);
    segcore_end_peek(item);
    return done;
}

/* Read an item that is a float or an int of 64 bits. Returns 0 for anything else. */
static inline int segcore_read_number(PyObject* list, Py_ssize_t i, double* value) {
    PyObject* const item = segcore_peek(list, i);
    int64_t integer = 0;
    int done = 1;
    if (item && PyFloat_CheckExact(item)) {
        *value = PyFloat_AS_DOUBLE(item);
    } else {
        done = segcore_read_int(item, &integer);
        *value = (double)integer;
    }
    segcore_end_peek(item);
    return done;
}

/* Read an item that is a float, or an int that a double holds exactly. Returns 0 for anything else.
 */
static inline int segcore_read_exact(PyObject* list, Py_ssize_t i, double* value,
                                     uint8_t* is_integer) {
    const int64_t limit = (int64_t)1 << 53;
    PyObject* const item = segcore_peek(list, i);
    int64_t integer = 0;
    int done = 1;
    *is_integer = !(item && PyFloat_CheckExact(item));
    if (*is_integer) {
        done = segcore_read_int(item, &integer) && integer >= -limit && integer <= limit;
        *value = (double)integer;
    } else {
        *value = PyFloat_AS_DOUBLE(item);
    }
    segcore_end_peek(item);
    return done;
}

/* Read the first n items of a list of numbers. Returns 1; 0 for anything else; -1 after Ctrl-C. */
static inline int segcore_read_numbers(PyObject* list, Py_ssize_t n, double* values) {
    for (Py_ssize_t i = 0; i < n; ++i) {
        if (!segcore_read_number(list, i, values + i)) return 0;
        if ((i + 1) % SEGCORE_STEPS_BETWEEN_SIGNALS == 0 && PyErr_CheckSignals() != 0) return -1;
    }
    return 1;
}

typedef struct {
    int64_t height, width;
    PyObject* counts;   /* a new reference: str, bytes or list */
    const char* string; /* the characters of str or bytes; null for a list */
    Py_ssize_t length;  /* the number of characters or items */
} SegcoreRle;

/* Read an RLE dict. Returns 0, without a reference, if it has another form. */
static inline int segcore_read_rle(PyObject* dict, PyObject* size_key, PyObject* counts_key,
                                   SegcoreRle* rle) {
    PyObject* const size = segcore_value(dict, size_key);
    int done = size && PyList_CheckExact(size) && PyList_GET_SIZE(size) == 2 &&
               segcore_read_int_item(size, 0, &rle->height) &&
               segcore_read_int_item(size, 1, &rle->width);
    Py_XDECREF(size);
    if (!done) return 0;
    PyObject* const counts = rle->counts = segcore_value(dict, counts_key);
    rle->string = NULL;
    if (counts && PyBytes_CheckExact(counts)) {
        rle->string = PyBytes_AS_STRING(counts);
        rle->length = PyBytes_GET_SIZE(counts);
    } else if (counts && PyUnicode_CheckExact(counts) && PyUnicode_IS_ASCII(counts)) {
        rle->string = (const char*)PyUnicode_DATA(counts);
        rle->length = PyUnicode_GET_LENGTH(counts);
    } else if (counts && PyList_CheckExact(counts)) {
        rle->length = PyList_GET_SIZE(counts);
    } else {
        Py_XDECREF(counts);
        return 0;
    }
    return 1;
}

#endif
