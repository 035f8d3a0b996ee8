// Masks under affine and perspective maps: each output pixel takes the nearest input pixel.
//
// Down an output column, an affine map runs along a line through the input. The pixel it takes next
// is reached by a step down or up (v), in the column of the last pixel, and then one to the side
// (u). So the column flips where such a step crosses an edge between foreground and background.
// Each edge is visited once: the output columns whose lines may cross it follow from the map of its
// ends, and each crossing's row from a division, which is then compared with the rounded positions
// that define the result.
//
// Under a perspective map, every pixel is looked up that the mask's bounding box may reach.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"
#include "parallel.hpp"
#include "run_writer.hpp"
#include "runs.hpp"
#include "spans.hpp"

namespace segcore {

namespace {

// A coordinate of the input, or its divisor, as a function of output column and row. It never
// descends, or never ascends, down a column.
struct Coordinate {
    double by_x, by_y, offset;

    double at_top(double x) const { return by_x * x + offset; }
    static double at(double top, double by_y, double y) { return by_y * y + top; }
};

struct Map {
    explicit Map(const double* m) : u{m[0], m[1], m[2]}, v{m[3], m[4], m[5]}, w{m[6], m[7], m[8]} {}

    bool is_affine() const { return w.by_x == 0 && w.by_y == 0 && w.offset == 1; }

    Coordinate u, v, w;
};

// The range of integers from `low` to `high` within [0, limit).
struct Range {
    Range(double low, double high, int64_t limit) {
        if (!(high >= 0) || !(low <= static_cast<double>(limit))) return;
        first = low > 0 ? static_cast<int64_t>(low) : 0;
        first += low > static_cast<double>(first);
        last = high < static_cast<double>(limit) ? static_cast<int64_t>(high) : limit - 1;
        last = std::min(last, limit - 1);
    }
    int64_t first = 0, last = -1;
};

int64_t floor_of(double value) {
    const auto whole = static_cast<int64_t>(value);
    return whole - (static_cast<double>(whole) > value);
}

// A row of the output at which a column flips.
struct Toggle {
    int64_t x, y;
};

// Where the lines of output columns cross the edges of one direction: those of rows, or of columns.
class Crossing {
   public:
    // The line crosses the border at `border` where `coordinate` passes it.
    Crossing(const Coordinate& coordinate)
        : by_y_(coordinate.by_y), descends_(coordinate.by_y < 0), inverse_(1 / coordinate.by_y) {}

    // The first row at which the line, whose coordinate is `top` in row 0, is beyond the border.
    // False if that is farther than any image reaches.
    bool row(double top, double border, double& y) const {
        const double estimate = (border - top) * inverse_;
        if (!(std::fabs(estimate) < kFar)) return false;
        y = static_cast<double>(floor_of(estimate)) + 1;
        if (is_beyond(top, border, y - 1)) --y;
        if (is_beyond(top, border, y) && !is_beyond(top, border, y - 1)) return true;
        // Rounding moved it farther: where the coordinate hardly changes from row to row.
        double low = -2 * kFar, high = 2 * kFar;  // not beyond, beyond
        while (high - low > 1) {
            const double middle = std::floor(low + (high - low) / 2);
            (is_beyond(top, border, middle) ? high : low) = middle;
        }
        y = high;
        return true;
    }

   private:
    bool is_beyond(double top, double border, double y) const {
        const double value = Coordinate::at(top, by_y_, y);
        return descends_ ? value < border : value >= border;
    }

    static constexpr double kFar = 1125899906842624.;  // 2**50

    double by_y_;
    bool descends_;
    double inverse_;
};

template <class T, class U>
class Warper {
   public:
    Warper(const Context& context, Size size, Size warped)
        : context_(context),
          size_(size),
          warped_(warped),
          divider_(size.height > 0 ? size.height : 1),
          finder_(context, size) {}

    void warp(const Runs<T>& runs, const double* matrix, Buffer<U>& run_ends) {
        if (runs.empty() || warped_.pixels() == 0) return;
        const Map map(matrix);
        RunWriter<U> writer(context_, run_ends, warped_);
        if (!warp_outline(runs, map, writer)) look_up(runs, map, writer);
        writer.finish();
    }

   private:
    // -- affine maps ------------------------------------------------------------------------------

