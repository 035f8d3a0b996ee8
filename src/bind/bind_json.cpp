// JsonReader and JsonTable: JSON text to columns, for segcore.data.
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <memory>

#include "../core/context.hpp"
#include "../json/shared_read.hpp"
#include "../json/writer.hpp"
#include "../simd/dispatch.hpp"
#include "arrays.hpp"
#include "gil.hpp"
#include "kernels_class.hpp"

namespace py = pybind11;

namespace segcore::bind {

namespace {

using json::Column;
using json::Kind;
using json::Table;

Kind kind_of(const std::string& name) {
    if (name == "integer") return Kind::integer;
    if (name == "number") return Kind::number;
    if (name == "text") return Kind::text;
    if (name == "box") return Kind::box;
    if (name == "segmentation") return Kind::segmentation;
    if (name == "located") return Kind::located;
    if (name == "rows") return Kind::rows;
    throw py::value_error("kind: unknown " + name);
}

// Claims an object for one method. Some methods release the GIL, so that another thread may call
// one in the meantime.
class Claim {
   public:
    explicit Claim(std::atomic<bool>& claimed) : claimed_(claimed) {
        if (claimed_.exchange(true))
            throw std::runtime_error("a JSON reader is used by two threads at the same time");
    }
    ~Claim() { claimed_ = false; }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    std::atomic<bool>& claimed_;
};

std::vector<Table::Field> fields_of(const py::list& fields, int depth = 0) {
    if (fields.size() > 64) throw py::value_error("fields: expected at most 64");
    if (depth > 8) throw py::value_error("fields: expected at most 8 nested tables");
    std::vector<Table::Field> found;
    for (const py::handle field : fields) {
        const auto [name, kind] = field.cast<std::pair<std::string, py::object>>();
        if (py::isinstance<py::list>(kind)) {
            found.push_back({name, Kind::rows, fields_of(kind, depth + 1)});
        } else {
            found.push_back({name, kind_of(kind.cast<std::string>()), {}});
        }
    }
    return found;
}

py::tuple texts_of(json::Texts& texts) {
    return py::make_tuple(to_array(std::move(texts.bytes)), to_array(std::move(texts.starts)),
                          to_array(std::move(texts.lengths)));
}

py::dict columns_of(Table& table);

py::object column_of(Column& column) {
    switch (column.kind) {
        case Kind::integer:
            return to_array(std::move(column.integers));
        case Kind::number:
            return to_array(std::move(column.numbers));
        case Kind::box: {
            const py::array flat = to_array(std::move(column.numbers));
            return flat.attr("reshape")(-1, 4);
        }
        case Kind::text:
            return texts_of(column.texts);
        case Kind::segmentation: {
            json::Segmentations& s = column.segmentations;
            return py::make_tuple(to_array(std::move(s.kinds)), to_array(std::move(s.heights)),
                                  to_array(std::move(s.widths)), to_array(std::move(s.starts)),
                                  to_array(std::move(s.lengths)), to_array(std::move(s.characters)),
                                  to_array(std::move(s.runs)), to_array(std::move(s.ring_ends)),
                                  to_array(std::move(s.coordinates)),
                                  to_array(std::move(s.is_integer)));
        }
        case Kind::located: {
            json::Segmentations& s = column.segmentations;
            return py::make_tuple(to_array(std::move(s.kinds)), to_array(std::move(s.heights)),
                                  to_array(std::move(s.widths)), to_array(std::move(s.starts)),
                                  to_array(std::move(s.lengths)));
        }
        case Kind::rows:
            return py::make_tuple(to_array(std::move(column.integers)), columns_of(*column.rows));
    }
    return py::none();
}

py::dict columns_of(Table& table) {
    py::dict columns, result;
    for (Column& column : table.columns()) columns[py::str(column.name)] = column_of(column);
    py::list shapes;
    for (const std::string& shape : table.shapes()) shapes.append(py::bytes(shape));
    result["columns"] = columns;
    result["extra"] = texts_of(table.extra());
    result["shapes"] = shapes;
    result["shape_ids"] = to_array(std::move(table.shape_ids()));
    result["positions"] = to_array(std::move(table.positions()));
    result["odd_rows"] = to_array(std::move(table.odd_rows()));
    result["odd_columns"] = to_array(std::move(table.odd_columns()));
    result["odd"] = texts_of(table.odd());
    return result;
}

// A table that is read, until its columns are taken.
class JsonTable {
   public:
    JsonTable(const py::list& fields, size_t text_size) : JsonTable(fields_of(fields), text_size) {}

