// Label maps from anything: every variant cuts them into the same masks, painting those gives the
// map again, and each is what encoding its pixels gives. From the repository's root, with Clang:
//
//     clang++ -std=c++17 -Isrc -ffp-contract=off -pthread -g -O1
//     -fsanitize=fuzzer,address,undefined
//         tests/cpp/fuzz/fuzz_labels.cpp src/core/*.cpp src/simd/*.cpp -o fuzz-labels
#include <vector>

#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

struct Map {
    const uint8_t* labels;
    Size size;
    int64_t strides[2];
};

// Paint the masks over zeros.
template <class T>
std::vector<uint8_t> painted(const Context& context, const Map& map, const Buffer<uint64_t>& ids,
                             BatchView<T> masks) {
    std::vector<uint8_t> values(ids.size()), out(static_cast<size_t>(map.size.pixels()));
    std::vector<int64_t> order(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) {
        values[i] = static_cast<uint8_t>(ids[i]);
        order[i] = static_cast<int64_t>(i);
    }
    paint(context, masks, order.data(), masks.count, values.data(),
          LabelOutput{out.data(), map.size, {map.strides[0], map.strides[1]}, 1});
    return out;
}

template <class T>
void check_labels(const Map& map) {
    const size_t pixels = static_cast<size_t>(map.size.pixels());
    const std::vector<uint8_t> labels(map.labels, map.labels + pixels);
    Batch<T> first;
    for (const simd::Table* table : simd::variants()) {
        const Context context{*table, 1};
        Buffer<uint64_t> ids;
        Batch<T> batch;
        label_runs(
            context,
            LabelView{map.labels, map.size, {map.strides[0], map.strides[1]}, 1, false, false},
            {true, 0}, ids, batch);
        demand_canonical(batch.view(), map.size);
        demand(painted(context, map, ids, batch.view()) == labels);

        // One dense mask a label, there and back.
        std::vector<uint8_t> dense(ids.size() * pixels), decoded(dense.size(), 2);
        for (size_t i = 0; i < dense.size(); ++i) dense[i] = labels[i % pixels] == ids[i / pixels];
        const int64_t step = map.size.pixels(), count = static_cast<int64_t>(ids.size());
        Batch<T> encoded;
        encode(context,
               DenseView{dense.data(),
                         count,
                         map.size,
                         {step, map.strides[0], map.strides[1]},
                         Scalar::u8,
                         false,
                         0},
               encoded);
        demand(same(encoded, batch));
        decode(context, batch.view(),
               DenseOutput{decoded.data(),
                           count,
                           map.size,
                           {step, map.strides[0], map.strides[1]},
                           1,
                           1,
                           false});
        demand(decoded == dense);

        if (table == simd::variants().front()) first = std::move(batch);
        demand(same(encoded, first));
    }
}

}  // namespace

}  // namespace segcore::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    using namespace segcore;
    if (length < 3) return 0;
    const int64_t rest = static_cast<int64_t>(length) - 2, width = 1 + data[0] % 200;
    const Size size{rest / width, width};
    fuzz::Map map{data + 2, size, {width, 1}};  // C order, or Fortran order
    if (data[1] % 2) map = {data + 2, size, {1, size.height}};
    fuzz::check_labels<uint32_t>(map);
    fuzz::check_labels<uint64_t>(map);
    return 0;
}
