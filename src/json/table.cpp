#include "table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace segcore::json {

namespace {

constexpr int64_t kMaxSide = int64_t{1} << 31;  // of an RLE's image, exclusive
constexpr int64_t kExactIntegers = int64_t{1} << 53;
constexpr size_t kLongestKept = 256;  // of the text between values that is compared with the next

constexpr size_t kMostHeads = 64;  // that are kept
constexpr size_t kNoMember = std::numeric_limits<size_t>::max();

// A name occurs twice in an object.
struct Repeated final : std::exception {};

// Whether the number is an integer that a double holds exactly; -0.0 is none.
bool is_integral(double value) {
    return std::abs(value) <= static_cast<double>(kExactIntegers) &&
           value == std::nearbyint(value) && !(value == 0 && std::signbit(value));
}

// Whether a double holds the number exactly, and the writer can restore how it was written.
bool fits_double(const Number& number) {
    if (!number.is_integer) return true;
    return number.is_exact && std::abs(number.integer) <= kExactIntegers;
}

std::string unescaped(const String& name) {
    if (!name.escaped) return std::string(name.raw.begin, name.raw.end);
    Buffer<uint8_t> bytes;
    append_unescaped(name.raw, bytes);
    return std::string(bytes.data(), bytes.data() + bytes.size());
}

bool equals(const String& text, std::string_view name) {
    if (text.escaped) return unescaped(text) == name;
    return text.raw.size() == name.size() &&
           std::memcmp(text.raw.begin, name.data(), name.size()) == 0;
}

// Take this text if it comes next, without white space before it.
bool take_text(Cursor& cursor, std::string_view text) {
    const Span rest{cursor.at, cursor.end};
    if (rest.size() < text.size() || std::memcmp(rest.begin, text.data(), text.size()) != 0)
        return false;
    cursor.at += text.size();
    return true;
}

// Append a row whose text begins here. An empty text begins at 0, as that of a missing member does.
void append_row(Texts& texts, size_t start) {
    const size_t length = texts.bytes.size() - start;
    texts.starts.push_back(length ? static_cast<int64_t>(start) : 0);
    texts.lengths.push_back(static_cast<int64_t>(length));
}

void append_text(Texts& texts, Span text) {
    const size_t start = texts.bytes.size();
    texts.bytes.append(text.begin, text.size());
    append_row(texts, start);
}

void append_string(Texts& texts, Cursor& cursor) {
    const size_t start = texts.bytes.size();
    take_string(cursor, texts.bytes);
    append_row(texts, start);
}

// -- segmentations --------------------------------------------------------------------------------

void append_head(Segmentations& to, Segmentation kind, int64_t height, int64_t width, size_t start,
                 size_t length) {
    if (height || width) {  // others take no memory
        to.heights.extend_with_zeros(to.kinds.size());
        to.widths.extend_with_zeros(to.kinds.size());
        to.heights.push_back(height);
        to.widths.push_back(width);
    }
    to.kinds.push_back(static_cast<uint8_t>(kind));
    to.starts.push_back(static_cast<int64_t>(start));
    to.lengths.push_back(static_cast<int64_t>(length));
}

// Each of these takes a value of the form that it is for, or returns false anywhere within it.

bool take_size(Cursor& cursor, int64_t (&size)[2]) {
    if (!accept(cursor, '[')) return false;
    for (int i = 0; i < 2; ++i) {
        const uint8_t first = peek(cursor);
        if (!starts_number(first)) return false;
        const Number side = take_number(cursor);
        if (!side.is_exact || side.integer < 0 || side.integer >= kMaxSide) return false;
        size[i] = side.integer;
        if (!accept(cursor, i == 0 ? ',' : ']')) return false;
    }
    return true;
}

bool take_runs(Cursor& cursor, Buffer<int64_t>& runs) {
    ++cursor.at;  // the bracket
    if (accept(cursor, ']')) return true;
    for (;;) {
        if (!starts_number(peek(cursor))) return false;
        const Number run = take_number(cursor);
        if (!run.is_exact) return false;
        runs.push_back(run.integer);
        if (accept(cursor, ']')) return true;
        if (!accept(cursor, ',')) return false;
    }
}

bool take_counts(Cursor& cursor, Segmentations& to, Segmentation& kind, size_t& start) {
    const uint8_t first = peek(cursor);
    if (first == '"') {
        kind = Segmentation::string;
        start = to.characters.size();
        take_string(cursor, to.characters);
        return true;
    }
    if (first != '[') return false;
    kind = Segmentation::counts;
    start = to.runs.size();
    return take_runs(cursor, to.runs);
}

// {"size": [H, W], "counts": ...} with these two members alone; returns the form, 0 for another.
uint8_t take_rle(Cursor& cursor, Segmentations& to) {
    RleFrame& frame = to.frame;
    const uint8_t* const begin = cursor.at;
    Span counts{nullptr, nullptr};
    int64_t size[2] = {-1, -1};
    Segmentation kind = Segmentation::none;
    uint8_t form = 0;
    size_t start = 0;
    int members = 0;  // that were taken
    if (frame.form && take_text(cursor, frame.before)) {
        form = frame.form;
        if (form == kSizeFirst) std::copy_n(frame.size, 2, size);
        members = form == kSizeFirst ? 2 : 1;
        counts.begin = cursor.at;
        if (!take_counts(cursor, to, kind, start)) return 0;
        counts.end = cursor.at;
    }
    if (counts.end && take_text(cursor, frame.after)) {
        std::copy_n(frame.size, 2, size);
    } else {
        for (; members < 2; ++members) {
            if (!accept(cursor, members ? ',' : '{') || peek(cursor) != '"') return 0;
            const String name = take_string(cursor);
            if (!accept(cursor, ':')) return 0;
            if (equals(name, "size") && size[0] < 0) {
                if (members == 0) form = kSizeFirst;
                if (!take_size(cursor, size)) return 0;
            } else if (equals(name, "counts") && kind == Segmentation::none) {
                if (members == 0) form = kCountsFirst;
                peek(cursor);
                counts.begin = cursor.at;
                if (!take_counts(cursor, to, kind, start)) return 0;
                counts.end = cursor.at;
            } else {
                return 0;
            }
        }
        if (!accept(cursor, '}')) return 0;
        const Span before{begin, counts.begin}, after{counts.end, cursor.at};
        const bool is_short = before.size() <= kLongestKept && after.size() <= kLongestKept;
        frame.form = is_short ? form : 0;
        if (is_short) {
            std::copy_n(size, 2, frame.size);
            frame.before.assign(before.begin, before.end);
            frame.after.assign(after.begin, after.end);
        }
    }
    const size_t end = kind == Segmentation::string ? to.characters.size() : to.runs.size();
    append_head(to, kind, size[0], size[1], start, end - start);
    return form;
}

// At least `least` numbers: fewer than six in the first ring mean something else than a polygon.
bool take_ring(Cursor& cursor, size_t least, Segmentations& to) {
    if (!accept(cursor, '[')) return false;
    const size_t start = to.coordinates.size();
    if (!accept(cursor, ']')) {
        for (;;) {
            if (!starts_number(peek(cursor))) return false;
            const Number number = take_number(cursor);
            if (!fits_double(number)) return false;
            to.coordinates.push_back(number.value);
            to.is_integer.push_back(number.is_integer);
            if (accept(cursor, ']')) break;
            if (!accept(cursor, ',')) return false;
        }
    }
    const size_t count = to.coordinates.size() - start;
    if (count % 2 || count < least) return false;
    to.ring_ends.push_back(static_cast<int64_t>(to.coordinates.size() / 2));
    return true;
}

bool take_polygon(Cursor& cursor, Segmentations& to) {
    ++cursor.at;  // the bracket
    const size_t start = to.ring_ends.size();
    if (!accept(cursor, ']')) {
        size_t least = 6;
        do {
            if (!take_ring(cursor, least, to)) return false;
            least = 0;
        } while (accept(cursor, ','));
        if (!accept(cursor, ']')) return false;
    }
    append_head(to, Segmentation::polygon, 0, 0, start, to.ring_ends.size() - start);
    return true;
}

// The sizes of the buffers that rows have more or less of, to which they can be cut again.
class Mark {
   public:
    explicit Mark(Segmentations& of)
        : of_(of),
          characters_(of.characters.size()),
          runs_(of.runs.size()),
          rings_(of.ring_ends.size()),
          coordinates_(of.coordinates.size()) {}

