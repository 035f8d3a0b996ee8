// COCO's run lengths ("counts"), as numbers and as compressed strings.
//
// In a string, a count is written in groups of five bits, the lowest first, one character per
// group: 48 + the group, + 32 if another group follows. From the fourth count on, the difference to
// the second previous count is written.
#include <algorithm>

#include "bits.hpp"
#include "blocks.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace segcore {

namespace {

constexpr int kMaxGroups = 12;  // 60 bits: any difference of two counts below 2**59

// Adds up run lengths and stores the positions at which the mask flips. A run of length zero flips
// twice at one position: the two cancel, so the result has no such runs.
template <class T>
class Runs {
   public:
    Runs(int64_t mask, Size size, Buffer<T>& run_ends, int64_t most)
        : mask_(mask),
          pixels_(static_cast<uint64_t>(size.pixels())),
          run_ends_(run_ends),
          begin_(run_ends.grow(static_cast<size_t>(most))),
          end_(begin_) {}

    Status add(int64_t length) {
        if (length < 0) return {Code::run_negative, mask_, count_, length};
        position_ += static_cast<uint64_t>(length);
        if (position_ > pixels_) {
            return {Code::runs_too_long, mask_, count_, static_cast<int64_t>(position_)};
        }
        ++count_;
        const T position = static_cast<T>(position_);
        if (end_ > begin_ && end_[-1] == position) {
            --end_;
        } else {
            *end_++ = position;
        }
        return {};
    }

    Status finish() {
        if (position_ < pixels_) {
            return {Code::runs_too_short, mask_, 0, static_cast<int64_t>(position_)};
        }
        // A flip behind the last pixel is dropped. A position of 2**32 cannot wrap: sizes with such
        // positions use 64 bits, and for smaller ones the sum has just been checked.
        if (end_ > begin_ && static_cast<uint64_t>(end_[-1]) == pixels_) --end_;
        run_ends_.resize(run_ends_.size() + static_cast<size_t>(end_ - begin_));
        return {};
    }

    int64_t count() const { return count_; }

   private:
    int64_t mask_;
    uint64_t pixels_;
    uint64_t position_ = 0;
    int64_t count_ = 0;
    Buffer<T>& run_ends_;
    T* begin_;
    T* end_;
};

// Counts of more than one character are written eight characters at once: lane i of a word is its
// i-th byte (little-endian). Their lengths vary too irregularly for branches to be predicted.
constexpr int kLanes = 8;
constexpr uint64_t each_lane(uint64_t byte) { return byte * 0x0101010101010101; }

// Forty bits, five to a lane.
uint64_t split_groups(uint64_t x) {
    x = (x & 0x00000000000fffff) | (x & 0x000000fffff00000) << 12;
    x = (x & 0x000003ff000003ff) | (x & 0x000ffc00000ffc00) << 6;
    return (x & 0x001f001f001f001f) | (x & 0x03e003e003e003e0) << 3;
}

// Reads one string count by count and character by character, and reports what is wrong.
class Reader {
   public:
    Reader(const uint8_t* string, int64_t length) : string_(string), length_(length) {}

    bool at_end() const { return i_ == length_; }

    // Read the next count as it is written; `run` is its index.
    Status read(int64_t mask, int64_t run, int64_t& value) {
        value = 0;
        for (int group = 0;; ++group) {
            if (i_ == length_) return {Code::string_truncated, mask, 0, 0};
            const unsigned character = string_[i_] - 48u;
            if (character > 63) return {Code::string_byte, mask, i_, string_[i_]};
            if (group == kMaxGroups) return {Code::string_overlong, mask, run, 0};
            value |= static_cast<int64_t>(character & 31) << 5 * group;
            ++i_;
            if (!(character & 32)) {
                if (character & 16) value -= int64_t{1} << 5 * (group + 1);
                return {};
            }
        }
    }

