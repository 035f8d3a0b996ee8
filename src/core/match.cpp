// Matches predicted to true objects, the most confident first, as COCO's evaluation does.
//
// Few pairs of objects reach the lowest threshold. They are found once for each group; only they
// are looked at again for every range and threshold.
#include <algorithm>
#include <vector>

#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

// Matches the objects of one group after another.
class Matcher {
   public:
    Matcher(const Candidates& all, double lowest) : all_(all), lowest_(lowest) {}

    // `ratios` are those of the group.
    void match(const Context& context, int64_t group, const double* ratios, int64_t* matches) {
        first_ = all_.groups.b[group];
        count_ = static_cast<size_t>(all_.groups.b[group + 1] - first_);
        find_close(context, group, ratios);
        for (int64_t range = 0; range < all_.ranges; ++range) {
            sort_ignored_last(range);
            for (int64_t t = 0; t < all_.num_thresholds; ++t) {
                int64_t* const row = matches + (range * all_.num_thresholds + t) * all_.rows;
                std::fill(row + all_.groups.a[group], row + all_.groups.a[group + 1], -1);
                match_at(all_.thresholds[t], row);
            }
        }
    }

   private:
    // A true object that is close to a prediction.
    struct Close {
        int64_t index;
        double ratio;
    };
    // A prediction, and its close objects: [first, last), in which those from `ignored` on are
    // ignored.
    struct Prediction {
        int64_t index;
        size_t first, last, ignored;
    };

    void find_close(const Context& context, int64_t group, const double* ratios) {
        predictions_.clear();
        close_.clear();
        for (int64_t i = all_.groups.a[group]; i < all_.groups.a[group + 1]; ++i) {
            context.poll();
            const size_t first = close_.size();
            for (size_t k = 0; k < count_; ++k, ++ratios) {
                if (*ratios >= lowest_) {
                    close_.push_back({first_ + static_cast<int64_t>(k), *ratios});
                }
            }
            if (close_.size() > first) predictions_.push_back({i, first, close_.size(), 0});
        }
    }

    void sort_ignored_last(int64_t range) {
        const uint8_t* ignored = all_.ignored + range * all_.columns;
        sorted_ = close_;
        const auto begin = sorted_.begin();
        for (Prediction& prediction : predictions_) {
            const auto middle =
                std::stable_partition(begin + static_cast<std::ptrdiff_t>(prediction.first),
                                      begin + static_cast<std::ptrdiff_t>(prediction.last),
                                      [&](const Close& close) { return !ignored[close.index]; });
            prediction.ignored = static_cast<size_t>(middle - begin);
        }
    }

    void match_at(double threshold, int64_t* matches) {
        taken_.assign(count_, 0);
        for (const Prediction& prediction : predictions_) {
            double least = std::min(threshold, 1 - 1e-10);
            int64_t found = -1;
            for (size_t k = prediction.first; k < prediction.last; ++k) {
                if (k == prediction.ignored && found >= 0) break;
                const Close& close = sorted_[k];
                if ((taken(close.index) && !all_.crowd[close.index]) || close.ratio < least) {
                    continue;
                }
                least = close.ratio;
                found = close.index;
            }
            if (found < 0) continue;
            matches[prediction.index] = found;
            taken(found) = all_.claims[prediction.index];
        }
    }

    uint8_t& taken(int64_t index) { return taken_[static_cast<size_t>(index - first_)]; }

    const Candidates& all_;
    const double lowest_;
    int64_t first_ = 0;  // of the group's true objects
    size_t count_ = 0;
    std::vector<Prediction> predictions_;  // with close objects
    std::vector<Close> close_, sorted_;
    std::vector<uint8_t> taken_;
};

}  // namespace

void match(const Context& context, const Candidates& all, int64_t* matches) {
    const double* const end = all.thresholds + all.num_thresholds;
    const double lowest =
        all.num_thresholds ? std::min(*std::min_element(all.thresholds, end), 1 - 1e-10) : 0;
    const Groups& groups = all.groups;
    std::vector<int64_t> starts(static_cast<size_t>(groups.count) + 1);
    for (int64_t g = 0; g < groups.count; ++g) {
        const size_t i = static_cast<size_t>(g);
        starts[i + 1] = starts[i] + groups.pairs(g);
    }
    const double work = static_cast<double>(starts.back()) * 2 +
                        static_cast<double>(all.ranges * all.num_thresholds * all.rows) * 2;
    const int threads = threads_for(context, groups.count, work);
    std::vector<Matcher> matchers(static_cast<size_t>(threads), Matcher(all, lowest));
    parallel_for(context, groups.count, threads, [&](int64_t g, int worker) {
        const double* const ratios = all.ratios + starts[static_cast<size_t>(g)];
        matchers[static_cast<size_t>(worker)].match(context, g, ratios, matches);
    });
}

namespace {

// The curve of one threshold. Between two right predictions, precision does not rise, and recall
// stays the same; so only the right ones are points of the curve.
class Curve {
   public:
    // Add a right prediction, the `counted`-th of those that count.
    void add(int64_t index, int64_t counted) {
        const double right = static_cast<double>(points_.size() + 1);
        const double wrong = static_cast<double>(counted) - right;
        points_.push_back({index, right / (wrong + right + kEpsilon)});
    }

    double recall(double num_true) const { return static_cast<double>(points_.size()) / num_true; }

