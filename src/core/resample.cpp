// Soft masks to run ends, without an intermediate image.
//
// Interpolation never leaves the range of a cell's four corners and is monotone along each axis. So
// the boundary passes only through mixed cells, those whose corners are not all on one side of the
// threshold, and in one column of the image it crosses each of them at most once. Per column of the
// image, only the ends of its mixed cells are evaluated; if they lie on two sides, the row of the
// crossing is estimated by division, and determined by the interpolation itself.
#include <algorithm>

#include "bits.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr float kLimit = 0x1p126f;  // differences of scores within it are finite

// NaN becomes the lower bound.
float bounded(float score) {
    return std::min(std::max(-kLimit, score), kLimit);  // the order of max's arguments matters
}

float interpolate(float a, float b, float fraction) { return a + fraction * (b - a); }

// A column or row between two samples.
struct Place {
    int64_t before;
    float fraction;

    explicit Place(float position)
        : before(static_cast<int64_t>(position)), fraction(position - static_cast<float>(before)) {}
};

// The rows of an image among samples: cell k has the rows between the samples k and k + 1.
class Rows {
   public:
    void set(const float* positions, int64_t count) {
        positions_ = positions;
        count_ = count;
        first_cell_ = last_cell_ = 0;
        if (count == 0) return;
        first_cell_ = cell(0);
        last_cell_ = cell(count - 1);
        starts_.assign(static_cast<size_t>(last_cell_ - first_cell_) + 2, 0);
        float step = 0;
        for (int64_t row = 0; row < count; ++row) {
            starts_[static_cast<size_t>(cell(row) - first_cell_) + 1] = row + 1;
            if (row) step = std::max(step, positions[row] - positions[row - 1]);
        }
        for (size_t i = 1; i < starts_.size(); ++i) {  // cells without rows
            starts_[i] = std::max(starts_[i], starts_[i - 1]);
        }
        rows_per_sample_ = step > 0 ? 1 / step : 0;
    }

    bool is(const float* positions, int64_t count) const {
        return positions_ == positions && count_ == count;
    }
    int64_t cell(int64_t row) const { return static_cast<int64_t>(positions_[row]); }
    Place place(int64_t row) const { return Place(positions_[row]); }
    int64_t first_cell() const { return first_cell_; }
    int64_t last_cell() const { return last_cell_; }

    // The first row of a cell on the side of b, or else the first row of the next cell; a and b,
    // the samples at the cell's ends, are on different sides of the threshold.
    int64_t crossing(int64_t cell, float a, float b, float threshold) const {
        const size_t at = static_cast<size_t>(cell - first_cell_);
        int64_t low = starts_[at], high = starts_[at + 1];  // the answer is in [low, high]
        const float origin = static_cast<float>(cell), difference = b - a;
        const bool rises = b > threshold;
        auto passed = [&](int64_t row) {
            return (a + (positions_[row] - origin) * difference > threshold) == rises;
        };
        if (low == high) return low;
        // Rows are evenly spaced except at the borders of the image, so count from the last one.
        const float beyond = positions_[high - 1] - origin - (threshold - a) / difference;
        const int64_t guess = high - std::min(whole(beyond * rows_per_sample_ + 1), high - low);
        // It is nearly always right; testing both sides at once avoids mispredicted branches.
        const bool not_later = (guess == high) | passed(std::min(guess, high - 1));
        const bool not_earlier = (guess == low) | !passed(std::max(guess - 1, low));
        if (not_later & not_earlier) return guess;
        if (not_later) {
            high = guess;
        } else {
            low = guess + 1;
        }
        while (low < high) {
            const int64_t row = low + (high - low) / 2;
            if (passed(row)) {
                high = row;
            } else {
                low = row + 1;
            }
        }
        return low;
    }

   private:
    static int64_t whole(float rows) {
        return rows > 0 ? static_cast<int64_t>(std::min(rows, 0x1p30f)) : 0;
    }

    const float* positions_ = nullptr;
    int64_t count_ = 0, first_cell_ = 0, last_cell_ = 0;
    float rows_per_sample_ = 0;
    Buffer<int64_t> starts_;  // of the cells from the first, and where the last one ends
};

// Appends up to `most` flips, in ascending order, to a buffer that holds flips from `start` on. A
// flip at the position of the last one cancels it.
template <class V>
class Flips {
   public:
    Flips(Buffer<V>& flips, size_t start, size_t most)
        : flips_(flips), to_(flips.grow(most)), start_(flips.data() + start) {}
    ~Flips() { flips_.resize(static_cast<size_t>(to_ - flips_.data())); }
    Flips(const Flips&) = delete;
    Flips& operator=(const Flips&) = delete;

