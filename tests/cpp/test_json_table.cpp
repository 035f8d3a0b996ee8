// Arrays of objects to columns and back, and text that arrives in any pieces.
#include "json_tables.hpp"
#include "random.hpp"
#include "simd/dispatch.hpp"

namespace segcore::test {

namespace {

// Every kind of column, with values that fit, that fit almost, and that do not fit.
const char* const kRows = R"([
  {"id": 1, "segmentation": [[1, 2.0, 3, 4, 5.5, -0.0], [], [7, 8]], "area": 12.0, "name": "a"},
  {"segmentation": {"size": [4, 6], "counts": "05\u0041"}, "bbox": [1, 2.0, 3.5, 1e2], "id": 2.0},
  {"segmentation": {"counts": [1, -2, 4611686018427387904], "size": [0, 2147483647]}, "id": true},
  {"segmentation": {"size": [4, 6], "counts": "0", "x": 1}, "id": false, "score": 1, "name": null},
  {"segmentation": {"size": [4, 6], "size": [4, 6]}, "id": null, "bbox": [1, 2, 3], "name": 7},
  {"segmentation": null, "area": null, "bbox": null, "score": NaN, "id": 9007199254740993.0},
  {"segmentation": [[1, 2, 3, 4]], "area": 9007199254740993, "bbox": [1, 2, 3, 9007199254740993]},
  {"segmentation": [[9007199254740993, 2, 3, 4, 5, 6]], "area": 9007199254740992, "id": 4611686018427387905},
  {"segmentation": "\ud83d\ude00", "id": -0.0, "area": -0, "score": -0.0, "bbox": [-0, -0.0, NaN, Infinity]},
  { } , {"":0,"a":{"b":[1,{"c":null}]} , "caf\u00e9\n" :"é", "i\u0064": 5, "x":"\"", "y": [ ] },
  {"segmentation": [], "name": "", "id": "7"}, {"segmentation": [[]], "name": "\u0000é😀\n"},
  {"segmentation": {"co\u0075nts": [], "size": [1, 1]}, "bbox": {}, "score": [], "area": "1"},
  {"segmentation": {"size": [4.0, 6], "counts": []}}, {"segmentation": {"size": [-1, 6], "counts": []}}
])";

const char* const kNested =
    R"([{"rows": [{"id": 1, "name": "x", "z": 0}, {}, {"name": 3}], "id": 4},
  {"rows": []}, {"rows": null}, {"rows": 5, "id": 1}, {"rows": [{"id": 9}]}])";

const char* const kRepeated = R"([{"id": 1}, {"id": 1, "area": [2, "]"], "id": 2}, {"x": 1, "y": 2,
  "x": 3}, {"a": 1, "\u0061": 2, "id": 4}, {"rows": [{"id": 1, "id": 2}]}, {"x": {"y": 1, "y": 2}}])";

std::vector<std::vector<size_t>> all_splits(size_t size) {
    std::vector<std::vector<size_t>> splits{{}};
    for (size_t end = 0; end <= size; ++end) splits.push_back({end});
    splits.emplace_back();
    for (size_t end = 1; end <= size; ++end) splits.back().push_back(end);  // one byte at a time
    return splits;
}

JsonOutcome outcome_of(const std::string& text, const std::vector<size_t>& ends = {},
                       bool nested = true) {
    json::Table table(json_fields(nested));
    return read_pieces(table, text, ends);
}

template <class V>
std::vector<V> values(const Buffer<V>& buffer) {
    return {buffer.data(), buffer.data() + buffer.size()};
}

}  // namespace

TEST(json_rows_in_any_pieces) {
    for (const char* rows : {kRows, kNested, kRepeated}) {
        const std::string text = rows;
        const JsonOutcome expected = outcome_of(text);
        CHECK_EQUAL(expected.error, "");
        CHECK_EQUAL(expected.place, text.size());
        CHECK_EQUAL(expected.repeated.size(), size_t{rows == kRepeated ? 4u : 0u});
        for (const std::vector<size_t>& ends : all_splits(text.size()))
            check_same_outcome(outcome_of(text, ends), expected);
    }
}

