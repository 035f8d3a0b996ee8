// A label map to masks, one per label.
//
// As in encode.cpp, a flip is a pixel whose label differs from the one before it in column-major
// order; rows are compared with the row above, and the flips found are sorted by column. At a flip
// the label of the previous flip ends, and the flip's own label begins.
#include <algorithm>
#include <cstdlib>

#include "bits.hpp"
#include "kernels.hpp"
#include "numbering.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

template <class T, class Label>
class Splitter {
   public:
    Splitter(const Context& context, const LabelView& labels)
        : context_(context), simd_(context.simd), view_(labels), numbering_(sizeof(Label)) {}

    void split(Labels wanted, Buffer<uint64_t>& ids, Batch<T>& batch) {
        const int64_t height = view_.size.height, width = view_.size.width;
        if (height > 0 && width > 0) {
            const int64_t y = std::abs(view_.strides[0]), x = std::abs(view_.strides[1]);
            const int64_t limit = int64_t{1} << 31;  // of the 32-bit lists of read_rows
            if (width == 1 || (y < x && height > 1) || height >= limit || width >= limit) {
                read_columns();
            } else {
                read_rows();
            }
        }
        deal_out(wanted, ids, batch);
    }

   private:
    static Label load(const uint8_t* values, size_t i) {
        Label label;
        std::memcpy(&label, values + i * sizeof(Label), sizeof(Label));
        return label;
    }

    // Return n labels, `stride` bytes apart, contiguously.
    const uint8_t* contiguous(const uint8_t* from, int64_t stride, size_t n, Buffer<Label>& copy) {
        if (stride == sizeof(Label)) return from;
        copy.resize(n);
        for (size_t i = 0; i < n; ++i, from += stride) {
            std::memcpy(&copy[i], from, sizeof(Label));
        }
        return reinterpret_cast<const uint8_t*>(copy.data());
    }

    // Call flip(i) for every i in [0, n) at which a and b differ.
    template <class Flip>
    void for_each_flip(const uint8_t* a, const uint8_t* b, size_t n, Flip flip) {
        const size_t words = words_for(static_cast<int64_t>(n));
        bits_.resize(words);
        simd_.pack_differ[log2_of(sizeof(Label))](a, b, n, bits_.data());
        for (size_t w = 0; w < words; ++w) {
            for (uint64_t word = bits_[w]; word; word &= word - 1) {
                flip(64 * w + lowest_bit(word));
            }
        }
    }

    void append(int64_t position, Label label) {
        positions_.push_back(static_cast<T>(position));
        numbers_.push_back(numbering_.number(label));
    }

    void read_columns() {
        const int64_t height = view_.size.height, width = view_.size.width;
        const bool joined = width == 1 || view_.strides[1] == view_.strides[0] * height;
        const int64_t columns = joined ? 1 : width, length = joined ? height * width : height;
        constexpr int64_t kBlock = 4096;
        Buffer<Label> copy;
        Label before = 0;
        for (int64_t x = 0; x < columns; ++x) {
            for (int64_t start = 0; start < length; start += kBlock) {
                context_.poll();
                const size_t n = static_cast<size_t>(std::min(kBlock, length - start));
                const uint8_t* labels =
                    contiguous(view_.data + x * view_.strides[1] + start * view_.strides[0],
                               view_.strides[0], n, copy);
                const int64_t base = x * length + start;
                const Label first = load(labels, 0);
                if (base == 0 || first != before) append(base, first);
                for_each_flip(labels + sizeof(Label), labels, n - 1, [&](size_t i) {
                    append(base + static_cast<int64_t>(i) + 1, load(labels, i + 1));
                });
                before = load(labels, n - 1);
            }
        }
    }

