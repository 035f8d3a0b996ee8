// Lines of numbers and rings joined to one, for segcore.data.formats: see src/json.
#include <algorithm>
#include <vector>

#include "../json/lines.hpp"
#include "../json/rings.hpp"
#include "../simd/dispatch.hpp"
#include "arrays.hpp"
#include "kernels_class.hpp"

namespace py = pybind11;

namespace segcore::bind {

namespace {

// Call body(context) without the GIL; it may be interrupted.
template <class Body>
void without_gil(Body&& body) {
    Kernels(simd::variants().front()->name).without_gil(body);
}

py::object read_lines(const py::list& texts) {
    std::vector<py::bytes> held;  // another thread may change the list
    for (const py::handle text : texts) held.push_back(text.cast<py::bytes>());
    std::vector<json::Span> spans;
    for (const py::bytes& text : held) {
        const std::string_view view = text;
        const auto* begin = reinterpret_cast<const uint8_t*>(view.data());
        spans.push_back({begin, begin + view.size()});
    }
    json::Lines lines;
    Buffer<int64_t> counts;
    bool good = true;
    without_gil([&](const Context& context) {
        for (size_t i = 0; good && i < spans.size(); ++i) {
            context.poll();
            const size_t before = lines.lengths.size();
            good = json::read_lines(spans[i], lines);
            counts.push_back(static_cast<int64_t>(lines.lengths.size() - before));
        }
    });
    if (!good) return py::none();
    return py::make_tuple(to_array(std::move(lines.values)), to_array(std::move(lines.lengths)),
                          to_array(std::move(counts)));
}

// Whether each part lies among this many values, and has pairs of them.
bool are_pairs(const int64_t* starts, const int64_t* lengths, int64_t count, int64_t size) {
    for (int64_t i = 0; i < count; ++i) {
        const bool is_inside = starts[i] >= 0 && lengths[i] >= 0 && starts[i] <= size &&
                               lengths[i] <= size - starts[i];
        if (!is_inside || lengths[i] % 2) return false;
    }
    return true;
}

py::tuple write_lines(const py::array& classes, const py::array& coordinates,
                      const py::array& starts, const py::array& lengths, int64_t height,
                      int64_t width, int decimals, int kept) {
    const int64_t count = classes.size();
    const json::Rings rings{values_of<int64_t>(classes, "classes"),
                            values_of<double>(coordinates, "coordinates"),
                            values_of<int64_t>(starts, "starts"),
                            values_of<int64_t>(lengths, "lengths"),
                            static_cast<double>(width),
                            static_cast<double>(height)};
    if (starts.size() != count || lengths.size() != count ||
        !are_pairs(rings.starts, rings.lengths, count, coordinates.size()))
        throw py::value_error("starts and lengths: expected a part of the coordinates per class");
    if (height < 1 || width < 1 || decimals < 1 || decimals > 18 || kept < 0 || kept > 18)
        throw py::value_error("expected positive sides, and at most 18 decimals");
    Buffer<uint8_t> text;
    Buffer<int64_t> ends;
    py::array_t<bool> is_exact(count);
    bool* const exact = is_exact.mutable_data();
    without_gil([&](const Context& context) {
        for (int64_t i = 0; i < count; ++i) {
            context.poll();
            exact[i] = json::write_line(rings, i, decimals, kept, text);
            ends.push_back(static_cast<int64_t>(text.size()));
        }
    });
    const py::bytes bytes(reinterpret_cast<const char*>(text.data()), text.size());
    return py::make_tuple(bytes, to_array(std::move(ends)), is_exact);
}

// Whether each object has rings among these offsets, and their points are among the coordinates.
bool have_rings(const int64_t* offsets, int64_t rings, int64_t points, const int64_t* firsts,
                const int64_t* counts, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const bool is_inside = firsts[i] >= 0 && counts[i] >= 0 && firsts[i] <= rings &&
                               counts[i] <= rings - firsts[i];
        if (!is_inside) return false;
        const int64_t* const begin = offsets + firsts[i];
        const int64_t* const end = begin + counts[i] + 1;
        if (begin[0] < 0 || end[-1] > points || !std::is_sorted(begin, end)) return false;
    }
    return true;
}

py::tuple join_rings(const py::array& coordinates, const py::array& ring_offsets,
                     const py::array& first_rings, const py::array& ring_counts, int64_t compared) {
    const auto* points = values_of<double>(coordinates, "coordinates");
    const auto* offsets = values_of<int64_t>(ring_offsets, "ring_offsets");
    const auto* firsts = values_of<int64_t>(first_rings, "first_rings");
    const auto* counts = values_of<int64_t>(ring_counts, "ring_counts");
    const int64_t count = first_rings.size();
    if (ring_offsets.size() < 1 || ring_counts.size() != count || compared < 1 ||
        !have_rings(offsets, ring_offsets.size() - 1, coordinates.size() / 2, firsts, counts,
                    count))
        throw py::value_error("first_rings and ring_counts: expected rings of the coordinates");
    Buffer<double> joined;
    Buffer<int64_t> lengths;
    py::array_t<bool> are_apart(count);
    bool* const apart = are_apart.mutable_data();
    without_gil([&](const Context& context) {
        for (int64_t i = 0; i < count; ++i) {
            const size_t before = joined.size();
            const json::RingsView rings{points, offsets + firsts[i], counts[i]};
            json::join_rings(context, rings, compared, joined);
            lengths.push_back(static_cast<int64_t>(joined.size() - before));
            apart[i] = json::are_apart(rings);
        }
    });
    return py::make_tuple(to_array(std::move(joined)), to_array(std::move(lengths)), are_apart);
}

}  // namespace

void register_lines(py::module_& m) {
    m.def("read_number_lines", &read_lines, py::arg("texts"));
    m.def("write_ring_lines", &write_lines, py::arg("classes"), py::arg("coordinates"),
          py::arg("starts"), py::arg("lengths"), py::arg("height"), py::arg("width"),
          py::arg("decimals"), py::arg("kept"));
    m.def("join_rings", &join_rings, py::arg("coordinates"), py::arg("ring_offsets"),
          py::arg("first_rings"), py::arg("ring_counts"), py::arg("compared"));
}

}  // namespace segcore::bind
