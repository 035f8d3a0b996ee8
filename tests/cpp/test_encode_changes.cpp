// Bytes to run ends, by value.
#include "masks.hpp"

namespace segcore::test {

namespace {

template <class T>
void check(const Context& context, const std::vector<uint8_t>& bytes, int64_t count, Size size) {
    std::vector<Pixels> expected(static_cast<size_t>(count));
    size_t i = 0;
    for (Pixels& mask : expected) {
        uint8_t before = 0;
        bool inside = false;
        for (int64_t p = 0; p < size.pixels(); ++p) {
            inside ^= bytes[i] != before;
            before = bytes[i++];
            mask.push_back(inside);
        }
    }
    // Exactly as many bytes as are to be read, for the sanitizer.
    std::vector<uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i));
    Batch<T> batch;
    encode_changes(context, exact.data(), count, size, batch);
    CHECK_MASKS(batch, Masks<T>(expected));
}

}  // namespace

KERNEL_TEST(encode_changes_of_all_sizes) {
    Random random(3);
    for (int64_t height : {1, 2, 63, 64, 65, 127, 8191, 8193}) {
        for (int64_t width : {1, 3}) {
            const Note note("size:", {height, width});
            std::vector<uint8_t> bytes(static_cast<size_t>(3 * height * width));
            for (uint8_t& byte : bytes) {
                byte = static_cast<uint8_t>(random.one_in(3) ? random.below(3) : 2);
            }
            check<T>(context, bytes, 3, {height, width});
        }
    }
    check<T>(context, {}, 2, {0, 5});
    check<T>(context, {}, 0, {4, 5});
}

// Stretches that are read in four parts: sizes around the shortest and the longest, flips at the
// ends of parts, and a part that is too dense.
KERNEL_TEST(encode_changes_in_parts) {
    constexpr int64_t kShortest = 128 << 10, kLongest = 4 << 20;
    for (int64_t n : {kShortest, kShortest + 1, kShortest + 2, kShortest + 4 * 4096 + 5}) {
        const Note note("pixels:", {n});
        Random random(static_cast<uint64_t>(n));
        std::vector<uint8_t> bytes(static_cast<size_t>(2 * n), 7);
        for (int64_t part = 0; part <= 4; ++part) {
            for (int64_t near = -2; near <= 2; ++near) {
                const int64_t at = 1 + (n - 1) / 4 * part + near;
                if (at >= 0 && at < n) bytes[static_cast<size_t>(at)] = near & 1;
            }
        }
        const int64_t dense = n + n / 2;
        for (int64_t i = dense; i < dense + 20000; ++i) {
            bytes[static_cast<size_t>(i)] = random.one_in(2);
        }
        check<T>(context, bytes, 2, {1, n});
        check<T>(context, bytes, 1, {n, 1});
    }
    std::vector<uint8_t> bytes(static_cast<size_t>(kLongest + kShortest + 3));
    for (size_t i = 1; i < bytes.size(); i += i / 7 + 1) bytes[i] = 1;
    check<T>(context, bytes, 1, {1, static_cast<int64_t>(bytes.size())});
}

}  // namespace segcore::test