    size_t size() {
        const Claim claim(claimed_);
        return table_.rows();
    }

    void read_one(const py::bytes& text, int64_t offset) {
        const Claim claim(claimed_);
        const std::string_view view = text;
        const auto* begin = reinterpret_cast<const uint8_t*>(view.data());
        json::Cursor cursor{begin, begin + view.size(), true};
        try {
            table().read_one(cursor, offset);
        } catch (const json::Malformed& error) {
            throw py::value_error(std::string("expected ") + error.expected);
        }
    }

    py::dict columns() {
        const Claim claim(claimed_);
        Table& taken = table();
        taken_ = true;
        return columns_of(taken);
    }

    // To be called by who holds a claim.
    Table& table() {
        if (taken_) throw std::runtime_error("the columns of this table were taken before");
        return table_;
    }
    // As Table::read(), with several threads.
    bool read(json::Cursor& cursor, int64_t offset, int threads) {
        const Context context{*simd::variants().front(), threads};
        return shared_.read(table_, cursor, offset, context);
    }
    std::atomic<bool>& claimed() { return claimed_; }

   private:
    JsonTable(const std::vector<Table::Field>& fields, size_t text_size)
        : table_(fields, text_size), shared_(fields) {}

    Table table_;
    json::SharedRead shared_;
    std::atomic<bool> claimed_{false};
    bool taken_ = false;
};

py::bytes bytes_of(json::Span text) {
    return {reinterpret_cast<const char*>(text.begin), text.size()};
}

// A window on the text, which Python fills. Every method that takes something returns None where
// the window ends within it: Python then feeds more and calls it again.
class JsonReader {
   public:
    void feed(const py::bytes& more) {
        const Claim claim(claimed_);
        const std::string_view text = more;
        drop_what_was_taken();
        window_.append(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    }

    // Have readinto(memory) read up to `count` bytes into the window; nothing: the text has ended.
    size_t fill(const py::object& readinto, size_t count) {
        const Claim claim(claimed_);
        drop_what_was_taken();
        uint8_t* const room = window_.grow(count);
        const auto view = py::memoryview::from_memory(room, static_cast<py::ssize_t>(count));
        const py::object read = readinto(view);
        view.attr("release")();
        const auto got = read.is_none() ? 0 : read.cast<size_t>();
        if (got > count) throw py::value_error("readinto: returned more than it was asked for");
        window_.resize(window_.size() + got);
        last_ = got == 0;
        is_new_ = true;
        return got;
    }

    // The text that follows, at most this many bytes of it; None if there is less and more may
    // come.
    py::object ahead(size_t count) {
        const Claim claim(claimed_);
        const size_t left = window_.size() - at_;
        if (left < count && !last_) return py::none();
        const uint8_t* begin = window_.data() + at_;
        return bytes_of({begin, begin + std::min(left, count)});
    }

    int64_t offset() const { return base_ + static_cast<int64_t>(at_); }
    int64_t error_offset() const { return error_; }

    // "{" or "[", which is taken.
    py::object enter() {
        const Claim claim(claimed_);
        return take([](json::Cursor& cursor) -> py::object {
            const uint8_t first = json::peek(cursor);
            if (first != '{' && first != '[')
                throw json::Malformed{"an object or an array", cursor.at};
            if (first == '{') ++cursor.at;
            return py::str(std::string(1, static_cast<char>(first)));
        });
    }

    // The next name in the object that enter() took, or False at its end, which is taken.
    py::object name() {
        const Claim claim(claimed_);
        bool first = first_;
        const py::object found = take([&](json::Cursor& cursor) -> py::object {
            if (json::accept(cursor, '}')) return py::bool_(false);
            if (!first) json::expect(cursor, ',', "',' or '}'");
            const json::Span text = json::take_string(cursor).raw;
            json::expect(cursor, ':', "':'");
            return bytes_of({text.begin - 1, text.end + 1});
        });
        if (!found.is_none()) first_ = false;
        return found;
    }

    py::object value() {
        const Claim claim(claimed_);
        return take(
            [](json::Cursor& cursor) -> py::object { return bytes_of(json::take_value(cursor)); });
    }

    // True: nothing but white space follows.
    py::object end() {
        const Claim claim(claimed_);
        return take([](json::Cursor& cursor) -> py::object {
            while (cursor.at != cursor.end) {
                if (!std::strchr(" \n\r\t", *cursor.at) || !*cursor.at)
                    throw json::Malformed{"the end of the file", cursor.at};
                ++cursor.at;
            }
            if (!cursor.last) throw json::Incomplete{};
            return py::bool_(true);
        });
    }

    // True: the whole array was read. An object with a repeated name is returned as text.
    py::object rows(JsonTable& target, int threads) {
        const Claim claim(claimed_), target_claim(target.claimed());
        Table& table = target.table();
        bool is_whole = false;
        take([&](json::Cursor& cursor) -> py::object {
            const GilRelease release;
            // What is left of a window after such an object is not divided again.
            is_whole = std::exchange(is_new_, false) ? target.read(cursor, offset(), threads)
                                                     : table.read(cursor, offset());
            return {};
        });
        if (is_whole) return py::bool_(true);
        if (!table.has_repeated_name()) return py::none();
        return take([&](json::Cursor& cursor) -> py::object {
            return bytes_of(table.take_repeated(cursor));
        });
    }

   private:
    void drop_what_was_taken() {
        base_ += static_cast<int64_t>(at_);
        const size_t left = window_.size() - at_;
        if (left) std::memmove(window_.data(), window_.data() + at_, left);
        at_ = 0;
        window_.resize(left);
    }

    // Call body(cursor); leave the window as it is if the text ends within what it takes.
    template <class Body>
    py::object take(Body&& body) {
        json::Cursor cursor{window_.data() + at_, window_.data() + window_.size(), last_};
        try {
            py::object found = body(cursor);
            at_ = static_cast<size_t>(cursor.at - window_.data());
            return found;
        } catch (const json::Incomplete&) {
            return py::none();
        } catch (const json::Malformed& error) {
            error_ = base_ + (error.at - window_.data());
            throw py::value_error(std::string("expected ") + error.expected);
        }
    }

    Buffer<uint8_t> window_;
    size_t at_ = 0;
    int64_t base_ = 0;
    int64_t error_ = 0;
    bool last_ = false, first_ = true;
    bool is_new_ = false;  // the window was filled since objects were read
    std::atomic<bool> claimed_{false};
};

// -- located segmentations ------------------------------------------------------------------------

constexpr int64_t kGap = 1 << 12;  // bytes between two values that are rather read than left out
constexpr int64_t kMost = 1 << 24;  // bytes that are read at a time, unless a value is longer

void check_rows(const py::array& array, py::ssize_t rows, const char* name);

// The columns of a located segmentation, and the rows that have text, in the order of the file.
struct Located {
    const uint8_t* kinds;
    const int64_t *heights, *widths, *offsets, *sizes;
    std::vector<size_t> rows;

