// The pairs of labels of two maps that occur, and the pixels of each.
//
// Pixels are read in blocks. Those at which either map changes cut a block into runs of one pair of
// labels; the two labels of each run are numbered, and its length is added to the count of that
// pair of numbers. Finally the pairs that occur are sorted.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "bits.hpp"
#include "kernels.hpp"
#include "numbering.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr int64_t kBlock = 4096;  // pixels
constexpr int64_t kTile = 64;  // the side of a square block

// Call body(Label{}) for the unsigned integer of `width` bytes.
template <class Body>
auto with_label(int width, Body body) {
    switch (width) {
        case 1:
            return body(uint8_t{});
        case 2:
            return body(uint16_t{});
        case 4:
            return body(uint32_t{});
        default:
            return body(uint64_t{});
    }
}

// A rectangle of pixels, read row by row.
struct Block {
    int64_t y, x, height, width;
    size_t pixels() const { return static_cast<size_t>(height * width); }
};

// One row is cut into segments, an image into squares, which stay in the caches in any layout.
class Blocks {
   public:
    explicit Blocks(Size size) : size_(size) {
        height_ = std::min(kTile, size_.height);
        width_ = std::min(size_.height < kTile ? kBlock / height_ : kTile, size_.width);
        if (width_ < kTile) height_ = std::min(kBlock / width_, size_.height);
        columns_ = (size_.width - 1) / width_ + 1;
    }
    int64_t count() const { return columns_ * ((size_.height - 1) / height_ + 1); }
    Block operator[](int64_t i) const {
        const int64_t y = i / columns_ * height_, x = i % columns_ * width_;
        return {y, x, std::min(height_, size_.height - y), std::min(width_, size_.width - x)};
    }

   private:
    Size size_;
    int64_t height_, width_, columns_;
};

// Whether rows lie in memory without gaps.
bool is_joined(const LabelView& view) {
    return (view.strides[1] == view.width || view.size.width == 1) &&
           (view.strides[0] == view.width * view.size.width || view.size.height == 1);
}

bool is_by_column(const LabelView& view) {
    return std::abs(view.strides[0]) < std::abs(view.strides[1]);
}

LabelView in_one_row(LabelView view) {
    view.size = {1, view.size.pixels()};
    view.strides[0] = view.strides[1] = view.width;
    return view;
}

LabelView transposed(LabelView view) {
    std::swap(view.size.height, view.size.width);
    std::swap(view.strides[0], view.strides[1]);
    return view;
}

// How many pixels each pair of numbers has. Those below some limits are looked up in a table, the
// others in one of open addressing.
class PairCounts {
   public:
    // Add runs with these last pixels and numbers, which are below the counts.
    void add(const Buffer<uint32_t>& ends, const Buffer<uint32_t>& a, const Buffer<uint32_t>& b,
             size_t a_count, size_t b_count) {
        runs_ += ends.size();
        if (a_count > rows_ || b_count > columns_) widen(a_count, b_count);
        const bool all_direct = a_count <= rows_ && b_count <= columns_;
        int64_t* const direct = direct_.data();
        const size_t columns = columns_;
        int64_t start = 0;
        for (size_t i = 0; i < ends.size(); ++i) {
            const int64_t end = int64_t{ends[i]} + 1;
            if (all_direct) {
                direct[a[i] * columns + b[i]] += end - start;
            } else {
                add(a[i], b[i], end - start);
            }
            start = end;
        }
    }

    void add(uint32_t a, uint32_t b, int64_t pixels) {
        if (a < rows_ && b < columns_) {
            direct_[a * columns_ + b] += pixels;
        } else {
            if (2 * (used_ + 1) > slots_.size()) grow();
            Slot& slot = find(uint64_t{a} << 32 | b);
            used_ += slot.pixels == 0;
            slot.pixels += pixels;
        }
    }

    // Call body(a, b, pixels) for each pair that occurs.
    template <class Body>
    void for_each(Body body) const {
        for (size_t i = 0; i < direct_.size(); ++i) {
            if (!direct_[i]) continue;
            body(static_cast<uint32_t>(i / columns_), static_cast<uint32_t>(i % columns_),
                 direct_[i]);
        }
        for (size_t i = 0; i < slots_.size(); ++i) {
            const Slot& slot = slots_[i];
            if (!slot.pixels) continue;
            body(static_cast<uint32_t>(slot.pair >> 32), static_cast<uint32_t>(slot.pair),
                 slot.pixels);
        }
    }

   private:
    // Cells of the table: few, so that they stay in the caches, or as many as the runs are worth.
    static constexpr size_t kFewCells = 1 << 15, kManyCells = 1 << 20;

