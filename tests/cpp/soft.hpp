// Scores interpolated at every pixel on its own: soft masks, and the best of many classes.
#pragma once

#include <cmath>

#include "masks.hpp"

namespace segcore::test {

using Floats = std::vector<float>;

inline float interpolate(const Floats& samples, float position) {
    const size_t before = static_cast<size_t>(position);
    const float a = samples[before], b = samples[std::min(before + 1, samples.size() - 1)];
    return a + (position - static_cast<float>(before)) * (b - a);
}

inline Floats interpolate(const Floats& samples, const Floats& positions) {
    Floats values;
    for (float position : positions) values.push_back(interpolate(samples, position));
    return values;
}

struct Sampling {
    bool has_inner;
    Floats inner_x, inner_y, x, y;
};

// A window of one mask, pixel by pixel; `x` and `y` are its positions.
inline Pixels draw(const Floats& scores, int64_t rows, const Sampling& sampling,
                   const int64_t* window, Size size, float threshold) {
    const size_t columns = scores.size() / static_cast<size_t>(rows);
    Pixels pixels(pixel_count(size));
    for (int64_t x = window[0]; x < window[2]; ++x) {
        Floats column;
        for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
            Floats samples;
            for (size_t i = 0; i < columns; ++i) {
                const float score = scores[row * columns + i];
                samples.push_back(std::isnan(score) ? -0x1p126f
                                                    : std::clamp(score, -0x1p126f, 0x1p126f));
            }
            if (sampling.has_inner) samples = interpolate(samples, sampling.inner_x);
            const int64_t place = window[4] + x - window[0];
            column.push_back(interpolate(samples, sampling.x[static_cast<size_t>(place)]));
        }
        if (sampling.has_inner) column = interpolate(column, sampling.inner_y);
        for (int64_t y = window[1]; y < window[3]; ++y) {
            const int64_t place = window[5] + y - window[1];
            const float value = interpolate(column, sampling.y[static_cast<size_t>(place)]);
            pixels[pixel_at(size, y, x)] = value > threshold;
        }
    }
    return pixels;
}

struct Scores {
    int64_t classes, rows, columns;
    Floats values;

    float at(int64_t k, int64_t y, int64_t x) const {
        y = std::min(y, rows - 1), x = std::min(x, columns - 1);
        const float score = values[static_cast<size_t>((k * rows + y) * columns + x)];
        return std::isnan(score) ? -0x1p126f : std::clamp(score, -0x1p126f, 0x1p126f);
    }

    // Whether class j beats class k in a cell.
    bool beats(int64_t j, int64_t k, int64_t y, int64_t x) const {
        bool less = true, greater = false;
        for (int64_t i = 0; i < 4; ++i) {
            const float one = at(j, y + i / 2, x + i % 2), other = at(k, y + i / 2, x + i % 2);
            less = less && other < one;
            greater = greater || other > one;
        }
        return less || (j < k && !greater);
    }

    int64_t label(float y, float x) const {
        const int64_t top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
        const float down = y - static_cast<float>(top), along = x - static_cast<float>(left);
        int64_t label = -1;
        float best = 0;
        for (int64_t k = 0; k < classes; ++k) {
            bool beaten = false;
            for (int64_t j = 0; j < classes && !beaten; ++j) beaten = beats(j, k, top, left);
            if (beaten) continue;
            const float a = at(k, top, left), c = at(k, top + 1, left);
            const float above = a + along * (at(k, top, left + 1) - a);
            const float below = c + along * (at(k, top + 1, left + 1) - c);
            const float value = above + down * (below - above);
            if (label < 0 || value > best) best = value, label = k;
        }
        return label;
    }
};

}  // namespace segcore::test
