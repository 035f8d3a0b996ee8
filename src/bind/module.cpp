// segcore._native: the table of contents.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <atomic>
#include <thread>
#include <vector>

#include "../simd/dispatch.hpp"
#include "kernels_class.hpp"
#include "seal.hpp"

namespace py = pybind11;

namespace segcore::bind {

namespace {

int default_threads() {
    const unsigned cores = std::thread::hardware_concurrency();
    return cores ? static_cast<int>(cores) : 1;
}

std::atomic<int> threads{default_threads()};

std::vector<std::string> variants() {
    std::vector<std::string> names;
    for (const simd::Table* table : simd::variants()) names.emplace_back(table->name);
    return names;
}

const char* compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#elif defined(_MSC_VER)
    return "MSVC";
#else
    return "unknown";
#endif
}

}  // namespace

int num_threads() { return threads.load(std::memory_order_relaxed); }

void set_num_threads(int count) {
    if (count < 1) throw py::value_error("expected at least one thread");
    threads.store(count, std::memory_order_relaxed);
}

Kernels::Kernels(const std::string& variant) : table_(simd::find(variant.c_str())) {
    if (table_) return;
    std::string message = "no variant \"" + variant + "\" on this processor; available:";
    for (const std::string& name : variants()) message += " " + name;
    throw py::value_error(message);
}

PYBIND11_MODULE(_native, m, py::mod_gil_not_used()) {
    find_main_thread();
    // pybind11 releases the GIL when it loads NumPy's functions, and a thread must not do that
    // while Python exits (gil.hpp).
    py::detail::npy_api::get();
    m.doc() = "segcore's native kernels; see segcore.backends.protocol for what they mean.";
    m.attr("version") = SEGCORE_VERSION;
    m.attr("compiler") = compiler();
#ifdef NDEBUG
    m.attr("assertions") = false;
#else
    m.attr("assertions") = true;
#endif
    m.def(
        "variants", [] { return py::tuple(py::cast(variants())); },
        "The instruction sets of this processor, the best first.");
    m.def("get_num_threads", num_threads, "How many threads a kernel may use.");
    m.def("set_num_threads", set_num_threads, py::arg("count"),
          "Set how many threads a kernel may use.");
    register_seal(m);
    register_json(m);
    register_argsort(m);
    register_gather(m);
    register_lines(m);

    KernelsClass kernels(m, "Kernels", "The kernels of one instruction set.");
    kernels.def(py::init<const std::string&>(), py::arg("variant"))
        .def_property_readonly("name", &Kernels::name);
    register_dense(kernels);
    register_coco_string(kernels);
    register_measure(kernels);
    register_merge(kernels);
    register_components(kernels);
    register_dilate(kernels);
    register_place(kernels);
    register_reverse(kernels);
    register_transpose(kernels);
    register_resize(kernels);
    register_warp(kernels);
    register_outline(kernels);
    register_overlap(kernels);
    register_overlap_table(kernels);
    register_rasterize(kernels);
    register_resample(kernels);
    register_argmax_resample(kernels);
    register_labels(kernels);
    register_match(kernels);
    register_shortcuts(kernels);
}

}  // namespace segcore::bind
