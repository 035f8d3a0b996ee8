// Areas, bounding boxes and moments.
#include <cmath>

#include "masks.hpp"

namespace segcore::test {

namespace {

template <class T>
void check_measures(Masks<T>& masks, Size size, const std::vector<int64_t>& areas_expected,
                    const std::vector<int64_t>& boxes_expected) {
    const Context context{*simd::variants().back(), 1};
    const auto view = masks.view();
    std::vector<int64_t> areas(static_cast<size_t>(view.count)), corners(4 * areas.size());
    area(context, view, size, areas.data());
    boxes(context, view, size, corners.data());
    CHECK_EQUAL(areas, areas_expected);
    CHECK_EQUAL(corners, boxes_expected);
}

// Compare with the means of x, y, and of their squares and products, pixel by pixel.
template <class T>
void check_moments(Masks<T>& masks, const std::vector<Pixels>& pixels, Size size) {
    const Context context{*simd::variants().back(), 1};
    std::vector<double> both(5 * pixels.size()), centroids(2 * pixels.size());
    moments(context, masks.view(), size, true, both.data());
    moments(context, masks.view(), size, false, centroids.data());
    for (size_t i = 0; i < pixels.size(); ++i) {
        double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
        for (int64_t column = 0; column < size.width; ++column) {
            for (int64_t row = 0; row < size.height; ++row) {
                if (!pixels[i][pixel_at(size, row, column)]) continue;
                const auto u = static_cast<double>(column), v = static_cast<double>(row);
                n += 1, x += u, y += v, xx += u * u, yy += v * v, xy += u * v;
            }
        }
        const double* const got = both.data() + 5 * i;
        CHECK(std::memcmp(got, centroids.data() + 2 * i, 2 * sizeof(double)) == 0);
        if (n == 0) {
            for (int j = 0; j < 5; ++j) CHECK(std::isnan(got[j]));
            continue;
        }
        x /= n, y /= n;
        CHECK(got[0] == x && got[1] == y);
        CHECK(std::fabs(got[2] - (xx / n - x * x)) <= 1e-9 * (1 + x * x));
        CHECK(std::fabs(got[3] - (yy / n - y * y)) <= 1e-9 * (1 + y * y));
        CHECK(std::fabs(got[4] - (xy / n - x * y)) <= 1e-9 * (1 + x * y));
    }
}

template <class T>
void check_pixels(const std::vector<Pixels>& masks, Size size) {
    std::vector<int64_t> areas, corners;
    for (const Pixels& pixels : masks) {
        int64_t area = 0, x0 = size.width, y0 = size.height, x1 = 0, y1 = 0;
        for (int64_t x = 0; x < size.width; ++x) {
            for (int64_t y = 0; y < size.height; ++y) {
                if (!pixels[pixel_at(size, y, x)]) continue;
                ++area;
                x0 = std::min(x0, x);
                y0 = std::min(y0, y);
                x1 = std::max(x1, x + 1);
                y1 = std::max(y1, y + 1);
            }
        }
        if (!area) x0 = y0 = 0;
        areas.push_back(area);
        corners.insert(corners.end(), {x0, y0, x1, y1});
    }
    Masks<T> batch(masks);
    check_measures(batch, size, areas, corners);
    check_moments(batch, masks, size);
}

template <class T>
void check_random() {
    for (Size size : sizes()) {
        const Note note("size:", {size.height, size.width});
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        for (int repeat = 0; repeat < 5; ++repeat) {
            check_pixels<T>(random_masks(random, size, 10), size);
        }
    }
}

TEST(measure_random_masks) {
    check_random<uint32_t>();
    check_random<uint64_t>();
}

// Every mask of 3 x 3.
TEST(measure_all_tiny_masks) {
    std::vector<Pixels> masks;
    for (int bits = 0; bits < 512; ++bits) {
        Pixels pixels;
        for (int i = 0; i < 9; ++i) pixels.push_back(bits >> i & 1);
        masks.push_back(pixels);
    }
    check_pixels<uint32_t>(masks, {3, 3});
    check_pixels<uint64_t>(masks, {3, 3});
}

TEST(measure_the_largest_sizes) {
    const Size narrow{65535, 65537};  // 2**32 - 1 pixels
    Masks<uint32_t> masks;
    masks.add({0});
    masks.add({4294967294u});
    masks.add({65536, 65537, 4294901760u, 4294901761u});
    check_measures(masks, narrow, {4294967295, 1, 2},
                   {0, 0, 65537, 65535, 65536, 65534, 65537, 65535, 1, 0, 65537, 2});

    const Size wide{int64_t{1} << 40, int64_t{1} << 18};
    const uint64_t pixels = uint64_t{1} << 58;
    Masks<uint64_t> huge;
    huge.add({0});
    huge.add({pixels - 1});
    huge.add({(uint64_t{5} << 40) + 7, (uint64_t{5} << 40) + 9});
    check_measures(huge, wide, {int64_t{1} << 58, 1, 2},
                   {0, 0, wide.width, wide.height, wide.width - 1, wide.height - 1, wide.width,
                    wide.height, 5, 7, 6, 9});
}

}  // namespace

}  // namespace segcore::test
