// Labels of any values, however far apart, to the numbers 0, 1, 2, ...
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "bits.hpp"
#include "types.hpp"

namespace segcore {

// Every bit of the key decides on every bit of the result, so that keys that differ in a few bits
// (powers of two, colours) still spread over a table. (The finalizer of MurmurHash3, public
// domain.)
inline uint64_t mix(uint64_t key) noexcept {
    key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdu;
    key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53u;
    return key ^ (key >> 33);
}

// Numbers labels in the order in which they come.
class Numbering {
   public:
    // `width` is that of the labels, in bytes.
    explicit Numbering(int width) : small_(width == 1 ? 256 : 4096) {
        direct_.assign(small_, kNone);
    }

    uint32_t number(uint64_t label) {
        if (label < small_) {
            uint32_t& number = direct_[label];
            if (number == kNone) number = add(label);
            return number;
        }
        return hashed(label);
    }
    // The same for the labels at n places, one at least, in less time.
    template <class Label>
    void number(const uint8_t* labels, const uint32_t* places, size_t n, uint32_t* numbers) {
        const uint32_t* const direct = direct_.data();
        const uint64_t small = small_;
        uint64_t before = load<Label>(labels, places[0]);
        uint32_t before_number = number(before);
        for (size_t i = 0; i < n; ++i) {
            const uint64_t label = load<Label>(labels, places[i]);
            if (label < small && direct[label] != kNone) {
                numbers[i] = direct[label];
                continue;
            }
            if (label != before) {
                before = label;
                before_number = number(label);
            }
            numbers[i] = before_number;
        }
    }
    const Buffer<uint64_t>& labels() const { return labels_; }
    // The same in the other byte order, where they are `swapped`.
    Buffer<uint64_t> native_labels(int width, bool swapped) const {
        Buffer<uint64_t> labels;
        labels.append(labels_.data(), labels_.size());
        for (size_t i = 0; swapped && i < labels.size(); ++i) {
            labels[i] = swap_bytes(labels[i], width);
        }
        return labels;
    }

   private:
    static constexpr uint32_t kNone = ~uint32_t{0};

    template <class Label>
    static uint64_t load(const uint8_t* labels, size_t i) {
        Label label;
        std::memcpy(&label, labels + i * sizeof(Label), sizeof(Label));
        return label;
    }

    uint32_t add(uint64_t label) {
        if (labels_.size() >= kNone) throw std::bad_alloc();
        labels_.push_back(label);
        return static_cast<uint32_t>(labels_.size() - 1);
    }

    size_t slot(uint64_t label) const {
        size_t at = static_cast<size_t>(mix(label)) & (table_.size() - 1);
        while (table_[at] != kNone && labels_[table_[at]] != label)
            at = (at + 1) & (table_.size() - 1);
        return at;
    }

    uint32_t hashed(uint64_t label) {
        if (4 * (used_ + 1) > table_.size()) grow();
        const size_t at = slot(label);
        if (table_[at] == kNone) {
            table_[at] = add(label);
            ++used_;
        }
        return table_[at];
    }

    void grow() {
        table_.assign(table_.size() ? 2 * table_.size() : 1024, kNone);
        for (size_t i = 0; i < labels_.size(); ++i) {
            if (labels_[i] >= small_) table_[slot(labels_[i])] = static_cast<uint32_t>(i);
        }
    }

    uint64_t small_;
    Buffer<uint32_t> direct_;
    Buffer<uint32_t> table_;  // open addressing; at most a quarter full
    size_t used_ = 0;
    Buffer<uint64_t> labels_;
};

// The numbers 0, 1, 2, ... of the labels, sorted by label: as signed integers of `width` bytes
// where they are.
inline Buffer<uint32_t> ascending(const Buffer<uint64_t>& labels, int width, bool is_signed) {
    struct Found {
        uint64_t label;
        uint32_t number;
    };
    // The sign bit, turned, sorts signed numbers right.
    const uint64_t sign = is_signed ? uint64_t{1} << (8 * width - 1) : 0;
    Buffer<Found> found(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
        found[i] = {labels[i] ^ sign, static_cast<uint32_t>(i)};
    }
    std::sort(found.data(), found.data() + found.size(),
              [](const Found& a, const Found& b) { return a.label < b.label; });
    Buffer<uint32_t> numbers(labels.size());
    for (size_t i = 0; i < labels.size(); ++i) numbers[i] = found[i].number;
    return numbers;
}

}  // namespace segcore
