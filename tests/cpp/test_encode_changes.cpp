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

}  // namespace segcore::test
