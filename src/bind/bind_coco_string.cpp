// string_decode, string_encode, counts_decode, counts_encode.
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"
#include "status.hpp"

namespace segcore::bind {

namespace {

py::object string_decode(const Kernels& kernels, const py::array& data,
                         const py::array& data_offsets, int64_t height, int64_t width) {
    const Size size = size_of(height, width);
    const uint8_t* bytes = values_of<uint8_t>(data, "data");
    const int64_t* starts = values_of<int64_t>(data_offsets, "data_offsets");
    const int64_t count = count_of(starts, data_offsets.size(), data.size(), "data_offsets");
    return make_batch(size, [&](auto& batch) {
        check(kernels.without_gil([&](const Context& context) {
            return segcore::string_decode(context, bytes, starts, count, size, batch);
        }),
              size);
    });
}

py::object counts_decode(const Kernels& kernels, const py::array& counts,
                         const py::array& counts_offsets, int64_t height, int64_t width) {
    const Size size = size_of(height, width);
    const int64_t* values = values_of<int64_t>(counts, "counts");
    const int64_t* starts = values_of<int64_t>(counts_offsets, "counts_offsets");
    const int64_t count = count_of(starts, counts_offsets.size(), counts.size(), "counts_offsets");
    return make_batch(size, [&](auto& batch) {
        check(kernels.without_gil([&](const Context& context) {
            return segcore::counts_decode(context, values, starts, count, size, batch);
        }),
              size);
    });
}

py::tuple string_encode(const Kernels& kernels, const BatchArrays& batch) {
    return with_masks(batch, [&](auto masks) {
        Strings<uint8_t> strings;
        kernels.without_gil([&](const Context& context) {
            segcore::string_encode(context, masks, batch.size, strings);
        });
        return to_tuple(std::move(strings));
    });
}

py::tuple counts_encode(const Kernels& kernels, const BatchArrays& batch) {
    return with_masks(batch, [&](auto masks) {
        Strings<int64_t> counts;
        kernels.without_gil([&](const Context& context) {
            segcore::counts_encode(context, masks, batch.size, counts);
        });
        return to_tuple(std::move(counts));
    });
}

}  // namespace

void register_coco_string(KernelsClass& c) {
    c.def("string_decode", &string_decode, py::arg("data"), py::arg("data_offsets"),
          py::arg("height"), py::arg("width"));
    c.def("string_encode", &string_encode, py::arg("batch"));
    c.def("counts_decode", &counts_decode, py::arg("counts"), py::arg("counts_offsets"),
          py::arg("height"), py::arg("width"));
    c.def("counts_encode", &counts_encode, py::arg("batch"));
}

}  // namespace segcore::bind
