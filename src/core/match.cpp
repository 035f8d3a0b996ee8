// Matches predicted to true objects, the most confident first, as COCO's evaluation does.
//
// Few pairs of objects reach the lowest threshold. They are found once for each prediction; only
// they are looked at again for every range and threshold.
#include <algorithm>
#include <vector>

#include "kernels.hpp"

namespace segcore {

namespace {

// The objects of one group, and which of the true ones are taken.
class Group {
   public:
    Group(const Candidates& all, int64_t first, int64_t last)
        : all_(all),
          first_(first),
          count_(static_cast<size_t>(last - first)),
          taken_(static_cast<size_t>(all.ranges * all.num_thresholds) * count_) {}

    // Write the true object that a prediction gets, for each range and threshold; -1 for none.
    void match(int64_t prediction, double lowest, int64_t* matches) {
        find_close(prediction, lowest);
        const int64_t step = all_.rows;
        for (int64_t range = 0; range < all_.ranges; ++range) {
            const size_t ignored_from = sort_ignored_last(range);
            for (int64_t t = 0; t < all_.num_thresholds; ++t) {
                const int64_t slot = range * all_.num_thresholds + t;
                matches[slot * step + prediction] =
                    ordered_.empty() ? -1
                                     : best(prediction, all_.thresholds[t], slot, ignored_from);
            }
        }
    }

   private:
    const double* ratios(int64_t prediction) const {
        return all_.ratios + prediction * all_.columns;
    }

    void find_close(int64_t prediction, double lowest) {
        close_.clear();
        const double* row = ratios(prediction) + first_;
        for (size_t i = 0; i < count_; ++i)
            if (row[i] >= lowest) close_.push_back(first_ + static_cast<int64_t>(i));
    }

    size_t sort_ignored_last(int64_t range) {
        const uint8_t* ignored = all_.ignored + range * all_.columns;
        ordered_ = close_;
        const auto middle = std::stable_partition(ordered_.begin(), ordered_.end(),
                                                  [&](int64_t i) { return !ignored[i]; });
        return static_cast<size_t>(middle - ordered_.begin());
    }

    int64_t best(int64_t prediction, double threshold, int64_t slot, size_t ignored_from) {
        uint8_t* const taken = taken_.data() + static_cast<size_t>(slot) * count_ - first_;
        const double* row = ratios(prediction);
        double least = std::min(threshold, 1 - 1e-10);
        int64_t found = -1;
        for (size_t k = 0; k < ordered_.size(); ++k) {
            if (k == ignored_from && found >= 0) break;
            const int64_t i = ordered_[k];
            if ((taken[i] && !all_.crowd[i]) || row[i] < least) continue;
            least = row[i];
            found = i;
        }
        if (found >= 0) taken[found] = all_.claims[prediction];
        return found;
    }

    const Candidates& all_;
    int64_t first_;
    size_t count_;
    std::vector<uint8_t> taken_;  // ranges x thresholds x true objects
    std::vector<int64_t> close_, ordered_;
};

}  // namespace

void match(const Context& context, const Candidates& all, int64_t* matches) {
    const double* const end = all.thresholds + all.num_thresholds;
    const double lowest =
        all.num_thresholds ? std::min(*std::min_element(all.thresholds, end), 1 - 1e-10) : 0;
    for (int64_t g = 0; g < all.groups; ++g) {
        Group group(all, all.groups_b[g], all.groups_b[g + 1]);
        for (int64_t i = all.groups_a[g]; i < all.groups_a[g + 1]; ++i) {
            context.poll();
            group.match(i, lowest, matches);
        }
    }
}

void precision_recall(const Context& context, const Ranked& ranked, int64_t num_true,
                      const double* recalls, int64_t num_recalls, const Curves& curves) {
    constexpr double kEpsilon = 2.220446049250313e-16;  // numpy.spacing(1)
    const size_t count = static_cast<size_t>(ranked.count);
    std::vector<double> precision(count), recall(count);
    for (int64_t t = 0; t < curves.num_thresholds; ++t) {
        context.poll();
        double right = 0, wrong = 0;
        for (size_t i = 0; i < count; ++i) {
            const bool is_match = ranked.matched[i] >> t & 1, ignored = ranked.ignored[i] >> t & 1;
            right += is_match && !ignored;
            wrong += !is_match && !ignored;
            precision[i] = right / (wrong + right + kEpsilon);
            recall[i] = right / static_cast<double>(num_true);
        }
        curves.recall[t] = count ? recall[count - 1] : 0;
        for (size_t i = count; i-- > 1;)
            precision[i - 1] = std::max(precision[i - 1], precision[i]);
        double* out = curves.precision + t * num_recalls;
        double* scores = curves.scores + t * num_recalls;
        std::fill(out, out + num_recalls, 0.0);
        std::fill(scores, scores + num_recalls, 0.0);
        for (int64_t r = 0; r < num_recalls; ++r) {
            const auto at = std::lower_bound(recall.begin(), recall.end(), recalls[r]);
            if (at == recall.end()) break;
            const size_t i = static_cast<size_t>(at - recall.begin());
            out[r] = precision[i];
            scores[r] = ranked.scores[i];
        }
    }
}

}  // namespace segcore
