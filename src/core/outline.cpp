// Outlines of masks: rings along the edges between pixels, computed directly from runs.
//
// Runs are cut into strips: parts of columns, or of several columns that a run fills. The top and
// the bottom of each piece of a run is an edge from the left side of its strip to the right one.
// Where two strips meet, a sweep down both links the ends of their edges: two ends at one place are
// one straight line, others are joined by a vertical line to the next. Then links are walked ring
// by ring. Foreground is on the right: tops are walked to the right, bottoms to the left.
#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

struct Found {
    Buffer<int64_t> vertices;  // x y x y ...
    Buffer<int64_t> ring_ends;  // in vertices, of each ring
    Buffer<int64_t> outer;  // the ring that each is a hole of, -1 if it is none
    Buffer<int64_t> mask_ends;  // in the rings
};

template <class T>
class Tracer {
   public:
    Tracer(const Context& context, Size size, bool corners)
        : context_(context),
          height_(size.height),
          corners_(corners),
          divider_(size.height > 0 ? size.height : 1) {}

    void trace(const Runs<T>& runs, Found& found) {
        cut(runs);
        link();
        walk(found);
    }

   private:
    // Edges come in pairs, the top and the bottom of a piece: 2 i and 2 i + 1. An edge has two
    // ends, 2 * edge at its left and 2 * edge + 1 at its right.
    struct Strip {
        int64_t left, right;
        uint32_t first;  // of its edges
    };

    void cut(const Runs<T>& runs) {
        strips_.clear();
        strip_of_.clear();
        y_.clear();
        int64_t column = -1;  // in which the last strip begins
        for_blocks(context_, runs.size(), [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                for_pieces(runs[i], height_, divider_, [&](int64_t x, int64_t columns, Run piece) {
                    if (x != column) open(x, x + columns);
                    column = x;
                    const int64_t top = x * height_;
                    add(piece.start - top, std::min(piece.stop - top, height_));
                });
            }
        });
    }

    void open(int64_t left, int64_t right) {
        strips_.push_back({left, right, static_cast<uint32_t>(y_.size())});
    }

    void add(int64_t top, int64_t bottom) {
        // Ends are numbered in 32 bits.
        if (y_.size() >= kNone / 2 - 2) throw std::bad_alloc();
        y_.push_back(top);
        y_.push_back(bottom);
        strip_of_.push_back(static_cast<uint32_t>(strips_.size() - 1));
    }

    // Join the ends of all edges.
    void link() {
        const uint32_t edges = static_cast<uint32_t>(y_.size());
        links_.resize(2 * static_cast<size_t>(edges) + 2);  // sweep writes behind the last
        const size_t count = strips_.size();
        for_blocks(context_, static_cast<int64_t>(count), [&](int64_t first, int64_t last) {
            for (size_t i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
                const uint32_t behind = i + 1 < count ? strips_[i + 1].first : edges;
                const bool alone = i == 0 || strips_[i - 1].right != strips_[i].left;
                const uint32_t before = alone ? strips_[i].first : strips_[i - 1].first;
                sweep(before, strips_[i].first, strips_[i].first, behind);
                if (i + 1 == count || strips_[i].right != strips_[i + 1].left) {
                    sweep(strips_[i].first, behind, behind, behind);
                }
            }
        });
    }

    // Link the right ends of edges a to a_end and the left ends of b to b_end, which meet. Either
    // may be none.
    //
    // There are no unpredictable branches. Ends at which a vertical line begins or ends are stored,
    // and joined in pairs. Two ends at the same y are joined directly; that is written at every
    // step, because any other link of the same ends overwrites it later.
    void sweep(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end) {
        constexpr int64_t kBehind = std::numeric_limits<int64_t>::max();
        uint32_t* const turns = turns_.grow(a_end - a + b_end - b + 2);
        size_t count = 0;
        while (a < a_end || b < b_end) {
            const int64_t y_a = a < a_end ? y_[a] : kBehind, y_b = b < b_end ? y_[b] : kBehind;
            const uint32_t left = 2 * a + 1, right = 2 * b;
            const uint32_t at_a = y_a <= y_b, at_b = y_b <= y_a, both = at_a & at_b;
            links_[left] = right;
            links_[right] = left;
            // Where two pieces meet at a corner, the line from above turns around the corner of the
            // foreground if corners do not connect, otherwise around that of the background.
            const uint32_t other_way = both & (a ^ b) & 1;
            const uint32_t left_first = at_a ^ (both & (corners_ ^ (a & 1) ^ 1));
            const uint32_t change = (left ^ right) & (left_first - 1);  // all of it, or nothing
            turns[count] = left ^ change;
            turns[count + 1] = right ^ change;
            count += 2 * other_way + (both ^ 1);
            a += at_a;
            b += at_b;
        }
        for (size_t i = 0; i < count; i += 2) {
            links_[turns[i]] = turns[i + 1];
            links_[turns[i + 1]] = turns[i];
        }
    }

    // Follow the links from each edge that has not been visited.
    void walk(Found& found) {
        rings_.assign(y_.size(), kNone);
        walked_ = 0;
        const size_t before = found.outer.size();
        for (uint32_t edge = 0; edge < y_.size(); ++edge) {
            if (edge % kItemsPerPoll == 0) context_.poll();
            if (rings_[edge] != kNone) continue;
            const size_t ring = found.outer.size();
            // A ring that begins with a bottom edge is a hole. The foreground above it begins with
            // the previous edge, which belongs to the outer ring or to another hole in it.
            int64_t outer = -1;
            if (edge % 2) {
                const size_t above = before + rings_[edge - 1];
                outer = found.outer[above] < 0 ? static_cast<int64_t>(above) : found.outer[above];
            }
            found.outer.push_back(outer);
            follow(edge, static_cast<uint32_t>(ring - before), found.vertices);
            found.ring_ends.push_back(static_cast<int64_t>(found.vertices.size() / 2));
        }
        found.mask_ends.push_back(static_cast<int64_t>(found.outer.size()));
    }

    // Write the corners of a ring, beginning with the left end of its first edge.
    void follow(uint32_t first, uint32_t ring, Buffer<int64_t>& vertices) {
        // A ring has at most two corners per edge not yet visited.
        int64_t* to = vertices.grow(4 * (y_.size() - walked_) + 6);
        const int64_t* const begin = to;
        const bool top = first % 2 == 0;
        if (top) {
            *to++ = side(2 * first);
            *to++ = y_[first];
        }
        uint32_t edge = first;
        do {
            rings_[edge] = ring;
            ++walked_;
            const uint32_t end = 2 * edge + (edge % 2 == 0);  // tops go right, bottoms left
            const uint32_t next = links_[end] / 2;
            // Two corners, which the next ones overwrite if the line continues straight.
            to[0] = to[2] = side(end);
            to[1] = y_[edge];
            to[3] = y_[next];
            to += y_[edge] == y_[next] ? ptrdiff_t{0} : ptrdiff_t{4};
            edge = next;
        } while (edge != first);
        if (top) to -= 2;  // where it began
        vertices.resize(vertices.size() + static_cast<size_t>(to - begin));
    }

    // The x of an end of an edge.
    int64_t side(uint32_t end) const {
        const Strip& strip = strips_[strip_of_[end / 4]];
        return end % 2 ? strip.right : strip.left;
    }

    const Context& context_;
    int64_t height_;
    uint32_t corners_;  // 1 or 0: whether pieces that meet at a corner are one
    Divider<T> divider_;
    Buffer<Strip> strips_;
    Buffer<uint32_t> strip_of_;  // of each pair of edges
    Buffer<int64_t> y_;  // of each edge
    Buffer<uint32_t> links_;  // of each end
    Buffer<uint32_t> turns_;  // the ends at which lines turn, from a sweep
    Buffer<uint32_t> rings_;  // of each edge
    size_t walked_ = 0;  // edges of rings that are written
};

}  // namespace

