// All kernels on one page. segcore/backends/protocol.py defines what each of them computes.
//
// The caller (src/bind) has checked dtypes, shapes and offsets; run ends are strictly increasing
// and below the number of pixels. T is uint32_t or uint64_t (see types.hpp).
#pragma once

#include "context.hpp"
#include "types.hpp"

namespace segcore {

// The element types of dense arrays.
enum class Scalar { u8, i8, u16, i16, u32, i32, u64, i64, f16, f32, f64 };

// An (N, H, W) array with any strides, in bytes, and the rule for its foreground.
struct DenseView {
    const uint8_t* data;
    int64_t count;
    Size size;
    int64_t strides[3];
    Scalar scalar;         // without a threshold only its width matters
    bool has_threshold;    // else: nonzero is foreground
    double threshold;      // foreground is value > threshold
};

// An (N, H, W) array to write: elements of `width` bytes that become `one` (its low bytes) or 0.
struct DenseOutput {
    uint8_t* data;
    int64_t count;
    Size size;
    int64_t strides[3];
    int width;       // 1, 2, 4 or 8
    uint64_t one;
    bool zeroed;     // the array is filled with zeros: the background need not be written
};

// The positions of an image's columns and rows among the samples of soft masks.
struct Positions {
    const float* x = nullptr;
    const float* y = nullptr;
};

// (N, rows, columns) scores in C order, and where to interpolate them. `windows` has six numbers
// per mask: x0 y0 x1 y1, and the indices in `positions` of column x0 and row y0. With an
// intermediate image, of inner_size, `positions` are in that image, and `inner` are its own
// positions.
struct SoftView {
    const float* scores;
    int64_t count;
    int64_t rows;
    int64_t columns;
    bool has_inner;
    Size inner_size;
    Positions inner;
    Positions positions;
    const int64_t* windows;
};

// (C, rows, columns) scores of classes in C order, C from 1 to 2**31, and the positions of the
// pixels.
struct ClassView {
    const float* scores;
    int64_t classes;
    int64_t rows;
    int64_t columns;
    Positions positions;
};

// An (H, W) array of integers of `width` bytes (1, 2, 4 or 8), of any strides, in bytes.
struct LabelView {
    const uint8_t* data;
    Size size;
    int64_t strides[2];
    int width;
    bool is_signed;
    bool swapped;    // in the other byte order
};
struct LabelOutput {
    uint8_t* data;
    Size size;
    int64_t strides[2];
    int width;
};

// encode.cpp, decode.cpp
template <class T>
void encode(const Context&, const DenseView&, Batch<T>&);
// `rows` has (width + 7) / 8 bytes per row; `little`: a byte's first pixel is its lowest bit.
template <class T>
void encode_bits(const Context&, const uint8_t* rows, int64_t count, Size, bool little, Batch<T>&);
template <class T>
void decode(const Context&, BatchView<T>, const DenseOutput&);

// encode_changes.cpp: `columns` are the pixels of each mask in column-major order
template <class T>
void encode_changes(const Context&, const uint8_t* columns, int64_t count, Size, Batch<T>&);

// coco_string.cpp
template <class T>
Status string_decode(const Context&, const uint8_t* data, const int64_t* data_offsets,
                     int64_t count, Size, Batch<T>&);
template <class T>
void string_encode(const Context&, BatchView<T>, Size, Strings<uint8_t>&);
template <class T>
Status counts_decode(const Context&, const int64_t* counts, const int64_t* counts_offsets,
                     int64_t count, Size, Batch<T>&);
template <class T>
void counts_encode(const Context&, BatchView<T>, Size, Strings<int64_t>&);

// measure.cpp: `areas` has N values, `boxes` 4 N
template <class T>
void area(const Context&, BatchView<T>, Size, int64_t* areas);
template <class T>
void boxes(const Context&, BatchView<T>, Size, int64_t* boxes);

// merge.cpp: bit 2 * a + b of `table` is the result for pixels a and b
template <class T>
void combine(const Context&, BatchView<T> a, BatchView<T> b, Size, unsigned table, Batch<T>&);
constexpr unsigned kAnd = 0b1000, kOr = 0b1110, kXor = 0b0110;
// `table` is one of these three; group i consists of the masks groups[i] ... groups[i + 1] - 1
template <class T>
void reduce(const Context&, BatchView<T>, const int64_t* groups, int64_t count, Size,
            unsigned table, Batch<T>&);
// The same for all masks as a single group.
template <class T>
void reduce(const Context& context, BatchView<T> masks, Size size, unsigned table,
            Batch<T>& batch) {
    const int64_t all[] = {0, masks.count};
    reduce(context, masks, all, 1, size, table, batch);
}

// resolve.cpp: `limits` and `overlaps` have N values
template <class T>
void resolve(const Context&, BatchView<T>, Size, const int64_t* limits, Batch<T>&,
             int64_t* overlaps);

// components.cpp: `connectivity` is 4 or 8; `parents` becomes the mask of each component
template <class T>
void components(const Context&, BatchView<T>, Size, int connectivity, Batch<T>&,
                Buffer<int64_t>& parents);

// outline.cpp: `connectivity` is 4 or 8
struct Outlines {
    Buffer<int64_t> vertices;  // x y x y ...
    Buffer<int64_t> ring_offsets, outer, mask_offsets;
};
template <class T>
void outline(const Context&, BatchView<T>, Size, int connectivity, Outlines&);

// dilate.cpp: `reach` has `count` values, from 1 to the width + 1, none greater than the one before
// it or the height. `outside`: pixels beyond the image's edges are foreground.
template <class T>
void dilate(const Context&, BatchView<T>, Size, const int64_t* reach, int64_t count, bool outside,
            Batch<T>&);

// place.cpp; here and below, U is the type of run ends of the result's size: `x` and `y` have N
// values, with -width <= x <= canvas.width, and y likewise
template <class T, class U>
void place(const Context&, BatchView<T>, Size, const int64_t* x, const int64_t* y, Size canvas,
           Batch<U>&);

// reverse.cpp
template <class T>
void reverse(const Context&, BatchView<T>, Size, bool rows, bool columns, Batch<T>&);

// transpose.cpp: the result has the size {width, height}
template <class T>
void transpose(const Context&, BatchView<T>, Size, Batch<T>&);

// resize.cpp: neither size is without pixels, unless the result is; for both sides,
// `2 * input * output < 2**62`
template <class T, class U>
void resize(const Context&, BatchView<T>, Size, Size resized, bool centers, Batch<U>&);

// cover.cpp: the same sizes; `limit` is from 1 to the number of input pixels
template <class T, class U>
void cover(const Context&, BatchView<T>, Size, Size resized, int64_t limit, Batch<U>&);

// warp.cpp: `matrices` has 9 N finite values; no side is 2**31 or longer
template <class T, class U>
void warp(const Context&, BatchView<T>, Size, const double* matrices, Size warped, Batch<U>&);

// overlap.cpp: `areas` is n x m, in C order. It is 0 for the pairs below the limit: those whose
// common area, divided as `divisors` says for the mask of b, is less than `above`.
// The area of a | b, of a, of the smaller mask, and the sum of both areas.
enum class Divisor : uint8_t { both, first, smaller, sum };
struct Limit {
    double above = 0;
    const uint8_t* divisors = nullptr;  // null: both, for all
};
template <class T>
void overlap(const Context&, BatchView<T> a, BatchView<T> b, Size, int64_t* areas, Limit = {});
// The intersection areas, divided as `divisors` says; 0 where they are 0.
template <class T>
void overlap_ratios(const Context&, BatchView<T> a, BatchView<T> b, Size, double* ratios,
                    Limit = {});

// The objects of two sequences, a and b, by group: group g has those from a[g] to a[g + 1] - 1, and
// b likewise.
struct Groups {
    const int64_t* a;
    const int64_t* b;
    int64_t count;

