// Matching of detections, and precision-recall curves.
#include <algorithm>
#include <vector>

#include "core/kernels.hpp"
#include "harness.hpp"
#include "random.hpp"
#include "simd/dispatch.hpp"

namespace segcore::test {

namespace {

struct Case {
    std::vector<double> ratios, thresholds;
    std::vector<int64_t> groups_a, groups_b;
    std::vector<uint8_t> ignored, crowd, claims;
    int64_t rows, columns, ranges;

    Candidates view() const {
        const int64_t groups = static_cast<int64_t>(groups_a.size()) - 1;
        return {ratios.data(),     rows,
                columns,           {groups_a.data(), groups_b.data(), groups},
                ignored.data(),    ranges,
                crowd.data(),      claims.data(),
                thresholds.data(), static_cast<int64_t>(thresholds.size())};
    }
    bool is_ignored(int64_t range, int64_t i) const {
        return ignored[static_cast<size_t>(range * columns + i)];
    }
};

// One detection at a time: all objects of its group that are not ignored, then the others.
std::vector<int64_t> matched_one_by_one(const Case& c) {
    std::vector<int64_t> matches;
    for (int64_t range = 0; range < c.ranges; ++range) {
        for (double threshold : c.thresholds) {
            std::vector<bool> taken(static_cast<size_t>(c.columns));
            const double* ratios = c.ratios.data();
            for (size_t g = 0; g + 1 < c.groups_a.size(); ++g) {
                const int64_t first = c.groups_b[g];
                for (int64_t row = c.groups_a[g]; row < c.groups_a[g + 1]; ++row) {
                    int64_t found = -1;
                    for (bool ignored : {false, true}) {
                        if (found >= 0) break;
                        double least = std::min(threshold, 1 - 1e-10);
                        for (int64_t i = first; i < c.groups_b[g + 1]; ++i) {
                            const size_t at = static_cast<size_t>(i);
                            const double ratio = ratios[i - first];
                            if (c.is_ignored(range, i) != ignored || ratio < least) continue;
                            if (taken[at] && !c.crowd[at]) continue;
                            least = ratio;
                            found = i;
                        }
                    }
                    ratios += c.groups_b[g + 1] - first;
                    matches.push_back(found);
                    if (found >= 0)
                        taken[static_cast<size_t>(found)] = c.claims[static_cast<size_t>(row)];
                }
            }
        }
    }
    return matches;
}

std::vector<int64_t> bounds(Random& random, int64_t count, int64_t groups) {
    std::vector<int64_t> ends = {0, count};
    for (int64_t i = 1; i < groups; ++i) ends.push_back(random.between(0, count));
    std::sort(ends.begin(), ends.end());
    return ends;
}

std::vector<uint8_t> flags(Random& random, int64_t count) {
    std::vector<uint8_t> values(static_cast<size_t>(count));
    for (uint8_t& value : values) value = random.one_in(3);
    return values;
}

TEST(match_random) {
    const Context context{*simd::variants().back(), 3};
    Random random(0);
    const std::vector<double> levels = {0, 0.3, 0.5, 0.5, 0.75, 1};
    for (int64_t number = 0; number < 2000; ++number) {
        const Note note("case:", {number});
        Case c;
        c.rows = random.below(9);
        c.columns = random.below(9);
        c.ranges = random.below(4);
        const int64_t groups = random.between(1, 4);
        c.groups_a = bounds(random, c.rows, groups);
        c.groups_b = bounds(random, c.columns, groups);
        for (int64_t i = c.view().groups.pairs(); i > 0; --i) {
            c.ratios.push_back(random.pick(levels));
        }
        for (int64_t i = random.below(4); i > 0; --i) c.thresholds.push_back(random.pick(levels));
        c.ignored = flags(random, c.ranges * c.columns);
        c.crowd = flags(random, c.columns);
        c.claims = flags(random, c.rows);
        std::vector<int64_t> matches(static_cast<size_t>(c.ranges * c.rows) * c.thresholds.size());
        match(context, c.view(), matches.data());
        CHECK_EQUAL(matches, matched_one_by_one(c));
    }
}

TEST(precision_recall_of_three_detections) {
    const Context context{*simd::variants().back(), 1};
    // At threshold 0: a match, ignored, another match. At threshold 1: wrong, wrong, a match.
    const std::vector<uint8_t> matched = {0b01, 0b00, 0b11}, ignored = {0b00, 0b01, 0b00};
    const std::vector<double> scores = {0.9, 0.8, 0.7}, recalls = {0, 0.25, 0.5, 1};
    const std::vector<int64_t> ranks = {0, 1, 2}, classes = {0, 3}, num_true = {4}, limits = {9};
    const Ranked<uint8_t> ranked{
        matched.data(), ignored.data(), scores.data(), ranks.data(), 3, 1, classes.data(), 1,
        num_true.data()};
    std::vector<double> precision(8, -1), at(8, -1), recall(2, -1);
    precision_recall(context, ranked, {limits.data(), 1, recalls.data(), 4, 2},
                     {precision.data(), at.data(), recall.data()});
    const double third = 1 / (3 + 2.220446049250313e-16), all = 2 / (2 + 2.220446049250313e-16);
    CHECK_EQUAL(precision, (std::vector<double>{all, all, all, 0, third, third, 0, 0}));
    CHECK_EQUAL(at, (std::vector<double>{0.9, 0.9, 0.7, 0, 0.9, 0.7, 0, 0}));
    CHECK_EQUAL(recall, (std::vector<double>{0.5, 0.25}));
}

TEST(precision_recall_of_limits_and_classes) {
    const Context context{*simd::variants().back(), 3};
    const std::vector<uint64_t> matched = {1, 1, 0}, ignored = {0, 0, 0};
    const std::vector<double> scores = {0.9, 0.8, 0.7}, recalls = {1};
    const std::vector<int64_t> ranks = {0, 1, 0}, classes = {0, 2, 3, 3}, num_true = {2, 0, 1};
    const std::vector<int64_t> limits = {1, 2};
    const Ranked<uint64_t> ranked{
        matched.data(), ignored.data(), scores.data(), ranks.data(), 3, 1, classes.data(), 3,
        num_true.data()};
    std::vector<double> precision(6, -2), at(6, -2), recall(6, -2);
    precision_recall(context, ranked, {limits.data(), 2, recalls.data(), 1, 1},
                     {precision.data(), at.data(), recall.data()});
    const double all = 2 / (2 + 2.220446049250313e-16);
    CHECK_EQUAL(recall, (std::vector<double>{0.5, 1, -1, -1, 0, 0}));
    CHECK_EQUAL(precision, (std::vector<double>{0, all, -1, -1, 0, 0}));
    CHECK_EQUAL(at, (std::vector<double>{0, 0.8, -1, -1, 0, 0}));
}

}  // namespace

}  // namespace segcore::test
