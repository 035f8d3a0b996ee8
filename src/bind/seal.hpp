// Read-only arrays whose memory nothing in Python can make writable again.
#pragma once

#include <pybind11/numpy.h>

namespace segcore::bind {

// The name of capsules that own the memory of arrays. NumPy lets a read-only array become writable
// if its `base` is a writable array or buffer; a capsule is neither, and gives nothing away.
constexpr const char* kMemory = "segcore.memory";

void register_seal(pybind11::module_&);  // seal, slice

}  // namespace segcore::bind
