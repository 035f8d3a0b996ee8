#include "text.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "../core/bits.hpp"

namespace segcore::json {

namespace {

uint8_t next(const Cursor& cursor, const char* expected) {
    if (cursor.at == cursor.end) stop_at_end(cursor, expected);
    return *cursor.at;
}

// -- strings --------------------------------------------------------------------------------------

bool is_special(uint8_t c) { return c == '"' || c == '\\' || c < 0x20 || c >= 0x80; }

#if defined(__SSE2__)
constexpr ptrdiff_t kBlock = 16;  // characters

__m128i load_block(const uint8_t* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

// Bit i is set where character i is special.
unsigned specials_of(__m128i block) {
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1F);
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     // NOLINTNEXTLINE(portability-simd-intrinsics)
                     _mm_cmpeq_epi8(_mm_min_epu8(block, control), block));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(special, block)));
}
#endif

// The first byte that is a quote, a backslash, a control character, or not ASCII; or `end`.
const uint8_t* skip_plain(const uint8_t* at, const uint8_t* end) {
#if defined(__SSE2__)
    for (; end - at >= kBlock; at += kBlock) {
        const unsigned specials = specials_of(load_block(at));
        if (specials) return at + lowest_bit(specials);
    }
#endif
    while (at != end && !is_special(*at)) ++at;
    return at;
}

// The same, copying what is skipped; `to` has room for all that comes before `end`.
const uint8_t* copy_plain(const uint8_t* at, const uint8_t* end, uint8_t*& to) {
#if defined(__SSE2__)
    for (; end - at >= kBlock; at += kBlock, to += kBlock) {
        const __m128i block = load_block(at);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), block);
        if (const unsigned specials = specials_of(block)) {
            to += lowest_bit(specials);
            return at + lowest_bit(specials);
        }
    }
#endif
    while (at != end && !is_special(*at)) *to++ = *at++;
    return at;
}

// The character that an escape sequence stands for, by the byte after its backslash. 0 for 'u'
// and for bytes that do not form an escape sequence.
uint8_t escaped_character(uint8_t c) {
    switch (c) {
        case '"':
        case '\\':
        case '/':
            return c;
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return 0;
    }
}

// The number of bytes of the UTF-8 character that begins here, at least two. Surrogates, which
// Python's json lets through, are accepted.
size_t utf8_length(const Cursor& cursor, const uint8_t* at) {
    constexpr const char* kExpected = "UTF-8";
    const uint8_t first = *at;
    const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) throw Malformed{kExpected, at};
    for (size_t i = 1; i < length; ++i) {
        if (at + i == cursor.end) stop_at_end(cursor, kExpected);
        uint8_t low = 0x80, high = 0xBF;
        if (i == 1 && first == 0xE0) low = 0xA0;
        if (i == 1 && first == 0xF0) low = 0x90;
        if (i == 1 && first == 0xF4) high = 0x8F;
        if (at[i] < low || at[i] > high) throw Malformed{kExpected, at};
    }
    return length;
}

int hex_value(uint8_t c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The number of characters of the escape that begins here with a backslash.
size_t escape_length(const Cursor& cursor, const uint8_t* at) {
    constexpr const char* kExpected = "an escape such as \\n or \\u0041";
    if (at + 1 == cursor.end) stop_at_end(cursor, kExpected);
    if (at[1] != 'u') {
        if (!escaped_character(at[1])) throw Malformed{kExpected, at};
        return 2;
    }
    for (size_t i = 2; i < 6; ++i) {
        if (at + i == cursor.end) stop_at_end(cursor, kExpected);
        if (hex_value(at[i]) < 0) throw Malformed{kExpected, at};
    }
    return 6;
}

unsigned code_unit(const uint8_t* escape) {
    unsigned code = 0;
    for (size_t i = 2; i < 6; ++i) code = code * 16 + static_cast<unsigned>(hex_value(escape[i]));
    return code;
}

void append_utf8(unsigned code, Buffer<uint8_t>& to) {
    const auto byte = [&](unsigned value) { to.push_back(static_cast<uint8_t>(value)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | code >> 6);
        byte(0x80 | (code & 63));
    } else if (code < 0x10000) {
        byte(0xE0 | code >> 12);
        byte(0x80 | (code >> 6 & 63));
        byte(0x80 | (code & 63));
    } else {
        byte(0xF0 | code >> 18);
        byte(0x80 | (code >> 12 & 63));
        byte(0x80 | (code >> 6 & 63));
        byte(0x80 | (code & 63));
    }
}

// -- numbers --------------------------------------------------------------------------------------

// The exponent with one more digit. The limit is beyond the number of digits that memory holds, so
// that no fraction can make up for it.
int64_t next_exponent(int64_t exponent, uint8_t digit) {
    constexpr int64_t kLimit = int64_t{1} << 56;
    return std::min(exponent * 10 + (digit - '0'), kLimit);
}

double parse_slowly(const uint8_t* begin, const uint8_t* end) {
#if defined(__cpp_lib_to_chars)
    double value = 0;
    const auto result = std::from_chars(reinterpret_cast<const char*>(begin),
                                        reinterpret_cast<const char*>(end), value);
    if (result.ec == std::errc()) return value;
    // It is out of range: strtod returns zero or infinity.
#endif
    // Without the decimal point, which strtod takes from the locale.
    std::string text;
    int64_t exponent = 0, written = 0;
    bool fraction = false;
    for (const uint8_t* at = begin; at != end; ++at) {
        if (*at == '.') {
            fraction = true;
        } else if (*at == 'e' || *at == 'E') {
            const bool minus = *++at == '-';
            if (!is_digit(*at)) ++at;
            for (; at != end; ++at) written = next_exponent(written, *at);
            exponent += minus ? -written : written;
            break;
        } else {
            text += static_cast<char>(*at);
            exponent -= fraction;
        }
    }
    text += 'e' + std::to_string(exponent);
    return std::strtod(text.c_str(), nullptr);
}

}  // namespace

