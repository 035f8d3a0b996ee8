// Soft masks in any windows, and the scores of classes, against every pixel on its own.
#include "../soft.hpp"
#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

// Scores from a palette, whose repetition makes ties, or any.
Floats scores_of(Input& input, int64_t count) {
    Floats palette(8), scores;
    for (float& value : palette) {
        value = input.flag() ? static_cast<float>(static_cast<int8_t>(input.byte())) / 16
                             : input.value<float>();
    }
    const int64_t kind = input.between(0, 2);
    for (; count > 0; --count) {
        if (kind == 0) scores.push_back(palette[input.byte() % 8]);
        if (kind == 1) scores.push_back(static_cast<float>(input.byte()) / 255);
        if (kind == 2) scores.push_back(input.value<float>());
    }
    return scores;
}

// Positions that never descend, from 0 to the last sample: evenly spread, or any.
Floats positions_of(Input& input, int64_t samples, int64_t count) {
    const float last = static_cast<float>(samples - 1);
    Floats positions;
    const int64_t kind = input.between(0, 2);
    float at = 0;
    for (int64_t i = 0; i < count; ++i) {
        const double pixel = static_cast<double>(i) + 0.5;
        if (kind == 0) {
            at = static_cast<float>(
                static_cast<double>(samples) / static_cast<double>(count) * pixel - 0.5);
        } else if (kind == 1) {
            at += static_cast<float>(input.byte()) / 64;
        } else {
            at = input.value<float>();
        }
        positions.push_back(at >= 0 ? std::min(at, last) : 0);
    }
    std::sort(positions.begin(), positions.end());
    return positions;
}

// A stretch of an axis of the image, from its first pixel to behind its last.
std::pair<int64_t, int64_t> span(Input& input, int64_t side, int64_t most) {
    const int64_t first = input.between(0, side);
    return {first, input.between(first, std::min(side, first + most))};
}

template <class T>
void check_resample(const SoftView& soft, const Floats& scores, const Sampling& sampling, Size size,
                    bool is_small, float threshold) {
    std::vector<Pixels> expected;
    const int64_t each = soft.rows * soft.columns;
    for (int64_t mask = 0; is_small && mask < soft.count; ++mask) {
        const Floats some(scores.begin() + mask * each, scores.begin() + (mask + 1) * each);
        expected.push_back(
            draw(some, soft.rows, sampling, soft.windows + 6 * mask, size, threshold));
    }
    Masks<T> masks(expected);
    std::vector<uint64_t> first;
    for_variants([&](const Context& context) {
        Batch<T> batch;
        resample(context, soft, size, threshold, batch);
        if (is_small) CHECK_MASKS(batch, masks);
        check_canonical(batch.view(), size);
        Results results;
        results.add(batch);
        results.check(first);
    });
}

void fuzz_resample(Input& input) {
    const bool is_small = !input.flag() || !input.flag();
    const Size size = is_small ? small_size(input) : large_size(input);
    const int64_t count = input.between(0, 3), rows = input.between(1, 6);
    const int64_t columns = input.flag() ? input.between(1, 70) : input.between(1, 6);
    Sampling sampling{input.flag(), {}, {}, {}, {}};
    Size sampled{rows, columns};
    if (sampling.has_inner) {
        sampled = {input.between(1, 12), input.between(1, 40)};
        sampling.inner_x = positions_of(input, columns, sampled.width);
        sampling.inner_y = positions_of(input, rows, sampled.height);
    }
    const float numbers[] = {0, 0.5f, std::nextafter(0x1p126f, 0.f), 1e-42f, 0.25f};
    float threshold = numbers[input.between(0, 4)];
    if (input.flag()) threshold = -threshold;
    std::vector<int64_t> windows;
    for (int64_t mask = 0; mask < count; ++mask) {
        const auto x = span(input, size.width, 90), y = span(input, size.height, 90);
        const bool again = mask > 0 && input.flag();  // the same columns as the one before
        const auto first = windows.end() - (again ? 6 : 0);
        const int64_t x0 = again ? first[0] : x.first, x1 = again ? first[2] : x.second;
        const int64_t x_place = again ? first[4] : static_cast<int64_t>(sampling.x.size());
        const int64_t y_place = static_cast<int64_t>(sampling.y.size());
        windows.insert(windows.end(), {x0, y.first, x1, y.second, x_place, y_place});
        if (!again) {
            for (float at : positions_of(input, sampled.width, x1 - x0)) sampling.x.push_back(at);
        }
        for (float at : positions_of(input, sampled.height, y.second - y.first)) {
            sampling.y.push_back(at);
        }
    }
    const Floats scores = scores_of(input, count * rows * columns);
    sampling.x.shrink_to_fit(), sampling.y.shrink_to_fit();
    const SoftView soft{scores.data(),
                        count,
                        rows,
                        columns,
                        sampling.has_inner,
                        sampled,
                        {sampling.inner_x.data(), sampling.inner_y.data()},
                        {sampling.x.data(), sampling.y.data()},
                        windows.data()};
    for_run_ends(size, [&](auto type) {
        check_resample<decltype(type)>(soft, scores, sampling, size, is_small, threshold);
    });
}

template <class Label>
void check_argmax(const Scores& scores, const Floats& x, const Floats& y) {
    std::vector<Label> expected;
    for (float row : y) {
        for (float column : x) expected.push_back(static_cast<Label>(scores.label(row, column)));
    }
    const ClassView view{
        scores.values.data(), scores.classes, scores.rows, scores.columns, {x.data(), y.data()}};
    const Size size{static_cast<int64_t>(y.size()), static_cast<int64_t>(x.size())};
    for_variants([&](const Context& context) {
        std::vector<Label> got(expected.size());
        argmax_resample(context, view, size, got.data(), sizeof(Label));
        CHECK_EQUAL(got, expected);
    });
}

void fuzz_argmax(Input& input) {
    Scores scores{input.between(1, 20), input.between(1, 5), input.between(1, 9), {}};
    const int64_t bytes = 1 << input.between(0, 3);
    const Floats x = positions_of(input, scores.columns, input.between(0, 40));
    const Floats y = positions_of(input, scores.rows, input.between(0, 12));
    scores.values = scores_of(input, scores.classes * scores.rows * scores.columns);
    if (bytes == 1) check_argmax<uint8_t>(scores, x, y);
    if (bytes == 2) check_argmax<uint16_t>(scores, x, y);
    if (bytes == 4) check_argmax<uint32_t>(scores, x, y);
    if (bytes == 8) check_argmax<uint64_t>(scores, x, y);
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    if (input.flag()) return fuzz_resample(input);
    fuzz_argmax(input);
}