TEST(json_malformed_rows_in_any_pieces) {
    const std::string good = R"([{"id": 1, "bbox": [1, 2, 3, 4], "x": "é"},)";
    for (const char* bad :
         {"", "{", "1]", "{\"id\" 2}]", "{\"id\": 2,}]", "{\"bbox\": [1, 2, 3, 4, ]}]",
          "{\"segmentation\": [[1, 2], }]", "{\"segmentation\": {\"size\": [1, x]}}]",
          "{\"rows\": [{\"id\": 1}, 2]}]", "{\"name\": \"\xff\"}]", "{}}", "{} {}]", "]"}) {
        const std::string text = good + bad;
        const JsonOutcome expected = outcome_of(text);
        CHECK(!expected.error.empty());
        // What was read before is there, and nothing of the malformed object.
        const size_t rows = std::strncmp(bad, "{}", 2) == 0 ? 2 : 1;
        json::Table table(json_fields(true)), before(json_fields(true));
        read_pieces(table, text, {});
        CHECK_EQUAL(table.rows(), rows);
        read_pieces(before, good.substr(0, good.size() - 1) + (rows == 2 ? ",{}]" : "]"), {});
        CHECK(JsonColumns(table).bytes() == JsonColumns(before).bytes());
        for (const std::vector<size_t>& ends : all_splits(text.size()))
            check_same_outcome(outcome_of(text, ends), expected);
    }
}

TEST(json_rows_with_several_threads) {
    std::vector<std::string> texts = {kRows, kNested, kRepeated};
    // Objects that begin alike, and what looks like one within strings and nested objects.
    std::string many = "[";
    for (int i = 0; i < 200; ++i) {
        many += i ? ", {\"id\": " : "{\"id\": ";
        many += std::to_string(i);
        if (i % 3 == 0) many += R"(, "name": ", {\"id\": 1}, {)";
        if (i % 3 == 0) many += R"(\"id\": 7", "bbox": [1, 2, 3, 4.5])";
        if (i % 5 == 0) many += R"(, "z": [1, {"id": 5}, {"id": 6}])";
        if (i % 7 == 0) many += R"(, "rows": [{"id": 1}, {"id": 2, "name": "x"}, {"id": 3}])";
        if (i % 4 == 0) many += R"(, "segmentation": {"size": [4, 6], "counts": "05"})";
        if (i % 4 == 1) many += R"(, "segmentation": [[1, 2, 3, 4, 5, 6], [7, 8.5]])";
        if (i % 4 == 2) many += R"(, "segmentation": {"counts": [1, 2], "size": [1, 3]})";
        if (i % 11 == 0) many += R"(, "name2": "", "score": null, "area": [])";
        many += "}";
    }
    texts.push_back(many + "]");
    texts.push_back(many + ", {\"id\": 1, \"z\": 1, \"z\": 2}, {\"id\": x}]");
    texts.push_back(many.substr(0, many.size() / 2) + "?" + many.substr(many.size() / 2));
    texts.push_back(many);  // it ends too early
    const std::string repeated = R"(, {"id": 3, "rows": [{"id": 1, "u": 1}], "rows": [{"v": 1}]})";
    texts.push_back(many + repeated + "]");
    for (const std::string& text : texts) {
        const JsonOutcome expected = outcome_of(text);
        for (const int threads : {2, 5}) {
            for (const size_t piece : {1, 7, 64, 400}) {
                for (const size_t window : {size_t{97}, text.size() / 3 + 1, text.size()}) {
                    std::vector<size_t> ends;
                    for (size_t end = window; end < text.size() + window; end += window)
                        ends.push_back(end);
                    json::Table table(json_fields(true));
                    json::SharedRead shared(json_fields(true), piece);
                    const Context context{*simd::variants().front(), threads};
                    const JsonOutcome got = read_pieces(
                        table, text, ends, [&](json::Table& to, json::Cursor& cursor, int64_t at) {
                            return shared.read(to, cursor, at, context);
                        });
                    check_same_outcome(got, expected);
                }
            }
        }
    }
}