void stop_at_end(const Cursor& cursor, const char* expected) {
    if (!cursor.last) throw Incomplete{};
    throw Malformed{expected, cursor.end};
}

// -- values ---------------------------------------------------------------------------------------

String take_string(Cursor& cursor) {
    expect(cursor, '"', "a string");
    const uint8_t* const begin = cursor.at;
    const uint8_t* at = begin;
    bool escaped = false;
    for (;;) {
        at = skip_plain(at, cursor.end);
        if (at == cursor.end) stop_at_end(cursor, "the end of a string, '\"'");
        const uint8_t c = *at;
        if (c == '"') break;
        if (c == '\\') {
            escaped = true;
            at += escape_length(cursor, at);
        } else if (c < 0x20) {
            throw Malformed{"a string without control characters", at};
        } else {
            at += c < 0x80 ? 1 : utf8_length(cursor, at);
        }
    }
    cursor.at = at + 1;
    return {{begin, at}, escaped};
}

void append_unescaped(Span raw, Buffer<uint8_t>& to) {
    const uint8_t* at = raw.begin;
    while (at != raw.end) {
        const auto* backslash =
            static_cast<const uint8_t*>(std::memchr(at, '\\', Span{at, raw.end}.size()));
        if (!backslash) backslash = raw.end;
        to.append(at, static_cast<size_t>(backslash - at));
        at = backslash;
        if (at == raw.end) break;
        if (at[1] != 'u') {
            to.push_back(escaped_character(at[1]));
            at += 2;
            continue;
        }
        unsigned code = code_unit(at);
        at += 6;
        if (code >= 0xD800 && code < 0xDC00 && raw.end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
            const unsigned low = code_unit(at);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                at += 6;
            }
        }
        append_utf8(code, to);
    }
}

// Most strings are copied while their end is sought. One with a character beyond ASCII or a \u
// escape is taken as a whole first.
void take_string(Cursor& cursor, Buffer<uint8_t>& to) {
    const uint8_t* const quote = cursor.at;
    expect(cursor, '"', "a string");
    const uint8_t* at = cursor.at;
    uint8_t* const begin = to.grow(Span{at, cursor.end}.size());
    uint8_t* next = begin;
    for (;;) {
        at = copy_plain(at, cursor.end, next);
        if (at == cursor.end) stop_at_end(cursor, "the end of a string, '\"'");
        if (*at == '"') break;
        const uint8_t character =
            *at == '\\' && at + 1 != cursor.end ? escaped_character(at[1]) : 0;
        if (!character) {
            cursor.at = quote;
            return append_unescaped(take_string(cursor).raw, to);
        }
        *next++ = character;
        at += 2;
    }
    cursor.at = at + 1;
    to.resize(to.size() + static_cast<size_t>(next - begin));
}

void take_word(Cursor& cursor, const char* word) {
    for (const char* c = word; *c; ++c, ++cursor.at) {
        if (next(cursor, "a value") != static_cast<uint8_t>(*c))
            throw Malformed{"a value", cursor.at};
    }
}

