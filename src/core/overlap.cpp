// The number of common pixels of every mask of one batch with every mask of another.
//
// Most masks have one run, or few, in most columns. Their k-th runs form layer k: one interval
// [start, end) per column, empty if the column has fewer runs. The layers of a mask are disjoint,
// so its overlap with another is the sum over all pairs of layers of max(0, min(ends) -
// max(starts)), and vectors take many columns at a time.
//
// Masks for which that is wasteful are counted in other ways, whichever costs least per pair:
// - planes: one bit per pixel; count the bits of a AND b. For noise and fine stripes.
// - ranks: how many pixels of b lie before position p, for every run end p of a; from b's plane or
//   by bisecting b's run ends. For a few runs that cover many columns, against anything.
// Memory is limited to a small multiple of the run ends of each mask.
//
// Most pairs need no counting: their boxes are disjoint, or their areas and boxes show that they
// stay below the caller's limit. The masks of b are sorted by their left edges, so that most masks
// disjoint from a mask of a are not visited at all.
#include <algorithm>
#include <memory>

#include "arena.hpp"
#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

constexpr int64_t kMaxLayers = 24;
constexpr int64_t kMaxHeight = 1 << 15;  // intervals are held in 15 bits
constexpr int64_t kPadding = 32;  // empty columns behind a layer, for vectors to run into
constexpr int64_t kWordsPerBlock = 8;  // a plane's ranks are kept for blocks of 512 pixels

struct Layer {
    int64_t first, last;  // its columns
    uint16_t *starts, *ends;  // of their intervals
};

// A mask, prepared for the ways of counting that suit it, in the arena of its Preparer.
template <class T>
struct Mask {
    const T* flips = nullptr;
    int64_t count = 0;  // of flips
    int64_t area = 0;
    int64_t first = 0, last = 0;  // its foreground lies in the pixels [first, last)
    int64_t first_column = 0, last_column = 0;
    int64_t top = 0, bottom = 0;  // rows [top, bottom) hold it, not always tightly

    const Layer* layers = nullptr;
    int64_t layer_count = 0;  // 0: it has no layers

    const uint64_t* plane = nullptr;  // words from pixel plane_start, a multiple of 64; null: none
    int64_t plane_start = 0;
    const int64_t* block_ranks = nullptr;  // foreground before each block of the plane

    const int64_t* ranks = nullptr;  // foreground before each flip
};

template <class T>
class Preparer {
   public:
    Preparer(const simd::Table& simd, Size size)
        : simd_(simd), size_(size), divider_(size.height > 0 ? size.height : 1) {}

    void prepare(const T* begin, const T* end, Mask<T>& mask) {
        mask = measured(begin, end);
        if (mask.count > 0) shape(mask);
    }

    // A mask without layers and plane, whose rows are not known.
    Mask<T> measured(const T* begin, const T* end) const {
        Mask<T> mask;
        mask.flips = begin;
        mask.count = end - begin;
        if (mask.count == 0) return mask;
        const Runs<T> runs = runs_of(mask);
        mask.area = runs.area();
        mask.first = runs.first();
        mask.last = runs.last();
        mask.bottom = size_.height;
        mask.first_column = column_of(mask.first);
        mask.last_column = column_of(mask.last - 1) + 1;
        return mask;
    }

    // Make the layers or the plane of a mask that is measured and not empty.
    void shape(Mask<T>& mask) {
        if (!make_layers(mask)) make_plane(mask);
    }

    // Free what was made for all masks so far.
    void clear() { arena_.clear(); }

    // Compute the ranks of the flips; needed only if some mask has no layers.
    void rank_flips(Mask<T>& mask) {
        int64_t* const rank = arena_.take<int64_t>(static_cast<size_t>(mask.count) + 1);
        mask.ranks = rank;
        int64_t area = 0, i = 0;
        for (const Run run : runs_of(mask)) {
            rank[i++] = area;
            area += run.stop - run.start;
            rank[i++] = area;
        }
    }

