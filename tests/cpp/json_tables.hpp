// JSON text in pieces, and tables with columns of every kind.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "harness.hpp"
#include "json/shared_read.hpp"
#include "json/writer.hpp"

namespace segcore::test {

// Text in memory of exactly its size, so that the sanitizers see what is read behind it.
class JsonText {
   public:
    explicit JsonText(const std::string& text, bool last = true)
        : bytes_(text.begin(), text.end()),
          cursor{bytes_.data(), bytes_.data() + bytes_.size(), last} {}
    JsonText(const JsonText&) = delete;
    JsonText& operator=(const JsonText&) = delete;

    size_t taken() const { return place(cursor.at); }
    size_t place(const uint8_t* at) const { return static_cast<size_t>(at - bytes_.data()); }

   private:
    std::vector<uint8_t> bytes_;

   public:
    json::Cursor cursor;
};

inline std::string string_of(json::Span span) { return {span.begin, span.end}; }

inline std::vector<json::Table::Field> json_fields(bool nested) {
    using json::Kind;
    std::vector<json::Table::Field> fields = {
        {"segmentation", Kind::segmentation, {}},
        {"area", Kind::number, {}},
        {"id", Kind::integer, {}},
        {"bbox", Kind::box, {}},
        {"name", Kind::text, {}},
        {"score", Kind::number, {}},
    };
    if (nested)
        fields.push_back(
            {"rows", Kind::rows, {{"id", Kind::integer, {}}, {"name", Kind::text, {}}}});
    return fields;
}

// All that a table holds, as bytes.
class JsonColumns {
   public:
    explicit JsonColumns(json::Table& table) { add(table); }
    const std::string& bytes() const { return bytes_; }

   private:
    template <class V>
    void add(const Buffer<V>& values) {
        const size_t size = values.size();
        bytes_.append(reinterpret_cast<const char*>(&size), sizeof size);
        if (size) bytes_.append(reinterpret_cast<const char*>(values.data()), size * sizeof(V));
    }
    void add(const json::Texts& texts) { add(texts.bytes), add(texts.starts), add(texts.lengths); }
    void add(const json::Segmentations& s) {
        add(s.kinds), add(s.heights), add(s.widths), add(s.starts), add(s.lengths);
        add(s.characters), add(s.runs), add(s.ring_ends), add(s.coordinates), add(s.is_integer);
    }
    void add(json::Table& table) {
        for (json::Column& column : table.columns()) {
            add(column.integers), add(column.numbers), add(column.texts);
            add(column.segmentations);
            if (column.rows) add(*column.rows);
        }
        for (const std::string& shape : table.shapes()) bytes_ += shape + '\n';
        add(table.shape_ids()), add(table.extra()), add(table.positions());
        add(table.odd_rows()), add(table.odd_columns()), add(table.odd());
    }

    std::string bytes_;
};

// What came of reading an array: the columns, the objects with repeated names, and the error.
struct JsonOutcome {
    std::string columns, error;
    std::vector<std::string> repeated;
    size_t place = 0;  // of the error, or of the end of the array
};

inline void check_same_outcome(const JsonOutcome& got, const JsonOutcome& expected) {
    CHECK_EQUAL(got.error, expected.error);
    CHECK_EQUAL(got.place, expected.place);
    CHECK_EQUAL(got.repeated, expected.repeated);
    CHECK(got.columns == expected.columns);
}

// Read an array as src/bind does: in pieces that end at these places, and then once more with
// nothing, the last time. read(table, cursor, offset) reads one piece.
template <class Read>
JsonOutcome read_pieces(json::Table& table, const std::string& text,
                        const std::vector<size_t>& ends, Read&& read) {
    JsonOutcome outcome;
    std::string window;
    size_t at = 0, base = 0, fed = 0, piece = 0;
    bool last = false;
    for (;;) {
        JsonText held(window, last);
        held.cursor.at += at;
        try {
            const bool is_whole = read(table, held.cursor, static_cast<int64_t>(base + at));
            at = held.taken();
            if (is_whole) {
                outcome.place = base + at;
                break;
            }
            if (table.has_repeated_name()) {
                try {
                    outcome.repeated.push_back(string_of(table.take_repeated(held.cursor)));
                    at = held.taken();
                    continue;
                } catch (const json::Incomplete&) {
                    CHECK_EQUAL(held.taken(), at);
                }
            }
        } catch (const json::Malformed& error) {
            outcome.error = error.expected;
            outcome.place = base + held.place(error.at);
            break;
        }
        CHECK(!last);
        last = fed == text.size();
        const size_t end = piece < ends.size() ? std::min(ends[piece++], text.size()) : text.size();
        window.erase(0, at);
        base += at;
        at = 0;
        if (end > fed) {
            window += text.substr(fed, end - fed);
            fed = end;
        }
    }
    outcome.columns = JsonColumns(table).bytes();
    return outcome;
}

inline JsonOutcome read_pieces(json::Table& table, const std::string& text,
                               const std::vector<size_t>& ends) {
    return read_pieces(table, text, ends, [](json::Table& to, json::Cursor& cursor, int64_t at) {
        return to.read(cursor, at);
    });
}

inline json::TextsView view_of(const json::Texts& texts) {
    return {texts.bytes.data(), texts.starts.data(), texts.lengths.data()};
}

// Write the rows of a table, which has no nested ones, as an array.
inline std::string written(json::Table& table) {
    json::TableView view{};
    for (const json::Column& column : table.columns()) {
        const json::Segmentations& s = column.segmentations;
        view.columns.push_back({column.name,
                                column.kind,
                                column.integers.data(),
                                column.numbers.data(),
                                view_of(column.texts),
                                {s.kinds.data(), s.heights.data(), s.widths.data(), s.starts.data(),
                                 s.lengths.data(), s.characters.data(), s.runs.data(),
                                 s.ring_ends.data(), s.coordinates.data(), s.is_integer.data()},
                                nullptr});
    }
    view.shapes = table.shapes();
    view.shape_ids = table.shape_ids().data();
    view.extra = view_of(table.extra());
    view.odd_rows = table.odd_rows().data();
    view.odd_columns = table.odd_columns().data();
    view.odd_count = table.odd_rows().size();
    view.odd = view_of(table.odd());
    Buffer<uint8_t> text;
    json::write_rows(view, 0, static_cast<int64_t>(table.rows()), text);
    return '[' + std::string(text.data(), text.data() + text.size()) + ']';
}

}  // namespace segcore::test
