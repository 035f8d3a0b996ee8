// Upsample class scores to a label map, without the intermediate classes x height x width array.
//
// A cell is the pixels between four samples. Only classes that no other class beats at all four
// samples are interpolated in it. If one class wins at all four, the cell is constant. A row of
// cells is therefore first filled with the winners of the samples; then the cells with several
// classes are drawn over it.
#include <algorithm>
#include <memory>

#include "bits.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr float kLimit = 0x1p126f;  // differences of scores within it are finite
constexpr int64_t kBand = 8;  // rows of cells that a thread takes at a time
constexpr int64_t kBlockScores = 32768;  // of one row of samples: two of them fit in a cache
constexpr int64_t kChunk = 128;  // pixels of a cell's row that are computed at a time
constexpr int64_t kLanes = 16;  // what leaf functions take at a time
constexpr size_t kFew = 8;  // classes that need no head start

int64_t whole_lanes(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// NaN becomes the lower bound.
float bounded(float score) {
    const float above = score > -kLimit ? score : -kLimit;
    return above < kLimit ? above : kLimit;
}

// The pixels of an axis, cell by cell; cell i lies between the samples i and i + 1.
class Axis {
   public:
    Axis(const float* positions, int64_t pixels, int64_t samples) {
        starts_.assign(static_cast<size_t>(samples) + 1, 0);
        fractions_.assign(static_cast<size_t>(pixels + kLanes), 0);
        for (int64_t i = 0; i < pixels; ++i) {
            const int64_t cell = static_cast<int64_t>(positions[i]);
            starts_[static_cast<size_t>(cell) + 1] = i + 1;
            fractions_[static_cast<size_t>(i)] = positions[i] - static_cast<float>(cell);
        }
        for (size_t i = 1; i < starts_.size(); ++i) {  // cells without pixels
            starts_[i] = std::max(starts_[i], starts_[i - 1]);
        }
    }

    int64_t cells() const { return static_cast<int64_t>(starts_.size()) - 1; }
    // The first pixel that is not in the cells before this one.
    int64_t start(int64_t cell) const { return starts_[static_cast<size_t>(cell)]; }
    int64_t count(int64_t cell) const { return start(cell + 1) - start(cell); }
    // How far pixels are from their cell's first sample. There are kLanes more than pixels.
    const float* fractions() const { return fractions_.data(); }
    // Whether the cell's pixels all lie on its first sample.
    bool is_exact(int64_t cell) const {
        return count(cell) == 0 ||
               (count(cell) == 1 && fractions_[static_cast<size_t>(start(cell))] == 0);
    }

   private:
    Buffer<int64_t> starts_;
    Buffer<float> fractions_;
};

// A part of a row of samples: the winning class at each sample and, on request, all scores.
class Samples {
   public:
    Samples(const ClassView& view, int64_t stride) : view_(view), stride_(stride) {}

    int64_t row() const { return row_; }
    void forget() { row_ = -1; }
    const uint32_t* winners() const { return winners_.data(); }

    void load(int64_t row, int64_t first, int64_t count) {
        row_ = row;
        from_ = view_.scores + row * view_.columns + first;
        count_ = count;
        spread_ = false;
        best_.assign(static_cast<size_t>(count), -kLimit);
        winners_.assign(static_cast<size_t>(count), 0);
        for (int64_t k = 0; k < view_.classes; ++k) {
            compare(of_class(k), static_cast<uint32_t>(k), best_.data(), winners_.data());
        }
    }

    // The scores of a sample, bounded and side by side; behind them bounds, up to whole lanes.
    const float* scores(int64_t sample) {
        if (!spread_) spread();
        return scores_.data() + sample * stride_;
    }

   private:
    const float* of_class(int64_t k) const { return from_ + k * view_.rows * view_.columns; }

    void compare(const float* from, uint32_t k, float* __restrict best,
                 uint32_t* __restrict winners) const {
        for (int64_t i = 0; i < count_; ++i) {
            const float score = bounded(from[i]);
            winners[i] = score > best[i] ? k : winners[i];
            best[i] = score > best[i] ? score : best[i];
        }
    }

    void spread() {
        scores_.assign(static_cast<size_t>(count_ * stride_), -kLimit);
        for (int64_t k = 0; k < view_.classes; ++k) {
            const float* const from = of_class(k);
            float* const to = scores_.data() + k;
            for (int64_t i = 0; i < count_; ++i) to[i * stride_] = bounded(from[i]);
        }
        spread_ = true;
    }

    const ClassView& view_;
    const int64_t stride_;
    const float* from_ = nullptr;
    int64_t row_ = -1, count_ = 0;
    bool spread_ = false;
    Buffer<float> best_, scores_;
    Buffer<uint32_t> winners_;
};

// The classes of a cell that no other one beats, ascending, and their scores at its corners.
class Contenders {
   public:
    Contenders(const simd::Table& simd, int64_t stride) : simd_(simd) {
        const size_t room = static_cast<size_t>(stride);
        for (auto& each : corners_) each.resize(room);
        ids_.resize(room);
        places_.resize(room);
        alive_.resize(room);
    }

    // `corners` are the scores of all classes, in whole lanes; `winners` the best of each.
    void choose(const float* const corners[4], const uint32_t winners[4]) {
        count_ = ids_.size();
        alive_.assign(count_, 1);
        for (int i = 0; i < 4; ++i) {
            if (std::find(winners, winners + i, winners[i]) == winners + i) {
                simd_.drop_beaten(corners, count_, winners[i], alive_.data());
            }
        }
        for (size_t k = 0; k < ids_.size(); ++k) ids_[k] = static_cast<uint32_t>(k);
        keep_alive(corners);
        const float* const own[4] = {corner(0), corner(1), corner(2), corner(3)};
        // If there are many, a class that is good at all corners beats most of them.
        if (count_ > kFew) {
            drop(own, best_at_worst());
            keep_alive(own);
        }
        for (size_t i = 0; i < count_; ++i) {
            if (alive_[i]) drop(own, i);
        }
        keep_alive(own);
    }

    size_t count() const { return count_; }
    const uint32_t* ids() const { return ids_.data(); }
    const float* corner(int i) const { return corners_[i].data(); }

   private:
    size_t lanes() const { return static_cast<size_t>(whole_lanes(static_cast<int64_t>(count_))); }

    void drop(const float* const corners[4], size_t by) {
        simd_.drop_beaten(corners, lanes(), by, alive_.data());
    }

    void keep_alive(const float* const from[4]) {
        // Without branches, which would be unpredictable.
        size_t kept = 0;
        for (size_t i = 0; i < count_; ++i) {
            places_[kept] = i;
            kept += alive_[i];
        }
        for (size_t i = 0; i < kept; ++i) ids_[i] = ids_[places_[i]];
        for (int c = 0; c < 4; ++c) {
            for (size_t i = 0; i < kept; ++i) corners_[c][i] = from[c][places_[i]];
        }
        count_ = kept;
        for (size_t i = kept; i < lanes(); ++i) {
            for (auto& each : corners_) each[i] = -kLimit;
        }
        for (size_t i = 0; i < lanes(); ++i) alive_[i] = 1;
    }

    size_t best_at_worst() const {
        size_t best = 0;
        float most = -kLimit;
        for (size_t i = 0; i < count_; ++i) {
            const float worst = std::min(std::min(corners_[0][i], corners_[1][i]),
                                         std::min(corners_[2][i], corners_[3][i]));
            if (worst > most) most = worst, best = i;
        }
        return best;
    }

    const simd::Table& simd_;
    Buffer<float> corners_[4];
    Buffer<uint32_t> ids_, alive_;
    Buffer<size_t> places_;  // of those alive
    size_t count_ = 0;
};

// Draws rows of cells; one instance per thread.
template <class Label>
class Drawer {
   public:
    Drawer(const Context& context, const ClassView& view, const Axis& x, const Axis& y, Label* out)
        : context_(context),
          simd_(context.simd),
          view_(view),
          x_(x),
          y_(y),
          out_(out),
          width_(x.start(x.cells())),
          stride_(whole_lanes(view.classes)),
          block_(std::max<int64_t>(kBlockScores / stride_, 1)),
          samples_{{view, stride_}, {view, stride_}},
          contenders_(context.simd, stride_),
          labels_(static_cast<size_t>(kChunk)) {}

    void draw(int64_t first_row, int64_t last_row) {
        for (int64_t column = 0; column < view_.columns; column += block_) {
            first_ = column;
            last_ = std::min(column + block_, view_.columns);
            if (x_.start(first_) == x_.start(last_)) continue;
            for (Samples& each : samples_) each.forget();
            for (int64_t row = first_row; row < last_row; ++row) {
                if (y_.count(row)) draw_cells(row);
            }
        }
    }

   private:
    void draw_cells(int64_t row) {
        Samples& above = samples(row);
        Samples& below = samples(std::min(row + 1, view_.rows - 1));
        fill(row, above.winners());
        for (int64_t column = first_; column < last_; ++column) {
            if (x_.count(column) == 0 || (x_.is_exact(column) && y_.is_exact(row))) continue;
            const int64_t left = column - first_, right = left + (column + 1 < view_.columns);
            const uint32_t winners[4] = {above.winners()[left], above.winners()[right],
                                         below.winners()[left], below.winners()[right]};
            if (std::equal(winners + 1, winners + 4, winners)) continue;
            const float* const corners[4] = {above.scores(left), above.scores(right),
                                             below.scores(left), below.scores(right)};
            context_.poll();
            contenders_.choose(corners, winners);
            draw_cell(row, column);
        }
    }

    // Fill cells with the winners of their first samples.
    void fill(int64_t row, const uint32_t* winners) {
        Label* const line = out_ + y_.start(row) * width_;
        for (int64_t column = first_; column < last_; ++column) {
            const int64_t count = x_.count(column);
            const Label label = static_cast<Label>(winners[column - first_]);
            std::fill_n(line + x_.start(column), count, label);
        }
        const int64_t start = x_.start(first_), count = x_.start(last_) - start;
        for (int64_t i = 1; i < y_.count(row); ++i) {
            context_.poll();
            std::copy_n(line + start, count, line + i * width_ + start);
        }
    }

    void draw_cell(int64_t row, int64_t column) {
        const int64_t end = x_.start(column + 1);
        for (int64_t start = x_.start(column); start < end; start += kChunk) {
            context_.poll();
            const int64_t count = std::min(kChunk, end - start);
            const size_t lanes = static_cast<size_t>(whole_lanes(count));
            interpolate_columns(start, lanes);
            for (int64_t y = y_.start(row); y < y_.start(row + 1); ++y) {
                simd_.argmax_row(tops_.data(), steps_.data(), lanes, contenders_.ids(),
                                 contenders_.count(), y_.fractions()[y], labels_.data());
                Label* to = out_ + y * width_ + start;
                for (int64_t i = 0; i < count; ++i) {
                    to[i] = static_cast<Label>(labels_[static_cast<size_t>(i)]);
                }
            }
        }
    }

    // Interpolate the contenders in the two rows of samples: the upper values, and the differences
    // to the lower ones.
    void interpolate_columns(int64_t start, size_t lanes) {
        const float* const fractions = x_.fractions() + start;
        tops_.resize(contenders_.count() * lanes);
        steps_.resize(contenders_.count() * lanes);
        for (size_t k = 0; k < contenders_.count(); ++k) {
            const float a = contenders_.corner(0)[k], ab = contenders_.corner(1)[k] - a;
            const float c = contenders_.corner(2)[k], cd = contenders_.corner(3)[k] - c;
            float* const tops = tops_.data() + k * lanes;
            float* const steps = steps_.data() + k * lanes;
            for (size_t i = 0; i < lanes; ++i) {
                const float top = a + fractions[i] * ab;
                tops[i] = top;
                steps[i] = c + fractions[i] * cd - top;
            }
        }
    }

    // The block's samples of a row. If not in memory, they are loaded in place of the older row.
    Samples& samples(int64_t row) {
        for (Samples& each : samples_) {
            if (each.row() == row) return each;
        }
        Samples& older = samples_[samples_[0].row() < samples_[1].row() ? 0 : 1];
        older.load(row, first_, std::min(last_ + 1, view_.columns) - first_);
        return older;
    }

    const Context& context_;
    const simd::Table& simd_;
    const ClassView& view_;
    const Axis& x_;
    const Axis& y_;
    Label* const out_;
    const int64_t width_, stride_, block_;
    int64_t first_ = 0, last_ = 0;  // the columns of cells of the present block
    Samples samples_[2];
    Contenders contenders_;
    Buffer<float> tops_, steps_;
    Buffer<uint32_t> labels_;
};

template <class Label>
void draw_all(const Context& context, const ClassView& view, Size size, Label* out) {
    const Axis x(view.positions.x, size.width, view.columns);
    const Axis y(view.positions.y, size.height, view.rows);
    const int64_t bands = (view.rows + kBand - 1) / kBand;
    const double samples = static_cast<double>(view.rows) * static_cast<double>(view.columns);
    const double work =
        samples * static_cast<double>(view.classes) * 2 + static_cast<double>(size.pixels());
    const int threads = threads_for(context, bands, work);
    std::vector<std::unique_ptr<Drawer<Label>>> drawers;
    for (int i = 0; i < threads; ++i) {
        drawers.push_back(std::make_unique<Drawer<Label>>(context, view, x, y, out));
    }
    parallel_for(context, bands, threads, [&](int64_t band, int worker) {
        drawers[static_cast<size_t>(worker)]->draw(kBand * band,
                                                   std::min(kBand * (band + 1), view.rows));
    });
}

}  // namespace

void argmax_resample(const Context& context, const ClassView& view, Size size, void* out,
                     int width) {
    if (size.pixels() == 0) return;
    switch (width) {
        case 1:
            return draw_all(context, view, size, static_cast<uint8_t*>(out));
        case 2:
            return draw_all(context, view, size, static_cast<uint16_t*>(out));
        case 4:
            return draw_all(context, view, size, static_cast<uint32_t*>(out));
        default:
            return draw_all(context, view, size, static_cast<uint64_t*>(out));
    }
}

}  // namespace segcore