    // Returns false if the map is not affine, or so close to singular that columns cannot be told.
    bool warp_outline(const Runs<T>& runs, const Map& map, RunWriter<U>& writer) {
        const Coordinate &u = map.u, &v = map.v;
        const double down = u.by_x * v.by_y, across = u.by_y * v.by_x;
        const double determinant = down - across;
        if (!map.is_affine() || !(std::fabs(determinant) > 1e-100)) return false;
        x_by_u_ = v.by_y / determinant;
        x_by_v_ = -u.by_y / determinant;
        x_offset_ = -(x_by_u_ * u.offset + x_by_v_ * v.offset);
        // How far rounding may move the columns of an edge.
        const double width = static_cast<double>(warped_.width);
        const double reach_u =
            static_cast<double>(size_.width) + 2 * std::fabs(u.offset) + std::fabs(u.by_x) * width;
        const double reach_v =
            static_cast<double>(size_.height) + 2 * std::fabs(v.offset) + std::fabs(v.by_x) * width;
        const double condition = (std::fabs(down) + std::fabs(across)) / std::fabs(determinant);
        margin_ = 1e-6 + 1e-14 * condition *
                             (std::fabs(x_by_u_) * reach_u + std::fabs(x_by_v_) * reach_v + width);
        if (!(margin_ < 0.25)) return false;

        toggles_.clear();
        const bool crosses_rows = v.by_y != 0, crosses_columns = u.by_y != 0;
        const Crossing rows(v), columns(u);
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                for_pieces(runs[i], size_.height, divider_, [&](int64_t x, int64_t n, Run piece) {
                    const int64_t top = piece.start - x * size_.height;
                    const int64_t bottom = n > 1 ? size_.height : piece.stop - x * size_.height;
                    if (crosses_rows) {
                        cross_row(u, v, rows, x, n, top);
                        cross_row(u, v, rows, x, n, bottom);
                    }
                });
            }
        });
        if (crosses_columns) {
            spans_.clear();
            finder_.find(runs, spans_);
            for_blocks(context_, static_cast<int64_t>(spans_.size()),
                       [&](int64_t first, int64_t last) {
                           for (int64_t i = first; i < last; ++i) {
                               cross_column(u, v, columns, spans_[static_cast<size_t>(i)]);
                           }
                       });
        }
        write_toggles(writer);
        return true;
    }

    // The output columns whose lines may cross the edge between two points.
    Range columns_between(double u0, double v0, double u1, double v1) const {
        const double a = x_by_u_ * u0 + x_by_v_ * v0 + x_offset_;
        const double b = x_by_u_ * u1 + x_by_v_ * v1 + x_offset_;
        return {std::min(a, b) - margin_, std::max(a, b) + margin_, warped_.width};
    }

    void add(int64_t x, double y) {
        if (y >= static_cast<double>(warped_.height)) return;
        toggles_.push_back({x, y > 0 ? static_cast<int64_t>(y) : 0});
    }

    // The edge above row y in n columns from x on, which is crossed in the column of the pixel
    // before.
    void cross_row(const Coordinate& u, const Coordinate& v, const Crossing& crossing, int64_t x,
                   int64_t n, int64_t y) {
        const auto left = static_cast<double>(x), right = static_cast<double>(x + n);
        const auto border = static_cast<double>(y);
        // That pixel is up to a step of u before the crossing.
        const Range range = columns_between(left + std::min(u.by_y, 0.), border,
                                            right + std::max(u.by_y, 0.), border);
        for (int64_t column = range.first; column <= range.last; ++column) {
            if (column % kItemsPerPoll == 0) context_.poll();
            const auto at = static_cast<double>(column);
            double row;
            if (!crossing.row(v.at_top(at), border, row)) continue;
            const double before = Coordinate::at(u.at_top(at), u.by_y, row - 1);
            if (before >= left && before < right) add(column, row);
        }
    }

    // The edge to the left of a span, which is crossed in the row of the pixel behind.
    void cross_column(const Coordinate& u, const Coordinate& v, const Crossing& crossing,
                      const Span& span) {
        const auto top = static_cast<double>(span.top), bottom = static_cast<double>(span.bottom);
        const auto border = static_cast<double>(span.x);
        // That pixel is up to a step of v behind the crossing.
        const Range range = columns_between(border, top - std::max(v.by_y, 0.), border,
                                            bottom - std::min(v.by_y, 0.));
        for (int64_t column = range.first; column <= range.last; ++column) {
            if (column % kItemsPerPoll == 0) context_.poll();
            const auto at = static_cast<double>(column);
            double row;
            if (!crossing.row(u.at_top(at), border, row)) continue;
            const double behind = Coordinate::at(v.at_top(at), v.by_y, row);
            if (behind >= top && behind < bottom) add(column, row);
        }
    }

    // Sort the toggles by column and row, and write what lies between them.
    void write_toggles(RunWriter<U>& writer) {
        const size_t count = toggles_.size();
        if (!count) return;
        int64_t lowest = warped_.width, highest = 0;
        for (size_t i = 0; i < count; ++i) {
            lowest = std::min(lowest, toggles_[i].x);
            highest = std::max(highest, toggles_[i].x);
        }
        writer.reserve(static_cast<int64_t>(count));
        if ((highest - lowest) / 8 > static_cast<int64_t>(count) + 64) {
            std::sort(toggles_.data(), toggles_.data() + count,
                      [](const Toggle& a, const Toggle& b) {
                          return a.x != b.x ? a.x < b.x : a.y < b.y;
                      });
            for (size_t i = 0; i < count;) {
                const int64_t x = toggles_[i].x;
                rows_.clear();
                for (; i < count && toggles_[i].x == x; ++i) rows_.push_back(toggles_[i].y);
                write_column(x, rows_.data(), rows_.data() + rows_.size(), writer);
            }
            return;
        }
        starts_.assign(static_cast<size_t>(highest - lowest) + 2, 0);
        rows_.resize(count);
        for (size_t i = 0; i < count; ++i)
            ++starts_[static_cast<size_t>(toggles_[i].x - lowest) + 1];
        for (size_t i = 1; i < starts_.size(); ++i) starts_[i] += starts_[i - 1];
        for (size_t i = 0; i < count; ++i) {
            rows_[starts_[static_cast<size_t>(toggles_[i].x - lowest)]++] = toggles_[i].y;
        }
        int64_t* row = rows_.data();
        for (size_t i = 0; i + 1 < starts_.size(); ++i) {  // each start advanced to its end
            int64_t* const end = rows_.data() + starts_[i];
            if (row == end) continue;
            sort(row, end);
            write_column(lowest + static_cast<int64_t>(i), row, end, writer);
            row = end;
        }
    }

    // A column has few toggles, if it has not many.
    static void sort(int64_t* begin, int64_t* end) {
        if (end - begin > 16) return std::sort(begin, end);
        for (int64_t* next = begin + 1; next < end; ++next) {
            const int64_t value = *next;
            int64_t* to = next;
            for (; to > begin && to[-1] > value; --to) *to = to[-1];
            *to = value;
        }
    }

    // Two equal rows cancel. An odd one out ends with the column.
    void write_column(int64_t x, const int64_t* row, const int64_t* end, RunWriter<U>& writer) {
        const int64_t top = x * warped_.height;
        int64_t start = -1;
        while (row < end) {
            const int64_t* next = row;
            while (next < end && *next == *row) ++next;
            if ((next - row) % 2) {
                if (start < 0) {
                    start = *row;
                } else {
                    writer.add(top + start, top + *row);
                    start = -1;
                }
            }
            row = next;
        }
        if (start >= 0) writer.add(top + start, top + warped_.height);
    }

    // -- any map ----------------------------------------------------------------------------------

    struct Window {
        Range x, y;
    };

    // The output pixels that the bounding box of the mask may reach.
    Window window_of(const Runs<T>& runs, const Map& map) const {
        const Range all_x(0, static_cast<double>(warped_.width), warped_.width);
        const Range all_y(0, static_cast<double>(warped_.height), warped_.height);
        const Window everywhere{all_x, all_y};
        const Coordinate &u = map.u, &v = map.v, &w = map.w;
        // The inverse, but for a factor.
        const Coordinate x{v.by_y * w.offset - v.offset * w.by_y,
                           u.offset * w.by_y - u.by_y * w.offset,
                           u.by_y * v.offset - u.offset * v.by_y};
        const Coordinate y{v.offset * w.by_x - v.by_x * w.offset,
                           u.by_x * w.offset - u.offset * w.by_x,
                           u.offset * v.by_x - u.by_x * v.offset};
        const Coordinate z{v.by_x * w.by_y - v.by_y * w.by_x, u.by_y * w.by_x - u.by_x * w.by_y,
                           u.by_x * v.by_y - u.by_y * v.by_x};
        const auto left = static_cast<double>(divider_.quotient(static_cast<T>(runs.first())));
        const double right =
            static_cast<double>(divider_.quotient(static_cast<T>(runs.last() - 1))) + 1;
        const auto bottom = static_cast<double>(size_.height);
        double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
        bool is_first = true, is_behind = false;
        for (const double from_u : {left, right}) {
            for (const double from_v : {0., bottom}) {
                const double divisor = Coordinate::at(z.at_top(from_u), z.by_y, from_v);
                const double to_x = Coordinate::at(x.at_top(from_u), x.by_y, from_v) / divisor;
                const double to_y = Coordinate::at(y.at_top(from_u), y.by_y, from_v) / divisor;
                // Back again, for a measure of rounding. A horizon through the box is everywhere.
                const double back = Coordinate::at(w.at_top(to_x), w.by_y, to_y);
                const double back_u = Coordinate::at(u.at_top(to_x), u.by_y, to_y) / back;
                const double back_v = Coordinate::at(v.at_top(to_x), v.by_y, to_y) / back;
                const bool is_exact =
                    std::fabs(back_u - from_u) < 1e-3 && std::fabs(back_v - from_v) < 1e-3;
                if (!is_exact || (!is_first && (divisor < 0) != is_behind)) return everywhere;
                is_behind = divisor < 0;
                x0 = is_first ? to_x : std::min(x0, to_x);
                x1 = is_first ? to_x : std::max(x1, to_x);
                y0 = is_first ? to_y : std::min(y0, to_y);
                y1 = is_first ? to_y : std::max(y1, to_y);
                is_first = false;
            }
        }
        const double more_x = 2 + 1e-3 * (x1 - x0), more_y = 2 + 1e-3 * (y1 - y0);
        return {Range(x0 - more_x, x1 + more_x, warped_.width),
                Range(y0 - more_y, y1 + more_y, warped_.height)};
    }

    void look_up(const Runs<T>& runs, const Map& map, RunWriter<U>& writer) {
        const Window window = window_of(runs, map);
        const auto width = static_cast<double>(size_.width),
                   height = static_cast<double>(size_.height);
        flip_ = runs.flips();
        for (int64_t x = window.x.first; x <= window.x.last; ++x) {
            const auto column = static_cast<double>(x);
            const double top_u = map.u.at_top(column), top_v = map.v.at_top(column),
                         top_w = map.w.at_top(column);
            const int64_t top = x * warped_.height;
            int64_t start = -1;
            for_blocks(
                context_, window.y.last - window.y.first + 1, [&](int64_t first, int64_t last) {
                    for (int64_t y = window.y.first + first; y < window.y.first + last; ++y) {
                        const auto row = static_cast<double>(y);
                        const double divisor = Coordinate::at(top_w, map.w.by_y, row);
                        const double u = Coordinate::at(top_u, map.u.by_y, row) / divisor;
                        const double v = Coordinate::at(top_v, map.v.by_y, row) / divisor;
                        const bool inside =
                            u >= 0 && u < width && v >= 0 && v < height &&
                            is_foreground(runs, static_cast<int64_t>(u) * size_.height +
                                                    static_cast<int64_t>(v));
                        if (inside == (start >= 0)) continue;
                        if (inside) {
                            start = y;
                        } else {
                            writer.reserve(1);
                            writer.add(top + start, top + y);
                            start = -1;
                        }
                    }
                });
            context_.poll();
            if (start >= 0) {
                writer.reserve(1);
                writer.add(top + start, top + window.y.last + 1);
            }
        }
    }

    // Search the flips in steps that double, from the last one that was found.
    bool is_foreground(const Runs<T>& runs, int64_t pixel) {
        const T* const begin = runs.flips();
        const T* const end = begin + runs.flip_count();
        const T position = static_cast<T>(pixel);
        const T *low = flip_, *high = flip_;  // the first flip behind the pixel is between them
        for (std::ptrdiff_t step = 1; low > begin && low[-1] > position; step *= 2) {
            high = low;
            low = low - begin > step ? low - step : begin;
        }
        for (std::ptrdiff_t step = 1; high < end && *high <= position; step *= 2) {
            low = high + 1;
            high = end - high > step ? high + step : end;
        }
        flip_ = std::upper_bound(low, high, position);
        return (flip_ - begin) % 2;
    }

    const Context& context_;
    Size size_, warped_;
    Divider<T> divider_;
    SpanFinder<T> finder_;
    double x_by_u_ = 0, x_by_v_ = 0, x_offset_ = 0;  // output columns by input positions
    double margin_ = 0;
    Buffer<Span> spans_;
    Buffer<Toggle> toggles_;
    Buffer<size_t> starts_;
    Buffer<int64_t> rows_;
    const T* flip_ = nullptr;
};

}  // namespace

template <class T, class U>
void warp(const Context& context, BatchView<T> masks, Size size, const double* matrices,
          Size warped, Batch<U>& batch) {
    double work =
        100 * static_cast<double>(masks.total()) + 1000. * static_cast<double>(masks.count);
    for (int64_t i = 0; i < masks.count; ++i) {
        if (!Map(matrices + 9 * i).is_affine()) work += static_cast<double>(warped.pixels());
    }
    PerWorker<Warper<T, U>> warpers(threads_for(context, masks.count, work), context, size, warped);
    build_batch(context, masks.count, work, batch, [&](int64_t mask, Buffer<U>& out, int worker) {
        warpers[worker].warp({masks, mask, size.pixels()}, matrices + 9 * mask, out);
        return Status{};
    });
}

#define SEGCORE_WARP(T, U) \
    template void warp<T, U>(const Context&, BatchView<T>, Size, const double*, Size, Batch<U>&)
SEGCORE_WARP(uint32_t, uint32_t);
SEGCORE_WARP(uint32_t, uint64_t);
SEGCORE_WARP(uint64_t, uint32_t);
SEGCORE_WARP(uint64_t, uint64_t);
#undef SEGCORE_WARP

}  // namespace segcore
