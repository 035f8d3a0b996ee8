// resample.
#include <pybind11/stl.h>

#include <optional>
#include <utility>

#include "../core/kernels.hpp"
#include "arrays.hpp"
#include "batches.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

// The range of a window on an axis of the image, and of its positions.
struct Span {
    int64_t first, last, place;

    int64_t length() const { return last - first; }
    bool is_empty() const { return first >= last; }
    bool lies_in(int64_t side) const { return first >= 0 && last <= side; }
    bool has_positions(int64_t count) const { return place >= 0 && place <= count - length(); }
    bool has_those_of(const Span& other) const {
        return place == other.place && length() == other.length();
    }
};

void check_windows(const SoftView& soft, Size size, int64_t x_count, int64_t y_count) {
    const int64_t columns = soft.has_inner ? soft.inner_size.width : soft.columns;
    const int64_t rows = soft.has_inner ? soft.inner_size.height : soft.rows;
    Span checked_x{0, 0, 0}, checked_y{0, 0, 0};  // neighbours often have the same
    for (int64_t mask = 0; mask < soft.count; ++mask) {
        const int64_t* window = soft.windows + 6 * mask;
        const Span x{window[0], window[2], window[4]}, y{window[1], window[3], window[5]};
        bool good = x.lies_in(size.width) && y.lies_in(size.height);
        const bool is_empty = x.is_empty() || y.is_empty();
        if (!is_empty) good = good && x.has_positions(x_count) && y.has_positions(y_count);
        if (!good)
            throw py::value_error("windows: expected windows inside the image, with positions");
        if (is_empty) continue;
        if (!x.has_those_of(checked_x)) {
            check_positions(soft.positions.x + x.place, x.length(), columns);
        }
        if (!y.has_those_of(checked_y)) {
            check_positions(soft.positions.y + y.place, y.length(), rows);
        }
        checked_x = x, checked_y = y;
    }
}

SoftView read_soft(const py::array& scores, const py::array& windows, const py::array& x_positions,
                   const py::array& y_positions) {
    if (scores.ndim() != 3) refuse("scores", "an (N, h, w) array");
    SoftView soft{};
    soft.scores = values_of<float>(scores, "scores");
    soft.count = scores.shape(0), soft.rows = scores.shape(1), soft.columns = scores.shape(2);
    if (windows.ndim() != 2 || windows.shape(0) != soft.count || windows.shape(1) != 6) {
        refuse("windows", "an (N, 6) array");
    }
    soft.windows = values_of<int64_t>(windows, "windows");
    soft.positions = {values_of<float>(x_positions, "x_positions"),
                      values_of<float>(y_positions, "y_positions")};
    return soft;
}

// The positions x, y of the inner interpolation, if there is one.
using Inner = std::optional<std::pair<py::array, py::array>>;

void add_inner(SoftView& soft, const Inner& inner) {
    if (!inner) return;
    const auto& [x, y] = *inner;
    soft.has_inner = true;
    soft.inner_size = {y.size(), x.size()};
    soft.inner = {values_of<float>(x, "inner"), values_of<float>(y, "inner")};
    check_positions(soft.inner.x, soft.inner_size.width, soft.columns);
    check_positions(soft.inner.y, soft.inner_size.height, soft.rows);
}

py::object resample(const Kernels& kernels, const py::array& scores, const Inner& inner,
                    const py::array& x_positions, const py::array& y_positions,
                    const py::array& windows, int64_t height, int64_t width, float threshold) {
    const Size size = size_of(height, width);
    SoftView soft = read_soft(scores, windows, x_positions, y_positions);
    add_inner(soft, inner);
    check_windows(soft, size, x_positions.size(), y_positions.size());
    return make_batch(size, [&](auto& batch) {
        kernels.without_gil([&](const Context& context) {
            segcore::resample(context, soft, size, threshold, batch);
        });
    });
}

}  // namespace

void register_resample(KernelsClass& c) {
    c.def("resample", &resample, py::arg("scores"), py::arg("inner").none(true),
          py::arg("x_positions"), py::arg("y_positions"), py::arg("windows"), py::arg("height"),
          py::arg("width"), py::arg("threshold"));
}

}  // namespace segcore::bind
