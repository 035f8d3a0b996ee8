// Maps labels of any value to consecutive numbers 0, 1, 2, ...
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>

#include "bits.hpp"
#include "types.hpp"

namespace segcore {

// An odd number that differs from process to process.
inline uint64_t random_odd() noexcept {
    static const uint64_t number = [] {
        try {
            std::random_device random;
            return (uint64_t{random()} << 32 | random()) | 1;
        } catch (...) {
            return uint64_t{0x9e3779b97f4a7c15};  // no source of randomness is available
        }
    }();
    return number;
}

// Multiply-shift hashing for tables with open addressing (Dietzfelbinger et al., 1997). The factor
// is random, so no input can be constructed to collide. Results do not depend on it.
class Hash {
   public:
    // The slot in a table of 2**bits slots; bits from 1 to 63.
    size_t operator()(uint64_t key, int bits) const noexcept {
        return static_cast<size_t>(key * factor_ >> (64 - bits));
    }

   private:
    uint64_t factor_ = random_odd();
};

// Numbers labels in order of first appearance.
class Numbering {
   public:
    // `width` is that of the labels, in bytes.
    explicit Numbering(int width) : small_(width == 1 ? 256 : 4096) {
        direct_.assign(small_, kNone);
        table_.assign(2, Slot{});
    }

    uint32_t number(uint64_t label) {
        if (label < small_) {
            uint32_t& number = direct_[label];
            if (number == kNone) number = add(label);
            return number;
        }
        return hashed(label);
    }
    // Number the labels at n indices, faster than one by one.
    template <class Label>
    void number(const uint8_t* labels, const uint32_t* places, size_t n, uint32_t* numbers) {
        const uint32_t* const direct = direct_.data();
        const uint64_t small = small_;
        for (size_t i = 0; i < n; ++i) {
            const uint64_t label = load<Label>(labels, places[i]);
            if (label < small) {
                numbers[i] = direct[label] != kNone ? direct[label] : number(label);
                continue;
            }
            const Slot& slot = table_[hash_(label, bits_)];
            numbers[i] = slot.label == label ? slot.number : number(label);
        }
    }
    const Buffer<uint64_t>& labels() const { return labels_; }
    // The labels in native byte order, if theirs is `swapped`.
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

    struct Slot {
        uint64_t label = 0;  // free: 0 is small
        uint32_t number = 0;
    };

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

    uint32_t hashed(uint64_t label) {
        Slot& found = find(label);
        if (found.label == label) return found.number;
        if (4 * (used_ + 1) > table_.size()) grow();
        ++used_;
        return (find(label) = {label, add(label)}).number;
    }

    // The label's slot, or the free one where it would go.
    Slot& find(uint64_t label) {
        size_t at = hash_(label, bits_);
        while (table_[at].label && table_[at].label != label) at = (at + 1) & (table_.size() - 1);
        return table_[at];
    }

    void grow() {
        bits_ = bits_ < 10 ? 10 : bits_ + 1;
        table_.assign(size_t{1} << bits_, Slot{});
        for (size_t i = 0; i < labels_.size(); ++i) {
            if (labels_[i] >= small_) find(labels_[i]) = {labels_[i], static_cast<uint32_t>(i)};
        }
    }

    uint64_t small_;
    Buffer<uint32_t> direct_;
    Hash hash_;
    Buffer<Slot> table_;  // open addressing; at most a quarter full
    int bits_ = 1;
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
    // Flipping the sign bit sorts signed numbers correctly.
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
