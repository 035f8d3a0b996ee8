// Polygons and boxes to masks, by the rule of COCO's rleFrPoly.
//
// The rule walks each edge on a grid five times as fine as the pixels, and where the walk passes
// from u = 5 k + 2 to 5 k + 3, or back, it crosses the middle of pixel column k and flips the mask
// at the v it is at. Only those crossings are computed, each directly. The points of the walk
// between them are never visited, which makes this fast, and large coordinates harmless.
#include <algorithm>
#include <cmath>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr double kScale = 5;
constexpr double kMaxCoordinate = 1 << 30;

int64_t to_grid(double coordinate) { return static_cast<int64_t>(kScale * coordinate + .5); }

int64_t floor_fifth(int64_t value) { return value >= 0 ? value / 5 : -((4 - value) / 5); }
int64_t ceil_fifth(int64_t value) { return -floor_fifth(-value); }

// The pixel row at which a crossing at v flips: ceil((v + .5) / 5 - .5), within the image.
int64_t row_of(int64_t v, int64_t height) {
    return std::clamp(ceil_fifth(v - 2), int64_t{0}, height);
}

struct Crossing {
    int64_t column, row;
    bool rightward;
};

// The flips of one ring, or of all rings of a mask together.
template <class T>
class Rings {
   public:
    Rings(const Context& context, Size size)
        : context_(context), height_(size.height), width_(size.width) {}

    void rasterize(const double* points, int64_t count, Buffer<T>& run_ends) {
        crossings_.clear();
        trace(points, count);
        collect(run_ends);
    }

    void rasterize_all(const double* coordinates, const int64_t* offsets, int64_t count,
                       Filling filling, Buffer<T>& run_ends) {
        crossings_.clear();
        for (int64_t i = 0; i < count; ++i) {
            context_.poll();
            trace(coordinates + 2 * offsets[i], offsets[i + 1] - offsets[i]);
        }
        collect_all(filling, run_ends);
    }

   private:
    void trace(const double* points, int64_t count) {
        if (count < 3 || height_ == 0 || width_ == 0) return;
        int64_t x = to_grid(points[2 * count - 2]), y = to_grid(points[2 * count - 1]);
        for (int64_t i = 0; i < count; ++i) {
            if (i % kEdgesPerPoll == kEdgesPerPoll - 1) context_.poll();
            const int64_t next_x = to_grid(points[2 * i]), next_y = to_grid(points[2 * i + 1]);
            // The rule's walk is along the longer axis, upwards.
            const int64_t dx = std::abs(next_x - x), dy = std::abs(next_y - y);
            rightward_ = x < next_x;
            if (dx >= dy) {
                if (x < next_x) {
                    cross_flat(x, y, next_x, next_y);
                } else {
                    cross_flat(next_x, next_y, x, y);
                }
            } else if (y < next_y) {
                cross_steep(x, y, next_x, next_y);
            } else {
                cross_steep(next_x, next_y, x, y);
            }
            x = next_x;
            y = next_y;
        }
    }

    void add(int64_t column, int64_t v) {
        int64_t row = row_of(v, height_);
        if (row == height_) {  // the first row of the next column is the same place
            row = 0;
            ++column;
        }
        crossings_.push_back({column, row, rightward_});
    }

    // An edge at most as steep as 1: v is a function of u = x0 + t.
    void cross_flat(int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
        const int64_t first = std::max(ceil_fifth(x0 - 2), int64_t{0});
        const int64_t last = std::min(floor_fifth(x1 - 3), width_ - 1);
        if (first > last) return;
        const double slope = static_cast<double>(y1 - y0) / static_cast<double>(x1 - x0);
        const double origin = static_cast<double>(y0);
        auto v = [slope, origin](int64_t t) {
            return static_cast<int64_t>(origin + slope * static_cast<double>(t) + .5);
        };
        for_blocks(context_, last + 1 - first, [&](int64_t start, int64_t stop) {
            for (int64_t k = first + start; k < first + stop; ++k) {
                const int64_t t = 5 * k + 2 - x0;
                add(k, std::min(v(t), v(t + 1)));
            }
        });
    }