Number take_any_number(Cursor& cursor) {
    Number number{0, 0, false, false};
    constexpr const char* kExpected = "a number";
    const uint8_t* const begin = cursor.at;
    const bool negative = next(cursor, kExpected) == '-';
    if (negative) ++cursor.at;
    const uint8_t first = next(cursor, kExpected);
    if (first == 'N' && !negative) {
        take_word(cursor, "NaN");
        return {std::numeric_limits<double>::quiet_NaN(), 0, false, false};
    }
    if (first == 'I') {
        take_word(cursor, "Infinity");
        const double infinity = std::numeric_limits<double>::infinity();
        return {negative ? -infinity : infinity, 0, false, false};
    }
    if (!is_digit(first)) throw Malformed{kExpected, cursor.at};

    uint64_t digits = 0;  // of the number without its point, as long as there are fewer than 19
    int used = 0;
    int64_t exponent = 0;
    const uint8_t* at = cursor.at;
    const uint8_t* const end = cursor.end;
    const auto take_digits = [&](bool fraction) {
        for (; at != end && is_digit(*at); ++at) {
            if (used < 19) {
                digits = digits * 10 + (*at - '0');
                used += digits != 0;
                exponent -= fraction;
            } else {
                used = 20;  // more than a double holds: parse_slowly
            }
        }
        if (at == end && !cursor.last) throw Incomplete{};
    };
    if (first == '0') {
        ++at;
        if (at == end && !cursor.last) throw Incomplete{};
    } else {
        take_digits(false);
    }
    bool is_integer = true;
    const uint8_t* const integer_end = at;
    if (at != end && *at == '.') {
        is_integer = false;
        ++at;
        const uint8_t* const fraction = at;
        take_digits(true);
        if (at == fraction) throw Malformed{"a digit", at};
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
        is_integer = false;
        if (++at == end) stop_at_end(cursor, "a digit");
        const bool minus = *at == '-';
        if (*at == '-' || *at == '+') ++at;
        if (at == end) stop_at_end(cursor, "a digit");
        if (!is_digit(*at)) throw Malformed{"a digit", at};
        int64_t written = 0;
        for (; at != end && is_digit(*at); ++at) written = next_exponent(written, *at);
        if (at == end && !cursor.last) throw Incomplete{};
        exponent += minus ? -written : written;
    }
    if (is_integer && static_cast<size_t>(integer_end - begin) - negative > kMaxDigits)
        throw Malformed{"an integer of at most 4300 digits", begin};
    cursor.at = at;

    number.is_integer = is_integer;
    number.is_exact = false;
    if (used <= 19 && digits >> 53 == 0 && exponent >= -kExactPower && exponent <= kExactPower) {
        const double whole = static_cast<double>(digits);
        number.value = exponent < 0 ? whole / kPowers[-exponent] : whole * kPowers[exponent];
        // An integer has no negative zero.
        if (negative && !(is_integer && digits == 0)) number.value = -number.value;
    } else {
        number.value = parse_slowly(begin, at);
    }
    if (is_integer && used <= 19 && digits <= uint64_t{1} << 62) {
        number.is_exact = true;
        number.integer = negative ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
    }
    return number;
}

Span take_value(Cursor& cursor) {
    // What is open: true for an object. One loop instead of recursion, whose depth the text sets.
    Buffer<uint8_t> open;
    peek(cursor);
    const uint8_t* const begin = cursor.at;
    for (;;) {
        const uint8_t c = peek(cursor);
        bool opened = false;
        if (c == '"') {
            take_string(cursor);
        } else if (c == '{' || c == '[') {
            if (open.size() == kMaxDepth) throw Malformed{"at most 500 nested values", cursor.at};
            ++cursor.at;
            open.push_back(c == '{');
            opened = true;
        } else if (c == 't') {
            take_word(cursor, "true");
        } else if (c == 'f') {
            take_word(cursor, "false");
        } else if (c == 'n') {
            take_word(cursor, "null");
        } else if (starts_number(c)) {
            take_number(cursor);
        } else {
            throw Malformed{"a value", cursor.at};
        }
        // Close what ends here, then go on with the next value.
        while (open.size()) {
            const uint8_t close = open.back() ? '}' : ']';
            if (accept(cursor, close)) {
                open.pop_back();
                opened = false;
                continue;
            }
            if (!opened) {
                expect(cursor, ',', open.back() ? "',' or '}'" : "',' or ']'");
                opened = true;
            }
            if (open.back()) {
                take_string(cursor);
                expect(cursor, ':', "':'");
            }
            break;
        }
        if (!open.size()) return {begin, cursor.at};
    }
}

}  // namespace segcore::json
