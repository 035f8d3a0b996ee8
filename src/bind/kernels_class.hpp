// segcore._native.Kernels: the kernels of one instruction set.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "../core/context.hpp"
#include "gil.hpp"
#include "signals.hpp"

namespace segcore::bind {

int num_threads();
void set_num_threads(int threads);

class Kernels {
   public:
    explicit Kernels(const std::string& variant);

    std::string name() const { return std::string("native:") + table_->name; }
    const simd::Table& simd() const { return *table_; }

    // Call body(context) without the GIL; the kernel may be interrupted.
    template <class Body>
    auto without_gil(Body&& body) const {
        Signals signals;
        const Context context{*table_, num_threads(), signals.for_this_thread()};
        try {
            const GilRelease release;
            return body(context);
        } catch (...) {
            if (PyErr_Occurred()) throw pybind11::error_already_set();
            throw;
        }
    }

   private:
    const simd::Table* table_;
};

using KernelsClass = pybind11::class_<Kernels>;

void register_dense(KernelsClass&);        // encode, encode_bits, encode_changes, decode
void register_coco_string(KernelsClass&);  // string_decode, string_encode, counts_...
void register_measure(KernelsClass&);      // area, boxes, moments
void register_merge(KernelsClass&);        // combine, reduce, resolve
void register_components(KernelsClass&);   // components
void register_dilate(KernelsClass&);       // dilate
void register_place(KernelsClass&);        // place
void register_reverse(KernelsClass&);      // reverse
void register_transpose(KernelsClass&);    // transpose
void register_resize(KernelsClass&);       // resize, cover
void register_warp(KernelsClass&);         // warp
void register_outline(KernelsClass&);      // outline
void register_overlap(KernelsClass&);      // overlap
void register_overlap_table(KernelsClass&);  // overlap_table
void register_rasterize(KernelsClass&);    // rasterize_polygons, rasterize_boxes
void register_resample(KernelsClass&);     // resample
void register_argmax_resample(KernelsClass&);  // argmax_resample
void register_labels(KernelsClass&);       // paint, label_runs
void register_match(KernelsClass&);        // match, precision_recall
void register_shortcuts(KernelsClass&);    // what the pycocotools drop-in calls
void register_json(pybind11::module_&);    // JsonReader, JsonTable
void register_argsort(pybind11::module_&);  // argsort
void register_gather(pybind11::module_&);  // gather
void register_lines(pybind11::module_&);   // lines of numbers

}  // namespace segcore::bind