    // A steeper edge: u is a function of v = y0 + t, and monotone. A division estimates the t at
    // which it passes; the function itself decides. Far from the origin u has plateaus of thousands
    // of steps, so the search from the estimate doubles its steps, then bisects.
    void cross_steep(int64_t x0, int64_t y0, int64_t x1, int64_t y1) {
        const int64_t length = y1 - y0;
        const double slope = static_cast<double>(x1 - x0) / static_cast<double>(length);
        const double origin = static_cast<double>(x0);
        auto u = [slope, origin](int64_t t) {
            return static_cast<int64_t>(origin + slope * static_cast<double>(t) + .5);
        };
        const bool rising = x1 > x0;
        const int64_t u0 = u(0), u1 = u(length);
        const int64_t low = std::min(u0, u1), high = std::max(u0, u1);
        const int64_t first = std::max(ceil_fifth(low - 2), int64_t{0});
        const int64_t last = std::min(floor_fifth(high - 3), width_ - 1);
        for_blocks(context_, last + 1 - first, [&](int64_t start, int64_t stop) {
            for (int64_t k = first + start; k < first + stop; ++k) {
                auto passed = [&](int64_t t) {
                    return rising ? u(t) > 5 * k + 2 : u(t) < 5 * k + 3;
                };
                const double estimate = (static_cast<double>(5 * k) + 2.5 - origin) / slope;
                int64_t t = std::clamp(static_cast<int64_t>(estimate) + 1, int64_t{1}, length);
                if (!passed(t) || passed(t - 1)) t = first_passed(t, length, passed);
                add(k, y0 + t - 1);
            }
        });
    }

    // The first t that has passed, searched from a guess: 0 has not passed, `length` has.
    template <class Passed>
    static int64_t first_passed(int64_t guess, int64_t length, Passed passed) {
        int64_t before = guess, after = guess;  // has not passed, has passed
        if (passed(guess)) {
            for (int64_t step = 1; before > 0 && passed(before); step *= 2) {
                after = before;
                before = std::max(before - step, int64_t{0});
            }
        } else {
            for (int64_t step = 1; after < length && !passed(after); step *= 2) {
                before = after;
                after = std::min(after + step, length);
            }
        }
        while (after - before > 1) {
            const int64_t middle = before + (after - before) / 2;
            (passed(middle) ? after : before) = middle;
        }
        return after;
    }

    // Sort the crossings by column, by counting, then each column's few; equal ones cancel out.
    void collect(Buffer<T>& run_ends) {
        if (crossings_.size() == 0) return;
        const size_t count = crossings_.size();
        int64_t low = width_, high = 0;
        for (size_t i = 0; i < count; ++i) {
            low = std::min(low, crossings_[i].column);
            high = std::max(high, crossings_[i].column);
        }
        // A closed ring crosses every column between its outermost: there are no more than
        // crossings.
        column_ends_.assign(static_cast<size_t>(high - low) + 2, 0);
        for (size_t i = 0; i < count; ++i) {
            ++column_ends_[static_cast<size_t>(crossings_[i].column - low) + 1];
        }
        for (size_t i = 1; i < column_ends_.size(); ++i) column_ends_[i] += column_ends_[i - 1];
        rows_.resize(count);
        for (size_t i = 0; i < count; ++i) {
            const Crossing& crossing = crossings_[i];
            rows_[column_ends_[static_cast<size_t>(crossing.column - low)]++] = crossing.row;
        }
        T* const out = run_ends.grow(count);
        T* to = out;
        size_t i = 0;
        for (int64_t column = low; column <= high && column < width_; ++column) {
            const size_t column_end = column_ends_[static_cast<size_t>(column - low)];
            int64_t* rows = rows_.data();
            if (column_end - i == 2) {
                if (rows[i] > rows[i + 1]) std::swap(rows[i], rows[i + 1]);
            } else {
                context_.poll();
                std::sort(rows + i, rows + column_end);
            }
            for (; i < column_end; ++i) {
                const T position = static_cast<T>(column * height_ + rows[i]);
                if (to > out && to[-1] == position) {
                    --to;
                } else {
                    *to++ = position;
                }
            }
        }
        run_ends.resize(run_ends.size() + static_cast<size_t>(to - out));
    }

