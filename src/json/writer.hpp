// Columns back to JSON objects: the inverse of table.hpp.
#pragma once

#include <string>
#include <vector>

#include "table.hpp"

namespace segcore::json {

struct TextsView {
    const uint8_t* bytes;
    const int64_t *starts, *lengths;
    Span operator[](int64_t row) const {
        return {bytes + starts[row], bytes + starts[row] + lengths[row]};
    }
};

struct SegmentationsView {
    const uint8_t* kinds;
    const int64_t *heights, *widths, *starts, *lengths;
    const uint8_t* characters;
    const int64_t *runs, *ring_ends;
    const double* coordinates;
    const uint8_t* is_integer;
};

struct TableView;

struct ColumnView {
    std::string name;
    Kind kind;
    const int64_t* integers;  // of nested rows: where those of each row begin, and their total
    const double* numbers;
    TextsView texts;
    SegmentationsView segmentations;
    std::shared_ptr<TableView> rows;
};

struct TableView {
    std::vector<ColumnView> columns;
    std::vector<std::string> shapes;
    const uint32_t* shape_ids;
    TextsView extra;
    // Ascending rows; of one row, in the order in which its shape has them.
    const int64_t *odd_rows, *odd_columns;
    size_t odd_count;
    TextsView odd;
};

// Append the objects of these rows, separated by commas.
void write_rows(const TableView&, int64_t start, int64_t stop, Buffer<uint8_t>& to);

// Append a number as Python's repr() writes it: the fewest digits that give the same number.
void write_number(double value, bool as_integer, Buffer<uint8_t>& to);
void write_integer(int64_t value, Buffer<uint8_t>& to);
// Append a string of UTF-8 in quotes, in ASCII.
void write_string(Span text, Buffer<uint8_t>& to);

}  // namespace segcore::json