    int64_t pairs(int64_t g) const { return (a[g + 1] - a[g]) * (b[g + 1] - b[g]); }
    int64_t pairs() const {
        int64_t sum = 0;
        for (int64_t g = 0; g < count; ++g) sum += pairs(g);
        return sum;
    }
};
// The ratios of the pairs of each group, in C order, one group after the other.
template <class T>
void overlap_ratios(const Context&, BatchView<T> a, BatchView<T> b, Size, const Groups&,
                    double* ratios, Limit = {});

// match.cpp: predictions and true objects are a and b. `ratios` are those of their groups, as
// above, and `ignored` is (ranges, columns).
struct Candidates {
    const double* ratios;
    int64_t rows, columns;
    Groups groups;
    const uint8_t* ignored;
    int64_t ranges;
    const uint8_t* crowd;   // one per true object
    const uint8_t* claims;  // one per prediction
    const double* thresholds;
    int64_t num_thresholds;
};
// `matches` is (ranges, num_thresholds, rows).
void match(const Context&, const Candidates&, int64_t* matches);

// The predictions of each class, the most confident first. Bit t of `matched` and `ignored`, which
// are (ranges, count), is about threshold t.
template <class Bits>
struct Ranked {
    const Bits* matched;
    const Bits* ignored;
    const double* scores;
    const int64_t* ranks;  // of each prediction, among those of its image and class
    int64_t count, ranges;
    const int64_t* classes;  // num_classes + 1 offsets
    int64_t num_classes;
    const int64_t* num_true;  // (ranges, num_classes)
};
struct Levels {
    const int64_t* limits;  // of ranks, exclusive
    int64_t num_limits;
    const double* recalls;
    int64_t num_recalls, num_thresholds;
};
struct Curves {
    double*
        precision;  // (num_classes, ranges, num_limits, num_thresholds, num_recalls), as `scores`
    double* scores;
    double* recall;  // without the last axis
};
template <class Bits>
void precision_recall(const Context&, const Ranked<Bits>&, const Levels&, const Curves&);

// How the rings of a mask combine; codes of the Python layer.
enum class Filling : int64_t { united = 0, even_odd = 1, non_zero = 2 };

// rasterize.cpp: coordinates are x0 y0 x1 y1 ...
template <class T>
Status rasterize_polygons(const Context&, const double* coordinates, const int64_t* ring_offsets,
                          const int64_t* mask_offsets, int64_t count, Size, Batch<T>&,
                          Filling filling = Filling::united);
template <class T>
Status rasterize_boxes(const Context&, const double* boxes, int64_t count, Size, Batch<T>&);

// resample.cpp
template <class T>
void resample(const Context&, const SoftView&, Size, float threshold, Batch<T>&);

// argmax_resample.cpp: `out` is (H, W) in C order, of unsigned integers of 1, 2, 4 or 8 bytes
void argmax_resample(const Context&, const ClassView&, Size, void* out, int width);

// paint.cpp: `values` has the width of the output's elements
template <class T>
void paint(const Context&, BatchView<T>, const int64_t* order, int64_t order_count,
           const void* values, const LabelOutput&);

// labels.cpp: `background` is the bits of the label to leave out; ids are as wide as the labels
struct Labels {
    bool has_background;
    uint64_t background;
};
template <class T>
void label_runs(const Context&, const LabelView&, Labels, Buffer<uint64_t>& ids, Batch<T>&);

// overlap_table.cpp: both maps have one size; the labels' bits, as wide as their map's
struct OverlapTable {
    Buffer<uint64_t> a, b;
    Buffer<int64_t> pixels;
};
void overlap_table(const Context&, const LabelView& a, const LabelView& b, OverlapTable&);

}  // namespace segcore