    // Write the best precision at each recall or above, and the score at which it is reached.
    // `first` is the first prediction, right or wrong; negative if there is none.
    void write(const double* ranked_scores, int64_t first, double num_true, const Levels& levels,
               double* precision, double* scores) {
        for (size_t i = points_.size(); i-- > 1;) {
            points_[i - 1].precision = std::max(points_[i - 1].precision, points_[i].precision);
        }
        std::fill(precision, precision + levels.num_recalls, 0.0);
        std::fill(scores, scores + levels.num_recalls, 0.0);
        size_t i = 0;
        for (int64_t r = 0; r < levels.num_recalls; ++r) {
            const double recall = levels.recalls[r];
            if (!(recall > 0)) {
                if (first < 0) break;
                precision[r] = points_.empty() ? 0 : points_[0].precision;
                scores[r] = ranked_scores[first];
                continue;
            }
            while (i < points_.size() && static_cast<double>(i + 1) / num_true < recall) ++i;
            if (i == points_.size()) break;
            precision[r] = points_[i].precision;
            scores[r] = ranked_scores[points_[i].index];
        }
    }

    void clear() { points_.clear(); }

   private:
    static constexpr double kEpsilon = 2.220446049250313e-16;  // numpy.spacing(1)
    struct Point {
        int64_t index;
        double precision;
    };
    std::vector<Point> points_;
};

template <class Visit>
void for_each_bit(uint64_t bits, Visit&& visit) {
    for (size_t t = 0; bits; ++t, bits >>= 1) {
        if (bits & 1) visit(t);
    }
}

// The curves of one class and range after another.
template <class Bits>
class CurveMaker {
   public:
    CurveMaker(const Ranked<Bits>& ranked, const Levels& levels)
        : ranked_(ranked),
          levels_(levels),
          all_(levels.num_thresholds < 64 ? (uint64_t{1} << levels.num_thresholds) - 1
                                          : ~uint64_t{0}),
          of_threshold_(static_cast<size_t>(levels.num_thresholds)),
          ignored_(of_threshold_.size()) {}

    // Item i is a limit of a range of a class; the limits vary fastest.
    void make(const Context& context, int64_t item, const Curves& curves) {
        const int64_t place = item / levels_.num_limits;
        const int64_t range = place % ranked_.ranges, label = place / ranked_.ranges;
        const int64_t num_true = ranked_.num_true[range * ranked_.num_classes + label];
        const int64_t row = item * levels_.num_thresholds;
        if (num_true == 0) {
            fill(curves, row);
            return;
        }
        const int64_t first =
            collect(context, label, range, levels_.limits[item % levels_.num_limits]);
        const double total = static_cast<double>(num_true);
        for (size_t t = 0; t < of_threshold_.size(); ++t) {
            const int64_t at = row + static_cast<int64_t>(t);
            curves.recall[at] = of_threshold_[t].recall(total);
            of_threshold_[t].write(ranked_.scores, first, total, levels_,
                                   curves.precision + at * levels_.num_recalls,
                                   curves.scores + at * levels_.num_recalls);
        }
    }

   private:
    void fill(const Curves& curves, int64_t row) const {
        const int64_t count = levels_.num_thresholds, recalls = levels_.num_recalls;
        std::fill_n(curves.recall + row, count, -1.0);
        std::fill_n(curves.precision + row * recalls, count * recalls, -1.0);
        std::fill_n(curves.scores + row * recalls, count * recalls, -1.0);
    }

    // Add the predictions to the curves, and return the first one; -1 if there is none.
    int64_t collect(const Context& context, int64_t label, int64_t range, int64_t limit) {
        for (Curve& curve : of_threshold_) curve.clear();
        std::fill(ignored_.begin(), ignored_.end(), 0);
        const Bits* const ignored = ranked_.ignored + range * ranked_.count;
        const Bits* const matched = ranked_.matched + range * ranked_.count;
        int64_t first = -1, counted = 0;  // those that not all thresholds ignore
        for (int64_t i = ranked_.classes[label]; i < ranked_.classes[label + 1]; ++i) {
            context.poll();
            if (ranked_.ranks[i] >= limit) continue;
            if (first < 0) first = i;
            const uint64_t not_counted = ignored[i] & all_;
            if (not_counted == all_) continue;
            ++counted;
            for_each_bit(not_counted, [&](size_t t) { ++ignored_[t]; });
            for_each_bit(matched[i] & all_ & ~not_counted,
                         [&](size_t t) { of_threshold_[t].add(i, counted - ignored_[t]); });
        }
        return first;
    }

    const Ranked<Bits>& ranked_;
    const Levels& levels_;
    const uint64_t all_;  // thresholds
    std::vector<Curve> of_threshold_;
    std::vector<int64_t> ignored_;  // predictions that some thresholds ignore
};

}  // namespace

template <class Bits>
void precision_recall(const Context& context, const Ranked<Bits>& ranked, const Levels& levels,
                      const Curves& curves) {
    const int64_t curves_per_class = ranked.ranges * levels.num_limits;
    const int64_t items = ranked.num_classes * curves_per_class;
    const double work = static_cast<double>(ranked.count * curves_per_class) * 8 +
                        static_cast<double>(items * levels.num_thresholds * levels.num_recalls);
    const int threads = threads_for(context, items, work);
    std::vector<CurveMaker<Bits>> makers(static_cast<size_t>(threads),
                                         CurveMaker<Bits>(ranked, levels));
    parallel_for(context, items, threads, [&](int64_t item, int worker) {
        makers[static_cast<size_t>(worker)].make(context, item, curves);
    });
}

template void precision_recall(const Context&, const Ranked<uint8_t>&, const Levels&,
                               const Curves&);
template void precision_recall(const Context&, const Ranked<uint16_t>&, const Levels&,
                               const Curves&);
template void precision_recall(const Context&, const Ranked<uint32_t>&, const Levels&,
                               const Curves&);
template void precision_recall(const Context&, const Ranked<uint64_t>&, const Levels&,
                               const Curves&);

}  // namespace segcore
