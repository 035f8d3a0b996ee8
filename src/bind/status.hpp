// Error messages of the kernels: the same as in segcore/backends/errors.py.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "../core/types.hpp"

namespace segcore::bind {

inline std::string describe(const Status& status, Size size) {
    const std::string position = std::to_string(status.position);
    const std::string value = std::to_string(status.value);
    const std::string pixels = "but size (" + std::to_string(size.height) + ", " +
                               std::to_string(size.width) + ") has " +
                               std::to_string(size.pixels()) + " pixels";
    switch (status.code) {
        case Code::string_byte:
            return "byte " + position + " of its counts string is " + value +
                   ", but COCO's counts strings contain only the characters '0' (48) to 'o' (111)";
        case Code::string_truncated:
            return "its counts string ends in the middle of a count";
        case Code::string_overlong:
            return "count " + position + " of its counts string has more than 12 characters";
        case Code::run_negative:
            return "run " + position + " has the negative length " + value;
        case Code::runs_too_long:
            return "runs 0 to " + position + " sum to " +
                   std::to_string(static_cast<uint64_t>(status.value)) + ", " + pixels;
        case Code::runs_too_short:
            return "runs sum to " + value + ", " + pixels;
        case Code::coordinate:
            return "coordinate " + position + " is not a finite number between -2**30 and 2**30";
        case Code::ok:
            break;
    }
    return {};
}

// Whether the error is about one character, run or coordinate, at `status.position`.
inline bool has_position(Code code) {
    return code != Code::string_truncated && code != Code::runs_too_short;
}

inline void check(const Status& status, Size size) {
    namespace py = pybind11;
    if (status.ok()) return;
    const py::object kind = py::module_::import("segcore.errors").attr("MaskError");
    py::object position = py::none();
    if (has_position(status.code)) position = py::int_(status.position);
    const py::object error =
        kind(status.mask, describe(status, size), py::arg("position") = position);
    PyErr_SetObject(kind.ptr(), error.ptr());
    throw py::error_already_set();
}

}  // namespace segcore::bind