    // Sort the crossings of all rings, which may be far apart, and add up their directions: the
    // winding number of the pixels that follow. It is odd where an odd number of rings winds.
    void collect_all(Filling filling, Buffer<T>& run_ends) {
        keys_.resize(crossings_.size());
        for (size_t i = 0; i < keys_.size(); ++i) {
            const auto [column, row, rightward] = crossings_[i];
            keys_[i] = 2 * static_cast<uint64_t>(column * height_ + row) + rightward;
        }
        std::sort(keys_.data(), keys_.data() + keys_.size());
        const uint64_t pixels = static_cast<uint64_t>(height_ * width_);
        int64_t winding = 0;
        bool inside = false;
        T* const out = run_ends.grow(keys_.size());
        T* to = out;
        for_blocks(context_, static_cast<int64_t>(keys_.size()), [&](int64_t first, int64_t last) {
            for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
                winding += keys_[i] % 2 ? 1 : -1;
                const uint64_t position = keys_[i] / 2;
                if (i + 1 < keys_.size() && keys_[i + 1] / 2 == position) continue;
                const bool now = filling == Filling::even_odd ? winding % 2 != 0 : winding != 0;
                if (now != inside && position < pixels) *to++ = static_cast<T>(position);
                inside = now;
            }
        });
        run_ends.resize(run_ends.size() + static_cast<size_t>(to - out));
    }

    static constexpr int64_t kEdgesPerPoll = 64;

    const Context& context_;
    int64_t height_, width_;
    bool rightward_ = false;  // the edge that is traced
    Buffer<Crossing> crossings_;
    Buffer<uint64_t> keys_;
    Buffer<size_t> column_ends_;
    Buffer<int64_t> rows_;
};

Status check_coordinates(const double* values, int64_t count, int64_t mask) {
    for (int64_t i = 0; i < count; ++i) {
        if (!(std::fabs(values[i]) <= kMaxCoordinate)) return {Code::coordinate, mask, i, 0};
    }
    return {};
}

// The columns that an interval on the grid crosses, or the rows that a box fills.
struct Range {
    int64_t first, last;

    Range(double a, double b, int64_t limit)
        : first(ceil_fifth(std::min(to_grid(a), to_grid(b)) - 2)),
          last(ceil_fifth(std::max(to_grid(a), to_grid(b)) - 2)) {
        first = std::clamp(first, int64_t{0}, limit);
        last = std::clamp(last, int64_t{0}, limit);
    }
};

// The pixels of a box.
class Box {
   public:
    Box(const double* corners, Size size)
        : size_(size),
          columns_(corners[0], corners[2], size.width),
          rows_(corners[1], corners[3], size.height),
          whole_(rows_.last - rows_.first == size.height) {}

    int64_t run_ends() const {
        if (columns_.first >= columns_.last || rows_.first >= rows_.last) return 0;
        const bool to_the_end = columns_.last == size_.width && rows_.last == size_.height;
        return 2 * (whole_ ? 1 : columns_.last - columns_.first) - to_the_end;
    }

    template <class T>
    void write(const Context& context, T* to, T* end) const {
        const int64_t height = size_.height;
        const int64_t length =
            (whole_ ? columns_.last - columns_.first - 1 : 0) * height + rows_.last - rows_.first;
        const int64_t first = columns_.first * height + rows_.first;
        for_blocks(context, (end - to) / 2, [&](int64_t first_run, int64_t last_run) {
            for (int64_t i = first_run; i < last_run; ++i) {
                to[2 * i] = static_cast<T>(first + i * height);
                to[2 * i + 1] = static_cast<T>(first + i * height + length);
            }
        });
        if ((end - to) % 2) end[-1] = static_cast<T>(first + (end - to) / 2 * height);
    }

