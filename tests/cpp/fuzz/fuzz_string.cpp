// COCO's strings from anything: every variant finds the same masks or the same fault, and what is
// accepted survives the way back. From the repository's root, with Clang:
//
//     clang++ -std=c++17 -Isrc -ffp-contract=off -pthread -g -O1
//     -fsanitize=fuzzer,address,undefined
//         tests/cpp/fuzz/fuzz_string.cpp src/core/*.cpp src/simd/*.cpp -o fuzz-string
#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

template <class T>
void check_string(const uint8_t* data, int64_t length, Size size) {
    const int64_t data_offsets[] = {0, length / 2, length};  // two strings
    Batch<T> first;
    Status expected;
    for (const simd::Table* table : simd::variants()) {
        const Context context{*table, 1};
        Batch<T> batch;
        const Status status = string_decode(context, data, data_offsets, 2, size, batch);
        if (table == simd::variants().front()) {
            expected = status;
            first = std::move(batch);
        }
        demand(status.code == expected.code && status.mask == expected.mask &&
               status.position == expected.position && status.value == expected.value);
        if (!status.ok()) continue;
        const Batch<T>& masks = table == simd::variants().front() ? first : batch;
        demand(same(masks, first));
        demand_canonical(masks.view(), size);

        Strings<uint8_t> strings;
        string_encode(context, masks.view(), size, strings);
        Batch<T> from_strings;
        demand(string_decode(context, strings.values.data(), strings.offsets.data(), 2, size,
                             from_strings)
                   .ok());
        demand(same(from_strings, first));

        Strings<int64_t> counts;
        counts_encode(context, masks.view(), size, counts);
        Batch<T> from_counts;
        demand(counts_decode(context, counts.values.data(), counts.offsets.data(), 2, size,
                             from_counts)
                   .ok());
        demand(same(from_counts, first));
    }
}

}  // namespace

}  // namespace segcore::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    using namespace segcore;
    if (length < 3) return 0;
    // Heights of all magnitudes; few columns, so that inputs reach the last pixel.
    const Size size{int64_t{data[0]} << data[1] % 45, data[2] % 16};
    const int64_t rest = static_cast<int64_t>(length) - 3;
    if (size.pixels() < int64_t{1} << 32) fuzz::check_string<uint32_t>(data + 3, rest, size);
    fuzz::check_string<uint64_t>(data + 3, rest, size);
    return 0;
}
