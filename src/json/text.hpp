// JSON text (RFC 8259, and NaN and Infinity as Python's json writes them), token by token.
//
// The text may arrive in pieces. If a piece ends within a value, Incomplete is thrown: the
// caller goes back to the beginning of the value and tries again with more text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

#include "../core/types.hpp"

namespace segcore::json {

// Of nested values. Python's json must read them again, and Python limits its depth to about 1,000.
constexpr int kMaxDepth = 500;
constexpr size_t kMaxDigits = 4300;  // of an integer, as in Python

struct Incomplete final : std::exception {};

// The text is not JSON: what was expected, and where.
struct Malformed final : std::exception {
    Malformed(const char* what_was_expected, const uint8_t* where)
        : expected(what_was_expected), at(where) {}
    const char* what() const noexcept override { return expected; }

    const char* expected;
    const uint8_t* at;
};

struct Span {
    const uint8_t* begin;
    const uint8_t* end;
    size_t size() const { return static_cast<size_t>(end - begin); }
};

struct Cursor {
    const uint8_t* at;
    const uint8_t* end;
    bool last;  // nothing follows after `end`
};

// The text between the quotes; `escaped` if it has backslashes.
struct String {
    Span raw;
    bool escaped;
};

struct Number {
    double value;
    int64_t integer;   // if is_exact
    bool is_integer;   // written without a fraction and an exponent
    bool is_exact;     // an integer of at most 2**62 in magnitude
};

// Where the text ends within a value, more may come; if it is the last piece, it is malformed.
[[noreturn]] void stop_at_end(const Cursor&, const char* expected);

inline void skip_space(Cursor& cursor) {
    const auto is_space = [](uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (cursor.at != cursor.end && is_space(*cursor.at)) ++cursor.at;
}

// Skip white space and return the next character, without taking it.
inline uint8_t peek(Cursor& cursor) {
    skip_space(cursor);
    if (cursor.at == cursor.end) stop_at_end(cursor, "a value");
    return *cursor.at;
}

// Take the next character, which must be this one.
inline void expect(Cursor& cursor, uint8_t character, const char* expected) {
    skip_space(cursor);
    if (cursor.at == cursor.end) stop_at_end(cursor, expected);
    if (*cursor.at != character) throw Malformed{expected, cursor.at};
    ++cursor.at;
}

// Take the next character if it is this one.
inline bool accept(Cursor& cursor, uint8_t character) {
    if (peek(cursor) != character) return false;
    ++cursor.at;
    return true;
}

// Each of these takes the value at the cursor, where white space was skipped.
String take_string(Cursor&);
void take_word(Cursor&, const char* word);  // true, false, null
// Take any value, and return its text.
Span take_value(Cursor&);

// -- numbers --------------------------------------------------------------------------------------

// Ten to this power is exact, and so is an integer of up to 53 bits: their quotient or product is
// then the nearest number (Clinger).
constexpr int kExactPower = 22;
constexpr double kPowers[kExactPower + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
inline bool starts_number(uint8_t c) { return is_digit(c) || c == '-' || c == 'N' || c == 'I'; }

// Take a number of up to 18 digits without an exponent that ends before the text does, which most
// numbers are; return false, with nothing taken, for any other.
inline bool take_short_number(Cursor& cursor, Number& number) {
    constexpr ptrdiff_t kMost = 18;
    const uint8_t* at = cursor.at;
    const bool negative = *at == '-';
    at += negative;
    if (cursor.end - at < kMost + 2) return false;
    const uint8_t* const begin = at;
    uint64_t digits = 0;
    for (; is_digit(*at); ++at) {
        if (at - begin == kMost) return false;
        digits = digits * 10 + (*at - '0');
    }
    const ptrdiff_t whole = at - begin;
    if (!whole || (whole > 1 && *begin == '0')) return false;
    number.is_integer = number.is_exact = *at != '.';
    if (!number.is_integer) {
        const uint8_t* const fraction = ++at;
        for (; is_digit(*at); ++at) {
            if (at - begin >= kMost) return false;
            digits = digits * 10 + (*at - '0');
        }
        const ptrdiff_t power = at - fraction;
        if (!power || digits >> 53) return false;
        number.value = static_cast<double>(digits) / kPowers[power];
        if (negative) number.value = -number.value;
    } else {
        number.integer = static_cast<int64_t>(digits);
        if (negative) number.integer = -number.integer;
        number.value = static_cast<double>(number.integer);
    }
    if (*at == 'e' || *at == 'E') return false;
    cursor.at = at;
    return true;
}

Number take_any_number(Cursor&);

inline Number take_number(Cursor& cursor) {
    Number number;
    if (cursor.at != cursor.end && take_short_number(cursor, number)) return number;
    return take_any_number(cursor);
}

// -- strings --------------------------------------------------------------------------------------

// Append the unescaped string in UTF-8. A lone surrogate is encoded like any other code point.
void append_unescaped(Span raw, Buffer<uint8_t>& to);
// Take a string and append it, unescaped.
void take_string(Cursor&, Buffer<uint8_t>& to);

}  // namespace segcore::json
