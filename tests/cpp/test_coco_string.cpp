// COCO's run lengths: round trips, and everything that can be wrong with them.
#include <limits>
#include <string>

#include "masks.hpp"

namespace segcore::test {

namespace {

using Counts = std::vector<int64_t>;

// Strings, or lists of counts, laid end to end.
template <class V>
struct Flat {
    std::vector<V> values;
    std::vector<int64_t> offsets{0};

    template <class Item>
    void add(const Item& item) {
        values.insert(values.end(), item.begin(), item.end());
        offsets.push_back(static_cast<int64_t>(values.size()));
    }
    int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

template <class T>
Status decode_strings(const Context& context, Flat<uint8_t> strings, Size size, Batch<T>& batch) {
    strings.values.shrink_to_fit();
    return string_decode(context, strings.values.data(), strings.offsets.data(), strings.count(),
                         size, batch);
}

template <class T>
Status decode_counts(const Context& context, Flat<int64_t> counts, Size size, Batch<T>& batch) {
    counts.values.shrink_to_fit();
    return counts_decode(context, counts.values.data(), counts.offsets.data(), counts.count(), size,
                         batch);
}

template <class T>
Status status_of_string(const Context& context, const std::string& string, Size size) {
    Flat<uint8_t> strings;
    strings.add(string);
    Batch<T> batch;
    return decode_strings(context, strings, size, batch);
}

template <class T>
Status status_of_counts(const Context& context, const Counts& counts, Size size) {
    Flat<int64_t> flat;
    flat.add(counts);
    Batch<T> batch;
    return decode_counts(context, flat, size, batch);
}

Counts counts_of(const Pixels& pixels) {
    Counts counts = {0};
    uint8_t value = 0;
    for (uint8_t pixel : pixels) {
        if (pixel != value) counts.push_back(0);
        value = pixel;
        ++counts.back();
    }
    return counts;
}

// The format, spelled out: five bits per character, the lowest first, up to the sign.
std::string string_of(const Counts& counts) {
    std::string string;
    for (size_t i = 0; i < counts.size(); ++i) {
        int64_t rest = i > 2 ? counts[i] - counts[i - 2] : counts[i];
        for (bool more = true; more;) {
            const int64_t group = rest & 31;
            rest = (rest - group) / 32;
            more = rest != (group < 16 ? 0 : -1);
            string += static_cast<char>(48 + group + 32 * more);
        }
    }
    return string;
}

// -- round trips ----------------------------------------------------------------------------------

template <class T>
void check_round_trip(const Context& context, const std::vector<Pixels>& masks, Size size) {
    const Note note("size:", {size.height, size.width});
    Flat<uint8_t> strings;
    Flat<int64_t> counts;
    for (const Pixels& pixels : masks) {
        counts.add(counts_of(pixels));
        strings.add(string_of(counts_of(pixels)));
    }
    Masks<T> batch(masks);

    Strings<uint8_t> encoded;
    string_encode(context, batch.view(), size, encoded);
    CHECK_EQUAL(values_of(encoded.values), strings.values);
    CHECK_EQUAL(values_of(encoded.offsets), strings.offsets);
    Strings<int64_t> lengths;
    counts_encode(context, batch.view(), size, lengths);
    CHECK_EQUAL(values_of(lengths.values), counts.values);
    CHECK_EQUAL(values_of(lengths.offsets), counts.offsets);

    Batch<T> from_strings, from_counts;
    CHECK_STATUS(decode_strings(context, strings, size, from_strings), {});
    CHECK_MASKS(from_strings, batch);
    CHECK_STATUS(decode_counts(context, counts, size, from_counts), {});
    CHECK_MASKS(from_counts, batch);
}

KERNEL_TEST(coco_string_round_trips) {
    for (Size size : sizes()) {
        Random random(static_cast<uint64_t>(size.height * 1000 + size.width));
        check_round_trip<T>(context, random_masks(random, size, 20), size);
        check_round_trip<T>(context, {}, size);
    }
}

// Enough work for several threads.
KERNEL_TEST(coco_string_many) {
    const Size size{6, 7};
    Random random(1);
    const auto masks = many_masks(random, size, 10'000);
    check_round_trip<T>(context, masks, size);
}

// A string as pycocotools writes it.
KERNEL_TEST(coco_string_known) {
    Batch<T> batch;
    Flat<uint8_t> strings;
    strings.add(std::string("23203"));  // counts 2 3 2 3 5: 3 - 3 is 0, 5 - 2 is 3
    CHECK_STATUS(decode_strings(context, strings, {3, 5}, batch), {});
    CHECK_EQUAL(values_of(batch.run_ends), (std::vector<T>{2, 5, 7, 10}));
}

// Runs of no length vanish, wherever they are.
KERNEL_TEST(coco_string_zero_runs) {
    Random random(1);
    const Size size{9, 11};
    for (int repeat = 0; repeat < 300; ++repeat) {
        Counts counts;
        Pixels pixels;
        uint8_t value = 0;
        while (pixels.size() < pixel_count(size)) {
            const int64_t left = size.pixels() - static_cast<int64_t>(pixels.size());
            const int64_t length = random.one_in(2) ? 0 : std::min(left, random.between(1, 40));
            counts.push_back(length);
            pixels.resize(pixels.size() + static_cast<size_t>(length), value);
            value ^= 1;
        }
        counts.resize(counts.size() + static_cast<size_t>(random.below(4)), 0);
        Flat<uint8_t> strings;
        Flat<int64_t> flat;
        strings.add(string_of(counts));
        flat.add(counts);
        const Masks<T> expected({pixels});
        Batch<T> from_strings, from_counts;
        CHECK_STATUS(decode_strings(context, strings, size, from_strings), {});
        CHECK_MASKS(from_strings, expected);
        CHECK_STATUS(decode_counts(context, flat, size, from_counts), {});
        CHECK_MASKS(from_counts, expected);
    }
}

// A size of any magnitude that T stands for.
template <class T>
Size random_magnitude(Random& random) {
    const int64_t pixels = random.between(1, int64_t{1} << random.below(sizeof(T) == 4 ? 32 : 59));
    return random.one_in(2) ? Size{1, pixels} : Size{pixels, 1};
}

// Runs of all magnitudes, some of no length.
Counts random_counts(Random& random, Size size) {
    Counts counts;
    for (int64_t left = size.pixels(); left > 0; left -= counts.back()) {
        const int64_t length = random.below(int64_t{1} << random.below(60));
        counts.push_back(std::min(left, random.one_in(9) ? 0 : length));
        if (counts.size() == 20) counts.back() = left;
    }
    return counts;
}

// Where a mask with such runs flips: two flips at one place are none, nor is one behind the end.
template <class T>
std::vector<T> flips_of_counts(const Counts& counts) {
    std::vector<T> flips;
    int64_t position = 0, pixels = 0;
    for (int64_t count : counts) pixels += count;
    for (int64_t count : counts) {
        position += count;
        if (!flips.empty() && flips.back() == static_cast<T>(position)) {
            flips.pop_back();
        } else {
            flips.push_back(static_cast<T>(position));
        }
    }
    if (!flips.empty() && flips.back() == static_cast<T>(pixels)) flips.pop_back();
    return flips;
}

// Counts of every number of characters.
KERNEL_TEST(coco_string_long_counts) {
    Random random(sizeof(T));
    for (int repeat = 0; repeat < 1000; ++repeat) {
        const Size size = random_magnitude<T>(random);
        const Note note("size:", {size.height, size.width});
        Masks<T> masks;
        Flat<uint8_t> expected;
        for (int i = 0; i < 3; ++i) {
            masks.add(flips_of_counts<T>(random_counts(random, size)));
            Counts counts;
            int64_t position = 0;
            for (int64_t at = masks.offsets.end()[-2]; at < masks.offsets.back(); ++at) {
                const int64_t flip = static_cast<int64_t>(masks.run_ends[static_cast<size_t>(at)]);
                counts.push_back(flip - position);
                position = flip;
            }
            counts.push_back(size.pixels() - position);
            expected.add(string_of(counts));
        }
        Strings<uint8_t> strings;
        string_encode(context, masks.view(), size, strings);
        CHECK_EQUAL(values_of(strings.values), expected.values);
        CHECK_EQUAL(values_of(strings.offsets), expected.offsets);
        Batch<T> batch;
        CHECK_STATUS(decode_strings(context, expected, size, batch), {});
        CHECK_MASKS(batch, masks);
    }
}

TEST(coco_string_the_largest_size) {
    const Size size{int64_t{1} << 30, (int64_t{1} << 29) - 1};
    const uint64_t pixels = static_cast<uint64_t>(size.pixels());
    for_each_context([&](const Context& context) {
        for (const std::vector<uint64_t>& flips : {std::vector<uint64_t>{},
                                                   {0},
                                                   {pixels - 1},
                                                   {0, 1, pixels - 2, pixels - 1},
                                                   {0, pixels - 3, pixels - 2},
                                                   {1, 2, 3, pixels - 1}}) {
            Masks<uint64_t> masks;
            masks.add(flips);
            Strings<uint8_t> strings;
            string_encode(context, masks.view(), size, strings);
            Flat<uint8_t> flat;
            flat.add(values_of(strings.values));
            Batch<uint64_t> batch;
            CHECK_STATUS(decode_strings(context, flat, size, batch), {});
            CHECK_MASKS(batch, masks);
        }
    });
}

TEST(coco_string_the_largest_size_of_32_bits) {
    const Size size{65535, 65537};
    for_each_context([&](const Context& context) {
        Flat<int64_t> counts;
        counts.add(Counts{4294967295});
        counts.add(Counts{0, 4294967295});
        counts.add(Counts{4294967294, 1, 0, 0, 0});
        Masks<uint32_t> expected;
        expected.add({});
        expected.add({0});
        expected.add({4294967294u});
        Batch<uint32_t> batch;
        CHECK_STATUS(decode_counts(context, counts, size, batch), {});
        CHECK_MASKS(batch, expected);
        CHECK_STATUS(status_of_counts<uint32_t>(context, {4294967295, 1}, size),
                     {Code::runs_too_long, 0, 1, 4294967296});
    });
}

// -- what is wrong --------------------------------------------------------------------------------

KERNEL_TEST(coco_string_hostile_strings) {
    const Size size{2, 3};
    auto check = [&](const std::string& string, Status expected) {
        CHECK_STATUS(status_of_string<T>(context, string, size), expected);
    };
    check("6", {});
    check("", {Code::runs_too_short, 0, 0, 0});
    check("5", {Code::runs_too_short, 0, 0, 5});
    check("33", {});
    check("34", {Code::runs_too_long, 0, 1, 7});
    check("7", {Code::runs_too_long, 0, 0, 7});
    check("61", {Code::runs_too_long, 0, 1, 7});
    check("60000", {});
    check("O", {Code::run_negative, 0, 0, -1});
    check("3@", {Code::run_negative, 0, 1, -16});
    check("111M", {Code::run_negative, 0, 3, -2});
    check("3/", {Code::string_byte, 0, 1, '/'});
    check("3p", {Code::string_byte, 0, 1, 'p'});
    check(std::string("3\0", 2), {Code::string_byte, 0, 1, 0});
    check("\xff", {Code::string_byte, 0, 0, 255});
    check("3P", {Code::string_truncated, 0, 0, 0});
    check("P", {Code::string_truncated, 0, 0, 0});
    check("3" + std::string(12, 'P'), {Code::string_truncated, 0, 0, 0});
    check("3" + std::string(13, 'P'), {Code::string_overlong, 0, 1, 0});
    check("3" + std::string(12, 'P') + "3", {Code::string_overlong, 0, 1, 0});
    check("3" + std::string(12, 'P') + "!", {Code::string_byte, 0, 13, '!'});
    check(std::string(11, 'P') + "6", {Code::runs_too_long, 0, 0, int64_t{6} << 55});
    check("6" + std::string(11, 'P') + "0", {});  // zero, at length
    check(std::string(11, 'o') + "?", {Code::runs_too_long, 0, 0, (int64_t{1} << 59) - 1});
    check(std::string(11, 'P') + "@", {Code::run_negative, 0, 0, -(int64_t{1} << 59)});
    // What comes first is reported: a wrong run before a wrong byte behind it.
    check("7!", {Code::runs_too_long, 0, 0, 7});
    check("O" + std::string(20, 'P'), {Code::run_negative, 0, 0, -1});
    for (Size empty : {Size{0, 0}, Size{0, 9}, Size{9, 0}}) {
        CHECK_STATUS(status_of_string<T>(context, "", empty), {});
        CHECK_STATUS(status_of_string<T>(context, "000", empty), {});
        CHECK_STATUS(status_of_string<T>(context, "01", empty), {Code::runs_too_long, 0, 1, 1});
    }
}

KERNEL_TEST(coco_string_hostile_counts) {
    const Size size{2, 3};
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    auto check = [&](const Counts& counts, Status expected) {
        CHECK_STATUS(status_of_counts<T>(context, counts, size), expected);
    };
    check({6}, {});
    check({}, {Code::runs_too_short, 0, 0, 0});
    check({2, 3}, {Code::runs_too_short, 0, 0, 5});
    check({2, 3, 2}, {Code::runs_too_long, 0, 2, 7});
    check({kMost}, {Code::runs_too_long, 0, 0, kMost});
    // The sum is unsigned: it may exceed the signed range.
    check({6, kMost}, {Code::runs_too_long, 0, 1, std::numeric_limits<int64_t>::min() + 5});
    check({3, -1, 4}, {Code::run_negative, 0, 1, -1});
    check({-kMost - 1}, {Code::run_negative, 0, 0, -kMost - 1});
    check({4294967302}, {Code::runs_too_long, 0, 0, 4294967302});  // 6, cut to 32 bits
    check({1, 2, 3, 0, 0, 1, -5}, {Code::runs_too_long, 0, 5, 7});
}

// The mask is named, the first in batch order whatever the number of threads.
KERNEL_TEST(coco_string_first_wrong_mask) {
    const Size size{2, 3};
    for (const std::vector<int64_t>& wrong :
         {std::vector<int64_t>{0}, {9999}, {7000, 3000}, {5, 4, 3}}) {
        const int64_t first = *std::min_element(wrong.begin(), wrong.end());
        Flat<uint8_t> strings;
        Flat<int64_t> counts;
        for (int64_t mask = 0; mask < 10'000; ++mask) {
            const bool is_wrong = std::find(wrong.begin(), wrong.end(), mask) != wrong.end();
            strings.add(std::string(is_wrong ? mask == first ? "3~" : "7" : "33"));
            counts.add(is_wrong ? mask == first ? Counts{3, -2, 1} : Counts{7} : Counts{3, 3});
        }
        Batch<T> from_strings, from_counts;
        CHECK_STATUS(decode_strings(context, strings, size, from_strings),
                     {Code::string_byte, first, 1, '~'});
        CHECK_STATUS(decode_counts(context, counts, size, from_counts),
                     {Code::run_negative, first, 1, -2});
    }
}

// What reading a string gives, by the letter of the format: a status, and counts if it is ok.
Status read_plainly(const std::string& string, Size size, Counts& counts) {
    size_t i = 0;
    int64_t sum = 0;
    while (i < string.size()) {
        const int64_t run = static_cast<int64_t>(counts.size());
        __extension__ using Wide = __int128;
        Wide value = 0;
        Wide place = 1;
        for (int groups = 1;; ++groups) {
            if (i == string.size()) return {Code::string_truncated, 0, 0, 0};
            const uint8_t byte = static_cast<uint8_t>(string[i]);
            if (byte < '0' || byte > 'o') {
                return {Code::string_byte, 0, static_cast<int64_t>(i), byte};
            }
            if (groups > 12) return {Code::string_overlong, 0, run, 0};
            ++i;
            const int group = byte - 48;
            if (group >= 32) {
                value += place * (group - 32);
            } else {
                value += place * (group >= 16 ? group - 32 : group);
                break;
            }
            place *= 32;
        }
        if (run > 2) value += counts[counts.size() - 2];
        const int64_t length = static_cast<int64_t>(value);
        if (length < 0) return {Code::run_negative, 0, run, length};
        sum += length;
        if (sum > size.pixels()) return {Code::runs_too_long, 0, run, sum};
        counts.push_back(length);
    }
    if (sum < size.pixels()) return {Code::runs_too_short, 0, 0, sum};
    return {};
}

// Valid strings with characters changed, removed or inserted, and random strings.
std::string hostile_string(Random& random, Size size) {
    std::string string;
    if (random.one_in(3)) {
        for (int64_t n = random.below(30); n > 0; --n) {
            string += static_cast<char>(random.one_in(3) ? random.between(80, 111)
                                                         : random.between(48, 64));
        }
        return string;
    }
    string = string_of(random_counts(random, size));
    for (int64_t edits = random.below(3); edits > 0 && !string.empty(); --edits) {
        const size_t at = static_cast<size_t>(random.below(static_cast<int64_t>(string.size())));
        switch (random.below(3)) {
            case 0:
                string[at] = static_cast<char>(random.between(45, 115));
                break;
            case 1:
                string.erase(at, 1);
                break;
            default:
                string.insert(at, 1, static_cast<char>(random.between(48, 111)));
        }
    }
    return string;
}

KERNEL_TEST(coco_string_read_plainly) {
    Random random(sizeof(T));
    for (int repeat = 0; repeat < 5000; ++repeat) {
        const Size size = random.one_in(2) ? Size{random.between(1, 9), random.between(1, 9)}
                                           : random_magnitude<T>(random);
        const std::string string = hostile_string(random, size);
        const Note note("size:", {size.height, size.width});
        const Note text(string.c_str());
        Counts counts;
        const Status expected = read_plainly(string, size, counts);
        Flat<uint8_t> strings;
        strings.add(string);
        Batch<T> batch;
        CHECK_STATUS(decode_strings(context, strings, size, batch), expected);
        if (expected.ok()) CHECK_EQUAL(values_of(batch.run_ends), flips_of_counts<T>(counts));
    }
}

}  // namespace

}  // namespace segcore::test