    void widen(size_t a_count, size_t b_count) {
        size_t rows = rows_ ? rows_ : 16, columns = columns_ ? columns_ : 16;
        while (rows < a_count) rows *= 2;
        while (columns < b_count) columns *= 2;
        const size_t most = std::min(std::max(kFewCells, 4 * runs_), kManyCells);
        if (rows > most / columns) return;
        PairCounts wider;
        wider.runs_ = runs_;
        wider.direct_.assign(rows * columns, 0);
        wider.rows_ = rows;
        wider.columns_ = columns;
        for_each([&](uint32_t a, uint32_t b, int64_t pixels) { wider.add(a, b, pixels); });
        std::swap(*this, wider);
    }

    struct Slot {
        uint64_t pair;
        int64_t pixels;  // 0: free
    };

    Slot& find(uint64_t pair) {
        size_t at = hash_(pair, bits_);
        while (slots_[at].pixels && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
        slots_[at].pair = pair;
        return slots_[at];
    }

    void grow() {
        Buffer<Slot> before;
        before.swap(slots_);
        bits_ = before.size() ? bits_ + 1 : 10;
        slots_.assign(size_t{1} << bits_, Slot{0, 0});
        for (size_t i = 0; i < before.size(); ++i) {
            if (before[i].pixels) find(before[i].pair).pixels = before[i].pixels;
        }
    }

    size_t runs_ = 0;
    size_t rows_ = 0, columns_ = 0;
    Buffer<int64_t> direct_;
    Hash hash_;
    Buffer<Slot> slots_;  // at most half full
    int bits_ = 0;
    size_t used_ = 0;
};

// One of the two maps, as one thread reads it.
class Map {
   public:
    explicit Map(const LabelView& view) : view_(view), numbering_(view.width) {}

    // Read the block's labels.
    void read(const Block& block) {
        const int64_t y_stride = view_.strides[0], x_stride = view_.strides[1];
        const uint8_t* from = view_.data + block.y * y_stride + block.x * x_stride;
        if (block.height == 1 && x_stride == view_.width) {
            labels_ = from;
            return;
        }
        copy_.resize(block.pixels() * static_cast<size_t>(view_.width));
        with_label(view_.width, [&](auto label) {
            uint8_t* to = copy_.data();
            for (int64_t y = 0; y < block.height; ++y) {
                const uint8_t* pixel = from + y * y_stride;
                for (int64_t x = 0; x < block.width; ++x) {
                    std::memcpy(to, pixel, sizeof(label));
                    to += sizeof(label);
                    pixel += x_stride;
                }
            }
        });
        labels_ = copy_.data();
    }

    // Bit i is set where label i + 1, of n + 1, differs from label i.
    void changes(const simd::Table& simd, size_t n, Buffer<uint64_t>& bits) const {
        bits.resize((n + 63) / 64);
        const size_t width = static_cast<size_t>(view_.width);
        simd.pack_differ[log2_of(width)](labels_ + width, labels_, n, bits.data());
    }

    // The numbers of the labels at these indices.
    const Buffer<uint32_t>& numbers(const Buffer<uint32_t>& places) {
        numbers_.resize(places.size());
        with_label(view_.width, [&](auto label) {
            numbering_.number<decltype(label)>(labels_, places.data(), places.size(),
                                               numbers_.data());
        });
        return numbers_;
    }

    // The numbers, in this map, of all labels of another part of it.
    const Buffer<uint32_t>& numbers(const Map& other) {
        const Buffer<uint64_t>& labels = other.numbering_.labels();
        numbers_.resize(labels.size());
        for (size_t i = 0; i < labels.size(); ++i) numbers_[i] = numbering_.number(labels[i]);
        return numbers_;
    }

    uint32_t number(uint64_t label) { return numbering_.number(label); }
    size_t count() const { return numbering_.labels().size(); }
    bool is_bytes() const { return view_.width == 1; }
    const uint8_t* bytes() const { return labels_; }

    Buffer<uint64_t> labels() const { return numbering_.native_labels(view_.width, view_.swapped); }
    Buffer<uint32_t> by_label() const { return ascending(labels(), view_.width, view_.is_signed); }

   private:
    LabelView view_;
    Numbering numbering_;
    const uint8_t* labels_ = nullptr;
    Buffer<uint8_t> copy_;
    Buffer<uint32_t> numbers_;
};

struct Pair {
    uint32_t a, b;
    int64_t pixels;
};

// Sort pairs by one of their numbers, in this order of the numbers; equal ones stay as they are.
template <class Number>
void sort_by(const Buffer<Pair>& pairs, Buffer<Pair>& sorted, const Buffer<uint32_t>& order,
             Number number) {
    Buffer<size_t> cursors;
    cursors.assign(order.size(), 0);
    for (size_t i = 0; i < pairs.size(); ++i) ++cursors[number(pairs[i])];
    size_t total = 0;
    for (size_t i = 0; i < order.size(); ++i) {
        const size_t n = cursors[order[i]];
        cursors[order[i]] = total;
        total += n;
    }
    sorted.resize(total);
    for (size_t i = 0; i < pairs.size(); ++i) sorted[cursors[number(pairs[i])]++] = pairs[i];
}

// The pairs of a part of the pixels.
class Counter {
   public:
    Counter(const Context& context, const LabelView& a, const LabelView& b)
        : simd_(&context.simd), a_(a), b_(b) {}

