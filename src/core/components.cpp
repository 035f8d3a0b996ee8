// Connected components of masks.
//
// Runs are cut at the ends of columns; consecutive columns that a run fills are one piece. A merge-
// like walk down neighbouring columns joins each piece with the pieces of the previous column that
// it touches, in a union-find forest in which the root of a tree is its first piece. Then the
// pieces of each component are written out, and consecutive ones are joined again.
#include <algorithm>
#include <limits>
#include <vector>

#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "runs.hpp"

namespace segcore {

namespace {

template <class T>
struct Found {
    Buffer<T> run_ends;
    Buffer<int64_t> ends;  // of each component, in run_ends
    Buffer<int64_t> parents;  // the mask of each
};

template <class T>
class Splitter {
   public:
    Splitter(const Context& context, Size size, bool corners)
        : context_(context),
          height_(size.height),
          pixels_(size.pixels()),
          corners_(corners),
          divider_(size.height > 0 ? size.height : 1) {}

    void split(const Runs<T>& runs, int64_t mask, Found<T>& found) {
        if (runs.empty()) return;
        cut(runs);
        number();
        lay_out(mask, found);
    }

   private:
    // Cut runs into pieces, and join each with the pieces that it touches.
    void cut(const Runs<T>& runs) {
        starts_.clear();
        stops_.clear();
        parents_.clear();
        int64_t column = -2;  // of the last piece
        size_t before = 0, first = 0, behind = 0;  // pieces of the column before, of this column
        for_blocks(context_, runs.size(), [&](int64_t first_run, int64_t last_run) {
            for (int64_t i = first_run; i < last_run; ++i) {
                for_pieces(runs[i], height_, divider_, [&](int64_t x, int64_t columns, Run piece) {
                    if (x != column) {
                        before = x == column + 1 ? first : starts_.size();
                        first = behind = starts_.size();
                    }
                    before = add(piece.start, piece.stop, before, behind);
                    column = x + columns - 1;
                });
            }
        });
    }

    // Add a piece, and join it with the pieces of the previous column, from `before` on, that it
    // touches. Returns the first of them that a later piece may touch.
    size_t add(int64_t start, int64_t stop, size_t before, size_t behind) {
        if (parents_.size() >= std::numeric_limits<uint32_t>::max()) throw std::bad_alloc();
        const uint32_t piece = static_cast<uint32_t>(parents_.size());
        starts_.push_back(static_cast<T>(start));
        stops_.push_back(static_cast<T>(stop));
        parents_.push_back(piece);
        // In the coordinates of the column before; corners count where pieces may just meet.
        const int64_t from = start - height_ - corners_, to = stop - height_ + corners_;
        while (before < behind && static_cast<int64_t>(stops_[before]) <= from) ++before;
        for (size_t other = before; other < behind && static_cast<int64_t>(starts_[other]) < to;
             ++other) {
            join(static_cast<uint32_t>(other), piece);
        }
        return before;
    }

    uint32_t root(uint32_t piece) {
        while (parents_[piece] != piece) {
            parents_[piece] = parents_[parents_[piece]];
            piece = parents_[piece];
        }
        return piece;
    }

    void join(uint32_t a, uint32_t b) {
        a = root(a);
        b = root(b);
        if (a < b) {
            parents_[b] = a;
        } else {
            parents_[a] = b;
        }
    }

    // Replace parents by the numbers of components, in the order of their first pieces. A parent
    // precedes its children, so it is numbered before them.
    void number() {
        lengths_.clear();
        for (size_t i = 0; i < parents_.size(); ++i) {
            if (parents_[i] == i) {
                parents_[i] = static_cast<uint32_t>(lengths_.size());
                lengths_.push_back(0);
            } else {
                parents_[i] = parents_[parents_[i]];
            }
            lengths_[parents_[i]] += 2;
        }
    }

