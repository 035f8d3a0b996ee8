// Bytes to run ends, by value: a mask flips wherever a byte differs from its predecessor.
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr int64_t kBlock = 8192;  // pixels to compare at a time

template <class T>
void append_changes(const Context& context, const uint8_t* bytes, int64_t pixels,
                    Buffer<T>& run_ends) {
    if (pixels == 0) return;
    if (bytes[0] != 0) run_ends.push_back(0);
    uint32_t places[kBlock];  // in their block
    for (int64_t start = 1; start < pixels; start += kBlock) {
        const int64_t n = pixels - start < kBlock ? pixels - start : kBlock;
        const uint8_t* block = bytes + start;
        context.poll();
        const size_t count =
            context.simd.changes_between(block, block - 1, static_cast<size_t>(n), 0, places);
        T* out = run_ends.grow(count);
        for (size_t i = 0; i < count; ++i) out[i] = static_cast<T>(start + places[i]);
        run_ends.resize(run_ends.size() + count);
    }
}

}  // namespace

template <class T>
void encode_changes(const Context& context, const uint8_t* columns, int64_t count, Size size,
                    Batch<T>& batch) {
    const int64_t pixels = size.pixels();
    const double work = static_cast<double>(count) * (static_cast<double>(pixels) / 16 + 100);
    build_batch<T>(context, count, work, batch, [&](int64_t mask, Buffer<T>& run_ends, int) {
        append_changes(context, columns + mask * pixels, pixels, run_ends);
        return Status{};
    });
}

template void encode_changes<uint32_t>(const Context&, const uint8_t*, int64_t, Size,
                                       Batch<uint32_t>&);
template void encode_changes<uint64_t>(const Context&, const uint8_t*, int64_t, Size,
                                       Batch<uint64_t>&);

}  // namespace segcore