    void go_back() {
        of_.characters.resize(characters_);
        of_.runs.resize(runs_);
        of_.ring_ends.resize(rings_);
        of_.coordinates.resize(coordinates_);
        of_.is_integer.resize(coordinates_);
    }

   private:
    Segmentations& of_;
    size_t characters_, runs_, rings_, coordinates_;
};

}  // namespace

// -- tables ---------------------------------------------------------------------------------------

Table::Table(const std::vector<Field>& fields, size_t text_size) : text_size_(text_size) {
    for (const Field& field : fields) {
        columns_.emplace_back();
        columns_.back().name = field.name;
        columns_.back().kind = field.kind;
        if (field.kind == Kind::rows) columns_.back().rows = std::make_unique<Table>(field.fields);
    }
    size_t shared = 0;
    for_each_shared_buffer([&](auto&) { ++shared; });
    committed_sizes_.resize(shared);
    commit();
}

Table::End Table::read_until(Cursor& cursor, int64_t offset, const uint8_t* stop) {
    const uint8_t* const window = cursor.at;
    const uint8_t* safe = cursor.at;  // where to go on if the next object is not read
    if (state_ == kStart) begin_ = offset;
    try {
        for (;;) {
            if (state_ == kStart) {
                expect(cursor, '[', "an array of objects");
                state_ = kFirst;
            }
            safe = cursor.at;
            if (accept(cursor, ']')) {
                state_ = kStart;
                return End::array;
            }
            if (state_ == kNext) expect(cursor, ',', "',' or ']'");
            peek(cursor);
            if (stop && cursor.at >= stop) {
                const bool is_there = cursor.at == stop;
                cursor.at = safe;
                return is_there ? End::stop : End::passed;
            }
            const auto position = offset + static_cast<int64_t>(cursor.at - window);
            read_object(cursor, position);
            commit();
            state_ = kNext;
        }
    } catch (const Incomplete&) {
        roll_back();
        cursor.at = safe;
        reserve(offset + (safe - window));
        return End::text;
    } catch (const Repeated&) {
        roll_back();
        cursor.at = safe;
        repeated_ = true;
        return End::repeated;
    } catch (...) {
        roll_back();
        throw;
    }
}

