#include "lines.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

namespace segcore::json {

namespace {

// The nearest integer of a number from 0 on, the even one of two; a call of std::nearbyint is
// slower.
double nearest(double value) {
    constexpr double kIntegers = 4503599627370496.0;  // 2**52: from here on, all are integers
    return value < kIntegers ? (value + kIntegers) - kIntegers : value;
}

// "00", "01", ... "99", since dividing takes longest.
constexpr struct Pairs {
    constexpr Pairs() : text() {
        for (std::ptrdiff_t i = 0; i < 100; ++i) {
            text[2 * i] = static_cast<char>('0' + i / 10);
            text[2 * i + 1] = static_cast<char>('0' + i % 10);
        }
    }
    char text[200];
} kPairs;

bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

// Take the numbers up to the end of the line, and return how many there are; -1 if there is
// anything else.
int64_t take_line(Cursor& cursor, Buffer<double>& values) {
    int64_t count = 0;
    for (;; ++count) {
        while (cursor.at != cursor.end && is_blank(*cursor.at)) ++cursor.at;
        if (cursor.at == cursor.end || *cursor.at == '\n') return count;
        if (!is_digit(*cursor.at) && *cursor.at != '-') return -1;
        const double value = take_number(cursor).value;
        const bool ends = cursor.at == cursor.end || is_blank(*cursor.at) || *cursor.at == '\n';
        if (!ends || !std::isfinite(value)) return -1;
        values.push_back(value);
    }
}

}  // namespace

bool read_lines(Span text, Lines& to) {
    Cursor cursor{text.begin, text.end, true};
    try {
        while (cursor.at != cursor.end) {
            const int64_t count = take_line(cursor, to.values);
            if (count < 0) return false;
            if (count > 0) to.lengths.push_back(count);
            if (cursor.at != cursor.end) ++cursor.at;
        }
    } catch (const Malformed&) {
        return false;
    }
    return true;
}

bool write_line(const Rings& rings, int64_t ring, int decimals, int kept, Buffer<uint8_t>& to) {
    const double* const values = rings.coordinates + rings.starts[ring];
    const int64_t count = rings.lengths[ring];
    const double sides[2] = {rings.width, rings.height};
    for (int64_t i = 0; i < count; ++i) {
        if (!(values[i] >= 0 && values[i] <= sides[i % 2])) return false;
    }
    const double unit = kPowers[decimals], rounding = kPowers[kept];
    const auto width = static_cast<size_t>(decimals) + 3;  // of " 0.123"
    constexpr size_t kMostDigits = 20;
    const auto size = static_cast<size_t>(count) * width;
    char* const begin = reinterpret_cast<char*>(to.grow(size + kMostDigits + 1));
    char* at = std::to_chars(begin, begin + kMostDigits, rings.classes[ring]).ptr;
    bool is_exact = true;
    for (int64_t i = 0; i < count; ++i, at += width) {
        const double side = sides[i % 2];
        const double digits = nearest(values[i] / side * unit);
        is_exact &= nearest(digits / unit * side * rounding) / rounding == values[i];
        auto rest = static_cast<uint64_t>(digits);
        at[0] = ' ';
        at[2] = '.';
        size_t k = width - 1;
        for (; k > 3; k -= 2, rest /= 100)
            std::memcpy(at + k - 1, kPairs.text + 2 * (rest % 100), 2);
        for (; k > 2; --k, rest /= 10) at[k] = static_cast<char>('0' + rest % 10);
        at[1] = static_cast<char>('0' + rest);
    }
    *at++ = '\n';
    to.resize(to.size() + static_cast<size_t>(at - begin));
    return is_exact;
}

}  // namespace segcore::json