    void add(V place) {
        if (to_ > start_ && to_[-1] == place) {
            --to_;
        } else {
            *to_++ = place;
        }
    }

   private:
    Buffer<V>& flips_;
    V* to_;
    const V* const start_;
};

// Makes the run ends of masks one by one.
template <class T>
class Resampler {
   public:
    Resampler(const Context& context, const SoftView& soft, Size size, float threshold)
        : context_(context), simd_(context.simd), soft_(soft), size_(size), threshold_(threshold) {
        if (soft.has_inner) inner_rows_.set(soft.inner.y, soft.inner_size.height);
    }

    void resample(int64_t mask, Buffer<T>& run_ends) {
        const int64_t* window = soft_.windows + 6 * mask;
        const int64_t x0 = window[0], x1 = window[2];
        top_ = window[1], bottom_ = window[3];
        if (x0 >= x1 || top_ >= bottom_) return;
        const float* x_positions = soft_.positions.x + window[4];
        const float* y_positions = soft_.positions.y + window[5];
        if (!rows_.is(y_positions, bottom_ - top_)) rows_.set(y_positions, bottom_ - top_);
        samples_ = soft_.scores + mask * soft_.rows * soft_.columns;
        start_ = run_ends.size();

        const Column last = column(x_positions[x1 - x0 - 1]);
        find_mixed_cells(column(x_positions[0]).first(), last.last_sample());
        int64_t first_cell = -1, last_cell = -1;
        for (int64_t x = x0; x < x1; ++x) {
            column_ = column(x_positions[x - x0]);
            if (column_.first() != first_cell || column_.last() != last_cell) {
                first_cell = column_.first(), last_cell = column_.last();
                collect_nodes(first_cell, last_cell);
            }
            if (x % kColumnsPerPoll == 0) context_.poll();
            base_ = x * size_.height;
            if (soft_.has_inner) {
                append_column_by_inner_rows(run_ends);
            } else {
                append_column(run_ends);
            }
        }
        const auto end = static_cast<T>(size_.pixels());
        if (run_ends.size() > start_ && run_ends.back() == end) run_ends.pop_back();
    }

   private:
    // A column of samples, or between two of them.
    struct Source {
        int64_t left, right;
        float fraction;
    };
    // A column of the image: a source, or between two sources, which are columns of the
    // intermediate image.
    struct Column {
        Source a, b;
        float fraction;

        // It depends on cells from the first to the last of these columns of samples.
        int64_t first() const { return a.left; }
        int64_t last() const { return b.left; }
        int64_t last_sample() const { return b.right; }
    };

    // The samples that a source is between, in one row.
    struct Edge {
        float left, right;
    };
    struct Node {
        int64_t row;
        Edge a, b;
    };

    Source source(float position) const {
        const Place place(position);
        return {place.before, std::min(place.before + 1, soft_.columns - 1), place.fraction};
    }
    Column column(float position) const {
        if (!soft_.has_inner) return {source(position), source(position), 0};
        const Place place(position);
        const int64_t after = std::min(place.before + 1, soft_.inner_size.width - 1);
        return {source(soft_.inner.x[place.before]), source(soft_.inner.x[after]), place.fraction};
    }

    // The row of samples at which the window begins, and the last one that it depends on.
    int64_t first_row() const {
        return soft_.has_inner ? inner_rows_.cell(rows_.first_cell()) : rows_.first_cell();
    }
    int64_t last_row() const {
        int64_t cell = rows_.last_cell();
        if (soft_.has_inner) cell = inner_rows_.cell(last_inner_row());
        return std::min(cell + 1, soft_.rows - 1);
    }
    int64_t last_inner_row() const {
        return std::min(rows_.last_cell() + 1, soft_.inner_size.height - 1);
    }