Span Table::take_repeated(Cursor& cursor) {
    const uint8_t* const begin = cursor.at;
    try {
        if (state_ == kNext) expect(cursor, ',', "',' or ']'");
        const Span object = take_value(cursor);
        state_ = kNext;
        repeated_ = false;
        return object;
    } catch (const Incomplete&) {
        cursor.at = begin;
        throw;
    }
}

void Table::read_one(Cursor& cursor, int64_t offset) {
    try {
        peek(cursor);
        read_object(cursor, offset);
        commit();
    } catch (...) {
        roll_back();
        throw;
    }
}

void Table::read_value(Cursor& cursor) {
    shape_.clear();
    try {
        peek(cursor);
        read_member(cursor, 0);
        positions_.push_back(0);
        shape_ids_.push_back(shape_of());
        commit();
    } catch (...) {
        roll_back();
        throw;
    }
}

void Table::read_object(Cursor& cursor, int64_t offset) {
    object_begin_ = cursor.at;
    object_offset_ = offset;
    shape_.clear();
    unknown_.clear();
    uint64_t seen = 0;
    const size_t extra_start = extra_.bytes.size();
    for (size_t member = 0;; ++member) {
        String name;
        const size_t column = take_name(cursor, member, name);
        if (column == kNoMember) break;
        peek(cursor);
        if (column == columns_.size()) {
            read_unknown(cursor, name);
        } else {
            if (seen >> column & 1) throw Repeated{};
            seen |= uint64_t{1} << column;
            read_member(cursor, column);
        }
    }
    if (unknown_.size() > 1) {
        std::sort(unknown_.begin(), unknown_.end());
        if (std::adjacent_find(unknown_.begin(), unknown_.end()) != unknown_.end())
            throw Repeated{};
    }
    if (unknown_.size()) {
        extra_.starts.extend_with_zeros(rows());
        extra_.lengths.extend_with_zeros(rows());
        append_row(extra_, extra_start);
    }
    positions_.push_back(offset);
    shape_ids_.push_back(shape_of());
}

