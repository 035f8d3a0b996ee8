// Loops over the run ends or pixels of one long mask, which may be interrupted.
#pragma once

#include <algorithm>
#include <cstdint>

#include "context.hpp"

namespace segcore {

// Items, of a few nanoseconds each, between two polls. It is a multiple of 64 (pixels in a word)
// and of 2 (run ends in a run).
constexpr int64_t kItemsPerPoll = 1 << 16;

// Call body(first, last) for consecutive blocks of [0, n), and poll between them. Masks of one
// block are polled by the loop over masks alone.
template <class Body>
void for_blocks(const Context& context, int64_t n, Body body) {
    for (int64_t first = 0; first < n;) {
        const int64_t last = std::min(n - first, kItemsPerPoll) + first;
        if (first) context.poll();
        body(first, last);
        first = last;
    }
}

}  // namespace segcore
