// Boolean operations: on two batches mask by mask, and on the masks of each group of a batch.
#include <algorithm>
#include <cmath>

#include "bits.hpp"
#include "kernels.hpp"
#include "leaves.hpp"
#include "merge_two.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

// All masks at once on a plane of one bit per pixel, in column-major order, from the first to the
// last pixel that the result can have. For a union, runs are set; for an intersection, gaps are
// cleared; for a symmetric difference, the bits are flips, which are toggled.
template <class T>
class Plane {
   public:
    Plane(const Context& context, BatchView<T> masks, int64_t pixels, unsigned table)
        : context_(context),
          masks_(masks),
          pixels_(pixels),
          intersect_(table == kAnd),
          toggle_(table == kXor) {
        const bool intersect = intersect_;
        first_ = intersect ? 0 : pixels;
        last_ = intersect ? pixels : 0;
        for (int64_t mask = 0; mask < masks.count; ++mask) {
            const Runs<T> runs(masks, mask, pixels);
            if (runs.empty()) {
                if (intersect) last_ = 0;
                continue;
            }
            first_ = intersect ? std::max(first_, runs.first()) : std::min(first_, runs.first());
            last_ = intersect ? std::min(last_, runs.last()) : std::max(last_, runs.last());
        }
        base_ = first_ & ~int64_t{63};
    }

    bool empty() const { return first_ >= last_; }
    // Whether the plane is faster than merging pairs, which visits each flip log2(N) times. It is
    // not if there are few flips per word, or long runs, which are written once per mask.
    bool pays() const {
        const double flips = static_cast<double>(masks_.total());
        if (static_cast<double>(words()) > 32 * flips) return false;
        const double drawn = toggle_ ? 0 : 0.15 * touched();
        const double plane = 0.5 * static_cast<double>(words()) + 2 * flips + drawn;
        return plane < 2.5 * flips * std::log2(static_cast<double>(masks_.count));
    }

    // One more word than the pixels need, for the flip behind the last pixel.
    int64_t words() const { return (last_ - base_) / 64 + 1; }
    static constexpr int64_t kPadding = 8;  // words that set_mask may read and write back

    void reduce(Buffer<T>& run_ends) {
        plane_.assign(static_cast<size_t>(words() + kPadding), 0);
        if (intersect_) set_bits(plane_.data(), at(first_), at(last_));
        for (int64_t mask = 0; mask < masks_.count; ++mask) {
            context_.poll();
            const T *begin = masks_.begin(mask), *end = masks_.end(mask);
            if (toggle_) {
                toggle_flips(begin, end);
            } else if (intersect_) {
                clear_gaps(begin, end);
            } else {
                set_mask(context_.simd, plane_.data(), begin, end, base_, pixels_);
            }
        }
        collect(run_ends);
    }

   private:
    // The number of words that runs are ORed into, or an upper bound for clearing gaps.
    double touched() const {
        double bits = 0;
        for (int64_t mask = 0; mask < masks_.count; ++mask) {
            const Runs<T> runs(masks_, mask, pixels_);
            const int64_t inside = runs.area();
            if (!intersect_) {
                bits += static_cast<double>(inside);
            } else {
                // The part of the mask beyond the plane fills no gap.
                const int64_t beyond = first_ - runs.first() + runs.last() - last_;
                bits +=
                    static_cast<double>(std::min(last_ - first_, last_ - first_ - inside + beyond));
            }
        }
        return bits / 64;
    }

    size_t at(int64_t position) const { return static_cast<size_t>(position - base_); }

    void toggle_flips(const T* flip, const T* end) {
        for (; flip < end; ++flip) {
            const size_t bit = at(static_cast<int64_t>(*flip));
            plane_[bit / 64] ^= uint64_t{1} << bit % 64;
        }
    }

    void clear_gaps(const T* flip, const T* end) {
        int64_t gap = first_;
        for (; gap < last_; flip += 2) {
            const int64_t start = flip < end ? static_cast<int64_t>(flip[0]) : last_;
            if (start > gap) clear_bits(plane_.data(), at(gap), at(std::min(start, last_)));
            if (flip + 1 >= end) break;
            gap = std::max(gap, static_cast<int64_t>(flip[1]));
        }
    }

    void collect(Buffer<T>& run_ends) {
        constexpr size_t kBlock = 64;
        uint64_t flips[kBlock], previous = 0;
        const size_t words = static_cast<size_t>(this->words());
        for (size_t start = 0; start < words; start += kBlock) {
            const size_t n = std::min(kBlock, words - start);
            uint64_t any = 0;
            for (size_t w = 0; w < n; ++w) {
                const uint64_t word = plane_[start + w];
                flips[w] = toggle_ ? word : word ^ (word << 1 | previous);
                previous = word >> 63;
                any |= flips[w];
            }
            if (!any) continue;
            T* out = run_ends.grow(64 * n);
            const T base = static_cast<T>(base_ + static_cast<int64_t>(64 * start));
            run_ends.resize(run_ends.size() + positions(context_.simd, flips, n, base, out));
        }
        // A flip behind the last pixel of the image is dropped.
        if (run_ends.size() && static_cast<int64_t>(run_ends.back()) == pixels_)
            run_ends.pop_back();
    }

