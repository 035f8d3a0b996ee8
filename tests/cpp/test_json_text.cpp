// JSON text, token by token: numbers, strings, UTF-8, nesting, and text that ends anywhere.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "json_tables.hpp"
#include "random.hpp"

namespace segcore::test {

namespace {

uint64_t bits_of(double value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

json::Number number_of(const std::string& text) {
    JsonText held(text);
    const json::Number number = json::take_number(held.cursor);
    CHECK_EQUAL(held.taken(), text.size());
    return number;
}

// What is wrong with a value, and where; "" if nothing is.
std::string error_of(const std::string& text, size_t* place = nullptr) {
    JsonText held(text);
    try {
        json::take_value(held.cursor);
        return "";
    } catch (const json::Malformed& error) {
        if (place) *place = held.place(error.at);
        return error.expected;
    }
}

std::string random_digits(Random& random, int64_t count) {
    std::string digits;
    for (; count > 0; --count) digits += static_cast<char>('0' + random.below(10));
    return digits;
}

// A number of up to 40 digits, mostly of few, whose point and exponent are anywhere.
std::string random_number(Random& random) {
    std::string text = random.one_in(3) ? "-" : "";
    const int64_t most = random.one_in(4) ? 40 : 18;
    if (random.one_in(3)) {
        text += '0';
    } else {
        text += static_cast<char>('1' + random.below(9));
        text += random_digits(random, random.below(most));
    }
    if (!random.one_in(4)) {
        text +=
            '.' + std::string(static_cast<size_t>(random.one_in(4) ? random.below(30) : 0), '0');
        text += random_digits(random, random.between(1, most));
    }
    if (random.one_in(3)) {
        const int64_t range = random.one_in(2) ? 30 : 345;
        text += random.one_in(2) ? "e" : "E";
        const int64_t exponent = random.between(-range, range);
        text += (exponent >= 0 && random.one_in(2) ? "+" : "") + std::to_string(exponent);
    }
    return text;
}

// Whether these bytes are UTF-8, by the definition; surrogates are allowed.
bool is_utf8(const std::string& text) {
    for (size_t i = 0; i < text.size();) {
        const auto byte = [&](size_t k) {
            return k < text.size() ? static_cast<uint8_t>(text[k]) : uint8_t{0};
        };
        const uint8_t first = byte(i);
        const size_t length = first < 0x80             ? 1
                              : (first & 0xE0) == 0xC0 ? 2
                              : (first & 0xF0) == 0xE0 ? 3
                              : (first & 0xF8) == 0xF0 ? 4
                                                       : 0;
        if (length == 0) return false;
        uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
        for (size_t k = 1; k < length; ++k) {
            if ((byte(i + k) & 0xC0) != 0x80) return false;
            code = code << 6 | (byte(i + k) & 63);
        }
        constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < kLeast[length] || code > 0x10FFFF) return false;
        i += length;
    }
    return true;
}

std::string unescaped(const std::string& text) {
    JsonText held('"' + text + '"');
    const json::String string = json::take_string(held.cursor);
    Buffer<uint8_t> bytes;
    json::append_unescaped(string.raw, bytes);
    CHECK_EQUAL(string.escaped, text.find('\\') != std::string::npos);
    return {bytes.data(), bytes.data() + bytes.size()};
}

}  // namespace

TEST(json_numbers_are_those_of_strtod) {
    Random random(1);
    for (int64_t i = 0; i < 300'000; ++i) {
        const std::string text = random_number(random);
        const double got = number_of(text).value;
        double expected = std::strtod(text.c_str(), nullptr);
        if (text == "-0") expected = 0;  // an integer
        if (bits_of(got) != bits_of(expected)) fail(__FILE__, __LINE__, text);
    }
}

TEST(json_numbers_of_17_digits_and_halfway_between_two) {
    Random random(2);
    char text[1200];
    for (int64_t i = 0; i < 50'000; ++i) {
        double value = 0;
        const uint64_t bits = random.bits();
        std::memcpy(&value, &bits, sizeof bits);
        if (!std::isfinite(value)) continue;
        std::snprintf(text, sizeof text, "%.16e", value);
        CHECK_EQUAL(bits_of(number_of(text).value), bits);
        if (i % 100) continue;
        const double next = std::nextafter(value, std::numeric_limits<double>::infinity());
        const long double between = (static_cast<long double>(value) + next) / 2;
        std::snprintf(text, sizeof text, "%.1000Le", between);
        CHECK_EQUAL(bits_of(number_of(text).value), bits_of(std::strtod(text, nullptr)));
    }
}

TEST(json_numbers_at_the_limits) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const std::string zeros(100'005, '0'), many(400, '9');
    const struct {
        std::string text;
        double value;
        bool is_integer, is_exact;
        int64_t integer;
    } cases[] = {
        {"0", 0, true, true, 0},
        {"-0", 0, true, true, 0},
        {"-0.0", -0.0, false, false, 0},
        {"-0e0", -0.0, false, false, 0},
        {"0e99999999999999999999", 0, false, false, 0},
        {"1e400", kInfinity, false, false, 0},
        {"-1e400", -kInfinity, false, false, 0},
        {"1e-400", 0, false, false, 0},
        {"-1e-400", -0.0, false, false, 0},
        {"1e99999999999999999999", kInfinity, false, false, 0},
        {"1e-99999999999999999999", 0, false, false, 0},
        {"5e-324", 5e-324, false, false, 0},
        {"2.4703282292062327e-324", 0, false, false, 0},
        {"2.4703282292062328e-324", 5e-324, false, false, 0},
        {"2.2250738585072011e-308", 2.2250738585072011e-308, false, false, 0},
        {"1.7976931348623157e308", std::numeric_limits<double>::max(), false, false, 0},
        {"1.7976931348623159e308", kInfinity, false, false, 0},
        {"9007199254740993", 9007199254740992, true, true, 9007199254740993},
        {"4611686018427387904", 4611686018427387904.0, true, true, 4611686018427387904},
        {"-4611686018427387904", -4611686018427387904.0, true, true, -4611686018427387904},
        {"4611686018427387905", 4611686018427387904.0, true, false, 0},
        {"9999999999999999999", 1e19, true, false, 0},
        {"18446744073709551617", 18446744073709551616.0, true, false, 0},
        {many, kInfinity, true, false, 0},
        {"0." + zeros + "1e100006", 1, false, false, 0},
        {"0." + zeros + "1e1000051", kInfinity, false, false, 0},
        {"1" + zeros + ".0e-100005", 1, false, false, 0},
        {"1E+2", 100, false, false, 0},
        {"Infinity", kInfinity, false, false, 0},
        {"-Infinity", -kInfinity, false, false, 0},
    };
    for (const auto& each : cases) {
        const json::Number number = number_of(each.text);
        if (bits_of(number.value) != bits_of(each.value)) fail(__FILE__, __LINE__, each.text);
        CHECK_EQUAL(number.is_integer, each.is_integer);
        CHECK_EQUAL(number.is_exact, each.is_exact);
        if (each.is_exact) CHECK_EQUAL(number.integer, each.integer);
    }
    CHECK(std::isnan(number_of("NaN").value));
    CHECK_EQUAL(error_of(std::string(4300, '1')), "");
    CHECK_EQUAL(error_of('-' + std::string(4300, '1')), "");
    CHECK_EQUAL(error_of(std::string(4301, '1')), "an integer of at most 4300 digits");
    CHECK_EQUAL(error_of("1." + std::string(9000, '1')), "");
}

TEST(json_malformed_values) {
    const struct {
        const char *text, *expected;
        size_t place;
    } cases[] = {
        {"", "a value", 0},
        {"  ", "a value", 2},
        {"x", "a value", 0},
        {"tru", "a value", 3},
        {"trux", "a value", 3},
        {"nulL", "a value", 3},
        {"-", "a number", 1},
        {"-x", "a number", 1},
        {"-NaN", "a number", 1},
        {"Nan", "a value", 2},
        {"1.", "a digit", 2},
        {"1.e1", "a digit", 2},
        {"1e", "a digit", 2},
        {"1e+", "a digit", 3},
        {"1e+x", "a digit", 3},
        {"[01]", "',' or ']'", 2},
        {"[1 2]", "',' or ']'", 3},
        {"[1,]", "a value", 3},
        {"[,1]", "a value", 1},
        {"{1:2}", "a string", 1},
        {"{\"a\" 1}", "':'", 5},
        {"{\"a\":1,}", "a string", 7},
        {"{\"a\":1]", "',' or '}'", 6},
        {"[1}", "',' or ']'", 2},
        {"\"", "the end of a string, '\"'", 1},
        {"\"\x01\"", "a string without control characters", 1},
        {"\"\\x\"", "an escape such as \\n or \\u0041", 1},
        {"\"\\u12g4\"", "an escape such as \\n or \\u0041", 1},
        {"\"\\u12", "an escape such as \\n or \\u0041", 5},
        {"\"\xff\"", "UTF-8", 1},
        {"\"\xc3", "UTF-8", 2},
    };
    for (const auto& each : cases) {
        size_t place = 0;
        CHECK_EQUAL(error_of(each.text, &place), each.expected);
        if (place != each.place)
            fail(__FILE__, __LINE__, each.text + (": at " + std::to_string(place)));
    }
}

TEST(json_strings) {
    CHECK_EQUAL(unescaped(""), "");
    CHECK_EQUAL(unescaped("\\\"\\\\\\/\\b\\f\\n\\r\\t"), "\"\\/\b\f\n\r\t");
    CHECK_EQUAL(unescaped("\\u0041\\u00e9\\u20AC"), "A\xc3\xa9\xe2\x82\xac");
    CHECK_EQUAL(unescaped("\\u0000"), std::string(1, '\0'));
    CHECK_EQUAL(unescaped("\\ud83d\\ude00"), "\xf0\x9f\x98\x80");
    CHECK_EQUAL(unescaped("\\uD800\\uDC00"), "\xf0\x90\x80\x80");
    CHECK_EQUAL(unescaped("\\udbff\\udfff"), "\xf4\x8f\xbf\xbf");
    // Halves of pairs: alone, in the wrong order, before something else.
    CHECK_EQUAL(unescaped("\\ud83d"), "\xed\xa0\xbd");
    CHECK_EQUAL(unescaped("\\ude00\\ud83d"), "\xed\xb8\x80\xed\xa0\xbd");
    CHECK_EQUAL(unescaped("\\ud83d\\u0041"),
                "\xed\xa0\xbd"
                "A");
    CHECK_EQUAL(unescaped("\\ud83d\\n"), "\xed\xa0\xbd\n");
    CHECK_EQUAL(unescaped("\\ud83d\\ud83d\\ude00"), "\xed\xa0\xbd\xf0\x9f\x98\x80");
    // Special characters at every place in blocks of sixteen.
    for (size_t i = 0; i < 40; ++i) {
        const std::string before(i, 'a'), behind(20, 'b');
        CHECK_EQUAL(unescaped(before + "\\n" + behind), before + '\n' + behind);
        CHECK_EQUAL(unescaped(before + "\xc3\xa9" + behind), before + "\xc3\xa9" + behind);
        size_t place = 0;
        error_of('"' + before + '\x1f' + behind + '"', &place);
        CHECK_EQUAL(place, i + 1);
    }
}

TEST(json_strings_are_utf8) {
    const auto check = [](const std::string& bytes) {
        const std::string error = error_of('"' + bytes + '"');
        if (error.empty() != is_utf8(bytes)) fail(__FILE__, __LINE__, bytes);
        if (!error.empty()) CHECK_EQUAL(error, "UTF-8");
    };
    std::vector<char> any{'A'}, edges{'A'};
    for (int byte = 0x80; byte < 0x100; ++byte) any.push_back(static_cast<char>(byte));
    for (int byte : {0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xED, 0xF4})
        edges.push_back(static_cast<char>(byte));
    for (char first : any) {
        const bool longer = static_cast<uint8_t>(first) >= 0xE0;  // than two bytes
        check({first});
        for (char second : any) {
            check({first, second});
            for (char third : longer ? any : edges) check({first, second, third});
        }
        if (!longer) continue;
        for (char second : any)
            for (char third : edges)
                for (char fourth : edges) check({first, second, third, fourth});
    }
}

TEST(json_values_are_nested_500_deep) {
    const auto nested = [](size_t depth, const std::string& open, const std::string& close) {
        std::string text;
        for (size_t i = 0; i < depth; ++i) text += open;
        for (size_t i = 0; i < depth; ++i) text += close;
        return text;
    };
    size_t place = 0;
    CHECK_EQUAL(error_of(nested(500, "[", "]")), "");
    CHECK_EQUAL(error_of(nested(501, "[", "]"), &place), "at most 500 nested values");
    CHECK_EQUAL(place, size_t{500});
    CHECK_EQUAL(error_of(nested(499, "{\"a\":", "}").insert(499 * 5, "1")), "");
    CHECK_EQUAL(error_of(nested(1'000'000, "[", ""), &place), "at most 500 nested values");
    std::string wide = "[";
    for (int i = 0; i < 100'000; ++i) wide += "[],{},";
    CHECK_EQUAL(error_of(wide + "1]"), "");
}

TEST(json_values_end_anywhere) {
    const std::string text =
        "{ \"a\\u00e9\\n\" : [ -1.5e-3 , true,false , null, \"\xc3\xa9\xf0\x9f\x98\x80\" ] , "
        "\"b\":{} , "
        "\"c\" : NaN, \"d\":-Infinity,\"\":[[],[{\"x\":12345678901234567890}]]}";
    for (size_t length = 0; length <= text.size(); ++length) {
        JsonText whole(text.substr(0, length), false);
        bool is_incomplete = false;
        try {
            CHECK_EQUAL(string_of(json::take_value(whole.cursor)), text);
        } catch (const json::Incomplete&) {
            is_incomplete = true;
        }
        CHECK_EQUAL(is_incomplete, length < text.size());
        size_t place = 0;
        if (length < text.size()) {
            CHECK(!error_of(text.substr(0, length), &place).empty());
            CHECK_EQUAL(place, length);
        }
    }
}

}  // namespace segcore::test