// Segmentations that are only located: what is read again at these places is what the others have.
TEST(json_located_segmentations) {
    const std::string text = R"([{"segmentation": [[1, 2, 3, 4, 5, 6.5], [7, 8]], "id": 1},
        {"id": 2, "segmentation" : {"counts": [1, 2], "size": [1, 3]}}, {"id": 3},
        {"segmentation":{"size":[4,6],"counts":"0\u0035"},"id":4}, {"segmentation": null},
        {"segmentation": [ ], "id": 6}, {"segmentation": [[1, 2]], "id": 7},
        {"id": 8, "segmentation": "text"}, {"id": 9, "segmentation": [[1, 2, 3, 4, 5, 6]]}])";
    json::Table whole(json_fields(false));
    read_pieces(whole, text, {});
    const json::Segmentations& expected = whole.columns()[0].segmentations;
    auto fields = json_fields(false);
    fields[0].kind = json::Kind::located;
    for (const std::vector<size_t>& ends : all_splits(text.size())) {
        json::Table table(fields);
        json::SharedRead shared(fields, 40);
        const Context context{*simd::variants().front(), 2};
        read_pieces(table, text, ends, [&](json::Table& to, json::Cursor& cursor, int64_t at) {
            return shared.read(to, cursor, at, context);
        });
        CHECK_EQUAL(table.rows(), whole.rows());
        const json::Segmentations& found = table.columns()[0].segmentations;
        CHECK_EQUAL(found.characters.size() + found.runs.size() + found.coordinates.size(), 0u);
        json::Table again({{"segmentation", json::Kind::segmentation, {}}});
        for (size_t row = 0; row < table.rows(); ++row) {
            CHECK_EQUAL(found.kinds[row], expected.kinds[row]);
            CHECK_EQUAL(found.heights[row], expected.heights[row]);
            CHECK_EQUAL(found.widths[row], expected.widths[row]);
            const bool is_empty = row == 2 || row == 4 || row == 5;
            CHECK_EQUAL(found.lengths[row] == 0, is_empty);
            if (is_empty) continue;
            const JsonText part(text.substr(static_cast<size_t>(found.starts[row]),
                                            static_cast<size_t>(found.lengths[row])));
            json::Cursor cursor = part.cursor;
            again.read_value(cursor);
            CHECK(cursor.at == cursor.end);
            json::Segmentations& read = again.columns()[0].segmentations;
            CHECK_EQUAL(read.kinds.back(), expected.kinds[row]);
            CHECK_EQUAL(read.lengths.back(), expected.lengths[row]);
        }
        const json::Segmentations& read = again.columns()[0].segmentations;
        const auto bytes = [](const auto& buffer) {
            const auto* begin = reinterpret_cast<const char*>(buffer.data());
            return std::string(begin, begin + buffer.size() * sizeof(*buffer.data()));
        };
        CHECK_EQUAL(bytes(read.characters), bytes(expected.characters));
        CHECK_EQUAL(bytes(read.runs), bytes(expected.runs));
        CHECK_EQUAL(bytes(read.ring_ends), bytes(expected.ring_ends));
        CHECK_EQUAL(bytes(read.coordinates), bytes(expected.coordinates));
        CHECK_EQUAL(bytes(read.is_integer), bytes(expected.is_integer));
    }
}

TEST(json_rows_become_columns) {
    json::Table table(json_fields(false));
    read_pieces(table, kRows, {});
    CHECK_EQUAL(table.rows(), size_t{16});
    const json::Segmentations& s = table.columns()[0].segmentations;
    CHECK_EQUAL(values(s.kinds),
                (std::vector<uint8_t>{3, 1, 2, 4, 4, 0, 4, 4, 4, 0, 0, 3, 4, 2, 4, 4}));
    CHECK_EQUAL(values(s.ring_ends), (std::vector<int64_t>{3, 3, 4}));
    CHECK_EQUAL(values(s.coordinates), (std::vector<double>{1, 2, 3, 4, 5.5, -0.0, 7, 8}));
    CHECK_EQUAL(values(s.is_integer), (std::vector<uint8_t>{1, 0, 1, 1, 0, 0, 1, 1}));
    CHECK_EQUAL(values(s.runs), (std::vector<int64_t>{1, -2, 4611686018427387904}));
    CHECK_EQUAL(std::string(s.characters.data(), s.characters.data() + 3), "05A");
    CHECK_EQUAL(
        values(table.columns()[2].integers),
        (std::vector<int64_t>{1, 2, 1, 0, 0, 9007199254740992, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0}));
}