    // List the mixed cells between the samples [left, right], column by column.
    void find_mixed_cells(int64_t left, int64_t right) {
        const int64_t n = right - left + 1, top = first_row(), bottom = last_row();
        const size_t words = words_for(n);
        const uint64_t last = uint64_t{1} << (n - 1) % 64;
        pack_rows(top, bottom);
        one_.assign(words, 0);
        all_.assign(words, 0);
        found_.clear();
        ends_.assign(static_cast<size_t>(n) + 1, 0);
        for (int64_t row = top; row <= bottom; ++row) {
            if (row % kRowsPerPoll == 0) context_.poll();
            const int64_t begin = (row - top) * soft_.columns + left;
            uint64_t here = bits_at(begin);
            for (size_t word = 0; word < words; ++word) {
                const bool at_end = word + 1 == words;
                const uint64_t next =
                    at_end ? 0 : bits_at(begin + 64 * static_cast<int64_t>(word + 1));
                if (at_end) here &= 2 * last - 1;
                // Beside the last sample is the last sample.
                const uint64_t beside = here >> 1 | (at_end ? here & last : next << 63);
                const uint64_t one = here | beside, all = here & beside;
                if (row > top) {
                    add_cells(word, row - 1, (one | one_[word]) & ~(all & all_[word]));
                }
                one_[word] = one;
                all_[word] = all;
                here = next;
            }
        }
        for (size_t i = 1; i < ends_.size(); ++i) ends_[i] += ends_[i - 1];
        cells_.resize(found_.size());
        for (size_t i = 0; i < found_.size(); ++i) {
            cells_[ends_[found_[i].column]++] = found_[i].row;
        }
        first_column_ = left;
    }

    // Which samples of some rows, one row after the other, are above the threshold.
    void pack_rows(int64_t top, int64_t bottom) {
        const int64_t n = (bottom - top + 1) * soft_.columns;
        bits_.resize(words_for(n) + 1);
        bits_.back() = 0;
        const float* const samples = samples_ + top * soft_.columns;
        simd_.pack_greater_f32(samples, static_cast<size_t>(n), threshold_, bits_.data());
    }
    uint64_t bits_at(int64_t place) const {
        const uint64_t* word = bits_.data() + place / 64;
        const unsigned shift = static_cast<unsigned>(place % 64);
        return shift ? word[0] >> shift | word[1] << (64 - shift) : word[0];
    }
    void add_cells(size_t word, int64_t row, uint64_t mixed) {
        for (; mixed; mixed &= mixed - 1) {
            const size_t at = 64 * word + lowest_bit(mixed);
            found_.push_back({at, row});
            ++ends_[at + 1];
        }
    }

    // Set the nodes of the columns whose cells lie in some columns of samples: the ends of those
    // cells that are mixed. Between two nodes without such a cell, nothing passes the threshold.
    void collect_nodes(int64_t first, int64_t last) {
        const size_t begin = static_cast<size_t>(first - first_column_);
        const size_t end = static_cast<size_t>(last - first_column_);
        const int64_t* cell = cells_.data() + (begin ? ends_[begin - 1] : 0);
        const int64_t* const cells_end = cells_.data() + ends_[end];
        nodes_.clear();
        if (cell == cells_end) add_node(first_row());
        if (first != last) {
            merged_.clear();
            merged_.append(cell, static_cast<size_t>(cells_end - cell));
            std::sort(merged_.data(), merged_.data() + merged_.size());
            add_nodes(merged_.data(), merged_.data() + merged_.size());
        } else {
            add_nodes(cell, cells_end);
        }
    }
    void add_nodes(const int64_t* cell, const int64_t* end) {
        for (int64_t next = -1; cell < end; ++cell) {
            if (*cell >= next) add_node(*cell);
            if (*cell + 1 >= next) add_node(*cell + 1);
            next = *cell + 2;
        }
    }
    void add_node(int64_t row) { nodes_.push_back(node(row)); }
    Node node(int64_t row) const { return {row, edge(column_.a, row), edge(column_.b, row)}; }
    Edge edge(const Source& source, int64_t row) const {
        const float* samples = samples_ + row * soft_.columns;
        return {bounded(samples[source.left]), bounded(samples[source.right])};
    }

    // The value of this column at a node.
    float value(const Node& node) const {
        const float a = interpolate(node.a.left, node.a.right, column_.a.fraction);
        if (!soft_.has_inner) return a;
        const float b = interpolate(node.b.left, node.b.right, column_.b.fraction);
        return interpolate(a, b, column_.fraction);
    }
    // Its value at a row of the intermediate image.
    float inner_value(int64_t row) const {
        const Place place = inner_rows_.place(row);
        const int64_t after = std::min(place.before + 1, soft_.rows - 1);
        return interpolate(value(node(place.before)), value(node(after)), place.fraction);
    }