   private:
    Runs<T> runs_of(const Mask<T>& mask) const {
        return {mask.flips, mask.flips + mask.count, size_.pixels()};
    }
    int64_t column_of(int64_t position) const {
        return static_cast<int64_t>(divider_.quotient(static_cast<T>(position)));
    }

    // Cut the runs into one interval per column, and distribute these over layers. Returns false if
    // that takes too many layers, or many more cells than there are runs.
    bool make_layers(Mask<T>& mask) {
        const int64_t height = size_.height, origin = mask.first_column;
        if (height >= kMaxHeight) return false;
        const int64_t columns = mask.last_column - origin;
        const int64_t most_cells = 4 * mask.count + 256;
        if (columns > most_cells || columns > (int64_t{1} << 31) - 1) return false;

        // The first run of each column is stored immediately, the others later.
        const Layer first = take_layer(origin, mask.last_column);
        others_.clear();
        int64_t top = height, bottom = 0;
        const auto place = [&](int64_t x, int64_t y, int64_t n) {
            top = std::min(top, y);
            bottom = std::max(bottom, y + n);
            if (first.ends[x] == 0) {
                first.starts[x] = static_cast<uint16_t>(y);
                first.ends[x] = static_cast<uint16_t>(y + n);
            } else {
                others_.push_back({static_cast<int32_t>(x), 0, static_cast<uint16_t>(y),
                                   static_cast<uint16_t>(y + n)});
            }
        };
        const Divider<T> divider = divider_;  // in registers
        for (const Run run : runs_of(mask)) {
            const int64_t x =
                static_cast<int64_t>(divider.quotient(static_cast<T>(run.start))) - origin;
            const int64_t y = run.start - (x + origin) * height;
            if (y + run.stop - run.start <= height) {  // the usual case
                place(x, y, run.stop - run.start);
            } else {
                for_columns(run, x + origin, height, [&](int64_t column, int64_t row, int64_t n) {
                    place(column - origin, row, n);
                });
            }
        }
        mask.top = top;
        mask.bottom = bottom;
        return add_layers(mask, first, most_cells);
    }

    // Behind the first layer: the second runs of columns, the third, and so on.
    bool add_layers(Mask<T>& mask, const Layer& first_layer, int64_t most_cells) {
        const int64_t columns = first_layer.last - first_layer.first;
        int64_t first[kMaxLayers], last[kMaxLayers];
        int64_t count = 1;
        if (others_.size()) depth_.assign(static_cast<size_t>(columns), 0);
        for (size_t i = 0; i < others_.size(); ++i) {
            Piece& piece = others_[i];
            piece.depth = ++depth_[static_cast<size_t>(piece.column)];
            if (piece.depth == kMaxLayers) return false;
            if (piece.depth == count) first[count++] = piece.column;
            last[piece.depth] = piece.column;
        }
        // Pieces come in ascending columns, so first and last are the layers' extents.
        int64_t cells = columns;
        for (int64_t k = 1; k < count; ++k) cells += last[k] + 1 - first[k];
        if (cells > most_cells) return false;

        Layer* const layers = arena_.take<Layer>(static_cast<size_t>(count));
        layers[0] = first_layer;
        for (int64_t k = 1; k < count; ++k) {
            layers[k] = take_layer(mask.first_column + first[k], mask.first_column + last[k] + 1);
        }
        for (size_t i = 0; i < others_.size(); ++i) {
            const Piece& piece = others_[i];
            const Layer& layer = layers[piece.depth];
            const int64_t at = piece.column + mask.first_column - layer.first;
            layer.starts[at] = piece.start;
            layer.ends[at] = piece.end;
        }
        mask.layers = layers;
        mask.layer_count = count;
        return true;
    }

    // A layer of empty intervals.
    Layer take_layer(int64_t first, int64_t last) {
        const size_t room = static_cast<size_t>(last - first + kPadding);
        uint16_t* const cells = arena_.take<uint16_t>(2 * room);
        std::fill_n(cells, 2 * room, uint16_t{0});
        return {first, last, cells, cells + room};
    }

