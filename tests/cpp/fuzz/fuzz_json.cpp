// JSON from anything: read in pieces and by several threads as at once, written, and read again as
// the same.
#include "../json_tables.hpp"
#include "fuzz.hpp"
#include "json/lines.hpp"
#include "simd/dispatch.hpp"

namespace segcore::fuzz {

namespace {

// Pieces of JSON, which a fuzzer would be slow to find.
constexpr const char* kPieces[] = {
    "\"segmentation\":",
    "\"bbox\":",
    "\"area\":",
    "\"id\":",
    "\"name\":",
    "\"score\":",
    "\"rows\":",
    "\"size\":",
    "\"counts\":",
    "{\"",
    "\"},{\"",
    "[[1,2,3,4,5,6",
    "]]",
    "[1,2,3,4]",
    "{\"size\":[4,6],\"counts\":\"",
    "null",
    "true",
    "false",
    "NaN",
    "-Infinity",
    "9007199254740993",
    "-0.0",
    "1e400",
    "\\ud83d\\ude00",
    "\\ud800",
    "\xc3\xa9",
    "\xf0\x9f\x98\x80",
    "[{",
    "}]",
};

std::string text_of(Input& input) {
    std::string text = input.flag() ? "[{" : "";
    while (!input.is_empty()) {
        const uint8_t next = input.byte();
        constexpr uint8_t kCount = sizeof kPieces / sizeof *kPieces;
        if (next >= 0x80 && next < 0x80 + kCount) {
            text += kPieces[next - 0x80];
        } else {
            text += static_cast<char>(next == 0x7F ? input.byte() : next);
        }
    }
    return text;
}

std::vector<size_t> ends_of(Input& input) {
    std::vector<size_t> ends;
    size_t end = 0;
    for (int64_t count = input.between(0, 6); count > 0; --count)
        ends.push_back(end += static_cast<size_t>(input.byte()));
    if (input.flag()) {  // one byte at a time
        ends.clear();
        for (end = 0; end < 2000; ++end) ends.push_back(end);
    }
    return ends;
}

}  // namespace

}  // namespace segcore::fuzz

FUZZ(input) {
    using namespace segcore::fuzz;
    using segcore::json::SharedRead;
    using segcore::json::Table;
    const bool nested = input.flag();
    const std::vector<size_t> ends = ends_of(input);
    const std::string text = text_of(input);
    Table whole(json_fields(nested)), pieces(json_fields(nested));
    const JsonOutcome expected = read_pieces(whole, text, {});
    check_same_outcome(read_pieces(pieces, text, ends), expected);
    Table shared(json_fields(nested));
    SharedRead several(json_fields(nested), 8);
    const segcore::Context context{*segcore::simd::variants().front(), 3};
    const auto read = [&](Table& to, segcore::json::Cursor& cursor, int64_t at) {
        return several.read(to, cursor, at, context);
    };
    check_same_outcome(read_pieces(shared, text, ends, read), expected);
    segcore::json::Lines lines;
    const JsonText held(text);
    segcore::json::read_lines({held.cursor.at, held.cursor.end}, lines);
    if (nested) return;
    Table again(json_fields(false)), twice(json_fields(false));
    const std::string first = written(whole);
    CHECK_EQUAL(read_pieces(again, first, {}).error, "");
    CHECK_EQUAL(again.rows(), whole.rows());
    const std::string second = written(again);
    CHECK_EQUAL(read_pieces(twice, second, {}).error, "");
    CHECK_EQUAL(written(twice), second);
    CHECK(JsonColumns(again).bytes() == JsonColumns(twice).bytes() || first != second);
}