// Take the text up to the value of the next member, and return its column, or the number of columns
// and the name, or kNoMember at the end of the object. Most objects have the members of the one
// before, in the same order and with the same white space.
size_t Table::take_name(Cursor& cursor, size_t member, String& name) {
    const uint8_t* const begin = cursor.at;
    if (member < heads_.size() && heads_[member].text.size() &&
        take_text(cursor, heads_[member].text)) {
        const Head& head = heads_[member];
        const uint8_t* const start = begin + head.name_start;
        name = {{start, start + head.name_size}, head.escaped};
        return head.column;
    }
    if (member == 0) expect(cursor, '{', "an object");
    if (accept(cursor, '}')) return kNoMember;
    if (member != 0) expect(cursor, ',', "',' or '}'");
    name = take_string(cursor);
    expect(cursor, ':', "':'");
    size_t column = 0;
    while (column < columns_.size() && !equals(name, columns_[column].name)) ++column;
    peek(cursor);
    if (member >= kMostHeads) return column;
    if (member >= heads_.size()) heads_.resize(member + 1);
    Head& head = heads_[member];
    const Span text{begin, cursor.at};
    head.text.clear();
    if (text.size() <= kLongestKept) head.text.assign(text.begin, text.end);
    head.column = column;
    head.name_start = Span{begin, name.raw.begin}.size();
    head.name_size = name.raw.size();
    head.escaped = name.escaped;
    return column;
}

// Unknown members are kept as they would stand in an object: "name":value, separated by commas.
void Table::read_unknown(Cursor& cursor, const String& name) {
    const Span value = take_value(cursor);
    if (unknown_.size()) extra_.bytes.push_back(',');
    extra_.bytes.push_back('"');
    extra_.bytes.append(name.raw.begin, name.raw.size());
    extra_.bytes.push_back('"');
    extra_.bytes.push_back(':');
    extra_.bytes.append(value.begin, value.size());
    unknown_.push_back(unescaped(name));
    shape_ += static_cast<char>(kUnknown);
    shape_ += static_cast<char>(kPlain);
}

void Table::read_member(Cursor& cursor, size_t index) {
    Column& column = columns_[index];
    if (column.filled != rows()) fill(column, rows());
    uint8_t form = kPlain;
    switch (column.kind) {
        case Kind::integer:
            form = read_integer(cursor, column, index);
            break;
        case Kind::number:
            form = read_number(cursor, column, index);
            break;
        case Kind::text:
            form = read_text(cursor, column, index);
            break;
        case Kind::box:
            form = read_box(cursor, column, index);
            break;
        case Kind::segmentation:
            form = read_segmentation(cursor, column, index);
            break;
        case Kind::located:
            form = locate_segmentation(cursor, column, index);
            break;
        case Kind::rows:
            form = read_rows(cursor, column, index);
            break;
    }
    ++column.filled;
    shape_ += static_cast<char>(index);
    shape_ += static_cast<char>(form);
}

uint8_t Table::read_integer(Cursor& cursor, Column& column, size_t index) {
    const uint8_t first = *cursor.at;
    if (first == 't' || first == 'f') {
        take_word(cursor, first == 't' ? "true" : "false");
        column.integers.push_back(first == 't');
        return kTrue;
    }
    const uint8_t* const begin = cursor.at;
    if (starts_number(first)) {
        const Number number = take_number(cursor);
        if (number.is_exact) {
            column.integers.push_back(number.integer);
            return kPlain;
        }
        if (is_integral(number.value)) {
            column.integers.push_back(static_cast<int64_t>(number.value));
            return kFraction;
        }
        cursor.at = begin;
    }
    const uint8_t form = keep_odd(cursor, index);
    column.integers.push_back(0);
    return form;
}

uint8_t Table::read_number(Cursor& cursor, Column& column, size_t index) {
    const uint8_t* const begin = cursor.at;
    if (starts_number(*begin)) {
        const Number number = take_number(cursor);
        if (fits_double(number)) {
            column.numbers.push_back(number.value);
            return number.is_integer ? kPlain : kFraction;
        }
        cursor.at = begin;
    }
    const uint8_t form = keep_odd(cursor, index);
    column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
    return form;
}

uint8_t Table::read_text(Cursor& cursor, Column& column, size_t index) {
    if (*cursor.at == '"') {
        append_string(column.texts, cursor);
        return kPlain;
    }
    const uint8_t form = keep_odd(cursor, index);
    append_text(column.texts, {nullptr, nullptr});
    return form;
}

