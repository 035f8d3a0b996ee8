// A JSON array of objects as columns, one row per object.
//
// Known members become columns of numbers or text. Unknown members are kept as JSON text. A row's
// shape says which members it has, in which order, and how its numbers are written (1 or 1.0), so
// that the writer can restore the object exactly.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text.hpp"

namespace segcore::json {

// A located segmentation is checked like any other, but only its kind, its image size and where it
// is in the file are kept.
enum class Kind : uint8_t { integer, number, text, box, segmentation, located, rows };

// How a value is written, as far as its column does not determine it. For a box, the lowest four
// bits say which of its numbers are integers.
enum Form : uint8_t {
    kPlain = 0,       // an integer in a column of integers, a string, a segmentation, rows
    kFraction = 1,    // a number with a fraction or an exponent
    kTrue = 2,        // true or false, in a column of integers
    kNull = 0x20,
    kOdd = 0x21,      // any other value, which is kept as JSON text
    kSizeFirst = 1,   // of a segmentation: an RLE with "size" before "counts"
    kCountsFirst = 2,
    kUnknown = 0xFF,  // as a field: an unknown member
};

// Text of many rows, one after the other.
struct Texts {
    Buffer<uint8_t> bytes;
    Buffer<int64_t> starts, lengths;  // per row
};

enum class Segmentation : uint8_t { none, string, counts, polygon, other };

// The text of the last RLE before and after its counts, which is often that of the next one, too.
struct RleFrame {
    uint8_t form = 0;  // 0: there is none
    int64_t size[2] = {0, 0};
    std::string before, after;
};

// Segmentations in the form in which they came. What a row's start and length count depends on its
// kind: characters (a string, or the JSON text of `other`), run lengths, or rings. Of located ones,
// they are the offset in the file and the number of bytes; 0 and 0 for null and for [].
struct Segmentations {
    Buffer<uint8_t> kinds;
    Buffer<int64_t> heights, widths;  // of RLEs; else 0. The last zeros are only added at the end
    Buffer<int64_t> starts, lengths;
    Buffer<uint8_t> characters;
    Buffer<int64_t> runs;
    Buffer<int64_t> ring_ends;  // in points
    Buffer<double> coordinates;  // x0 y0 x1 y1 ... of all rings
    Buffer<uint8_t> is_integer;  // of each coordinate: whether it is written without a fraction
    RleFrame frame;
};

class Table;

struct Column {
    std::string name;
    Kind kind;
    size_t filled = 0;  // rows; the last ones, which do not have the member, may be left out
    Buffer<int64_t> integers;  // of integers; of nested rows: their number
    Buffer<double> numbers;  // of numbers and boxes
    Texts texts;
    Segmentations segmentations;
    std::unique_ptr<Table> rows;
};

class Table {
   public:
    struct Field {
        std::string name;
        Kind kind;
        std::vector<Field> fields;  // of nested rows
    };
    // `text_size`: the size of the whole text, for which memory is reserved; 0 if it is unknown.
    explicit Table(const std::vector<Field>& fields, size_t text_size = 0);

    enum class End {
        array,  // at the closing bracket, which is taken
        text,  // before an object that is incomplete
        repeated,  // before an object that repeats a name
        stop,  // before the object that begins at `stop`
        passed,  // before the first object that begins after `stop`
    };
    // Read objects until one of these; `offset` is the text's place in the file. Throws Malformed;
    // `rows()` then is the index of the malformed object.
    End read_until(Cursor&, int64_t offset, const uint8_t* stop);
    // Read to the end of the array and return true, or as much as there is and return false.
    bool read(Cursor& cursor, int64_t offset) {
        return read_until(cursor, offset, nullptr) == End::array;
    }
    // Read one object that is not in an array.
    void read_one(Cursor&, int64_t offset);
    // Read a value of the only column as an object that has no other member.
    void read_value(Cursor&);

    size_t rows() const { return shape_ids_.size(); }
    // Whether read() stopped at an object that repeats a name. take_repeated() takes this object;
    // the caller removes all but the last of the repeated members and passes the rest to
    // read_one().
    bool has_repeated_name() const { return repeated_; }
    Span take_repeated(Cursor&);

    // Where an object of the array probably begins between two places; null if nowhere. Objects
    // begin like the last one that was read.
    const uint8_t* guess_object(const uint8_t* from, const uint8_t* to) const;
    // Forget all rows, and go on as if at the first object of an array.
    void restart();
    // Append the rows of a table with the same fields, and go on as if they had been read by this
    // one up to `offset`.
    void append(Table& other, int64_t offset);

    std::vector<Column>& columns();
    std::vector<std::string>& shapes() { return shapes_; }
    Buffer<uint32_t>& shape_ids() { return shape_ids_; }
    Texts& extra();
    Buffer<int64_t>& positions() { return positions_; }
    // Values of other kinds than their columns: row, column, and the JSON text.
    Buffer<int64_t>& odd_rows() { return odd_rows_; }
    Buffer<int64_t>& odd_columns() { return odd_columns_; }
    Texts& odd() { return odd_; }

   private:
    // The text before a member's value, from the brace or comma on.
    struct Head {
        std::string text;  // empty if it is too long to be kept
        size_t column;
        size_t name_start, name_size;  // in `text`, without the quotes
        bool escaped;
    };

    void read_object(Cursor&, int64_t offset);
    void read_member(Cursor&, size_t index);
    void read_unknown(Cursor&, const String& name);
    uint8_t read_integer(Cursor&, Column&, size_t index);
    uint8_t read_number(Cursor&, Column&, size_t index);
    uint8_t read_text(Cursor&, Column&, size_t index);
    uint8_t read_box(Cursor&, Column&, size_t index);
    uint8_t read_segmentation(Cursor&, Column&, size_t index);
    uint8_t locate_segmentation(Cursor&, Column&, size_t index);
    uint8_t read_rows(Cursor&, Column&, size_t index);
    uint8_t keep_odd(Cursor&, size_t index);
    size_t take_name(Cursor&, size_t member, String& name);
    void fill(Column&, size_t rows);
    void reserve(int64_t offset);
    uint32_t shape_of();
    uint32_t number_of(const std::string& shape);
    void commit();
    void roll_back();
    // action(buffer, number of values per row)
    template <class Action>
    void for_each_column_buffer(Action&& action);
    // Those that rows have more or less of.
    template <class Action>
    void for_each_shared_buffer(Action&& action);

    std::vector<Column> columns_;
    std::vector<std::string> shapes_;
    std::unordered_map<std::string, uint32_t> shape_index_;
    uint32_t last_shape_ = 0;
    Buffer<uint32_t> shape_ids_;
    Texts extra_;
    Buffer<int64_t> positions_;
    Buffer<int64_t> odd_rows_, odd_columns_;
    Texts odd_;
    std::string shape_;  // of the current object
    const uint8_t* object_begin_ = nullptr;
    int64_t object_offset_ = 0;  // of the current object in the file
    std::vector<std::string> unknown_;  // names of the current object's unknown members
    std::vector<Head> heads_;  // of the members of the last object
    size_t text_size_;  // 0 once memory is reserved
    int64_t begin_ = 0;  // offset of the array in the text
    size_t committed_rows_ = 0;  // those before the current object
    size_t committed_shapes_ = 0;
    std::vector<size_t> committed_sizes_;  // of the shared buffers
    enum { kStart, kFirst, kNext } state_ = kStart;
    bool repeated_ = false;
};

}  // namespace segcore::json
