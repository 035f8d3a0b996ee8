#include "writer.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace segcore::json {

namespace {

void append(Buffer<uint8_t>& to, const char* text) {
    to.append(reinterpret_cast<const uint8_t*>(text), std::strlen(text));
}

void append(Buffer<uint8_t>& to, Span text) { to.append(text.begin, text.size()); }

// -- numbers --------------------------------------------------------------------------------------

constexpr double kExactIntegers = 9007199254740992.0;  // 2**53

// The fewest digits that give this number, as "d.ddde-dd", with a zero byte at the end.
void write_scientific(double value, char (&text)[40]) {
#if defined(__cpp_lib_to_chars)
    *std::to_chars(text, text + 39, value, std::chars_format::scientific).ptr = 0;
#else
    // Fifteen digits tell numbers apart, but for subnormal numbers fewer may be enough.
    const bool is_subnormal = std::abs(value) < std::numeric_limits<double>::min();
    for (int digits = is_subnormal ? 0 : 14; digits <= 16; ++digits) {
        std::snprintf(text, sizeof(text), "%.*e", digits, value);
        if (std::strtod(text, nullptr) == value) break;
    }
#endif
}

// Most coordinates have at most three decimals. Fifteen digits tell numbers apart, so that these
// are then the fewest.
bool write_decimal(double value, Buffer<uint8_t>& to) {
    const double scaled = value * 1000;
    if (!(std::abs(scaled) < 1e14)) return false;
    const auto thousandths = static_cast<int64_t>(std::nearbyint(scaled));
    if (static_cast<double>(thousandths) / 1000 != value) return false;
    if (thousandths == 0) return false;  // zero has a sign
    auto rest = static_cast<uint64_t>(std::abs(thousandths));
    char text[24];
    char* at = text + 24;
    uint64_t decimals = rest % 1000;
    int count = 3;
    while (count > 1 && decimals % 10 == 0) {
        decimals /= 10;
        --count;
    }
    for (int i = 0; i < count; ++i, decimals /= 10) *--at = static_cast<char>('0' + decimals % 10);
    *--at = '.';
    rest /= 1000;
    do {
        *--at = static_cast<char>('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (thousandths < 0) *--at = '-';
    to.append(reinterpret_cast<const uint8_t*>(at), static_cast<size_t>(text + 24 - at));
    return true;
}

void write_shortest(double value, Buffer<uint8_t>& to) {
    char text[40];
    write_scientific(value, text);
    const char* const e = std::strchr(text, 'e');
    const int exponent = static_cast<int>(std::strtol(e + 1, nullptr, 10));
    std::string digits;
    for (const char* c = text; c != e; ++c)
        if (*c >= '0' && *c <= '9') digits += *c;
    while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
    std::string out = text[0] == '-' ? "-" : "";
    const int count = static_cast<int>(digits.size());
    if (exponent < -4 || exponent >= 16) {
        out += digits.substr(0, 1);
        if (count > 1) out += '.' + digits.substr(1);
        out += exponent < 0 ? "e-" : "e+";
        const std::string power = std::to_string(std::abs(exponent));
        out += (power.size() < 2 ? "0" : "") + power;
    } else if (exponent < 0) {
        out += "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    } else if (count <= exponent + 1) {
        out += digits + std::string(static_cast<size_t>(exponent) + 1 - digits.size(), '0') + ".0";
    } else {
        const size_t whole = static_cast<size_t>(exponent) + 1;
        out += digits.substr(0, whole) + '.' + digits.substr(whole);
    }
    append(to, out.c_str());
}

// -- strings --------------------------------------------------------------------------------------

void write_escape(unsigned unit, Buffer<uint8_t>& to) {
    static const char kHex[] = "0123456789abcdef";
    const char text[] = {
        '\\', 'u', kHex[unit >> 12], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15], kHex[unit & 15]};
    to.append(reinterpret_cast<const uint8_t*>(text), 6);
}

bool is_plain(uint8_t c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

// -- segmentations --------------------------------------------------------------------------------

void write_polygon(const SegmentationsView& s, int64_t row, Buffer<uint8_t>& to) {
    to.push_back('[');
    for (int64_t ring = s.starts[row]; ring < s.starts[row] + s.lengths[row]; ++ring) {
        if (ring > s.starts[row]) to.push_back(',');
        to.push_back('[');
        const int64_t first = ring ? 2 * s.ring_ends[ring - 1] : 0;
        for (int64_t i = first; i < 2 * s.ring_ends[ring]; ++i) {
            if (i > first) to.push_back(',');
            write_number(s.coordinates[i], s.is_integer[i], to);
        }
        to.push_back(']');
    }
    to.push_back(']');
}

void write_counts(const SegmentationsView& s, int64_t row, Buffer<uint8_t>& to) {
    if (s.kinds[row] == static_cast<uint8_t>(Segmentation::string)) {
        const uint8_t* begin = s.characters + s.starts[row];
        return write_string({begin, begin + s.lengths[row]}, to);
    }
    to.push_back('[');
    for (int64_t i = 0; i < s.lengths[row]; ++i) {
        if (i) to.push_back(',');
        write_integer(s.runs[s.starts[row] + i], to);
    }
    to.push_back(']');
}

void write_segmentation(const SegmentationsView& s, int64_t row, uint8_t form,
                        Buffer<uint8_t>& to) {
    const auto kind = static_cast<Segmentation>(s.kinds[row]);
    if (kind == Segmentation::none) return append(to, "null");
    if (kind == Segmentation::polygon) return write_polygon(s, row, to);
    if (kind == Segmentation::other) {
        const uint8_t* begin = s.characters + s.starts[row];
        return append(to, Span{begin, begin + s.lengths[row]});
    }
    append(to, "{");
    if (form == kCountsFirst) {
        append(to, "\"counts\":");
        write_counts(s, row, to);
        append(to, ",");
    }
    append(to, "\"size\":[");
    write_integer(s.heights[row], to);
    append(to, ",");
    write_integer(s.widths[row], to);
    append(to, "]");
    if (form != kCountsFirst) {
        append(to, ",\"counts\":");
        write_counts(s, row, to);
    }
    append(to, "}");
}

// -- rows -----------------------------------------------------------------------------------------

void write_value(const ColumnView& column, int64_t row, uint8_t form, Buffer<uint8_t>& to) {
    switch (column.kind) {
        case Kind::integer:
            if (form == kTrue) return append(to, column.integers[row] ? "true" : "false");
            write_integer(column.integers[row], to);
            if (form == kFraction) append(to, ".0");
            return;
        case Kind::number:
            return write_number(column.numbers[row], form == kPlain, to);
        case Kind::text:
            return write_string(column.texts[row], to);
        case Kind::box:
            for (int i = 0; i < 4; ++i) {
                to.push_back(i ? ',' : '[');
                write_number(column.numbers[4 * row + i], form >> i & 1, to);
            }
            to.push_back(']');
            return;
        case Kind::segmentation:
        case Kind::located:  // which the caller refuses
            return write_segmentation(column.segmentations, row, form, to);
        case Kind::rows:
            to.push_back('[');
            write_rows(*column.rows, column.integers[row], column.integers[row + 1], to);
            to.push_back(']');
            return;
    }
}

// The members of a row that are not columns, one after the other.
class Unknown {
   public:
    explicit Unknown(Span text) : cursor_{text.begin, text.end, true} {}
    Span next() {
        if (!first_) accept(cursor_, ',');
        first_ = false;
        peek(cursor_);
        const uint8_t* begin = cursor_.at;
        take_string(cursor_);
        accept(cursor_, ':');
        take_value(cursor_);
        return {begin, cursor_.at};
    }

   private:
    Cursor cursor_;
    bool first_ = true;
};

}  // namespace

void write_integer(int64_t value, Buffer<uint8_t>& to) {
    char text[24];
    const auto result = std::to_chars(text, text + 24, value);
    to.append(reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(result.ptr - text));
}

void write_number(double value, bool as_integer, Buffer<uint8_t>& to) {
    if (as_integer && std::abs(value) <= kExactIntegers && value == std::floor(value))
        return write_integer(static_cast<int64_t>(value), to);
    if (std::isnan(value)) return append(to, "NaN");
    if (std::isinf(value)) return append(to, value < 0 ? "-Infinity" : "Infinity");
    if (!write_decimal(value, to)) write_shortest(value, to);
}

void write_string(Span text, Buffer<uint8_t>& to) {
    to.push_back('"');
    const uint8_t* at = text.begin;
    while (at != text.end) {
        const uint8_t* plain = at;
        while (plain != text.end && is_plain(*plain)) ++plain;
        to.append(at, static_cast<size_t>(plain - at));
        at = plain;
        if (at == text.end) break;
        const uint8_t c = *at;
        if (c == '"' || c == '\\') {
            to.push_back('\\');
            to.push_back(c);
            ++at;
        } else if (c < 0x80) {
            write_escape(c, to);
            ++at;
        } else {
            const int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            unsigned code = c & (0x3Fu >> more);
            for (int i = 1; i <= more && at + i < text.end; ++i) code = code << 6 | (at[i] & 63);
            at += std::min<ptrdiff_t>(more + 1, text.end - at);
            if (code >= 0x10000) {
                write_escape(0xD800 + ((code - 0x10000) >> 10 & 0x3FF), to);
                write_escape(0xDC00 + ((code - 0x10000) & 0x3FF), to);
            } else {
                write_escape(code, to);
            }
        }
    }
    to.push_back('"');
}

void write_rows(const TableView& table, int64_t start, int64_t stop, Buffer<uint8_t>& to) {
    const int64_t* const odd_end = table.odd_rows + table.odd_count;
    for (int64_t row = start; row < stop; ++row) {
        if (row > start) to.push_back(',');
        const std::string& shape = table.shapes[table.shape_ids[row]];
        Unknown unknown(table.extra[row]);
        to.push_back('{');
        for (size_t i = 0; i + 1 < shape.size(); i += 2) {
            if (i) to.push_back(',');
            const auto index = static_cast<uint8_t>(shape[i]);
            const auto form = static_cast<uint8_t>(shape[i + 1]);
            if (index == kUnknown) {
                append(to, unknown.next());
                continue;
            }
            const ColumnView& column = table.columns[index];
            const auto* name = reinterpret_cast<const uint8_t*>(column.name.data());
            write_string({name, name + column.name.size()}, to);
            to.push_back(':');
            if (form == kNull) {
                append(to, "null");
            } else if (form == kOdd) {
                const int64_t* odd = std::lower_bound(table.odd_rows, odd_end, row);
                auto k = odd - table.odd_rows;
                const auto count = static_cast<ptrdiff_t>(table.odd_count);
                while (k < count && table.odd_rows[k] == row && table.odd_columns[k] != index) ++k;
                if (k == count || table.odd_rows[k] != row) throw Malformed{"odd values", nullptr};
                append(to, table.odd[k]);
            } else {
                write_value(column, row, form, to);
            }
        }
        to.push_back('}');
    }
}

}  // namespace segcore::json