    const Context& context_;
    BatchView<T> masks_;
    int64_t pixels_;
    bool intersect_, toggle_;
    int64_t first_, last_, base_;
    Buffer<uint64_t> plane_;
};

// One mask or two.
template <class T>
void reduce_two(const Context& context, BatchView<T> masks, int64_t pixels, unsigned table,
                Buffer<T>& run_ends) {
    if (masks.count == 1) {
        run_ends.append(masks.begin(0), static_cast<size_t>(masks.total()));
    } else {
        merge_two(context, masks.begin(0), masks.end(0), masks.begin(1), masks.end(1), pixels,
                  table, run_ends);
    }
}

// Merge pairs of masks, then pairs of the results, and so on: each flip is visited log2(N) times.
template <class T>
void reduce_pairs(const Context& context, BatchView<T> masks, int64_t pixels, unsigned table,
                  Buffer<T>& run_ends) {
    std::vector<Buffer<T>> level;
    for (int64_t mask = 0; mask < masks.count; mask += 2) {
        level.emplace_back();
        reduce_two(context, masks.slice(mask, std::min(mask + 2, masks.count)), pixels, table,
                   level.back());
    }
    while (level.size() > 1) {
        const size_t pairs = level.size() / 2;
        for (size_t i = 0; i < pairs; ++i) {
            const Buffer<T>& a = level[2 * i];
            const Buffer<T>& b = level[2 * i + 1];
            Buffer<T> merged;
            merge_two(context, a.data(), a.data() + a.size(), b.data(), b.data() + b.size(), pixels,
                      table, merged);
            level[i] = std::move(merged);
        }
        if (level.size() % 2) {
            level[pairs] = std::move(level.back());
            level.resize(pairs + 1);
        } else {
            level.resize(pairs);
        }
    }
    run_ends.append(level[0].data(), level[0].size());
}

template <class T>
void reduce_group(const Context& context, BatchView<T> masks, int64_t pixels, unsigned table,
                  Buffer<T>& run_ends) {
    if (masks.count == 0) {
        if (table == kAnd && pixels > 0) run_ends.push_back(0);
        return;
    }
    if (masks.count <= 2) return reduce_two(context, masks, pixels, table, run_ends);
    Plane<T> plane(context, masks, pixels, table);
    if (plane.empty()) return;
    if (plane.pays()) return plane.reduce(run_ends);
    reduce_pairs(context, masks, pixels, table, run_ends);
}

// The complement of a mask flips where the mask does, except at the first pixel.
template <class T>
void append_complement(const T* flip, const T* end, int64_t pixels, Buffer<T>& run_ends) {
    if (pixels == 0) return;
    if (flip < end && *flip == 0) {
        ++flip;
    } else {
        run_ends.push_back(0);
    }
    run_ends.append(flip, static_cast<size_t>(end - flip));
}

}  // namespace

template <class T>
void combine(const Context& context, BatchView<T> a, BatchView<T> b, Size size, unsigned table,
             Batch<T>& batch) {
    const int64_t count = a.count == 1 ? b.count : a.count;
    const double per_mask = static_cast<double>(a.total()) / static_cast<double>(a.count + 1) +
                            static_cast<double>(b.total()) / static_cast<double>(b.count + 1);
    const double work = static_cast<double>(count) * (per_mask * 3 + 20);
    // Whether combining a mask with itself gives its complement.
    const bool complements = (table & 0b1001) == 1;
    build_batch<T>(context, count, work, batch, [&](int64_t mask, Buffer<T>& run_ends, int) {
        const int64_t i = a.count == 1 ? 0 : mask, j = b.count == 1 ? 0 : mask;
        if (complements && a.begin(i) == b.begin(j) && a.end(i) == b.end(j)) {
            append_complement(a.begin(i), a.end(i), size.pixels(), run_ends);
        } else {
            merge_two(context, a.begin(i), a.end(i), b.begin(j), b.end(j), size.pixels(), table,
                      run_ends);
        }
        return Status{};
    });
}

template <class T>
void reduce(const Context& context, BatchView<T> masks, const int64_t* groups, int64_t count,
            Size size, unsigned table, Batch<T>& batch) {
    const double depth =
        std::log2(static_cast<double>(masks.count) / static_cast<double>(count + 1) + 2);
    const double work = static_cast<double>(masks.total()) * 3 * depth +
                        static_cast<double>(masks.count + count) * 20;
    build_batch<T>(context, count, work, batch, [&](int64_t group, Buffer<T>& run_ends, int) {
        reduce_group(context, masks.slice(groups[group], groups[group + 1]), size.pixels(), table,
                     run_ends);
        return Status{};
    });
}

template void combine<uint32_t>(const Context&, BatchView<uint32_t>, BatchView<uint32_t>, Size,
                                unsigned, Batch<uint32_t>&);
template void combine<uint64_t>(const Context&, BatchView<uint64_t>, BatchView<uint64_t>, Size,
                                unsigned, Batch<uint64_t>&);
template void reduce<uint32_t>(const Context&, BatchView<uint32_t>, const int64_t*, int64_t, Size,
                               unsigned, Batch<uint32_t>&);
template void reduce<uint64_t>(const Context&, BatchView<uint64_t>, const int64_t*, int64_t, Size,
                               unsigned, Batch<uint64_t>&);

}  // namespace segcore
