// COCO's RLE dicts, read and written without intermediate arrays: for few masks, making arrays
// takes longer than everything else. Only the ordinary form is read: exact dicts, lists, ints and
// strings.
#pragma once

#include <pybind11/pybind11.h>

#include "../core/context.hpp"
#include "../core/types.hpp"

namespace segcore::bind {

// The size if it has 1 to 2**32 - 1 pixels, which 32-bit run ends hold, else one without pixels.
Size ordinary_size(int64_t height, int64_t width);

// One compressed RLE, of 1 to 2**32 - 1 pixels.
struct RleDict {
    Size size{0, 0};
    pybind11::object counts;  // keeps the string alive
    const uint8_t* string = nullptr;
    int64_t length = 0;

    // Returns false unless it is an ordinary RLE.
    bool read(PyObject* dict);
    // Returns false if its counts are invalid.
    bool decode(const Context& context, Batch<uint32_t>& batch) const;
};

// One or more of one size. Their strings are copied, side by side.
class RleDicts {
   public:
    // Returns false unless it is a list of ordinary RLEs of one size.
    bool read(PyObject* list);
    // Returns false if counts are invalid.
    bool decode(const Context& context, Batch<uint32_t>& batch) const;

    Size size() const { return size_; }
    int64_t count_runs() const;
    double work() const { return static_cast<double>(characters_.size()) * 2; }  // in nanoseconds

   private:
    bool add(PyObject* rle);

    Size size_{0, 0};
    Buffer<uint8_t> characters_;
    Buffer<int64_t> offsets_;
};

// A list of RLE dicts of these strings, with bytes as pycocotools has them.
pybind11::list to_rle_dicts(const Strings<uint8_t>& strings, Size size);
// One alone.
pybind11::object to_rle_dict(const uint8_t* string, int64_t length, Size size);

}  // namespace segcore::bind