   private:
    Size size_;
    Range columns_, rows_;
    bool whole_;  // its columns are one run
};

}  // namespace

template <class T>
Status rasterize_polygons(const Context& context, const double* coordinates,
                          const int64_t* ring_offsets, const int64_t* mask_offsets, int64_t count,
                          Size size, Batch<T>& batch, Filling filling) {
    const int64_t points = ring_offsets[mask_offsets[count]];
    const double work = static_cast<double>(points) * 100 + static_cast<double>(count) * 500;
    PerWorker<Rings<T>> rings(threads_for(context, count, work), context, size);
    return build_batch<T>(
        context, count, work, batch, [&](int64_t mask, Buffer<T>& run_ends, int worker) {
            const int64_t first = mask_offsets[mask], last = mask_offsets[mask + 1];
            const double* start = coordinates + 2 * ring_offsets[first];
            const Status status =
                check_coordinates(start, 2 * (ring_offsets[last] - ring_offsets[first]), mask);
            if (!status.ok()) return status;
            Rings<T>& ring = rings[worker];
            if (filling != Filling::united) {
                ring.rasterize_all(coordinates, ring_offsets + first, last - first, filling,
                                   run_ends);
                return status;
            }
            auto rasterize = [&](int64_t i, Buffer<T>& to) {
                context.poll();
                ring.rasterize(coordinates + 2 * ring_offsets[i],
                               ring_offsets[i + 1] - ring_offsets[i], to);
            };
            if (last - first == 1) {
                rasterize(first, run_ends);
            } else if (last > first) {
                Batch<T> parts, whole;
                parts.offsets.push_back(0);
                for (int64_t i = first; i < last; ++i) {
                    rasterize(i, parts.run_ends);
                    parts.offsets.push_back(static_cast<int64_t>(parts.run_ends.size()));
                }
                reduce(context, parts.view(), size, kOr, whole);
                run_ends.append(whole.run_ends.data(), whole.run_ends.size());
            }
            return Status{};
        });
}

// The number of run ends of a box is known in advance, so each box is written in place.
template <class T>
Status rasterize_boxes(const Context& context, const double* boxes, int64_t count, Size size,
                       Batch<T>& batch) {
    batch.offsets.resize(static_cast<size_t>(count) + 1);
    int64_t total = 0;
    batch.offsets[0] = 0;
    for (int64_t i = 0; i < count; ++i) {
        const Status status = check_coordinates(boxes + 4 * i, 4, i);
        if (!status.ok()) return status;
        const int64_t run_ends = Box(boxes + 4 * i, size).run_ends();
        if (run_ends > PTRDIFF_MAX - total) throw std::bad_alloc();
        total += run_ends;
        batch.offsets[static_cast<size_t>(i) + 1] = total;
    }
    batch.run_ends.resize(static_cast<size_t>(total));
    const double work = static_cast<double>(total) + static_cast<double>(count) * 50;
    parallel_for(context, count, threads_for(context, count, work), [&](int64_t i, int) {
        T* const run_ends = batch.run_ends.data();
        const int64_t* const place = batch.offsets.data() + i;
        Box(boxes + 4 * i, size).write(context, run_ends + place[0], run_ends + place[1]);
    });
    return {};
}

#define SEGCORE_INSTANTIATE(T)                                                                \
    template Status rasterize_polygons<T>(const Context&, const double*, const int64_t*,      \
                                          const int64_t*, int64_t, Size, Batch<T>&, Filling); \
    template Status rasterize_boxes<T>(const Context&, const double*, int64_t, Size, Batch<T>&);
SEGCORE_INSTANTIATE(uint32_t)
SEGCORE_INSTANTIATE(uint64_t)

}  // namespace segcore