uint8_t Table::read_box(Cursor& cursor, Column& column, size_t index) {
    const uint8_t* const begin = cursor.at;
    const size_t before = column.numbers.size();
    if (accept(cursor, '[')) {
        uint8_t form = 0;
        int i = 0;
        while (i < 4 && starts_number(peek(cursor))) {
            const Number number = take_number(cursor);
            if (!fits_double(number)) break;
            column.numbers.push_back(number.value);
            form |= static_cast<uint8_t>(number.is_integer << i);
            if (!accept(cursor, i < 3 ? ',' : ']')) break;
            ++i;
        }
        if (i == 4) return form;
        column.numbers.resize(before);
        cursor.at = begin;
    }
    const uint8_t form = keep_odd(cursor, index);
    for (int i = 0; i < 4; ++i) column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
    return form;
}

uint8_t Table::read_segmentation(Cursor& cursor, Column& column, size_t index) {
    Segmentations& to = column.segmentations;
    const uint8_t* const begin = cursor.at;
    const size_t characters = to.characters.size();
    Mark before(to);
    if (*begin == '{') {
        if (const uint8_t form = take_rle(cursor, to)) return form;
    } else if (*begin == '[') {
        if (take_polygon(cursor, to)) return kPlain;
    }
    before.go_back();
    cursor.at = begin;
    if (*begin == 'n') {
        append_head(to, Segmentation::none, 0, 0, 0, 0);
        return keep_odd(cursor, index);
    }
    const Span text = take_value(cursor);
    append_head(to, Segmentation::other, 0, 0, characters, text.size());
    to.characters.append(text.begin, text.size());
    return kPlain;
}

uint8_t Table::locate_segmentation(Cursor& cursor, Column& column, size_t index) {
    Segmentations& to = column.segmentations;
    const uint8_t* const begin = cursor.at;
    Mark before(to);
    const uint8_t form = read_segmentation(cursor, column, index);
    before.go_back();
    const auto kind = static_cast<Segmentation>(to.kinds.back());
    const bool is_empty =
        kind == Segmentation::none || (kind == Segmentation::polygon && to.lengths.back() == 0);
    to.starts.back() = is_empty ? 0 : object_offset_ + (begin - object_begin_);
    to.lengths.back() = is_empty ? 0 : cursor.at - begin;
    return form;
}

uint8_t Table::read_rows(Cursor& cursor, Column& column, size_t index) {
    if (*cursor.at != '[') {
        const uint8_t form = keep_odd(cursor, index);
        column.integers.push_back(0);
        return form;
    }
    ++cursor.at;
    const size_t before = column.rows->rows();
    if (!accept(cursor, ']')) {
        do {
            peek(cursor);
            column.rows->read_object(cursor, 0);
        } while (accept(cursor, ','));
        expect(cursor, ']', "',' or ']'");
    }
    column.integers.push_back(static_cast<int64_t>(column.rows->rows() - before));
    return kPlain;
}

// null, or a value of another kind, whose text is kept.
uint8_t Table::keep_odd(Cursor& cursor, size_t index) {
    if (*cursor.at == 'n') {
        take_word(cursor, "null");
        return kNull;
    }
    append_text(odd_, take_value(cursor));
    odd_rows_.push_back(static_cast<int64_t>(rows()));
    odd_columns_.push_back(static_cast<int64_t>(index));
    return kOdd;
}

// Append missing values up to this number of rows.
void Table::fill(Column& column, size_t rows) {
    const auto with_nan = [&](size_t size) {
        while (column.numbers.size() < size)
            column.numbers.push_back(std::numeric_limits<double>::quiet_NaN());
    };
    switch (column.kind) {
        case Kind::integer:
        case Kind::rows:
            column.integers.extend_with_zeros(rows);
            break;
        case Kind::number:
            with_nan(rows);
            break;
        case Kind::box:
            with_nan(4 * rows);
            break;
        case Kind::text:
            column.texts.starts.extend_with_zeros(rows);
            column.texts.lengths.extend_with_zeros(rows);
            break;
        case Kind::segmentation:
        case Kind::located: {
            Segmentations& to = column.segmentations;
            to.kinds.extend_with_zeros(rows);
            to.starts.extend_with_zeros(rows);
            to.lengths.extend_with_zeros(rows);
            break;
        }
    }
    column.filled = rows;
}

std::vector<Column>& Table::columns() {
    for (Column& column : columns_) {
        fill(column, rows());
        if (column.segmentations.kinds.size()) {
            column.segmentations.heights.extend_with_zeros(rows());
            column.segmentations.widths.extend_with_zeros(rows());
        }
    }
    return columns_;
}

