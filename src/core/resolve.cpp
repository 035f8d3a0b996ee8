// Makes overlapping masks disjoint: each takes the pixels that no previous mask has taken.
//
// Taken pixels are kept on a plane of one bit per pixel, in column-major order, from the first to
// the last pixel of any mask; a mask gets the zeros within its runs, and then sets its runs. If
// there are few runs among many pixels, taken pixels are kept as a mask instead, which is merged
// with each mask.
#include <algorithm>
#include <cstring>

#include "bits.hpp"
#include "kernels.hpp"
#include "leaves.hpp"
#include "merge_two.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

constexpr unsigned kWithout = 0b0100;

template <class T>
class TakenPlane {
   public:
    TakenPlane(const Context& context, int64_t first, int64_t last, int64_t pixels)
        : context_(context), base_(first & ~int64_t{63}), pixels_(pixels) {
        // set_mask may read and write back 8 words more.
        plane_.assign(words(first, last) + 8, 0);
    }

    static size_t words(int64_t first, int64_t last) { return words_for(last - first / 64 * 64); }

    // Append the part of the mask that is not taken.
    void append_free(const T* flip, const T* end, Buffer<T>& run_ends) {
        for (const Run run : Runs<T>(flip, end, pixels_)) {
            append_free_of_run(static_cast<size_t>(run.start - base_),
                               static_cast<size_t>(run.stop - base_), run_ends);
        }
        // There is no run end at the end of the image.
        if (run_ends.size() && static_cast<int64_t>(run_ends.back()) == pixels_)
            run_ends.pop_back();
    }

    void take(const T* flip, const T* end) {
        set_mask(context_.simd, plane_.data(), flip, end, base_, pixels_);
    }

   private:
    void append_free_of_run(size_t start, size_t stop, Buffer<T>& run_ends) {
        uint64_t before = 0;  // whether the pixel before the word is free, and in the run
        for_words(plane_.data(), start, stop, [&](const uint64_t& word, uint64_t in_run) {
            const uint64_t free = ~word & in_run;
            uint64_t flips = free ^ (free << 1 | before);
            before = free >> 63;
            if (!flips) return;
            const T first = static_cast<T>(base_ + (&word - plane_.data()) * 64);
            T* out = run_ends.grow(65);
            T* const begin = out;
            for (; flips; flips &= flips - 1) *out++ = static_cast<T>(first + lowest_bit(flips));
            run_ends.resize(run_ends.size() + static_cast<size_t>(out - begin));
        });
        if (before) run_ends.push_back(static_cast<T>(base_ + static_cast<int64_t>(stop)));
    }

    const Context& context_;
    int64_t base_;
    int64_t pixels_;
    Buffer<uint64_t> plane_;
};

template <class T>
class TakenMask {
   public:
    TakenMask(const Context& context, int64_t pixels) : context_(context), pixels_(pixels) {}

    void append_free(const T* begin, const T* end, Buffer<T>& run_ends) {
        find(begin, end);
        merge_two(context_, begin, end, taken_.data() + first_, taken_.data() + last_, pixels_,
                  kWithout, run_ends);
    }

    void take(const T* begin, const T* end) {
        find(begin, end);
        Buffer<T> merged;
        merge_two(context_, begin, end, taken_.data() + first_, taken_.data() + last_, pixels_, kOr,
                  merged);
        const size_t behind = taken_.size() - last_, place = first_ + merged.size();
        taken_.resize(std::max(taken_.size(), place + behind));
        std::memmove(taken_.data() + place, taken_.data() + last_, behind * sizeof(T));
        std::copy_n(merged.data(), merged.size(), taken_.data() + first_);
        taken_.resize(place + behind);
    }

   private:
    // The flips of the taken runs that meet the mask or touch it.
    void find(const T* begin, const T* end) {
        const T* taken = taken_.data();
        const T* behind = taken + taken_.size();
        first_ = static_cast<size_t>(std::lower_bound(taken, behind, *begin) - taken);
        first_ -= first_ % 2;
        last_ = taken_.size();
        if ((end - begin) % 2 == 0) {
            last_ = static_cast<size_t>(std::upper_bound(taken, behind, end[-1]) - taken);
            last_ = std::min(last_ + last_ % 2, taken_.size());
        }
    }

    const Context& context_;
    int64_t pixels_;
    Buffer<T> taken_;
    size_t first_ = 0, last_ = 0;
};

template <class T, class Taken>
void take_turns(const Context& context, BatchView<T> masks, int64_t pixels, const int64_t* limits,
                Taken taken, Batch<T>& batch, int64_t* overlaps) {
    for (int64_t mask = 0; mask < masks.count; ++mask) {
        context.poll();
        const T* begin = masks.begin(mask);
        const T* end = masks.end(mask);
        const size_t before = batch.run_ends.size();
        overlaps[mask] = 0;
        if (begin < end) {
            taken.append_free(begin, end, batch.run_ends);
            const T* of_all = batch.run_ends.data();
            const Runs<T> free(of_all + before, of_all + batch.run_ends.size(), pixels);
            overlaps[mask] = Runs<T>(begin, end, pixels).area() - free.area();
            if (overlaps[mask] > limits[mask]) {
                batch.run_ends.resize(before);
            } else {
                taken.take(begin, end);
            }
        }
        batch.offsets.push_back(static_cast<int64_t>(batch.run_ends.size()));
    }
}

}  // namespace

template <class T>
void resolve(const Context& context, BatchView<T> masks, Size size, const int64_t* limits,
             Batch<T>& batch, int64_t* overlaps) {
    const int64_t pixels = size.pixels();
    int64_t first = pixels, last = 0;
    for (int64_t mask = 0; mask < masks.count; ++mask) {
        const Runs<T> runs(masks, mask, pixels);
        if (runs.empty()) continue;
        first = std::min(first, runs.first());
        last = std::max(last, runs.last());
    }
    batch.offsets.push_back(0);
    const double words = first < last ? static_cast<double>(last - first) / 64 : 0;
    if (words < 64 * static_cast<double>(masks.total()) + (1 << 17)) {
        const int64_t start = std::min(first, last);
        take_turns(context, masks, pixels, limits, TakenPlane<T>(context, start, last, pixels),
                   batch, overlaps);
    } else {
        take_turns(context, masks, pixels, limits, TakenMask<T>(context, pixels), batch, overlaps);
    }
}

template void resolve<uint32_t>(const Context&, BatchView<uint32_t>, Size, const int64_t*,
                                Batch<uint32_t>&, int64_t*);
template void resolve<uint64_t>(const Context&, BatchView<uint64_t>, Size, const int64_t*,
                                Batch<uint64_t>&, int64_t*);

}  // namespace segcore