    // Make a plane if it takes only a few words per run.
    void make_plane(Mask<T>& mask) {
        mask.plane_start = mask.first & ~int64_t{63};
        const int64_t words = (mask.last - mask.plane_start + 63) / 64;
        if (words > 4 * mask.count + 64) return;
        const int64_t padded = (words + kWordsPerBlock - 1) / kWordsPerBlock * kWordsPerBlock;
        uint64_t* const plane = arena_.take<uint64_t>(static_cast<size_t>(padded));
        std::fill_n(plane, padded, uint64_t{0});
        // Mark the flips, then extend each mark to the next: bit p is the parity of those <= p.
        for (int64_t i = 0; i < mask.count; ++i) {
            const int64_t p = static_cast<int64_t>(mask.flips[i]) - mask.plane_start;
            if (p < padded * 64) plane[p / 64] ^= uint64_t{1} << p % 64;
        }
        uint64_t carry = 0;
        const int64_t valid = mask.last - mask.plane_start;
        for (int64_t w = 0; w < padded; ++w) {
            uint64_t word = plane[w];
            for (int shift = 1; shift < 64; shift *= 2) word ^= word << shift;
            word ^= carry;
            carry = uint64_t{0} - (word >> 63);
            if (64 * w + 64 > valid) {
                word &= 64 * w >= valid ? 0 : (uint64_t{1} << (valid - 64 * w)) - 1;
            }
            plane[w] = word;
        }
        const int64_t blocks = padded / kWordsPerBlock;
        int64_t* const ranks = arena_.take<int64_t>(static_cast<size_t>(blocks));
        int64_t rank = 0;
        for (int64_t block = 0; block < blocks; ++block) {
            ranks[block] = rank;
            rank += static_cast<int64_t>(simd_.count_bits(plane + block * kWordsPerBlock,
                                                          static_cast<size_t>(kWordsPerBlock)));
        }
        mask.plane = plane;
        mask.block_ranks = ranks;
    }

    struct Piece {
        int32_t column;
        uint16_t depth, start, end;
    };

    const simd::Table& simd_;
    Size size_;
    Divider<T> divider_;
    Arena arena_;
    Buffer<uint16_t> depth_;  // of each column: its runs but the first
    Buffer<Piece> others_;  // those runs
};

template <class T>
class Counter {
   public:
    Counter(const Context& context, Size size)
        : context_(context), simd_(context.simd), pixels_(size.pixels()) {}

    int64_t count(const Mask<T>& a, const Mask<T>& b) const {
        if (a.first >= b.last || b.first >= a.last) return 0;
        if (a.area == pixels_) return b.area;
        if (b.area == pixels_) return a.area;
        if (a.layer_count && b.layer_count) return by_layers(a, b);
        const bool few_a = a.count <= b.count;
        if (a.plane && b.plane) {
            const int64_t first = std::max(a.first, b.first), last = std::min(a.last, b.last);
            if ((last - first) / 64 <= 32 * std::min(a.count, b.count)) return by_planes(a, b);
        }
        return few_a ? by_ranks(a, b) : by_ranks(b, a);
    }

   private:
    int64_t by_layers(const Mask<T>& a, const Mask<T>& b) const {
        uint64_t sum = 0;
        for (const Layer* p = a.layers; p < a.layers + a.layer_count; ++p) {
            for (const Layer* q = b.layers; q < b.layers + b.layer_count; ++q) {
                const int64_t first = std::max(p->first, q->first);
                const int64_t last = std::min(p->last, q->last);
                if (first >= last) continue;
                const int64_t in_p = first - p->first, in_q = first - q->first;
                sum += simd_.overlap_columns(p->starts + in_p, p->ends + in_p, q->starts + in_q,
                                             q->ends + in_q, static_cast<size_t>(last - first));
            }
        }
        return static_cast<int64_t>(sum);
    }