Texts& Table::extra() {
    extra_.starts.extend_with_zeros(rows());
    extra_.lengths.extend_with_zeros(rows());
    return extra_;
}

// Most objects have the shape of the one before.
uint32_t Table::shape_of() {
    if (!shapes_.empty() && shapes_[last_shape_] == shape_) return last_shape_;
    last_shape_ = number_of(shape_);
    return last_shape_;
}

uint32_t Table::number_of(const std::string& shape) {
    const auto [found, is_new] = shape_index_.try_emplace(shape, shapes_.size());
    if (is_new) shapes_.push_back(shape);
    return found->second;
}

// Reserve the memory that the whole text will need if it goes on as it began.
void Table::reserve(int64_t offset) {
    constexpr int64_t kEnough = 1 << 17;
    if (!text_size_ || offset - begin_ < kEnough) return;
    const double whole = static_cast<double>(text_size_) - static_cast<double>(begin_);
    const double more = 1.02 * whole / static_cast<double>(offset - begin_) - 1;
    text_size_ = 0;
    if (more <= 0) return;  // the text is longer than stated
    const auto reserve = [&](auto& buffer) {
        const double values = more * static_cast<double>(buffer.size());
        if (values < 1e15) buffer.grow(static_cast<size_t>(values));
    };
    try {
        for_each_column_buffer([&](auto& buffer, size_t) { reserve(buffer); });
        for_each_shared_buffer(reserve);
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const std::bad_alloc&) {
        // It may not be needed: the text need not go on as it began.
    }
}

// -- joining --------------------------------------------------------------------------------------

namespace {

template <class V>
void append_all(Buffer<V>& to, const Buffer<V>& from) {
    to.append(from.data(), from.size());
}

// Append values, moved by `shift` where is_moved(row).
template <class IsMoved>
void append_moved(Buffer<int64_t>& to, const Buffer<int64_t>& from, size_t shift,
                  IsMoved&& is_moved) {
    int64_t* const values = to.grow(from.size());
    for (size_t row = 0; row < from.size(); ++row)
        values[row] = from[row] + (is_moved(row) ? static_cast<int64_t>(shift) : 0);
    to.resize(to.size() + from.size());
}

void append_all(Texts& to, const Texts& from) {
    append_moved(to.starts, from.starts, to.bytes.size(),
                 [&](size_t row) { return from.lengths[row] != 0; });
    append_all(to.lengths, from.lengths);
    append_all(to.bytes, from.bytes);
}

void append_all(Segmentations& to, const Segmentations& from) {
    const size_t runs = to.runs.size(), rings = to.ring_ends.size();
    const size_t shifts[] = {0, to.characters.size(), runs, rings, to.characters.size()};
    int64_t* const starts = to.starts.grow(from.starts.size());
    for (size_t row = 0; row < from.starts.size(); ++row)
        starts[row] = from.starts[row] + static_cast<int64_t>(shifts[from.kinds[row]]);
    to.starts.resize(to.starts.size() + from.starts.size());
    append_moved(to.ring_ends, from.ring_ends, to.coordinates.size() / 2,
                 [](size_t) { return true; });
    if (from.heights.size()) {
        to.heights.extend_with_zeros(to.kinds.size());
        to.widths.extend_with_zeros(to.kinds.size());
        append_all(to.heights, from.heights);
        append_all(to.widths, from.widths);
    }
    append_all(to.kinds, from.kinds);
    append_all(to.lengths, from.lengths);
    append_all(to.characters, from.characters);
    append_all(to.runs, from.runs);
    append_all(to.coordinates, from.coordinates);
    append_all(to.is_integer, from.is_integer);
}

}  // namespace

const uint8_t* Table::guess_object(const uint8_t* from, const uint8_t* to) const {
    if (heads_.empty() || heads_[0].text.empty()) return nullptr;
    const std::string_view text(reinterpret_cast<const char*>(from), Span{from, to}.size());
    for (size_t at = 0; (at = text.find(heads_[0].text, at)) != text.npos; ++at) {
        const size_t before = text.substr(0, at).find_last_not_of(" \n\r\t");
        if (before != text.npos && text[before] == ',') return from + at;
    }
    return nullptr;
}

void Table::restart() {
    for_each_column_buffer([](auto& buffer, size_t) { buffer.clear(); });
    for_each_shared_buffer([](auto& buffer) { buffer.clear(); });
    for (Column& column : columns_) {
        column.filled = 0;
        if (column.rows) column.rows->restart();
    }
    state_ = kFirst;
    repeated_ = false;
    commit();
}

