#include "rings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace segcore::json {

namespace {

struct Pair {
    int64_t here, there;
};

// The vertices of two rings that are closest in the sum of the differences of x and of y.
Pair nearest(const Context& context, const double* a, int64_t count_a, const double* b,
             int64_t count_b, int64_t compared) {
    const int64_t step_a = (count_a + compared - 1) / compared;
    const int64_t step_b = (count_b + compared - 1) / compared;
    Pair found{0, 0};
    double least = INFINITY;
    for (int64_t i = 0; i < count_a; i += step_a) {
        context.poll();
        for (int64_t k = 0; k < count_b; k += step_b) {
            const double distance =
                std::abs(a[2 * i] - b[2 * k]) + std::abs(a[2 * i + 1] - b[2 * k + 1]);
            if (distance < least) {
                least = distance;
                found = {i, k};
            }
        }
    }
    return found;
}

struct Box {
    double low[2], high[2];
};

Box box_of(const double* points, int64_t count) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Box box{{kInfinity, kInfinity}, {-kInfinity, -kInfinity}};
    for (int64_t i = 0; i < 2 * count; ++i) {
        box.low[i % 2] = std::min(box.low[i % 2], points[i]);
        box.high[i % 2] = std::max(box.high[i % 2], points[i]);
    }
    return box;
}

bool are_apart(const Box& a, const Box& b) {
    const auto is_before = [](const Box& one, const Box& other, int axis) {
        return one.high[axis] + 1 < other.low[axis];
    };
    return is_before(a, b, 0) || is_before(b, a, 0) || is_before(a, b, 1) || is_before(b, a, 1);
}

}  // namespace

void join_rings(const Context& context, RingsView rings, int64_t compared, Buffer<double>& to) {
    if (rings.count == 1)
        return to.append(rings.begin(0), 2 * static_cast<size_t>(rings.points(0)));
    std::vector<double> joined, before;
    for (int64_t ring = 0; ring < rings.count; ++ring) {
        const double* const begin = rings.begin(ring);
        const double* const end = begin + 2 * rings.points(ring);
        if (joined.empty() || begin == end) {
            joined.insert(joined.end(), begin, end);
            continue;
        }
        const auto [here, there] =
            nearest(context, joined.data(), static_cast<int64_t>(joined.size()) / 2, begin,
                    rings.points(ring), compared);
        before.swap(joined);
        joined.assign(before.begin(), before.begin() + 2 * (here + 1));
        joined.insert(joined.end(), begin + 2 * there, end);
        joined.insert(joined.end(), begin, begin + 2 * (there + 1));
        joined.insert(joined.end(), before.begin() + 2 * here, before.end());
    }
    to.append(joined.data(), joined.size());
}

bool are_apart(RingsView rings) {
    constexpr int64_t kMost = 100;
    if (rings.count > kMost) return false;
    std::vector<Box> boxes;
    for (int64_t ring = 0; ring < rings.count; ++ring) {
        const Box box = box_of(rings.begin(ring), rings.points(ring));
        for (const Box& other : boxes)
            if (!are_apart(box, other)) return false;
        boxes.push_back(box);
    }
    return true;
}

}  // namespace segcore::json
