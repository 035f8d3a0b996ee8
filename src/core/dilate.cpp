// Dilation by a shape that is symmetric in x and in y.
//
// A run grows up and down within the columns that it begins and ends in. A shift by k columns adds
// k times the height to all flips. The union of 2w + 1 neighbouring shifts is made by doubling: of
// 1, 2, 4, ... of them. Other shifts are united one by one while the union does not grow, otherwise
// in pairs. So the work depends on the number of runs, not of pixels. Positions are signed, as
// shifted runs may leave the image; they are cut at its edges last.
#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

// The bounds of runs: start, stop, start, ... Runs are not empty, ascending, and do not touch.
using Bounds = Buffer<int64_t>;

// A part of the shape: columns up to `last` from the middle reach `height` pixels up and down.
// Those up to `inner` reach farther; -1 if there are none.
struct Step {
    int64_t height;
    int64_t inner;
    int64_t last;
};

// Compute the union of runs `a` and runs `b` shifted by a distance, without branches that depend on
// the data.
void unite(const Context& context, const Bounds& a, const Bounds& b, int64_t distance,
           Bounds& out) {
    constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
    const int64_t *p = a.data(), *p_end = p + a.size(), *q = b.data(), *q_end = q + b.size();
    out.clear();
    int64_t* to = out.grow(a.size() + b.size() + 1);
    int64_t* const begin = to;
    unsigned in_a = 0, in_b = 0, inside = 0;
    int64_t next_a = p < p_end ? *p : kEnd, next_b = q < q_end ? *q + distance : kEnd;
    while (next_a != kEnd || next_b != kEnd) {
        context.poll();
        for (int64_t i = 0; i < kItemsPerPoll && (next_a != kEnd || next_b != kEnd); ++i) {
            const int64_t position = next_a < next_b ? next_a : next_b;
            const unsigned flip_a = next_a == position, flip_b = next_b == position;
            in_a ^= flip_a;
            in_b ^= flip_b;
            const unsigned result = in_a | in_b;
            *to = position;
            to += result ^ inside;
            inside = result;
            p += flip_a;
            q += flip_b;
            next_a = p < p_end ? *p : kEnd;
            next_b = q < q_end ? *q + distance : kEnd;
        }
    }
    out.resize(static_cast<size_t>(to - begin));
}

template <class T>
class Grower {
   public:
    Grower(const Context& context, Size size, const std::vector<Step>& steps, bool outside)
        : context_(context),
          height_(size.height),
          width_(size.width),
          pixels_(size.pixels()),
          steps_(steps),
          outside_(outside),
          divider_(size.height > 0 ? size.height : 1) {}

    void grow(const Runs<T>& runs, Buffer<T>& run_ends) {
        depth_ = 0;
        grown_.clear();
        for (const Step& step : steps_) {
            if (runs.empty()) break;
            grow_columns(runs, step.height);
            if (step.last - step.inner <= 2) {
                for (int64_t k = step.inner + 1; k <= step.last; ++k) {
                    add(k * height_);
                    if (k) add(-k * height_);
                }
            } else {
                widen(2 * step.last + 1);
                add(-step.last * height_);
            }
        }
        while (depth_ > 1) unite_last();
        const int64_t shift = depth_ ? parts_[0].shift : 0;
        if (depth_) grown_.swap(parts_[0].runs);
        if (outside_) {
            cut_inside_frame(shift, run_ends);
        } else {
            cut(shift, run_ends);
        }
    }

   private:
    // A union of some of the shifts, which is itself to be shifted.
    struct Part {
        Bounds runs;
        int64_t shift = 0;
    };

    // Set tall_ to the runs grown up and down, within their columns.
    void grow_columns(const Runs<T>& runs, int64_t reach) {
        tall_.clear();
        int64_t* const begin = tall_.grow(2 * static_cast<size_t>(runs.size()));
        int64_t* to = begin;
        for (const Run run : runs) {
            const int64_t top = column_of(run.start) * height_;
            const int64_t last =
                run.stop <= top + height_ ? top : column_of(run.stop - 1) * height_;
            const int64_t bottom = last + height_;
            const int64_t start = run.start - top > reach ? run.start - reach : top;
            const int64_t stop = bottom - run.stop > reach ? run.stop + reach : bottom;
            if (to != begin && start <= to[-1]) {
                to[-1] = stop;
            } else {
                *to++ = start;
                *to++ = stop;
            }
        }
        tall_.resize(static_cast<size_t>(to - begin));
    }

    int64_t column_of(int64_t position) const {
        return static_cast<int64_t>(divider_.quotient(static_cast<T>(position)));
    }

    // Replace tall_ by the union of itself shifted by 0, 1, ... to `count` - 1 columns.
    void widen(int64_t count) {
        for (int64_t done = 1; done < count;) {
            const int64_t more = std::min(done, count - done);
            unite(context_, tall_, tall_, more * height_, spare_);
            tall_.swap(spare_);
            done += more;
        }
    }