TEST(json_rows_there_and_back) {
    json::Table first(json_fields(false)), second(json_fields(false));
    read_pieces(first, kRows, {});
    const std::string text = written(first);
    read_pieces(second, text, {});
    CHECK_EQUAL(second.rows(), first.rows());
    CHECK_EQUAL(written(second), text);
}

TEST(json_tables_that_are_used_again) {
    const std::string text = R"([{"id": 1, "name": "a"}, {"name": "b", "z": 1}])";
    json::Table table(json_fields(false)), once(json_fields(false));
    for (int i = 0; i < 2; ++i) {
        JsonText held(text);
        CHECK(table.read(held.cursor, 0));
    }
    CHECK_EQUAL(table.rows(), size_t{4});
    CHECK_EQUAL(table.shapes().size(), size_t{2});
    for (const char* row : {"{\"id\": 1, \"name\": \"a\"}", "{\"name\": \"b\", \"z\": 1}"}) {
        JsonText held(row);
        once.read_one(held.cursor, 0);
    }
    CHECK_EQUAL(written(once), written(once));
    CHECK_EQUAL(once.rows(), size_t{2});
}

TEST(json_numbers_are_written_like_repr) {
    const struct {
        double value;
        const char* text;
    } cases[] = {
        {0x1.0000000000000p+0, "1.0"},
        {0x1.999999999999ap-4, "0.1"},
        {0x1.0000000000000p-1, "0.5"},
        {0x1.9000000000000p+6, "100.0"},
        {0x1.c6bf526340000p+49, "1000000000000000.0"},
        {0x1.1c37937e08000p+53, "1e+16"},
        {0x1.c12218377de66p+46, "123456789012345.6"},
        {0x1.18b54f22aeb03p+50, "1234567890123456.8"},
        {0x1.5ee2a2eb5a5c4p+53, "1.2345678901234568e+16"},
        {0x1.1c37937e07fffp+53, "9999999999999998.0"},
        {0x1.0f0cf064dd592p+73, "1e+22"},
        {0x1.52d02c7e14af6p+76, "1e+23"},
        {0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
        {0x0.0000000000001p-1022, "5e-324"},
        {0x0.0000000000002p-1022, "1e-323"},
        {0x1.0000000000000p-1022, "2.2250738585072014e-308"},
        {0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
        {0x1.a36e2eb1c432dp-14, "0.0001"},
        {0x1.4f8b588e368f1p-17, "1e-05"},
        {0x1.f75104d551d69p-17, "1.5e-05"},
        {0x1.edd2f1a9fbe77p+6, "123.456"},
        {-0x1.edd2f1a9fbe77p+6, "-123.456"},
        {0x1.0624dd2f1a9fcp-10, "0.001"},
        {-0x1.0624dd2f1a9fcp-10, "-0.001"},
        {0x1.0624dd2f1a9fcp-11, "0.0005"},
        {0x1.dcd64ff900000p+29, "999999999.125"},
        {0x1.74876e7ffffbep+36, "99999999999.999"},
        {0x1.74876e8000042p+36, "100000000000.001"},
        {0x1.5555555555555p-2, "0.3333333333333333"},
        {0x1.5555555555555p-1, "0.6666666666666666"},
        {0x1.ad7f29abcaf48p-24, "1e-07"},
        {0x1.0000000000001p+0, "1.0000000000000002"},
        {0x1.3333333333334p-2, "0.30000000000000004"},
        {-0x0.0p+0, "-0.0"},
        {0x1.0000000000000p+53, "9007199254740992.0"},
        {0x1.a36e2eb1c432dp-15, "5e-05"},
        {0x1.0000000000000p-44, "5.684341886080802e-14"},
        {0x1.0000000000000p+62, "4.611686018427388e+18"},
        {0x1.8000000000000p-1022, "3.337610787760802e-308"},
        {0x1.fe185ca57c517p+78, "6.02214076e+23"},
        {0x1.249ad2594c37dp+332, "1e+100"},
        {0x1.c7e83209e90b2p+72, "8.41e+21"},
        {0x1.1666666666666p+2, "4.35"},
        {0x1.5666666666666p+1, "2.675"},
        {0x1.9999999999999p-1, "0.7999999999999999"},
        {0x1.74876e7ffffbep+36, "99999999999.999"},
        {0x1.0000000000000p+52, "4503599627370496.0"},
        {0x1.0000000000000p-20, "9.5367431640625e-07"},
        {0x1.4d8399f767c45p+23, "10928588.983213553"},
        {0x1.8fbbcbde5c099p+445, "1.4186613525849614e+134"},
        {-0x1.11fdecb91ce37p-243, "-7.571968556055867e-74"},
        {-0x1.d4330f1446beap+375, "-1.4074705188261364e+113"},
        {-0x1.b8c9ebd69fe29p-401, "-3.3339745473042614e-121"},
        {-0x1.0b125ec1d7da0p-900, "-1.2342180766211395e-271"},
        {-0x1.10dff076ce2efp+371, "-5.126864004244935e+111"},
        {-0x1.5387777330bdbp+107, "-2.1520217579844227e+32"},
        {0x1.1ea36f17fd374p-3, "0.1399601630397701"},
        {0x1.64138a6233255p-811, "1.01853664031722e-244"},
        {0x1.7688de6a16a3bp-381, "2.9704598186234577e-115"},
        {0x1.dd97f1cfb10f6p+499, "3.0534183338726823e+150"},
        {-0x1.271007814e8a2p+486, "-2.3027782228163463e+146"},
        {0x1.959ce3f1f65a8p+536, "3.56409621163656e+161"},
        {0x1.afe878b33e968p-606, "6.352929017207453e-183"},
        {0x1.4235992edcf45p-2, "0.3146575865605324"},
        {-0x1.edb20035b7399p-77, "-1.2761724801771812e-23"},
        {0x1.c966c377b9aa2p+648, "2.0868668176225336e+195"},
        {0x1.c82b1478c281dp-278, "3.66898827745704e-84"},
        {-0x1.1cc9dea959c21p+482, "-1.389122273370197e+145"},
        {0x1.229f1c4069545p+572, "1.7548715433165102e+172"},
        {-0x1.d8b7628dbd25ep+49, "-1039514241563211.8"},
    };
    for (const auto& each : cases) {
        Buffer<uint8_t> text;
        json::write_number(each.value, false, text);
        CHECK_EQUAL(std::string(text.data(), text.data() + text.size()), each.text);
    }
    Random random(3);
    for (int64_t i = 0; i < 200'000; ++i) {
        // Of few decimals, as most coordinates are, or any.
        double value = static_cast<double>(random.between(-100'000'000, 100'000'000)) / 1000;
        const uint64_t bits = random.bits();
        if (random.one_in(2)) std::memcpy(&value, &bits, sizeof value);
        if (!(value - value == 0)) continue;
        Buffer<uint8_t> text;
        json::write_number(value, false, text);
        JsonText held(std::string(text.data(), text.data() + text.size()));
        const json::Number number = json::take_number(held.cursor);
        CHECK(number.value == value);
        CHECK(!number.is_integer);
    }
}

TEST(json_strings_are_written_in_ascii) {
    const auto text_of = [](const std::string& text) {
        Buffer<uint8_t> to;
        const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
        json::write_string({bytes, bytes + text.size()}, to);
        return std::string(to.data(), to.data() + to.size());
    };
    CHECK_EQUAL(text_of("a\"\\/\n\x7f"), "\"a\\\"\\\\/\\u000a\\u007f\"");
    CHECK_EQUAL(text_of("\xc3\xa9\xe2\x82\xac"), "\"\\u00e9\\u20ac\"");
    CHECK_EQUAL(text_of("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), "\"\\ud83d\\ude00\\udbff\\udfff\"");
    // What is not UTF-8 is not read beyond its end.
    for (const char* broken : {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\x80\x80"}) {
        const std::string text = text_of(broken);
        JsonText held(text);
        json::take_string(held.cursor);
        CHECK_EQUAL(held.taken(), text.size());
    }
}

}  // namespace segcore::test