    // Call found(cell, a, b) where this column's values pass the threshold, in the cell between
    // the values a and b; before, call begin(whether it is foreground above).
    template <class Begin, class Found>
    void for_crossings(Begin begin, Found found) const {
        const Node* const end = nodes_.data() + nodes_.size();
        const Node* node = nodes_.data();
        float a = value(*node);
        bool inside = a > threshold_;
        begin(inside);
        while (++node < end) {
            const float b = value(*node);
            if ((b > threshold_) != inside) {
                found(node[-1].row, a, b);
                inside = !inside;
            }
            a = b;
        }
    }

    // Append this column's run ends. A mixed cell gives one flip at the most, the last of them
    // perhaps at the bottom; flips never descend, and two at the same position cancel.
    void append_column(Buffer<T>& run_ends) {
        Flips<T> flips(run_ends, start_, nodes_.size() + 1);
        bool inside = false;
        for_crossings(
            [&](bool above) {
                inside = above;
                if (inside) flips.add(place(top_));
            },
            [&](int64_t cell, float a, float b) {
                flips.add(place(top_ + rows_.crossing(cell, a, b, threshold_)));
                inside = !inside;
            });
        if (inside) flips.add(place(bottom_));
    }

    // The same through the rows of the intermediate image: a flip at its row j is a crossing
    // between j - 1 and j.
    void append_column_by_inner_rows(Buffer<T>& run_ends) {
        bool inside = false;
        inner_flips_.clear();
        {
            Flips<int64_t> flips(inner_flips_, 0, nodes_.size());
            for_crossings([&](bool above) { inside = above; },
                          [&](int64_t cell, float a, float b) {
                              flips.add(inner_rows_.crossing(cell, a, b, threshold_));
                          });
        }
        const int64_t* row = inner_flips_.data();
        const int64_t* const end = row + inner_flips_.size();
        Flips<T> flips(run_ends, start_, inner_flips_.size() + 2);
        for (; row < end && *row <= rows_.first_cell(); ++row) inside = !inside;
        if (inside) flips.add(place(top_));
        for (; row < end && *row <= last_inner_row(); ++row) {
            const float a = inner_value(*row - 1), b = inner_value(*row);
            flips.add(place(top_ + rows_.crossing(*row - 1, a, b, threshold_)));
            inside = !inside;
        }
        if (inside) flips.add(place(bottom_));
    }

    T place(int64_t row) const { return static_cast<T>(base_ + row); }

    static constexpr int64_t kColumnsPerPoll = 64, kRowsPerPoll = 64;

    struct Found {
        size_t column;
        int64_t row;
    };

    const Context& context_;
    const simd::Table& simd_;
    const SoftView soft_;
    const Size size_;
    const float threshold_;
    Rows inner_rows_, rows_;

    // One mask.
    const float* samples_ = nullptr;
    int64_t top_ = 0, bottom_ = 0;
    size_t start_ = 0;
    int64_t first_column_ = 0;
    Buffer<uint64_t> bits_, one_, all_;
    Buffer<Found> found_;
    Buffer<size_t> ends_;  // of each column's cells
    Buffer<int64_t> cells_;  // column by column

    // One column of the image.
    Column column_{};
    int64_t base_ = 0;
    Buffer<int64_t> merged_, inner_flips_;
    Buffer<Node> nodes_;
};

// Roughly, in nanoseconds.
double work_of(const SoftView& soft) {
    double work = 0;
    for (int64_t mask = 0; mask < soft.count; ++mask) {
        const int64_t* window = soft.windows + 6 * mask;
        work += 100 * static_cast<double>(std::max(window[2] - window[0], int64_t{0}));
    }
    return work + static_cast<double>(soft.count * soft.rows * soft.columns);
}

}  // namespace

template <class T>
void resample(const Context& context, const SoftView& soft, Size size, float threshold,
              Batch<T>& batch) {
    const double work = work_of(soft);
    PerWorker<Resampler<T>> workers(threads_for(context, soft.count, work), context, soft, size,
                                    threshold);
    build_batch<T>(context, soft.count, work, batch,
                   [&](int64_t mask, Buffer<T>& run_ends, int worker) {
                       workers[worker].resample(mask, run_ends);
                       return Status{};
                   });
}

template void resample<uint32_t>(const Context&, const SoftView&, Size, float, Batch<uint32_t>&);
template void resample<uint64_t>(const Context&, const SoftView&, Size, float, Batch<uint64_t>&);

}  // namespace segcore