    int64_t by_planes(const Mask<T>& a, const Mask<T>& b) const {
        const int64_t start = std::max(a.plane_start, b.plane_start);
        const int64_t words = (std::min(a.last, b.last) - start + 63) / 64;
        const uint64_t* in_a = a.plane + (start - a.plane_start) / 64;
        const uint64_t* in_b = b.plane + (start - b.plane_start) / 64;
        return static_cast<int64_t>(simd_.count_common(in_a, in_b, static_cast<size_t>(words)));
    }

    // The sum over a's runs [s, e) of rank(e) - rank(s), where rank counts b's pixels before.
    int64_t by_ranks(const Mask<T>& a, const Mask<T>& b) const {
        const T *flip = a.flips, *const flips_end = flip + a.count;
        const Runs<T> runs(flip, flips_end, pixels_);
        int64_t first = 0, last = runs.size();
        // Only the runs of a that reach into b's range [first, last) count.
        if (a.first < b.first) {
            const int64_t i = std::upper_bound(flip, flips_end, static_cast<T>(b.first)) - flip;
            first = i ? (i - 1) / 2 : 0;
        }
        if (b.last < a.last && b.last < pixels_) {
            const int64_t i = std::lower_bound(flip, flips_end, static_cast<T>(b.last)) - flip;
            last = (i + 1) / 2;
        }
        int64_t sum = 0;
        const T* from = b.flips;
        for_blocks(context_, last - first, [&](int64_t start, int64_t stop) {
            for (int64_t i = first + start; i < first + stop; ++i) {
                const Run run = runs[i];
                if (b.plane) {
                    sum += plane_rank(b, run.stop) - plane_rank(b, run.start);
                } else {
                    const int64_t before = flip_rank(b, run.start, from);
                    sum += flip_rank(b, run.stop, from) - before;
                }
            }
        });
        return sum;
    }

    int64_t plane_rank(const Mask<T>& mask, int64_t position) const {
        if (position <= mask.first) return 0;
        if (position >= mask.last) return mask.area;
        const int64_t p = position - mask.plane_start;
        const int64_t word = p / 64, block = word / kWordsPerBlock;
        const uint64_t* plane = mask.plane;
        int64_t rank = mask.block_ranks[block];
        const int64_t start = block * kWordsPerBlock;
        rank += static_cast<int64_t>(
            simd_.count_bits(plane + start, static_cast<size_t>(word - start)));
        const uint64_t rest = plane[word] & ((uint64_t{1} << p % 64) - 1);
        return rank + static_cast<int64_t>(simd_.count_bits(&rest, 1));
    }

    // Positions come in ascending order: `from` is where the last search ended. Doubling steps find
    // near answers fast, and far ones in logarithmic time.
    int64_t flip_rank(const Mask<T>& mask, int64_t position, const T*& from) const {
        if (position <= mask.first) return 0;
        if (position >= mask.last) return mask.area;
        const T target = static_cast<T>(position);
        const T* end = mask.flips + mask.count;
        int64_t step = 1;
        const T* low = from;
        while (end - low > step && low[step] < target) {
            low += step;
            step *= 2;
        }
        from = std::lower_bound(low, end - low > step ? low + step + 1 : end, target);
        const int64_t i = from - mask.flips;  // the first flip at or behind the position
        // Behind an odd number of flips lies foreground: up to flip i, or to the end.
        if (i % 2 == 0) return mask.ranks[i];
        const Runs<T> runs(mask.flips, mask.flips + mask.count, pixels_);
        return mask.ranks[i] - (runs[i / 2].stop - position);
    }

    const Context& context_;
    const simd::Table& simd_;
    int64_t pixels_;
};

