// What the fuzzers share: arguments that are made of a fuzzer's bytes, every one of them as
// src/bind would let it through. The checks are those of the tests; one that fails ends the
// process.
#pragma once

#include <cstring>
#include <type_traits>

#include "../masks.hpp"

namespace segcore::fuzz {

using namespace segcore::test;

// A fuzzer's bytes, one after the other; zeros where they are used up.
class Input {
   public:
    Input(const uint8_t* data, size_t length) : data_(data), length_(length) {}

    bool is_empty() const { return length_ == 0; }
    uint8_t byte() {
        if (length_ == 0) return 0;
        --length_;
        return *data_++;
    }
    bool flag() { return byte() & 1; }
    // In [first, last]. It takes one byte where that is enough, else eight.
    int64_t between(int64_t first, int64_t last) {
        const uint64_t span = static_cast<uint64_t>(last - first);
        return first + static_cast<int64_t>(span < 256 ? byte() % (span + 1)
                                                       : value<uint64_t>() % (span + 1));
    }
    template <class V>
    V value() {
        V bits{};
        const size_t size = length_ < sizeof(V) ? length_ : sizeof(V);
        if (size) std::memcpy(&bits, data_, size);
        data_ += size, length_ -= size;
        return bits;
    }
    template <class Container>
    const typename Container::value_type& pick(const Container& items) {
        return items[static_cast<size_t>(between(0, static_cast<int64_t>(items.size()) - 1))];
    }

   private:
    const uint8_t* data_;
    size_t length_;
};

// Run `check` for 32-bit run ends where they are enough, and for 64-bit ones.
template <class Check>
void for_run_ends(Size size, Check check) {
    if (size.pixels() < int64_t{1} << 32) check(uint32_t{});
    check(uint64_t{});
}

// On every instruction set of this processor.
template <class Check>
void for_variants(Check check) {
    for_each_variant([&](const simd::Table& table) { check(Context{table, 1}); });
}

// An image that is small enough to look at every pixel.
inline Size small_size(Input& input) {
    const int64_t most = input.flag() ? 140 : 12;
    const int64_t height = input.between(0, most);
    return {height, input.between(0, height > 12 ? 12 : most)};
}

// An image of up to 2**59 - 1 pixels.
inline Size large_size(Input& input) {
    const int64_t height = int64_t{1} << input.between(0, 58), low = input.between(0, 255);
    Size size{height + (height > 255 ? low : 0), 0};
    size.width = std::min(((int64_t{1} << 59) - 1) / size.height,
                          (int64_t{1} << input.between(0, 58)) + input.between(0, 3));
    return input.flag() ? size : Size{size.width, size.height};
}

// A mask by its pixels, or by its runs.
inline Pixels small_mask(Input& input, Size size) {
    Pixels pixels(pixel_count(size));
    const bool runs = input.flag();
    size_t at = 0;
    for (uint8_t color = 0; at < pixels.size(); color ^= 1) {
        if (runs) {
            size_t length = input.byte();
            if (input.is_empty()) length = pixels.size();
            for (; length && at < pixels.size(); --length) pixels[at++] = color;
        } else {
            const uint8_t bits = input.byte();
            for (int i = 0; i < 8 && at < pixels.size(); ++i) pixels[at++] = bits >> i & 1;
        }
    }
    return pixels;
}

inline std::vector<Pixels> small_masks(Input& input, Size size, int64_t count) {
    std::vector<Pixels> masks;
    for (; count > 0; --count) masks.push_back(small_mask(input, size));
    return masks;
}

// Run ends near each other, near the edges of columns, or anywhere.
inline std::vector<uint64_t> large_flips(Input& input, Size size) {
    std::vector<uint64_t> flips;
    const uint64_t pixels = static_cast<uint64_t>(size.pixels());
    uint64_t at = 0;
    for (int64_t count = input.between(0, 12); count > 0; --count) {
        const uint64_t height = static_cast<uint64_t>(size.height);
        switch (input.between(0, 3)) {
            case 0:
                at += input.byte();
                break;
            case 1:
                at += height * input.byte();
                break;
            case 2:
                at += height - (at % height);
                break;
            default:
                at += input.value<uint64_t>() % pixels;
        }
        if (at >= pixels) break;
        if (flips.empty() || flips.back() < at) flips.push_back(at);
    }
    return flips;
}

template <class T>
Masks<T> large_masks(Input& input, Size size, int64_t count) {
    Masks<T> masks;
    for (; count > 0; --count) {
        const std::vector<uint64_t> flips = large_flips(input, size);
        masks.add({flips.begin(), flips.end()});
    }
    return masks;
}

// Run ends ascend strictly, and lie in the image.
template <class T>
void check_canonical(BatchView<T> masks, Size size) {
    for (int64_t i = 0; i < masks.count; ++i) {
        for (const T* flip = masks.begin(i); flip < masks.end(i); ++flip) {
            CHECK(flip == masks.begin(i) || flip[-1] < *flip);
            CHECK(static_cast<uint64_t>(*flip) < static_cast<uint64_t>(size.pixels()));
        }
    }
}

// An integer as it is, and the bits of a floating-point number, which may be NaN.
template <class V>
uint64_t bits_of(V value) {
    if constexpr (std::is_floating_point_v<V>) {
        uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof value);
        return bits;
    } else {
        return static_cast<uint64_t>(value);
    }
}

// All that a kernel makes, to compare one instruction set with another.
class Results {
   public:
    template <class V>
    void add(const V* values, size_t count) {
        for (size_t i = 0; i < count; ++i) values_.push_back(bits_of(values[i]));
    }
    template <class Values>
    void add(const Values& values) {
        add(values.data(), values.size());
    }
    template <class T>
    void add(const Batch<T>& batch) {
        add(batch.offsets), add(batch.run_ends);
    }
    // Keep those of the first instruction set, and compare the others with these.
    void check(std::vector<uint64_t>& first) const {
        if (first.empty()) first = values_;
        CHECK_EQUAL(values_, first);
    }

   private:
    std::vector<uint64_t> values_;
};

}  // namespace segcore::fuzz

// The body of a fuzzer: it runs with a fuzzer's bytes as `input`.
#define FUZZ(input)                                                            \
    static void fuzz_one(segcore::fuzz::Input input);                          \
    extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length); \
    int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {           \
        fuzz_one({data, length});                                              \
        return 0;                                                              \
    }                                                                          \
    static void fuzz_one(segcore::fuzz::Input input)