   private:
    const uint8_t* string_;
    int64_t length_;
    int64_t i_ = 0;
};

// Read an ordinary string: without errors, runs of length zero (except the first) or counts of more
// than eight characters. Returns false, with nothing appended, for any other string.
template <class T>
bool decode_ordinary(const Context& context, const uint8_t* string, int64_t length, int64_t pixels,
                     Buffer<T>& run_ends) {
    constexpr int64_t kChunk = 512;
    int64_t counts[kChunk + 8];
    T* const begin = run_ends.grow(static_cast<size_t>(length));
    T* to = begin;
    int64_t position = 0, last = 0, before_last = 0, least = 1;
    for (int64_t start = 0; start < length;) {
        const size_t n = static_cast<size_t>(std::min(length - start, kChunk));
        if (start) context.poll();
        const auto read = context.simd.read_counts(string + start, n, counts);
        if (read.characters == 0) return false;
        size_t i = 0;
        if (start == 0) {
            // The first count may be 0. The third is written as it is, so the first counts as 0 for
            // it.
            position = counts[i++];
            if (position < 0) return false;
            *to++ = static_cast<T>(position);
        }
        for (; i < read.counts; ++i) {
            const int64_t count = counts[i] + before_last;
            least = std::min(least, count);
            position += count;
            *to++ = static_cast<T>(position);
            before_last = last;
            last = count;
        }
        if (least < 1 || position > pixels) return false;
        start += static_cast<int64_t>(read.characters);
    }
    if (to == begin || position != pixels) return false;
    // The end of the last run is not stored.
    run_ends.resize(run_ends.size() + static_cast<size_t>(to - begin) - 1);
    return true;
}

template <class T>
Status decode_string(const Context& context, int64_t mask, const uint8_t* string, int64_t length,
                     Size size, Buffer<T>& run_ends) {
    if (decode_ordinary(context, string, length, size.pixels(), run_ends)) return {};
    Runs<T> runs(mask, size, run_ends, length);
    Reader reader(string, length);
    int64_t last = 0, before_last = 0;  // counts
    while (!reader.at_end()) {
        if (runs.count() % kItemsPerPoll == kItemsPerPoll - 1) context.poll();
        int64_t value;
        Status status = reader.read(mask, runs.count(), value);
        if (!status.ok()) return status;
        if (runs.count() > 2) value += before_last;
        status = runs.add(value);
        if (!status.ok()) return status;
        before_last = last;
        last = value;
    }
    return runs.finish();
}

// Write a count. Up to kMaxGroups bytes may be overwritten, however few it needs.
uint8_t* write_count(int64_t value, uint8_t* to) {
    // A number needs the bits of itself or of its complement, plus one for the sign.
    const uint64_t magnitude = static_cast<uint64_t>(value ^ (value >> 63));
    if (magnitude < 16) {  // most counts
        *to = static_cast<uint8_t>(48 + (value & 31));
        return to + 1;
    }
    if (magnitude >> (5 * kLanes - 1)) {
        for (;;) {
            const uint8_t group = static_cast<uint8_t>(value & 31);
            value >>= 5;
            const bool more = group & 16 ? value != -1 : value != 0;
            *to++ = static_cast<uint8_t>(48 + group + (more ? 32 : 0));
            if (!more) return to;
        }
    }
    const size_t after_first = highest_bit(magnitude << 1) / 5;  // groups
    const uint64_t more = each_lane(32) & ((uint64_t{1} << 8 * after_first) - 1);
    const uint64_t lanes = split_groups(static_cast<uint64_t>(value)) + each_lane(48) + more;
    std::memcpy(to, &lanes, sizeof(lanes));
    return to + after_first + 1;
}

// The counts of a mask: the differences of 0, its run ends, and the number of pixels. Their number
// is one more than that of the run ends.
template <class T, class Use>
void for_each_count(const Context& context, const T* flip, const T* end, int64_t pixels, Use use) {
    int64_t position = 0;
    for_blocks(context, end - flip, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
            use(static_cast<int64_t>(flip[i]) - position);
            position = static_cast<int64_t>(flip[i]);
        }
    });
    use(pixels - position);
}