    void count(const Block& block) {
        const simd::Table& simd = *simd_;
        a_.read(block);
        b_.read(block);
        const size_t last = block.pixels() - 1;
        a_.changes(simd, last, changes_);
        b_.changes(simd, last, more_changes_);
        for (size_t w = 0; w < changes_.size(); ++w) changes_[w] |= more_changes_[w];
        ends_.resize(64 * changes_.size() + 1);
        const size_t runs = simd.positions_u32(changes_.data(), changes_.size(), 0, ends_.data());
        ends_[runs] = static_cast<uint32_t>(last);
        ends_.resize(runs + 1);
        if (a_.is_bytes() && b_.is_bytes() && runs > last / 4) return count_bytes(last + 1);

        const Buffer<uint32_t>&a = a_.numbers(ends_), &b = b_.numbers(ends_);
        pairs_.add(ends_, a, b, a_.count(), b_.count());
    }

    void add(const Counter& other) {
        for (size_t i = 0; i < other.byte_pairs_.size(); ++i) {
            if (other.byte_pairs_[i]) add_byte_pair(i, other.byte_pairs_[i]);
        }
        const Buffer<uint32_t>&a = a_.numbers(other.a_), &b = b_.numbers(other.b_);
        other.pairs_.for_each([&](uint32_t other_a, uint32_t other_b, int64_t pixels) {
            pairs_.add(a[other_a], b[other_b], pixels);
        });
    }

    void sort(OverlapTable& table) {
        for (size_t i = 0; i < byte_pairs_.size(); ++i) {
            if (byte_pairs_[i]) add_byte_pair(i, byte_pairs_[i]);
        }
        const Buffer<uint64_t> a = a_.labels(), b = b_.labels();
        const Buffer<uint32_t> by_a = a_.by_label(), by_b = b_.by_label();
        Buffer<Pair> pairs, sorted;
        pairs_.for_each(
            [&](uint32_t i, uint32_t j, int64_t pixels) { pairs.push_back({i, j, pixels}); });
        sort_by(pairs, sorted, by_b, [](const Pair& pair) { return pair.b; });
        sort_by(sorted, pairs, by_a, [](const Pair& pair) { return pair.a; });
        table.a.resize(pairs.size());
        table.b.resize(pairs.size());
        table.pixels.resize(pairs.size());
        for (size_t i = 0; i < pairs.size(); ++i) {
            table.a[i] = a[pairs[i].a];
            table.b[i] = b[pairs[i].b];
            table.pixels[i] = pairs[i].pixels;
        }
    }

   private:
    // Where runs are short, counting each pixel takes less time; bytes need no numbers.
    void count_bytes(size_t n) {
        if (!byte_pairs_.size()) byte_pairs_.assign(1 << 16, 0);
        int64_t* const pixels = byte_pairs_.data();
        const uint8_t* const a = a_.bytes();
        const uint8_t* const b = b_.bytes();
        for (size_t i = 0; i < n; ++i) ++pixels[a[i] << 8 | b[i]];
    }

    void add_byte_pair(size_t pair, int64_t pixels) {
        pairs_.add(a_.number(pair >> 8), b_.number(pair & 255), pixels);
    }

    const simd::Table* simd_;
    Map a_, b_;
    PairCounts pairs_;
    Buffer<int64_t> byte_pairs_;  // none, or 256 x 256
    Buffer<uint64_t> changes_, more_changes_;
    Buffer<uint32_t> ends_;  // the last pixel of each run
};

}  // namespace

void overlap_table(const Context& context, const LabelView& labels_a, const LabelView& labels_b,
                   OverlapTable& table) {
    const Size size = labels_a.size;
    if (!size.height || !size.width) return;
    const bool by_column = is_by_column(labels_a) && is_by_column(labels_b);
    LabelView a = by_column ? transposed(labels_a) : labels_a;
    LabelView b = by_column ? transposed(labels_b) : labels_b;
    if (is_joined(a) && is_joined(b)) {
        a = in_one_row(a);
        b = in_one_row(b);
    }
    const Blocks blocks(a.size);

    constexpr int64_t kBlocks = 16;  // that a thread takes at a time
    constexpr double kPixelWork = 0.5;
    const int64_t items = (blocks.count() - 1) / kBlocks + 1;
    const double work = kPixelWork * static_cast<double>(size.pixels());
    const int threads = threads_for(context, items, work);
    PerWorker<Counter> counters(threads, context, a, b);
    parallel_for(context, items, threads, [&](int64_t item, int worker) {
        const int64_t end = std::min((item + 1) * kBlocks, blocks.count());
        for (int64_t i = item * kBlocks; i < end; ++i) {
            counters[worker].count(blocks[i]);
        }
    });
    for (int i = 1; i < counters.size(); ++i) counters[0].add(counters[i]);
    counters[0].sort(table);
}

}  // namespace segcore
