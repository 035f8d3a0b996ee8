// argsort: the order of integers, as a radix sort finds it.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "gil.hpp"
#include "kernels_class.hpp"

namespace segcore::bind {

namespace {

constexpr int kDigitBits = 11, kDigits = 6;  // of 64 bits
constexpr size_t kValues = size_t{1} << kDigitBits;

struct Item {
    uint64_t key;
    int64_t index;
};

size_t digit_of(uint64_t key, int digit) { return key >> (digit * kDigitBits) & (kValues - 1); }

void sort(std::vector<Item>& items) {
    std::vector<Item> sorted(items.size());
    std::vector<std::array<size_t, kValues>> counts(kDigits);
    for (const Item& item : items) {
        for (int digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(item.key, digit)];
    }
    for (int digit = 0; digit < kDigits; ++digit) {
        auto& places = counts[digit];
        if (places[digit_of(items[0].key, digit)] == items.size()) continue;  // all are the same
        size_t place = 0;
        for (size_t& count : places) count = std::exchange(place, place + count);
        for (const Item& item : items) sorted[places[digit_of(item.key, digit)]++] = item;
        items.swap(sorted);
    }
}

py::array argsort(const py::array& keys) {
    const int64_t* const key = values_of<int64_t>(keys, "keys");
    const py::ssize_t count = keys.size();
    py::array_t<int64_t> order(count);
    int64_t* const out = order.mutable_data();
    const GilRelease release;
    if (count == 0) return std::move(order);
    std::vector<Item> items(static_cast<size_t>(count));
    for (py::ssize_t i = 0; i < count; ++i) {
        // Without the sign, negative integers come first.
        items[static_cast<size_t>(i)] = {static_cast<uint64_t>(key[i]) ^ uint64_t{1} << 63, i};
    }
    sort(items);
    std::transform(items.begin(), items.end(), out, [](const Item& item) { return item.index; });
    return std::move(order);
}

}  // namespace

void register_argsort(py::module_& m) {
    m.def("argsort", &argsort, py::arg("keys"),
          "Return the indices of integers in ascending order; equal ones stay in their order.");
}

}  // namespace segcore::bind