// The masks of both batches, prepared; once, where the batches are the same.
template <class T>
class Prepared {
   public:
    Prepared(const Context& context, BatchView<T> a, BatchView<T> b, Size size) {
        const bool same = a.run_ends == b.run_ends && a.offsets == b.offsets && a.count == b.count;
        const int64_t count = same ? a.count : a.count + b.count;
        const double flips = static_cast<double>(same ? a.total() : a.total() + b.total());
        masks_.resize(static_cast<size_t>(count));
        first_b_ = same ? 0 : a.count;

        const int threads =
            threads_for(context, count, flips * 2 + static_cast<double>(count) * 100);
        for (int i = 0; i < threads; ++i) {
            preparers_.push_back(std::make_unique<Preparer<T>>(context.simd, size));
        }
        parallel_for(context, count, threads, [&](int64_t i, int worker) {
            const BatchView<T>& batch = i < a.count ? a : b;
            const int64_t mask = i < a.count ? i : i - a.count;
            preparers_[static_cast<size_t>(worker)]->prepare(batch.begin(mask), batch.end(mask),
                                                             masks_[static_cast<size_t>(i)]);
        });
        if (!all_have_layers()) {
            parallel_for(context, count, threads, [&](int64_t i, int worker) {
                preparers_[static_cast<size_t>(worker)]->rank_flips(masks_[static_cast<size_t>(i)]);
            });
        }
    }

    const Mask<T>& a(int64_t i) const { return masks_[static_cast<size_t>(i)]; }
    const Mask<T>& b(int64_t j) const { return masks_[static_cast<size_t>(first_b_ + j)]; }

   private:
    bool all_have_layers() const {
        for (const Mask<T>& mask : masks_) {
            if (mask.count > 0 && mask.layer_count == 0) return false;
        }
        return true;
    }

    std::vector<std::unique_ptr<Preparer<T>>> preparers_;  // one per thread
    std::vector<Mask<T>> masks_;
    int64_t first_b_;
};

// Divide the common area of a mask of a and mask j of b, of which neither is empty.
double ratio_of(int64_t common, int64_t a_area, int64_t b_area, const uint8_t* divisors,
                int64_t j) {
    int64_t divisor = a_area + b_area - common;
    if (divisors) {
        const auto kind = static_cast<Divisor>(divisors[j]);
        if (kind == Divisor::first) divisor = a_area;
        if (kind == Divisor::smaller) divisor = std::min(a_area, b_area);
        if (kind == Divisor::sum) divisor = a_area + b_area;
    }
    return static_cast<double>(common) / static_cast<double>(divisor);
}

// Whether a mask of a and mask j of b, with `common` pixels in common, have an overlap ratio that
// reaches the limit.
bool is_enough(const Limit& limit, int64_t common, int64_t a_area, int64_t b_area, int64_t j) {
    if (!(limit.above > 0)) return true;
    return !(ratio_of(common, a_area, b_area, limit.divisors, j) < limit.above);
}

// Selects the pairs that must be counted, from boxes and areas alone.
class Chooser {
   public:
    template <class T>
    Chooser(const Prepared<T>& prepared, int64_t count, Limit limit) : limit_(limit) {
        boxes_.reserve(static_cast<size_t>(count));
        for (int64_t j = 0; j < count; ++j) {
            const Mask<T>& mask = prepared.b(j);
            if (mask.count) boxes_.push_back(box_of(mask, j));
        }
        std::sort(boxes_.begin(), boxes_.end(),
                  [](const Box& p, const Box& q) { return p.left < q.left; });
        int64_t reach = 0;
        for (Box& box : boxes_) box.reach = reach = std::max(reach, box.right);
    }

    // Call visit(j) for the masks of b whose overlap with the mask may reach the limit.
    template <class T, class Visit>
    void for_each(const Mask<T>& mask, Visit&& visit) const {
        if (mask.count == 0) return;
        const Box a = box_of(mask, 0);
        auto box = std::partition_point(boxes_.begin(), boxes_.end(),
                                        [&](const Box& b) { return b.reach <= a.left; });
        for (; box != boxes_.end() && box->left < a.right; ++box) {
            const int64_t width = std::min(a.right, box->right) - std::max(a.left, box->left);
            const int64_t height = std::min(a.bottom, box->bottom) - std::max(a.top, box->top);
            if (width <= 0 || height <= 0) continue;
            // The ratio is monotone in the common area, also in floating point.
            const int64_t most = std::min(width * height, std::min(a.area, box->area));
            if (enough(most, a.area, box->area, box->index)) visit(box->index);
        }
    }