double string_work(int64_t bytes, int64_t count) {
    return static_cast<double>(bytes) + static_cast<double>(count) * 50;
}

}  // namespace

template <class T>
Status string_decode(const Context& context, const uint8_t* data, const int64_t* data_offsets,
                     int64_t count, Size size, Batch<T>& batch) {
    batch.run_ends.grow(static_cast<size_t>(data_offsets[count]));  // no more than characters
    return build_batch<T>(context, count, string_work(data_offsets[count], count), batch,
                          [&](int64_t mask, Buffer<T>& run_ends, int) {
                              const int64_t start = data_offsets[mask];
                              return decode_string(context, mask, data + start,
                                                   data_offsets[mask + 1] - start, size, run_ends);
                          });
}

template <class T>
Status counts_decode(const Context& context, const int64_t* counts, const int64_t* counts_offsets,
                     int64_t count, Size size, Batch<T>& batch) {
    return build_batch<T>(context, count, string_work(counts_offsets[count], count), batch,
                          [&](int64_t mask, Buffer<T>& run_ends, int) {
                              const int64_t start = counts_offsets[mask],
                                            stop = counts_offsets[mask + 1];
                              Runs<T> runs(mask, size, run_ends, stop - start);
                              for (int64_t i = start; i < stop; ++i) {
                                  if (i % kItemsPerPoll == 0) context.poll();
                                  const Status status = runs.add(counts[i]);
                                  if (!status.ok()) return status;
                              }
                              return runs.finish();
                          });
}

template <class T>
void string_encode(const Context& context, BatchView<T> masks, Size size,
                   Strings<uint8_t>& strings) {
    Batch<uint8_t> batch;
    build_batch<uint8_t>(
        context, masks.count, string_work(masks.total(), masks.count), batch,
        [&](int64_t mask, Buffer<uint8_t>& bytes, int) {
            const T* begin = masks.begin(mask);
            const T* end = masks.end(mask);
            uint8_t* const start = bytes.grow(static_cast<size_t>(end - begin + 1) * kMaxGroups);
            uint8_t* to = start;
            int64_t last = 0, before_last = 0, i = 0;
            for_each_count(context, begin, end, size.pixels(), [&](int64_t length) {
                to = write_count(i > 2 ? length - before_last : length, to);
                before_last = last;
                last = length;
                ++i;
            });
            bytes.resize(bytes.size() + static_cast<size_t>(to - start));
            return Status{};
        });
    strings.values.swap(batch.run_ends);
    strings.offsets.swap(batch.offsets);
}

template <class T>
void counts_encode(const Context& context, BatchView<T> masks, Size size,
                   Strings<int64_t>& counts) {
    counts.offsets.resize(static_cast<size_t>(masks.count) + 1);
    counts.values.resize(static_cast<size_t>(masks.total() + masks.count));
    counts.offsets[0] = 0;
    int64_t* to = counts.values.data();
    for (int64_t mask = 0; mask < masks.count; ++mask) {
        context.poll();
        for_each_count(context, masks.begin(mask), masks.end(mask), size.pixels(),
                       [&](int64_t length) { *to++ = length; });
        counts.offsets[static_cast<size_t>(mask) + 1] = to - counts.values.data();
    }
}

#define SEGCORE_INSTANTIATE(T)                                                                \
    template Status string_decode<T>(const Context&, const uint8_t*, const int64_t*, int64_t, \
                                     Size, Batch<T>&);                                        \
    template Status counts_decode<T>(const Context&, const int64_t*, const int64_t*, int64_t, \
                                     Size, Batch<T>&);                                        \
    template void string_encode<T>(const Context&, BatchView<T>, Size, Strings<uint8_t>&);    \
    template void counts_encode<T>(const Context&, BatchView<T>, Size, Strings<int64_t>&);
SEGCORE_INSTANTIATE(uint32_t)
SEGCORE_INSTANTIATE(uint64_t)

}  // namespace segcore
