// COCO's strings and counts from anything: read as they are defined, or refused, and written back.
#include "fuzz.hpp"

namespace segcore::fuzz {

namespace {

using Counts = std::vector<int64_t>;

template <class V>
struct Flat {
    std::vector<V> values;
    std::vector<int64_t> offsets{0};
    int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

// The runs of a string; false where it holds none. Where a run is not allowed it stops, too.
bool read_string(const uint8_t* at, const uint8_t* end, int64_t pixels, Counts& counts) {
    while (at < end) {
        uint64_t bits = 0;
        int group = 32, shift = 0;
        for (; group & 32; shift += 5) {
            if (at == end || *at < 48 || *at > 111 || shift == 60) return false;
            group = *at++ - 48;
            bits |= static_cast<uint64_t>(group & 31) << shift;
        }
        if (group & 16) bits -= uint64_t{1} << shift;
        int64_t run = static_cast<int64_t>(bits);
        if (counts.size() > 2) run += counts[counts.size() - 2];
        if (run < 0 || run > pixels) return false;
        counts.push_back(run);
    }
    return true;
}

// The run ends of a mask; false where the runs do not fill the image.
template <class T>
bool read_counts(const Counts& counts, int64_t pixels, std::vector<T>& flips) {
    int64_t at = 0;
    for (int64_t run : counts) {
        if (run < 0 || run > pixels - at) return false;
        at += run;
        if (at == pixels) continue;
        if (!flips.empty() && flips.back() == static_cast<T>(at)) {
            flips.pop_back();
        } else {
            flips.push_back(static_cast<T>(at));
        }
    }
    return at == pixels;
}

// Decode, with every instruction set, what means the masks, or is broken if there is null.
template <class T, class Decode>
void check_decode(Decode decode, Masks<T>* expected) {
    std::vector<uint64_t> first;
    for_variants([&](const Context& context) {
        Batch<T> batch;
        const Status status = decode(context, batch);
        CHECK_EQUAL(status.ok(), expected != nullptr);
        if (expected) CHECK_MASKS(batch, *expected);
        const int64_t fields[] = {static_cast<int64_t>(status.code), status.mask, status.position,
                                  status.value};
        Results results;
        results.add(fields, 4);
        results.check(first);
    });
}

// What the masks are written as is read as these masks.
template <class T>
void check_round_trip(Masks<T>& masks, Size size) {
    for_variants([&](const Context& context) {
        Strings<uint8_t> strings;
        string_encode(context, masks.view(), size, strings);
        Batch<T> from_strings, from_counts;
        CHECK_STATUS(string_decode(context, strings.values.data(), strings.offsets.data(),
                                   masks.view().count, size, from_strings),
                     {});
        CHECK_MASKS(from_strings, masks);
        Strings<int64_t> counts;
        counts_encode(context, masks.view(), size, counts);
        CHECK_STATUS(counts_decode(context, counts.values.data(), counts.offsets.data(),
                                   masks.view().count, size, from_counts),
                     {});
        CHECK_MASKS(from_counts, masks);
    });
}

template <class T>
void check_strings(const Flat<uint8_t>& strings, Size size) {
    Masks<T> masks;
    bool good = true;
    for (size_t i = 1; i < strings.offsets.size() && good; ++i) {
        Counts counts;
        std::vector<T> flips;
        const uint8_t* data = strings.values.data();
        good = read_string(data + strings.offsets[i - 1], data + strings.offsets[i], size.pixels(),
                           counts) &&
               read_counts(counts, size.pixels(), flips);
        masks.add(flips);
    }
    auto decode = [&](const Context& context, Batch<T>& batch) {
        return string_decode(context, strings.values.data(), strings.offsets.data(),
                             strings.count(), size, batch);
    };
    check_decode<T>(decode, good ? &masks : nullptr);
    if (good) check_round_trip(masks, size);
}

template <class T>
void check_counts(const Flat<int64_t>& counts, Size size) {
    Masks<T> masks;
    bool good = true;
    for (size_t i = 1; i < counts.offsets.size() && good; ++i) {
        std::vector<T> flips;
        const auto begin = counts.values.begin();
        good = read_counts<T>({begin + counts.offsets[i - 1], begin + counts.offsets[i]},
                              size.pixels(), flips);
        masks.add(flips);
    }
    auto decode = [&](const Context& context, Batch<T>& batch) {
        return counts_decode(context, counts.values.data(), counts.offsets.data(), counts.count(),
                             size, batch);
    };
    check_decode<T>(decode, good ? &masks : nullptr);
    if (good) check_round_trip(masks, size);
}

// Strings as they are, with a line feed between two.
Flat<uint8_t> strings_of(Input& input) {
    Flat<uint8_t> strings;
    while (!input.is_empty()) {
        const uint8_t next = input.byte();
        if (next == '\n') {
            strings.offsets.push_back(static_cast<int64_t>(strings.values.size()));
        } else {
            strings.values.push_back(next);
        }
    }
    strings.offsets.push_back(static_cast<int64_t>(strings.values.size()));
    strings.values.shrink_to_fit();
    return strings;
}

// Small numbers, any numbers, and what is left of the image: so that some lists are good.
Flat<int64_t> counts_of(Input& input, int64_t pixels) {
    Flat<int64_t> counts;
    int64_t left = pixels;
    while (!input.is_empty()) {
        int64_t run = 0;
        switch (input.between(0, 4)) {
            case 0:
            case 1:
                run = input.byte();
                break;
            case 2:
                run = input.value<int64_t>();
                break;
            case 3:
                run = left;
                break;
            default:
                counts.offsets.push_back(static_cast<int64_t>(counts.values.size()));
                left = pixels;
                continue;
        }
        left = run >= 0 && run <= left ? left - run : 0;
        counts.values.push_back(run);
    }
    counts.offsets.push_back(static_cast<int64_t>(counts.values.size()));
    counts.values.shrink_to_fit();
    return counts;
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    const bool are_strings = input.flag();
    // Heights of all magnitudes; few columns, so that inputs reach the last pixel.
    const int64_t height = input.byte(), shift = input.byte() % 45;
    const segcore::Size size{height << shift, input.byte() % 16};
    if (are_strings) {
        const auto strings = strings_of(input);
        for_run_ends(size, [&](auto type) { check_strings<decltype(type)>(strings, size); });
    } else {
        const auto counts = counts_of(input, size.pixels());
        for_run_ends(size, [&](auto type) { check_counts<decltype(type)>(counts, size); });
    }
}