    bool enough(int64_t common, int64_t a_area, int64_t b_area, int64_t j) const {
        return is_enough(limit_, common, a_area, b_area, j);
    }

   private:
    struct Box {
        int64_t left, right, top, bottom, area, index;
        int64_t reach;  // how far right this box and those before it reach
    };

    template <class T>
    static Box box_of(const Mask<T>& mask, int64_t index) {
        return {mask.first_column, mask.last_column, mask.top, mask.bottom, mask.area, index, 0};
    }

    Limit limit_;
    std::vector<Box> boxes_;  // of those masks of b that are not empty
};

// The ratios of one group after another. Groups are small, and most of their pairs are ruled out:
// masks are prepared when a pair needs them.
template <class T>
class GroupOverlap {
   public:
    GroupOverlap(const Context& context, Size size, Limit limit)
        : context_(context),
          limit_(limit),
          preparer_(context.simd, size),
          counter_(context, size) {}

    // The masks of b are those from `first` on.
    void write(BatchView<T> a, BatchView<T> b, int64_t first, double* ratios) {
        if (a.count == 0 || b.count == 0) return;
        preparer_.clear();
        others_.clear();
        for (int64_t j = 0; j < b.count; ++j) {
            context_.poll();
            others_.push_back({preparer_.measured(b.begin(j), b.end(j))});
        }
        for (int64_t i = 0; i < a.count; ++i) {
            Item mask{preparer_.measured(a.begin(i), a.end(i))};
            for (int64_t j = 0; j < b.count; ++j) {
                context_.poll();
                *ratios++ = ratio(mask, others_[static_cast<size_t>(j)], first + j);
            }
        }
    }

   private:
    struct Item {
        Mask<T> mask;
        bool has_shape = false, has_ranks = false;
    };

    double ratio(Item& a, Item& b, int64_t j) {
        if (a.mask.count == 0 || b.mask.count == 0 || !may_reach(a.mask, b.mask, j)) return 0;
        shape(a);
        shape(b);
        if (!may_reach(a.mask, b.mask, j)) return 0;
        if (!a.mask.layer_count || !b.mask.layer_count) {
            rank(a);
            rank(b);
        }
        const int64_t common = counter_.count(a.mask, b.mask);
        if (!common) return 0;
        const double value = ratio_of(common, a.mask.area, b.mask.area, limit_.divisors, j);
        return value < limit_.above ? 0 : value;
    }

    // Whether boxes and areas leave it open that the ratio reaches the limit.
    bool may_reach(const Mask<T>& a, const Mask<T>& b, int64_t j) const {
        const int64_t width =
            std::min(a.last_column, b.last_column) - std::max(a.first_column, b.first_column);
        const int64_t height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
        if (width <= 0 || height <= 0) return false;
        const int64_t most = std::min(width * height, std::min(a.area, b.area));
        return is_enough(limit_, most, a.area, b.area, j);
    }

    void shape(Item& item) {
        if (!item.has_shape) preparer_.shape(item.mask);
        item.has_shape = true;
    }
    void rank(Item& item) {
        if (!item.has_ranks) preparer_.rank_flips(item.mask);
        item.has_ranks = true;
    }

    const Context& context_;
    const Limit limit_;
    Preparer<T> preparer_;
    Counter<T> counter_;
    std::vector<Item> others_;  // the masks of b
};

}  // namespace