void Table::append(Table& other, int64_t offset) {
    const size_t before = rows();
    for (size_t i = 0; i < columns_.size(); ++i) {
        Column &to = columns_[i], &from = other.columns_[i];
        if (from.rows) to.rows->append(*from.rows, 0);
        if (!from.filled) continue;
        fill(to, before);
        append_all(to.integers, from.integers);
        append_all(to.numbers, from.numbers);
        append_all(to.texts, from.texts);
        append_all(to.segmentations, from.segmentations);
        to.filled = before + from.filled;
    }
    if (other.extra_.starts.size()) {
        extra_.starts.extend_with_zeros(before);
        extra_.lengths.extend_with_zeros(before);
        append_all(extra_, other.extra_);
    }
    append_all(positions_, other.positions_);
    append_moved(odd_rows_, other.odd_rows_, before, [](size_t) { return true; });
    append_all(odd_columns_, other.odd_columns_);
    append_all(odd_, other.odd_);
    // Shapes are numbered in the order in which rows have them.
    std::vector<uint32_t> numbers(other.shapes_.size(), std::numeric_limits<uint32_t>::max());
    for (size_t row = 0; row < other.rows(); ++row) {
        const uint32_t shape = other.shape_ids_[row];
        if (numbers[shape] == std::numeric_limits<uint32_t>::max())
            numbers[shape] = number_of(other.shapes_[shape]);
        shape_ids_.push_back(numbers[shape]);
    }
    if (other.state_ != kFirst) state_ = other.state_;
    repeated_ = other.repeated_;
    commit();
    reserve(offset);
}

// -- going back -----------------------------------------------------------------------------------

template <class Action>
void Table::for_each_column_buffer(Action&& action) {
    const auto texts = [&](Texts& each) {
        action(each.starts, size_t{1});
        action(each.lengths, size_t{1});
    };
    for (Column& column : columns_) {
        switch (column.kind) {
            case Kind::integer:
            case Kind::rows:
                action(column.integers, size_t{1});
                break;
            case Kind::number:
                action(column.numbers, size_t{1});
                break;
            case Kind::box:
                action(column.numbers, size_t{4});
                break;
            case Kind::text:
                texts(column.texts);
                break;
            case Kind::segmentation:
            case Kind::located: {
                Segmentations& each = column.segmentations;
                action(each.kinds, size_t{1});
                action(each.heights, size_t{1});
                action(each.widths, size_t{1});
                action(each.starts, size_t{1});
                action(each.lengths, size_t{1});
                break;
            }
        }
    }
    texts(extra_);
    action(positions_, size_t{1});
    action(shape_ids_, size_t{1});
}

template <class Action>
void Table::for_each_shared_buffer(Action&& action) {
    for (Column& column : columns_) {
        if (column.kind == Kind::text) action(column.texts.bytes);
        if (column.kind == Kind::segmentation || column.kind == Kind::located) {
            Segmentations& each = column.segmentations;
            action(each.characters);
            action(each.runs);
            action(each.ring_ends);
            action(each.coordinates);
            action(each.is_integer);
        }
    }
    action(extra_.bytes);
    action(odd_.bytes);
    action(odd_.starts);
    action(odd_.lengths);
    action(odd_rows_);
    action(odd_columns_);
}

void Table::commit() {
    committed_rows_ = rows();
    committed_shapes_ = shapes_.size();
    size_t i = 0;
    for_each_shared_buffer([&](auto& buffer) { committed_sizes_[i++] = buffer.size(); });
    for (Column& column : columns_)
        if (column.rows) column.rows->commit();
}

void Table::roll_back() {
    for (; shapes_.size() > committed_shapes_; shapes_.pop_back())
        shape_index_.erase(shapes_.back());
    if (last_shape_ >= shapes_.size()) last_shape_ = 0;
    for_each_column_buffer([&](auto& buffer, size_t width) {
        buffer.resize(std::min(buffer.size(), committed_rows_ * width));
    });
    for (Column& column : columns_) column.filled = std::min(column.filled, committed_rows_);
    size_t i = 0;
    for_each_shared_buffer([&](auto& buffer) { buffer.resize(committed_sizes_[i++]); });
    for (Column& column : columns_)
        if (column.rows) column.rows->roll_back();
}

}  // namespace segcore::json