    int64_t begin(size_t i) const { return offsets[rows[i]]; }
    int64_t end(size_t i) const { return begin(i) + sizes[rows[i]]; }
};

Located located_of(const py::array& kinds, const py::array& heights, const py::array& widths,
                   const py::array& offsets, const py::array& sizes) {
    for (const py::array* each : {&heights, &widths, &offsets, &sizes})
        check_rows(*each, kinds.size(), "located");
    Located found{values_of<uint8_t>(kinds, "kinds"),   values_of<int64_t>(heights, "heights"),
                  values_of<int64_t>(widths, "widths"), values_of<int64_t>(offsets, "offsets"),
                  values_of<int64_t>(sizes, "sizes"),   {}};
    const int64_t most = std::numeric_limits<int64_t>::max();
    for (size_t row = 0; row < static_cast<size_t>(kinds.size()); ++row) {
        const int64_t offset = found.offsets[row], size = found.sizes[row];
        if (offset < 0 || size < 0 || offset > most - size)
            throw py::value_error("offsets: expected parts of a file");
        if (size) found.rows.push_back(row);
    }
    const auto before = [&](size_t a, size_t b) { return found.offsets[a] < found.offsets[b]; };
    if (!std::is_sorted(found.rows.begin(), found.rows.end(), before))
        std::sort(found.rows.begin(), found.rows.end(), before);
    return found;
}

// Read values that are near each other, the first of which is the i-th one; return the next one.
size_t read_near(const py::object& read, const Located& located, size_t i, Table& table) {
    const int64_t begin = located.begin(i);
    int64_t end = located.end(i);
    size_t next = i + 1;
    for (; next < located.rows.size(); ++next) {
        if (located.begin(next) - end > kGap || located.end(next) - begin > kMost) break;
        end = std::max(end, located.end(next));
    }
    const py::bytes bytes = read(end - begin, begin);
    const std::string_view text = bytes;
    bool good = static_cast<int64_t>(text.size()) == end - begin;
    const GilRelease release;
    for (; good && i < next; ++i) {
        const auto* const from =
            reinterpret_cast<const uint8_t*>(text.data()) + (located.begin(i) - begin);
        json::Cursor cursor{from, from + located.sizes[located.rows[i]], true};
        table.read_value(cursor);
        good = cursor.at == cursor.end;
    }
    if (!good) throw json::Malformed{"the same text", nullptr};
    return next;
}

// Read segmentations of a file again. `read(size, offset)` returns bytes of the file. Throws a
// ValueError if something else is there now.
py::tuple read_segmentations(const py::object& read, const py::array& kinds,
                             const py::array& heights, const py::array& widths,
                             const py::array& offsets, const py::array& sizes) {
    const Located located = located_of(kinds, heights, widths, offsets, sizes);
    Table table({{"segmentation", Kind::segmentation, {}}});
    try {
        for (size_t i = 0; i < located.rows.size();) i = read_near(read, located, i, table);
    } catch (const json::Malformed& error) {
        throw py::value_error(std::string("expected ") + error.expected);
    }
    json::Segmentations& found = table.columns()[0].segmentations;
    Buffer<int64_t> starts, lengths;
    starts.assign(static_cast<size_t>(kinds.size()), 0);
    lengths.assign(static_cast<size_t>(kinds.size()), 0);
    for (size_t i = 0; i < located.rows.size(); ++i) {
        const size_t row = located.rows[i];
        starts[row] = found.starts[i];
        lengths[row] = found.lengths[i];
        if (found.kinds[i] != located.kinds[row] || found.heights[i] != located.heights[row] ||
            found.widths[i] != located.widths[row])
            throw py::value_error("expected the same segmentation");
    }
    return py::make_tuple(to_array(std::move(starts)), to_array(std::move(lengths)),
                          to_array(std::move(found.characters)), to_array(std::move(found.runs)),
                          to_array(std::move(found.ring_ends)),
                          to_array(std::move(found.coordinates)),
                          to_array(std::move(found.is_integer)));
}

// -- writing --------------------------------------------------------------------------------------

// Views of arrays that Python holds. Whatever a row points to is checked before it is read.

// The arrays that are read, which live as long as this does, whatever becomes of the tuples and
// lists that hold them.
class Arrays {
   public:
    // Only arrays are taken: one that is made of something else would end with this function.
    const py::array& add(const py::handle& value, const char* name) {
        if (!py::isinstance<py::array>(value)) refuse(name, "an array");
        arrays_.push_back(py::reinterpret_borrow<py::array>(value));
        return arrays_.back();
    }

