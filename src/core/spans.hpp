// Where neighboring columns of a mask differ.
#pragma once

#include <algorithm>

#include "blocks.hpp"
#include "runs.hpp"

namespace segcore {

// Rows [top, bottom) of a column.
struct Span {
    int64_t x, top, bottom;
};

// Compares each column of a mask with the one to its left. Beyond the image is background.
template <class T>
class SpanFinder {
   public:
    SpanFinder(const Context& context, Size size)
        : context_(context), height_(size.height), divider_(size.height > 0 ? size.height : 1) {}

    // Append the spans of column x that differ from column x - 1, for x from 0 to the width of the
    // image, in ascending order.
    void find(const Runs<T>& runs, Buffer<Span>& spans) {
        split(runs);
        const Block* const end = blocks_.data() + blocks_.size();
        const Block* left = blocks_.data();  // the column to the left, up to `column`
        const Block* polled = left;
        for (const Block* column = left; column < end;) {
            const Block* next = column + 1;
            while (next < end && next->left == column->left) ++next;
            if (left < column && left->right != column->left) {
                compare(left->right, left, column, column, column, spans);
                left = column;
            }
            compare(column->left, left, column, column, next, spans);
            left = column;
            column = next;
            if (column - polled > kItemsPerPoll) {
                context_.poll();
                polled = column;
            }
        }
        if (left < end) compare(left->right, left, end, end, end, spans);
    }

    // Append the spans of column x that only one of two ascending lists of tops and bottoms has.
    void differ(int64_t x, const Buffer<int64_t>& rows_a, const Buffer<int64_t>& rows_b,
                Buffer<Span>& spans) {
        const int64_t *a = rows_a.data(), *b = rows_b.data();
        const int64_t *const a_end = a + rows_a.size(), *const b_end = b + rows_b.size();
        changes_.clear();
        int64_t* const changes = changes_.grow(rows_a.size() + rows_b.size() + 1);
        int64_t* to = changes;
        while (a < a_end && b < b_end) {
            context_.poll();
            for (int64_t i = 0; i < kItemsPerPoll && a < a_end && b < b_end; ++i) {
                const int64_t next_a = *a, next_b = *b;
                *to = std::min(next_a, next_b);
                to += next_a != next_b;
                a += next_a <= next_b;
                b += next_b <= next_a;
            }
        }
        to = std::copy(b, b_end, std::copy(a, a_end, to));
        for (const int64_t* change = changes; change < to; change += 2) {
            spans.push_back({x, change[0], change[1]});
        }
    }

   private:
    void split(const Runs<T>& runs) {
        blocks_.clear();
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                for_pieces(runs[i], height_, divider_, [&](int64_t x, int64_t n, Run piece) {
                    const int64_t top = piece.start - x * height_;
                    const int64_t bottom = n > 1 ? height_ : piece.stop - x * height_;
                    blocks_.push_back({x, x + n, top, bottom});
                });
            }
        });
    }

    // Compare the blocks of column x - 1 with those of column x.
    void compare(int64_t x, const Block* a, const Block* a_end, const Block* b, const Block* b_end,
                 Buffer<Span>& spans) {
        // While two blocks overlap, and neither of them overlaps with the next one, too.
        for (; a < a_end && b < b_end; ++a, ++b) {
            const int64_t top = std::max(a->top, b->top), end = std::max(a->bottom, b->bottom);
            if (top > std::min(a->bottom, b->bottom) || (a + 1 < a_end && a[1].top < end) ||
                (b + 1 < b_end && b[1].top < end)) {
                break;
            }
            Span* const to = spans.grow(2);
            const bool tops_differ = a->top != b->top, bottoms_differ = a->bottom != b->bottom;
            to[0] = {x, std::min(a->top, b->top), top};
            to[tops_differ] = {x, std::min(a->bottom, b->bottom), end};
            spans.resize(spans.size() + tops_differ + bottoms_differ);
        }
        if (a == a_end && b == b_end) return;
        list(a, a_end, rows_a_);
        list(b, b_end, rows_b_);
        differ(x, rows_a_, rows_b_, spans);
    }

    static void list(const Block* block, const Block* end, Buffer<int64_t>& rows) {
        rows.clear();
        for (; block < end; ++block) {
            rows.push_back(block->top);
            rows.push_back(block->bottom);
        }
    }

    const Context& context_;
    int64_t height_;
    Divider<T> divider_;
    Buffer<Block> blocks_;  // parts of one column each, or several whole columns
    Buffer<int64_t> rows_a_, rows_b_, changes_;
};

}  // namespace segcore
