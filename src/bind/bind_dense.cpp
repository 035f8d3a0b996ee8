// encode, encode_bits, encode_changes, decode.
#include <pybind11/stl.h>

#include <optional>

#include "../core/bits.hpp"
#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

Scalar scalar_of(const py::dtype& dtype) {
    const auto width = dtype.itemsize();
    if (is_native(dtype)) {
        switch (dtype.kind()) {
            case 'b':
                return Scalar::u8;
            case 'u':
                return width == 1   ? Scalar::u8
                       : width == 2 ? Scalar::u16
                       : width == 4 ? Scalar::u32
                                    : Scalar::u64;
            case 'i':
                return width == 1   ? Scalar::i8
                       : width == 2 ? Scalar::i16
                       : width == 4 ? Scalar::i32
                                    : Scalar::i64;
            case 'f':
                if (width == 2) return Scalar::f16;
                if (width == 4) return Scalar::f32;
                if (width == 8) return Scalar::f64;
                break;
            default:
                break;
        }
    }
    refuse("dense", "bool, integers or float16/32/64 in native byte order");
}

// The bytes of the number one, as a little-endian integer.
uint64_t one_of(const py::dtype& dtype) {
    const auto width = dtype.itemsize();
    const char kind = dtype.kind();
    const bool floating = kind == 'f' || (kind == 'c' && width == 8);
    if (!(floating || kind == 'b' || kind == 'i' || kind == 'u') || width > 8) {
        refuse("out", "bool, integers, float16/32/64 or complex64");
    }
    const auto part = kind == 'c' ? 4 : width;
    const uint64_t one = !floating   ? 1
                         : part == 2 ? 0x3c00
                         : part == 4 ? 0x3f800000
                                     : 0x3ff0000000000000;
    return is_native(dtype) ? one : swap_bytes(one, static_cast<int>(part));
}

py::object encode(const Kernels& kernels, const py::array& dense, std::optional<double> threshold) {
    if (dense.ndim() != 3) refuse("dense", "an (N, H, W) array");
    const DenseView view{static_cast<const uint8_t*>(dense.data()),
                         dense.shape(0),
                         size_of(dense.shape(1), dense.shape(2)),
                         {dense.strides(0), dense.strides(1), dense.strides(2)},
                         scalar_of(dense.dtype()),
                         threshold.has_value(),
                         threshold.value_or(0)};
    return make_batch(view.size, [&](auto& batch) {
        kernels.without_gil([&](const Context& context) { segcore::encode(context, view, batch); });
    });
}

py::object encode_bits(const Kernels& kernels, const py::array& rows, int64_t width, bool little) {
    if (rows.ndim() != 3) refuse("rows", "an (N, H, B) array");
    const Size size = size_of(rows.shape(1), width);
    const uint8_t* bytes = values_of<uint8_t>(rows, "rows");
    constexpr int64_t kMaxSide = (int64_t{1} << 31) - 1;
    if (size.height > kMaxSide || size.width > kMaxSide || rows.shape(2) != (width + 7) / 8) {
        refuse("rows", "eight pixels per byte, and sides below 2**31");
    }
    return make_batch(size, [&](auto& batch) {
        kernels.without_gil([&](const Context& context) {
            segcore::encode_bits(context, bytes, rows.shape(0), size, little, batch);
        });
    });
}

py::object encode_changes(const Kernels& kernels, const py::array& columns, int64_t height,
                          int64_t width) {
    const Size size = size_of(height, width);
    const uint8_t* bytes = values_of<uint8_t>(columns, "columns");
    if (columns.ndim() != 2 || columns.shape(1) != size.pixels()) {
        refuse("columns", "an (N, H * W) array");
    }
    return make_batch(size, [&](auto& batch) {
        kernels.without_gil([&](const Context& context) {
            segcore::encode_changes(context, bytes, columns.shape(0), size, batch);
        });
    });
}

void decode(const Kernels& kernels, const BatchArrays& batch, py::array out, bool zeroed) {
    if (out.ndim() != 3) refuse("out", "an (N, H, W) array");
    const py::dtype dtype = out.dtype();
    const DenseOutput view{static_cast<uint8_t*>(out.mutable_data()),
                           out.shape(0),
                           size_of(out.shape(1), out.shape(2)),
                           {out.strides(0), out.strides(1), out.strides(2)},
                           static_cast<int>(dtype.itemsize()),
                           one_of(dtype),
                           zeroed};
    if (!is_same(view.size, batch.size)) refuse("out", "masks of the size of the batch");
    with_masks(batch, [&](auto masks) {
        if (masks.count != view.count) refuse("out", "as many masks as offsets describe");
        kernels.without_gil([&](const Context& context) { segcore::decode(context, masks, view); });
    });
}

}  // namespace

void register_dense(KernelsClass& c) {
    c.def("encode", &encode, py::arg("dense"), py::arg("threshold"));
    c.def("encode_bits", &encode_bits, py::arg("rows"), py::arg("width"), py::arg("little"));
    c.def("encode_changes", &encode_changes, py::arg("columns"), py::arg("height"),
          py::arg("width"));
    c.def("decode", &decode, py::arg("batch"), py::arg("out"), py::arg("zeroed"));
}

}  // namespace segcore::bind