template <class T>
void overlap(const Context& context, BatchView<T> a, BatchView<T> b, Size size, int64_t* areas,
             Limit limit) {
    const Prepared<T> prepared(context, a, b, size);
    const Counter<T> counter(context, size);
    const Chooser chooser(prepared, b.count, limit);
    const double work = static_cast<double>(a.count) * static_cast<double>(b.count) * 20 +
                        static_cast<double>(a.total()) * static_cast<double>(b.count) * 0.02;
    parallel_for(context, a.count, threads_for(context, a.count, work), [&](int64_t i, int) {
        const Mask<T>& mask = prepared.a(i);
        int64_t* const row = areas + i * b.count;
        std::fill_n(row, b.count, int64_t{0});
        chooser.for_each(mask, [&](int64_t j) {
            const Mask<T>& other = prepared.b(j);
            context.poll();
            const int64_t common = counter.count(mask, other);
            if (chooser.enough(common, mask.area, other.area, j)) row[j] = common;
        });
    });
}

template <class T>
void overlap_ratios(const Context& context, BatchView<T> a, BatchView<T> b, Size size,
                    double* ratios, Limit limit) {
    static_assert(sizeof(double) == sizeof(int64_t));
    overlap(context, a, b, size, reinterpret_cast<int64_t*>(ratios), limit);  // divided in place
    Buffer<int64_t> a_areas(static_cast<size_t>(a.count)), b_areas(static_cast<size_t>(b.count));
    area(context, a, size, a_areas.data());
    area(context, b, size, b_areas.data());
    const double work = static_cast<double>(a.count) * static_cast<double>(b.count) * 2;
    parallel_for(context, a.count, threads_for(context, a.count, work), [&](int64_t i, int) {
        double* const row = ratios + i * b.count;
        const int64_t a_area = a_areas[static_cast<size_t>(i)];
        context.poll();
        for (int64_t j = 0; j < b.count; ++j) {
            int64_t common;
            std::memcpy(&common, row + j, sizeof common);
            row[j] = common ? ratio_of(common, a_area, b_areas[static_cast<size_t>(j)],
                                       limit.divisors, j)
                            : 0;
        }
    });
}

template <class T>
void overlap_ratios(const Context& context, BatchView<T> a, BatchView<T> b, Size size,
                    const Groups& groups, double* ratios, Limit limit) {
    std::vector<double*> of_group(static_cast<size_t>(groups.count));
    for (int64_t g = 0; g < groups.count; ++g) {
        of_group[static_cast<size_t>(g)] = ratios;
        ratios += groups.pairs(g);
    }
    const double work = static_cast<double>(a.total() + b.total()) * 2 +
                        static_cast<double>(a.count + b.count) * 100;
    const int threads = threads_for(context, groups.count, work);
    std::vector<std::unique_ptr<GroupOverlap<T>>> workers;
    for (int i = 0; i < threads; ++i) {
        workers.push_back(std::make_unique<GroupOverlap<T>>(context, size, limit));
    }
    parallel_for(context, groups.count, threads, [&](int64_t g, int worker) {
        workers[static_cast<size_t>(worker)]->write(a.slice(groups.a[g], groups.a[g + 1]),
                                                    b.slice(groups.b[g], groups.b[g + 1]),
                                                    groups.b[g], of_group[static_cast<size_t>(g)]);
    });
}

template void overlap<uint32_t>(const Context&, BatchView<uint32_t>, BatchView<uint32_t>, Size,
                                int64_t*, Limit);
template void overlap<uint64_t>(const Context&, BatchView<uint64_t>, BatchView<uint64_t>, Size,
                                int64_t*, Limit);
template void overlap_ratios<uint32_t>(const Context&, BatchView<uint32_t>, BatchView<uint32_t>,
                                       Size, double*, Limit);
template void overlap_ratios<uint64_t>(const Context&, BatchView<uint64_t>, BatchView<uint64_t>,
                                       Size, double*, Limit);
template void overlap_ratios<uint32_t>(const Context&, BatchView<uint32_t>, BatchView<uint32_t>,
                                       Size, const Groups&, double*, Limit);
template void overlap_ratios<uint64_t>(const Context&, BatchView<uint64_t>, BatchView<uint64_t>,
                                       Size, const Groups&, double*, Limit);

}  // namespace segcore