    void read_rows() {
        const int64_t height = view_.size.height, width = view_.size.width;
        const int64_t y_stride = view_.strides[0], x_stride = view_.strides[1];
        const size_t n = static_cast<size_t>(width);
        Buffer<Label> copies[2];
        Buffer<uint32_t> xs, numbers;
        Buffer<size_t> row_ends(static_cast<size_t>(height)), columns;
        columns.assign(n + 1, 0);
        auto found = [&](size_t x, Label label) {
            xs.push_back(static_cast<uint32_t>(x));
            numbers.push_back(numbering_.number(label));
            ++columns[x + 1];
        };

        // Row 0 is compared with the last row, one column to the right; its first pixel always is
        // a flip.
        const uint8_t* above =
            contiguous(view_.data + (height - 1) * y_stride, x_stride, n, copies[1]);
        const uint8_t* row = contiguous(view_.data, x_stride, n, copies[0]);
        found(0, load(row, 0));
        for_each_flip(row + sizeof(Label), above, n - 1,
                      [&](size_t i) { found(i + 1, load(row, i + 1)); });
        row_ends[0] = xs.size();
        for (int64_t y = 1; y < height; ++y) {
            context_.poll();
            above = row;
            row = contiguous(view_.data + y * y_stride, x_stride, n, copies[y % 2]);
            for_each_flip(row, above, n, [&](size_t i) { found(i, load(row, i)); });
            row_ends[static_cast<size_t>(y)] = xs.size();
        }

        for (size_t x = 0; x < n; ++x) columns[x + 1] += columns[x];
        positions_.resize(xs.size());
        numbers_.resize(xs.size());
        for (size_t y = 0, i = 0; y < row_ends.size(); ++y) {
            for (; i < row_ends[y]; ++i) {
                const size_t to = columns[xs[i]]++;
                positions_[to] = static_cast<T>(xs[i] * height + static_cast<int64_t>(y));
                numbers_[to] = numbers[i];
            }
        }
    }

    void deal_out(Labels wanted, Buffer<uint64_t>& ids, Batch<T>& batch) {
        const size_t count = numbering_.labels().size(), flips = positions_.size();
        const Buffer<uint64_t> labels = numbering_.native_labels(view_.width, view_.swapped);
        const Buffer<uint32_t> by_label = ascending(labels, view_.width, view_.is_signed);

        // One cursor per label. The flips of the background are counted but not kept.
        Buffer<size_t> cursors;
        cursors.assign(count, 0);
        for (size_t i = 0; i < flips; ++i) {
            ++cursors[numbers_[i]];
            if (i) ++cursors[numbers_[i - 1]];
        }
        size_t total = 0, unwanted = 0;
        uint32_t background = ~uint32_t{0};
        batch.offsets.push_back(0);
        for (size_t i = 0; i < count; ++i) {
            const uint32_t number = by_label[i];
            if (wanted.has_background && labels[number] == wanted.background) {
                background = number;
                unwanted = cursors[number];
                continue;
            }
            const size_t n = cursors[number];
            cursors[number] = total;
            total += n;
            ids.push_back(labels[number]);
            batch.offsets.push_back(static_cast<int64_t>(total));
        }
        if (background != ~uint32_t{0}) cursors[background] = total;
        batch.run_ends.resize(total + unwanted);
        T* out = batch.run_ends.data();
        for (size_t i = 0; i < flips; ++i) {
            if (i) out[cursors[numbers_[i - 1]]++] = positions_[i];
            out[cursors[numbers_[i]]++] = positions_[i];
        }
        batch.run_ends.resize(total);
    }

    const Context& context_;
    const simd::Table& simd_;
    const LabelView& view_;
    Numbering numbering_;
    Buffer<uint64_t> bits_;
    Buffer<T> positions_;       // the flips, in column-major order,
    Buffer<uint32_t> numbers_;  // and the number of the label that begins there
};

}  // namespace

template <class T>
void label_runs(const Context& context, const LabelView& labels, Labels wanted,
                Buffer<uint64_t>& ids, Batch<T>& batch) {
    switch (labels.width) {
        case 1:
            return Splitter<T, uint8_t>(context, labels).split(wanted, ids, batch);
        case 2:
            return Splitter<T, uint16_t>(context, labels).split(wanted, ids, batch);
        case 4:
            return Splitter<T, uint32_t>(context, labels).split(wanted, ids, batch);
        default:
            return Splitter<T, uint64_t>(context, labels).split(wanted, ids, batch);
    }
}

template void label_runs<uint32_t>(const Context&, const LabelView&, Labels, Buffer<uint64_t>&,
                                   Batch<uint32_t>&);
template void label_runs<uint64_t>(const Context&, const LabelView&, Labels, Buffer<uint64_t>&,
                                   Batch<uint64_t>&);

}  // namespace segcore
