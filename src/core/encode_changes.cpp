// Bytes to run ends, by value: a mask flips wherever a byte differs from its predecessor.
#include "kernels.hpp"
#include "parallel.hpp"
#include "read_line.hpp"

namespace segcore {

template <class T>
void encode_changes(const Context& context, const uint8_t* columns, int64_t count, Size size,
                    Batch<T>& batch) {
    const int64_t pixels = size.pixels();
    const double work = static_cast<double>(count) * (static_cast<double>(pixels) / 16 + 100);
    PerWorker<LineReader<T>> readers(threads_for(context, count, work), context, true);
    build_batch<T>(context, count, work, batch, [&](int64_t mask, Buffer<T>& run_ends, int worker) {
        readers[worker].read(columns + mask * pixels, pixels, run_ends);
        return Status{};
    });
}

template void encode_changes<uint32_t>(const Context&, const uint8_t*, int64_t, Size,
                                       Batch<uint32_t>&);
template void encode_changes<uint64_t>(const Context&, const uint8_t*, int64_t, Size,
                                       Batch<uint64_t>&);

}  // namespace segcore
