// Soft masks against every pixel interpolated on its own.
#include <cmath>
#include <limits>

#include "soft.hpp"

namespace segcore::test {

namespace {

// Positions that never descend: evenly spaced, with some beyond the ends, or anything.
Floats positions(Random& random, int64_t samples, int64_t count) {
    const float last = static_cast<float>(samples - 1);
    const double step =
        static_cast<double>(samples) / static_cast<double>(std::max<int64_t>(count, 1));
    const double zoom = random.one_in(3) ? 4 * random.unit() : 1;
    Floats values;
    for (int64_t i = 0; i < count; ++i) {
        const double even = (static_cast<double>(i) + .5) * step * zoom - .5;
        values.push_back(std::clamp(static_cast<float>(even), 0.f, last));
    }
    if (random.one_in(3)) {
        for (float& value : values) value = last * static_cast<float>(random.unit());
        std::sort(values.begin(), values.end());
    }
    return values;
}

float any_score(Random& random, int64_t kind) {
    static const Floats odd = {std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity(),
                               3e38f,
                               -3e38f,
                               .5f,
                               0};
    if (kind == 0) return static_cast<float>(random.unit() - .5);
    if (kind == 1) return static_cast<float>(random.below(3)) / 2;
    return random.pick(odd);
}

}  // namespace

KERNEL_TEST(soft_masks_are_interpolated_at_every_pixel) {
    Random random(11);
    for (int round = 0; round < 60; ++round) {
        const int64_t rows = random.between(1, 6), columns = random.between(1, 70);
        const Size size{random.between(0, 20), random.between(0, 20)};
        const int64_t count = random.between(0, 4);
        const Note note("round, rows, columns, count:", {round, rows, columns, count});
        Sampling sampling{random.one_in(2), {}, {}, {}, {}};
        Size sampled{rows, columns};
        if (sampling.has_inner) {
            sampled = {random.between(1, 12), random.between(1, 12)};
            sampling.inner_x = positions(random, columns, sampled.width);
            sampling.inner_y = positions(random, rows, sampled.height);
        }
        const float threshold = random.one_in(2) ? 0.f : .25f;
        std::vector<Floats> scores;
        Floats all;
        std::vector<int64_t> windows;
        for (int64_t mask = 0; mask < count; ++mask) {
            const int64_t kind = random.below(3);
            Floats some;
            for (int64_t i = 0; i < rows * columns; ++i) some.push_back(any_score(random, kind));
            all.insert(all.end(), some.begin(), some.end());
            scores.push_back(some);
            const int64_t x0 = random.between(0, size.width), y0 = random.between(0, size.height);
            const int64_t x1 = random.between(x0, size.width), y1 = random.between(y0, size.height);
            const int64_t places[2] = {static_cast<int64_t>(sampling.x.size()),
                                       static_cast<int64_t>(sampling.y.size())};
            windows.insert(windows.end(), {x0, y0, x1, y1, places[0], places[1]});
            for (float value : positions(random, sampled.width, x1 - x0))
                sampling.x.push_back(value);
            for (float value : positions(random, sampled.height, y1 - y0))
                sampling.y.push_back(value);
        }
        Masks<T> expected;
        for (int64_t mask = 0; mask < count; ++mask) {
            expected.add(flips_of<T>(draw(scores[static_cast<size_t>(mask)], rows, sampling,
                                          windows.data() + 6 * mask, size, threshold)));
        }
        const SoftView soft{all.data(),
                            count,
                            rows,
                            columns,
                            sampling.has_inner,
                            sampled,
                            {sampling.inner_x.data(), sampling.inner_y.data()},
                            {sampling.x.data(), sampling.y.data()},
                            windows.data()};
        Batch<T> batch;
        resample(context, soft, size, threshold, batch);
        CHECK_MASKS(batch, expected);
    }
}

}  // namespace segcore::test
