// The elements of a dense array, read as bits: one per pixel, set where it is foreground.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "bits.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

// Bytes in an element.
int width_of(Scalar scalar);

// A threshold in the forms that elements are compared with.
struct Limits {
    explicit Limits(const DenseView& dense);

    uint64_t lowest = 0;   // integers: foreground is value >= lowest, in the bits of their type,
    bool nothing = true;   // or nothing is
    int16_t half = 0;      // float16: as pack_greater_f16 takes it
};

// Reads contiguous or strided elements as bits.
class BitReader {
   public:
    BitReader(const Context& context, const DenseView& dense)
        : simd_(context.simd),
          scalar_(dense.scalar),
          width_(width_of(dense.scalar)),
          has_threshold_(dense.has_threshold),
          threshold_(dense.threshold),
          limits_(dense) {}

    int width() const { return width_; }

    // Whether elements `stride` bytes apart are contiguous bytes, of which those that are not 0 are
    // foreground: for this common case there are leaf functions that do more at once.
    bool plain_bytes(int64_t stride) const { return width_ == 1 && stride == 1 && !has_threshold_; }

    // Read n elements, `stride` bytes apart.
    void read(const uint8_t* values, int64_t stride, size_t n, uint64_t* bits);

   private:
    const uint8_t* gather(const uint8_t* values, int64_t stride, size_t n);

    const simd::Table& simd_;
    Scalar scalar_;
    int width_;
    bool has_threshold_;
    double threshold_;
    Limits limits_;
    Buffer<uint8_t> gathered_;
};

// All masks as rows of words, one bit per pixel: an eighth of the size of bytes.
class BitPlanes {
   public:
    // Whether masks are interleaved pixel by pixel, as in (H, W, N) in C order. Read one by one,
    // each would take a pass over all of the memory. They are read in one pass: blocks of 64 pixels
    // by 64 masks are transposed and packed.
    static bool suit(const DenseView& dense);

    BitPlanes(const Context& context, const DenseView& dense, int threads);

    // From rows of whole bytes of eight pixels, the first of which is the byte's highest bit or, if
    // `little`, its lowest. Bits behind the last pixel are ignored.
    BitPlanes(const Context& context, const uint8_t* rows, bool little, const DenseView& dense,
              int threads);

    const uint64_t* row(int64_t mask, int64_t y) const {
        return bits_.data() + static_cast<size_t>(mask * dense_.size.height + y) * words_;
    }

   private:
    void pack(const simd::Table& simd, BitReader& reader, int64_t mask, int64_t y, size_t word);

    const DenseView& dense_;
    size_t words_;
    Buffer<uint64_t> bits_;
};

}  // namespace segcore
