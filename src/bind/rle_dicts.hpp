// COCO's RLE dicts, read and written without arrays in between: for few masks, making arrays takes
// longer than all the rest. Only the ordinary form is read: exact dicts, lists, ints and strings.
#pragma once

#include <pybind11/pybind11.h>

#include "../core/context.hpp"
#include "../core/types.hpp"

namespace segcore::bind {

// A new reference to what a dict holds, or an empty object.
pybind11::object item_of(PyObject* dict, PyObject* key);
// A new reference to item i of a list, or an empty object if it has become shorter.
pybind11::object item_of(PyObject* list, Py_ssize_t i);

// The value of an exact int from 0 to `most`, else -1.
int64_t small_int(PyObject* object, int64_t most);

// Compressed RLEs of one size, of 1 to 2**32 - 1 pixels. Their strings are copied, so nothing that
// another thread does to the objects matters later.
class RleDicts {
   public:
    // False where there is something else than an ordinary RLE of the size of those before it.
    bool add(PyObject* rle);
    // The same for a list of one or more.
    bool add_all(PyObject* list);

    Size size() const { return size_; }
    int64_t count() const { return static_cast<int64_t>(offsets_.size()) - 1; }
    double work() const { return static_cast<double>(characters_.size()) * 2; }  // in nanoseconds

    // False where counts are broken.
    bool decode(const Context& context, Batch<uint32_t>& batch) const;

   private:
    bool add_counts(PyObject* counts);

    Size size_{0, 0};
    Buffer<uint8_t> characters_;
    Buffer<int64_t> offsets_;
};

// A list of RLE dicts of these strings, with bytes as pycocotools has them.
pybind11::list to_rle_dicts(const Strings<uint8_t>& strings, Size size);
// One alone.
pybind11::object to_rle_dict(const uint8_t* string, int64_t length, Size size);

}  // namespace segcore::bind