   private:
    std::deque<py::array> arrays_;
};

py::tuple tuple_of(const py::handle& value, size_t size, const char* name) {
    if (!py::isinstance<py::tuple>(value) || py::len(value) != size)
        refuse(name, "a tuple of " + std::to_string(size));
    return py::reinterpret_borrow<py::tuple>(value);
}

void check_parts(const py::array& starts, const py::array& lengths, int64_t size,
                 const char* name) {
    const auto* start = values_of<int64_t>(starts, name);
    const auto* length = values_of<int64_t>(lengths, name);
    bool good = starts.size() == lengths.size();
    for (py::ssize_t i = 0; good && i < starts.size(); ++i) {
        good = start[i] >= 0 && length[i] >= 0 && start[i] <= size && length[i] <= size - start[i];
    }
    if (!good) throw py::value_error(std::string(name) + ": expected parts of the text");
}

void check_rows(const py::array& array, py::ssize_t rows, const char* name) {
    if (array.size() != rows)
        throw py::value_error(std::string(name) + ": expected as many values as rows");
}

json::TextsView texts_view(const py::handle& value, py::ssize_t rows, const char* name,
                           Arrays& arrays) {
    const py::tuple texts = tuple_of(value, 3, name);
    const py::array& bytes = arrays.add(texts[0], name);
    const py::array& starts = arrays.add(texts[1], name);
    const py::array& lengths = arrays.add(texts[2], name);
    check_rows(starts, rows, name);
    check_parts(starts, lengths, bytes.size(), name);
    return {values_of<uint8_t>(bytes, name), values_of<int64_t>(starts, name),
            values_of<int64_t>(lengths, name)};
}

json::SegmentationsView segmentations_view(const py::handle& value, py::ssize_t rows,
                                           Arrays& arrays) {
    constexpr const char* kName = "segmentation";
    const py::tuple parts = tuple_of(value, 10, kName);
    const py::array* held[10];
    for (size_t i = 0; i < 10; ++i) held[i] = &arrays.add(parts[i], kName);
    const auto array = [&](size_t i) -> const py::array& { return *held[i]; };
    for (size_t i = 0; i < 5; ++i) check_rows(array(i), rows, kName);
    const json::SegmentationsView view{
        values_of<uint8_t>(array(0), kName), values_of<int64_t>(array(1), kName),
        values_of<int64_t>(array(2), kName), values_of<int64_t>(array(3), kName),
        values_of<int64_t>(array(4), kName), values_of<uint8_t>(array(5), kName),
        values_of<int64_t>(array(6), kName), values_of<int64_t>(array(7), kName),
        values_of<double>(array(8), kName),  values_of<uint8_t>(array(9), kName)};
    const int64_t characters = array(5).size(), runs = array(6).size(), rings = array(7).size();
    bool good = array(8).size() == array(9).size();
    int64_t before = 0;
    for (int64_t i = 0; good && i < rings; ++i) {
        good = view.ring_ends[i] >= before && view.ring_ends[i] <= array(8).size() / 2;
        before = view.ring_ends[i];
    }
    const int64_t sizes[] = {0, characters, runs, rings, characters};
    for (py::ssize_t i = 0; good && i < rows; ++i) {
        const int64_t start = view.starts[i], length = view.lengths[i];
        good = view.kinds[i] <= 4;
        if (!good || view.kinds[i] == 0) continue;
        const int64_t size = sizes[view.kinds[i]];
        good = start >= 0 && length >= 0 && start <= size && length <= size - start;
    }
    if (!good) throw py::value_error("segmentation: expected parts of the buffers");
    return view;
}

json::TableView table_view(const py::handle& value, Arrays& arrays);

json::ColumnView column_view(const py::handle& value, py::ssize_t rows, Arrays& arrays) {
    const py::tuple field = tuple_of(value, 3, "fields");
    const auto name = field[0].cast<std::string>();
    const auto kind = kind_of(field[1].cast<std::string>());
    if (kind == Kind::located) throw py::value_error(name + ": expected what is to be written");
    json::ColumnView view{name, kind, nullptr, nullptr, {}, {}, nullptr};
    if (kind == Kind::rows) {
        const py::tuple nested = tuple_of(field[2], 2, name.c_str());
        const py::array& offsets = arrays.add(nested[0], name.c_str());
        const py::tuple parts = tuple_of(nested[1], 7, name.c_str());
        view.rows = std::make_shared<json::TableView>(table_view(parts, arrays));
        const py::array& shape_ids = arrays.add(parts[2], name.c_str());
        view.integers = values_of<int64_t>(offsets, name.c_str());
        if (count_of(view.integers, offsets.size(), shape_ids.size(), name.c_str()) != rows)
            throw py::value_error(name + ": expected one offset per row, and the total");
        return view;
    }
    if (kind == Kind::text) {
        view.texts = texts_view(field[2], rows, name.c_str(), arrays);
    } else if (kind == Kind::segmentation) {
        view.segmentations = segmentations_view(field[2], rows, arrays);
    } else {
        const py::array& array = arrays.add(field[2], name.c_str());
        check_rows(array, kind == Kind::box ? 4 * rows : rows, name.c_str());
        if (kind == Kind::integer) {
            view.integers = values_of<int64_t>(array, name.c_str());
        } else {
            view.numbers = values_of<double>(array, name.c_str());
        }
    }
    return view;
}

void check_shapes(const json::TableView& table, py::ssize_t rows) {
    bool good = true;
    for (const std::string& shape : table.shapes) {
        good &= shape.size() % 2 == 0;
        for (size_t i = 0; good && i < shape.size(); i += 2) {
            const auto index = static_cast<uint8_t>(shape[i]);
            good &= index == json::kUnknown || index < table.columns.size();
        }
    }
    for (py::ssize_t i = 0; good && i < rows; ++i) good = table.shape_ids[i] < table.shapes.size();
    if (!good) throw py::value_error("shapes: expected columns of the table");
}

// fields, shapes, shape_ids, extra, odd_rows, odd_columns, odd
json::TableView table_view(const py::handle& value, Arrays& arrays) {
    const py::tuple parts = tuple_of(value, 7, "table");
    const py::list fields = parts[0], shapes = parts[1];
    const py::array& shape_ids = arrays.add(parts[2], "shape_ids");
    const py::array& odd_rows = arrays.add(parts[4], "odd_rows");
    const py::array& odd_columns = arrays.add(parts[5], "odd_columns");
    const py::ssize_t rows = shape_ids.size();
    json::TableView table{};
    for (const py::handle field : fields) table.columns.push_back(column_view(field, rows, arrays));
    for (const py::handle shape : shapes) table.shapes.push_back(shape.cast<std::string>());
    table.shape_ids = values_of<uint32_t>(shape_ids, "shape_ids");
    check_shapes(table, rows);
    table.extra = texts_view(parts[3], rows, "extra", arrays);
    table.odd_rows = values_of<int64_t>(odd_rows, "odd_rows");
    table.odd_columns = values_of<int64_t>(odd_columns, "odd_columns");
    table.odd_count = static_cast<size_t>(odd_rows.size());
    check_rows(odd_columns, odd_rows.size(), "odd_columns");
    table.odd = texts_view(parts[6], odd_rows.size(), "odd", arrays);
    return table;
}

py::bytes write_rows(const py::args& parts) {
    Arrays arrays;
    const json::TableView table = table_view(parts, arrays);
    const py::array shape_ids = parts[2];
    Buffer<uint8_t> text;
    try {
        const GilRelease release;
        json::write_rows(table, 0, shape_ids.size(), text);
    } catch (const json::Malformed& error) {
        throw py::value_error(std::string("extra: expected ") + error.expected);
    }
    return {reinterpret_cast<const char*>(text.data()), text.size()};
}

}  // namespace

void register_json(py::module_& m) {
    py::class_<JsonTable>(m, "JsonTable")
        .def(py::init<const py::list&, size_t>(), py::arg("fields"), py::arg("text_size") = 0)
        .def("__len__", &JsonTable::size)
        .def("read_one", &JsonTable::read_one, py::arg("text"), py::arg("offset"))
        .def("columns", &JsonTable::columns);
    py::class_<JsonReader>(m, "JsonReader")
        .def(py::init<>())
        .def("feed", &JsonReader::feed, py::arg("data"))
        .def("fill", &JsonReader::fill, py::arg("readinto"), py::arg("count"))
        .def_property_readonly("offset", &JsonReader::offset)
        .def_property_readonly("error_offset", &JsonReader::error_offset)
        .def("ahead", &JsonReader::ahead, py::arg("count"))
        .def("enter", &JsonReader::enter)
        .def("name", &JsonReader::name)
        .def("value", &JsonReader::value)
        .def("end", &JsonReader::end)
        .def("rows", &JsonReader::rows, py::arg("table"), py::arg("threads") = 1);
    m.def("read_segmentations", &read_segmentations, py::arg("read"), py::arg("kinds"),
          py::arg("heights"), py::arg("widths"), py::arg("offsets"), py::arg("sizes"));
    m.def("write_json_rows", &write_rows);
}

}  // namespace segcore::bind