    // Write the pieces of each component, one after the other.
    void lay_out(int64_t mask, Found<T>& found) {
        const size_t components = lengths_.size(), used = found.run_ends.size();
        T* out = found.run_ends.grow(2 * starts_.size());
        cursors_.resize(components);
        int64_t at = 0;
        for (size_t i = 0; i < components; ++i) {
            cursors_[i] = at;
            at += lengths_[i];
            lengths_[i] = 0;
        }
        for (size_t i = 0; i < starts_.size(); ++i) {
            const uint32_t component = parents_[i];
            T* run_ends = out + cursors_[component];
            int64_t& length = lengths_[component];
            const T start = starts_[i];
            // The previous piece may end where this one starts, at the end of its column.
            if (length && run_ends[length - 1] == start) {
                --length;
            } else {
                run_ends[length++] = start;
            }
            run_ends[length++] = stops_[i];
        }
        T* to = out;
        for (size_t i = 0; i < components; ++i) {
            const T* from = out + cursors_[i];
            int64_t length = lengths_[i];
            if (static_cast<int64_t>(from[length - 1]) == pixels_) --length;
            std::memmove(to, from, static_cast<size_t>(length) * sizeof(T));
            to += length;
            found.ends.push_back(static_cast<int64_t>(used) + (to - out));
            found.parents.push_back(mask);
        }
        found.run_ends.resize(used + static_cast<size_t>(to - out));
    }

    const Context& context_;
    int64_t height_;
    int64_t pixels_;
    int64_t corners_;  // how far apart neighbours may be along the column
    Divider<T> divider_;
    Buffer<T> starts_, stops_;  // of the pieces
    Buffer<uint32_t> parents_;
    Buffer<int64_t> lengths_, cursors_;  // of the components
};

}  // namespace

template <class T>
void components(const Context& context, BatchView<T> masks, Size size, int connectivity,
                Batch<T>& batch, Buffer<int64_t>& parents) {
    const double work = static_cast<double>(masks.total()) * 10;
    const int threads = threads_for(context, masks.count, work);
    PerWorker<Splitter<T>> splitters(threads, context, size, connectivity == 8);
    std::vector<Found<T>> parts(static_cast<size_t>(threads));
    struct Chunk {
        const Found<T>* part = nullptr;
        Section run_ends, components;
    };
    const Chunks chunks_of(masks.count, threads);
    std::vector<Chunk> chunks(static_cast<size_t>(chunks_of.size()));
    parallel_for(context, chunks_of.size(), threads, [&](int64_t i, int worker) {
        Found<T>& part = parts[static_cast<size_t>(worker)];
        Chunk& chunk = chunks[static_cast<size_t>(i)];
        chunk.part = &part;
        chunk.run_ends.begin(part.run_ends);
        chunk.components.begin(part.ends);
        for (int64_t mask = chunks_of.first(i); mask < chunks_of.first(i + 1); ++mask) {
            context.poll();
            splitters[worker].split({masks, mask, size.pixels()}, mask, part);
        }
        chunk.run_ends.end(part.run_ends);
        chunk.components.end(part.ends);
    });
    const size_t run_ends = lay_out(chunks, &Chunk::run_ends);
    const size_t count = lay_out(chunks, &Chunk::components);
    batch.offsets.resize(count + 1);
    batch.offsets[0] = 0;
    if (threads == 1) {
        batch.run_ends = std::move(parts[0].run_ends);
        parents = std::move(parts[0].parents);
    } else {
        batch.run_ends.resize(run_ends);
        parents.resize(count);
    }
    parallel_for(context, chunks_of.size(), threads, [&](int64_t i, int) {
        const Chunk& chunk = chunks[static_cast<size_t>(i)];
        const Section& found = chunk.components;
        if (threads > 1) {
            chunk.run_ends.copy(chunk.part->run_ends, batch.run_ends);
            found.copy(chunk.part->parents, parents);
        }
        for (size_t c = 0; c < found.size; ++c) {
            const int64_t end = chunk.part->ends[found.start + c];
            batch.offsets[found.place + c + 1] = chunk.run_ends.moved(end);
        }
    });
}

template void components<uint32_t>(const Context&, BatchView<uint32_t>, Size, int, Batch<uint32_t>&,
                                   Buffer<int64_t>&);
template void components<uint64_t>(const Context&, BatchView<uint64_t>, Size, int, Batch<uint64_t>&,
                                   Buffer<int64_t>&);

}  // namespace segcore