    // Add tall_, shifted. It is united with the last part if that is small, as when shifts overlap;
    // otherwise it begins a new part, so that runs are not visited once per shift.
    void add(int64_t shift) {
        if (depth_ && small_beside(parts_[depth_ - 1].runs, tall_)) {
            Part& part = parts_[depth_ - 1];
            unite(context_, part.runs, tall_, shift - part.shift, spare_);
            part.runs.swap(spare_);
        } else {
            if (depth_ == parts_.size()) parts_.emplace_back();
            Part& part = parts_[depth_++];
            part.runs.clear();
            part.runs.append(tall_.data(), tall_.size());
            part.shift = shift;
        }
        while (depth_ > 1 && small_beside(parts_[depth_ - 2].runs, parts_[depth_ - 1].runs)) {
            unite_last();
        }
    }

    static bool small_beside(const Bounds& a, const Bounds& b) { return a.size() <= 2 * b.size(); }

    void unite_last() {
        const Part& last = parts_[--depth_];
        Part& part = parts_[depth_ - 1];
        unite(context_, part.runs, last.runs, last.shift - part.shift, spare_);
        part.runs.swap(spare_);
    }

    // Append the part of grown_ that lies in the image.
    void cut(int64_t shift, Buffer<T>& run_ends) const {
        T* const begin = run_ends.grow(grown_.size());
        T* to = begin;
        for (size_t i = 0; i < grown_.size(); i += 2) {
            const int64_t start = std::max(grown_[i] + shift, int64_t{0});
            const int64_t stop = std::min(grown_[i + 1] + shift, pixels_);
            if (start >= stop) continue;
            *to++ = static_cast<T>(start);
            if (stop < pixels_) *to++ = static_cast<T>(stop);
        }
        run_ends.resize(run_ends.size() + static_cast<size_t>(to - begin));
    }

    // Append grown_ and the frame of pixels that the shape reaches from beyond the edges: all but
    // the gaps in grown_, as far as they lie inside the frame.
    void cut_inside_frame(int64_t shift, Buffer<T>& run_ends) const {
        const int64_t rows = steps_[0].height, columns = steps_.back().last;
        const size_t before = run_ends.size();
        if (pixels_ == 0) return;
        run_ends.push_back(0);
        int64_t gap = 0;
        auto append = [&](int64_t stop) {
            if (gap >= stop || 2 * rows >= height_) return;
            const int64_t first = std::max(column_of(gap), columns);
            const int64_t last = std::min(column_of(stop - 1), width_ - 1 - columns);
            for (int64_t x = first; x <= last; ++x) {
                if (x % kItemsPerPoll == 0) context_.poll();
                const int64_t from = std::max(gap, x * height_ + rows);
                const int64_t to = std::min(stop, (x + 1) * height_ - rows);
                if (from >= to) continue;
                // If the frame has no rows, the gap of the previous column may continue.
                if (run_ends.size() > before && static_cast<int64_t>(run_ends.back()) == from) {
                    run_ends.pop_back();
                } else {
                    run_ends.push_back(static_cast<T>(from));
                }
                if (to < pixels_) run_ends.push_back(static_cast<T>(to));
            }
        };
        for (size_t i = 0; i < grown_.size(); i += 2) {
            append(std::min(grown_[i] + shift, pixels_));
            gap = std::max(gap, grown_[i + 1] + shift);
        }
        append(pixels_);
    }

    const Context& context_;
    int64_t height_, width_;
    int64_t pixels_;
    const std::vector<Step>& steps_;
    bool outside_;
    Divider<T> divider_;
    std::vector<Part> parts_;
    size_t depth_ = 0;  // parts in use
    Bounds grown_, tall_, spare_;
};

// Divide the shape into steps, the highest first.
std::vector<Step> steps_of(const int64_t* reach, int64_t count) {
    std::vector<Step> steps;
    for (int64_t k = 0, first = -1; k < count; ++k) {
        if (k + 1 < count && reach[k + 1] == reach[k]) continue;
        steps.push_back({reach[k], first, k});
        first = k;
    }
    return steps;
}

}  // namespace

template <class T>
void dilate(const Context& context, BatchView<T> masks, Size size, const int64_t* reach,
            int64_t count, bool outside, Batch<T>& batch) {
    const std::vector<Step> steps = steps_of(reach, count);
    const double merges = 10 * static_cast<double>(steps.size());
    const double work = 4 * merges * static_cast<double>(masks.total());
    PerWorker<Grower<T>> growers(threads_for(context, masks.count, work), context, size, steps,
                                 outside);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<T>& out, int worker) {
        growers[worker].grow({masks, mask, size.pixels()}, out);
        return Status{};
    });
}

template void dilate<uint32_t>(const Context&, BatchView<uint32_t>, Size, const int64_t*, int64_t,
                               bool, Batch<uint32_t>&);
template void dilate<uint64_t>(const Context&, BatchView<uint64_t>, Size, const int64_t*, int64_t,
                               bool, Batch<uint64_t>&);

}  // namespace segcore
