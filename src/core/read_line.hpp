// Contiguous bytes to run ends.
#pragma once

#include <algorithm>

#include "context.hpp"
#include "types.hpp"

namespace segcore {

// Finds the flips of lines of bytes, and reuses its buffers.
template <class T>
class LineReader {
   public:
    // `by_value`: any two bytes that differ make a flip, rather than zero and nonzero.
    LineReader(const Context& context, bool by_value)
        : context_(context),
          between_(by_value ? context.simd.changes_between : context.simd.flips_between),
          in_parts_(by_value ? context.simd.changes_in_parts : context.simd.flips_in_parts) {}

    // Append the flips between bytes and their predecessors; that of the first byte is 0.
    void read(const uint8_t* bytes, int64_t length, Buffer<T>& run_ends) {
        if (length == 0) return;
        if (bytes[0] != 0) run_ends.push_back(0);
        for (int64_t start = 1; start < length; start += kStretch) {
            const int64_t stop = std::min(start + kStretch, length);
            if (stop - start < kShortestStretch) {
                append(bytes, start, stop, run_ends);
            } else {
                append_parts(bytes, start, stop, run_ends);
            }
        }
    }

   private:
    static constexpr int64_t kStretch = 4 << 20, kShortestStretch = 128 << 10;
    static constexpr int64_t kParts = 4;  // of flips_in_parts
    static constexpr int64_t kTurn = 4096;   // bytes of a part at a time
    static constexpr size_t kRoom = 8192;    // for the flips of a part
    static constexpr int64_t kBlock = 8192;  // bytes at a time in one pass

    // Append the flips in [start, stop), in one pass.
    void append(const uint8_t* bytes, int64_t start, int64_t stop, Buffer<T>& run_ends) {
        for (; start < stop; start += kBlock) {
            const int64_t n = std::min(kBlock, stop - start);
            const uint8_t* at = bytes + start;
            context_.poll();
            if constexpr (sizeof(T) == sizeof(uint32_t)) {
                if (n == kBlock) {
                    const size_t count = between_(at, at - 1, kBlock, static_cast<uint32_t>(start),
                                                  run_ends.grow(kBlock));
                    run_ends.resize(run_ends.size() + count);
                    continue;
                }
            }
            // By way of the stack, so that small masks do not take the room for a whole block.
            uint32_t found[kBlock];
            const size_t count = between_(at, at - 1, static_cast<size_t>(n), 0, found);
            append_found(found, count, start, run_ends);
        }
    }

    // The same for a long stretch, in parts. Where flips are dense, finding them takes longer than
    // fetching the bytes: the room for them is soon full, and what remains is read in one pass.
    void append_parts(const uint8_t* bytes, int64_t start, int64_t stop, Buffer<T>& run_ends) {
        const int64_t length = (stop - start) / kParts;
        found_.resize(kParts * kRoom);
        uint32_t* ends[kParts];
        for (size_t part = 0; part < kParts; ++part) ends[part] = found_.data() + part * kRoom;
        int64_t done = 0;  // bytes of each part
        for (size_t most = 0; done + kTurn <= length && most + kTurn <= kRoom; done += kTurn) {
            const uint8_t* at = bytes + start + done;
            context_.poll();
            in_parts_(at, at - 1, static_cast<size_t>(length), kTurn, static_cast<uint32_t>(done),
                      ends);
            for (size_t part = 0; part < kParts; ++part) {
                most =
                    std::max(most, static_cast<size_t>(ends[part] - found_.data()) - part * kRoom);
            }
        }
        for (int64_t part = 0; part < kParts; ++part) {
            const int64_t first = start + part * length;
            const uint32_t* found = found_.data() + static_cast<size_t>(part) * kRoom;
            append_found(found, static_cast<size_t>(ends[part] - found), start, run_ends);
            append(bytes, first + done, part + 1 < kParts ? first + length : stop, run_ends);
        }
    }

    void append_found(const uint32_t* found, size_t count, int64_t base, Buffer<T>& run_ends) {
        T* out = run_ends.grow(count);
        for (size_t i = 0; i < count; ++i) out[i] = static_cast<T>(base + found[i]);
        run_ends.resize(run_ends.size() + count);
    }

    const Context& context_;
    decltype(simd::Table::flips_between) between_;
    decltype(simd::Table::flips_in_parts) in_parts_;
    Buffer<uint32_t> found_;  // in the parts of a stretch, relative to its start
};

}  // namespace segcore