template <class T>
void outline(const Context& context, BatchView<T> masks, Size size, int connectivity,
             Outlines& outlines) {
    const double work = static_cast<double>(masks.total()) * 20;
    const int threads = threads_for(context, masks.count, work);
    PerWorker<Tracer<T>> tracers(threads, context, size, connectivity == 8);
    std::vector<Found> parts(static_cast<size_t>(threads));
    struct Chunk {
        const Found* part = nullptr;
        Section numbers, rings, masks;  // numbers: two a vertex
    };
    const Chunks chunks_of(masks.count, threads);
    std::vector<Chunk> chunks(static_cast<size_t>(chunks_of.size()));
    parallel_for(context, chunks_of.size(), threads, [&](int64_t i, int worker) {
        Found& part = parts[static_cast<size_t>(worker)];
        Chunk& chunk = chunks[static_cast<size_t>(i)];
        chunk.part = &part;
        chunk.numbers.begin(part.vertices);
        chunk.rings.begin(part.outer);
        chunk.masks.begin(part.mask_ends);
        for (int64_t mask = chunks_of.first(i); mask < chunks_of.first(i + 1); ++mask) {
            context.poll();
            tracers[worker].trace({masks, mask, size.pixels()}, part);
        }
        chunk.numbers.end(part.vertices);
        chunk.rings.end(part.outer);
        chunk.masks.end(part.mask_ends);
    });
    const size_t numbers = lay_out(chunks, &Chunk::numbers);
    const size_t rings = lay_out(chunks, &Chunk::rings);
    const size_t count = lay_out(chunks, &Chunk::masks);
    outlines.ring_offsets.resize(rings + 1);
    outlines.outer.resize(rings);
    outlines.mask_offsets.resize(count + 1);
    outlines.ring_offsets[0] = outlines.mask_offsets[0] = 0;
    if (threads == 1) {
        outlines.vertices = std::move(parts[0].vertices);
    } else {
        outlines.vertices.resize(numbers);
    }
    parallel_for(context, chunks_of.size(), threads, [&](int64_t i, int) {
        const Chunk& chunk = chunks[static_cast<size_t>(i)];
        const Found& part = *chunk.part;
        if (threads > 1) chunk.numbers.copy(part.vertices, outlines.vertices);
        for (size_t r = 0; r < chunk.rings.size; ++r) {
            const size_t from = chunk.rings.start + r, to = chunk.rings.place + r;
            const int64_t outer = part.outer[from];
            outlines.ring_offsets[to + 1] = chunk.numbers.moved(2 * part.ring_ends[from]) / 2;
            outlines.outer[to] = outer < 0 ? -1 : chunk.rings.moved(outer);
        }
        for (size_t m = 0; m < chunk.masks.size; ++m) {
            const int64_t end = part.mask_ends[chunk.masks.start + m];
            outlines.mask_offsets[chunk.masks.place + m + 1] = chunk.rings.moved(end);
        }
    });
}

template void outline<uint32_t>(const Context&, BatchView<uint32_t>, Size, int, Outlines&);
template void outline<uint64_t>(const Context&, BatchView<uint64_t>, Size, int, Outlines&);

}  // namespace segcore
