// Every kernel, on one large input: it polls once per mask, or once per block of a long mask, can
// be stopped at each of these polls, and leaves nothing behind.
#include <chrono>
#include <ctime>
#include <functional>

#include "core/interrupt.hpp"
#include "masks.hpp"

namespace segcore::test {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kMillion = 1 << 17;
#else
constexpr int64_t kMillion = 1 << 18;
#endif

using Kernel = std::function<void(const Context&)>;

// Microseconds of processor time, which excludes other programs.
int64_t now() {
    return static_cast<int64_t>(1e6 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
}

// Is asked at every poll, and records when. Requests to stop once asked `stop_after` times.
class Watch final : public Interrupt {
   public:
    explicit Watch(int64_t stop_after = int64_t{1} << 60)
        : Interrupt(std::chrono::milliseconds(0)), stop_after_(stop_after) {
        polls_before_look = 0;
    }

    void note() {
        const int64_t time = now();
        longest_ = std::max(longest_, time - last_);
        last_ = time;
    }
    int64_t asked() const { return asked_; }
    int64_t longest() const { return longest_; }
    int64_t whole() const { return last_ - first_; }

   private:
    bool is_wanted() override {
        polls_before_look = 0;
        note();
        return ++asked_ >= stop_after_;
    }

    const int64_t stop_after_;
    int64_t asked_ = 0;
    const int64_t first_ = now();
    int64_t last_ = first_, longest_ = 0;
};

// Sanitizers make kernels slow, and their inputs small.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kLongest = 10'000'000;
constexpr int64_t kBlocks = 1;
#else
// A signal is to be answered within a second, on larger inputs than these.
constexpr int64_t kLongest = 200'000;
constexpr int64_t kBlocks = 4;
#endif
constexpr int64_t kOncePerMask = 1;

// `polls`: the minimum number of polls. Kernels that take long for one mask poll in each of its
// blocks.
void check(const Kernel& kernel, int64_t polls = kBlocks) {
    for_each_variant([&](const simd::Table& table) {
        Watch undisturbed;
        kernel({table, 1, &undisturbed});
        undisturbed.note();
        const int64_t asked = undisturbed.asked();
        const Note note("microseconds between two polls at most, in all, polls:",
                        {undisturbed.longest(), undisturbed.whole(), asked});
        CHECK(undisturbed.longest() < kLongest);
        CHECK(asked >= polls);
        for (int threads : {1, 2}) {
            for (const int64_t stop : {int64_t{1}, asked / 2, asked - 1}) {
                if (stop < 1) continue;
                Watch watch(stop);
                bool stopped = false;
                try {
                    kernel({table, threads, &watch});
                } catch (const Interrupted&) {
                    stopped = true;
                }
                // With two threads, the one that is asked may have little to do.
                CHECK(stopped || threads > 1);
            }
        }
    });
}

// -- inputs ---------------------------------------------------------------------------------------

template <class V>
std::vector<V> random_values(size_t n, int64_t limit) {
    Random random(n);
    std::vector<V> values(n);
    for (V& value : values) value = static_cast<V>(random.below(limit));
    return values;
}

// A mask of many runs, in columns of 1024, with room behind the last.
struct Long {
    Masks<uint32_t> masks;
    Size size;

    Long(int64_t flips, int64_t longest, uint64_t seed = 1) {
        Random random(seed);
        std::vector<uint32_t> places;
        uint32_t place = 0;
        for (int64_t i = 0; i < flips; ++i) {
            place += static_cast<uint32_t>(random.between(1, longest));
            places.push_back(place);
        }
        masks.add(places);
        size = {1024, flips * longest / 1024 + 1};
    }
    Long& add(const Long& other) {
        masks.add(other.masks.run_ends);
        return *this;
    }
};

// Few runs among so many pixels that they are held in 64 bits.
Masks<uint64_t> sparse(int64_t flips, int64_t masks, uint64_t seed) {
    Random random(seed);
    Masks<uint64_t> batch;
    for (int64_t mask = 0; mask < masks; ++mask) {
        std::vector<uint64_t> places;
        uint64_t place = 0;
        for (int64_t i = 0; i < flips; ++i) {
            places.push_back(place += static_cast<uint64_t>(random.between(1, 20'000)));
        }
        batch.add(places);
    }
    return batch;
}
constexpr Size kSparseSize{1 << 20, 1 << 20};

std::vector<uint8_t> noise_bytes(int64_t n) {
    return random_values<uint8_t>(static_cast<size_t>(n), 2);
}
std::vector<uint8_t> sparse_bytes(int64_t n) {
    std::vector<uint8_t> bytes(static_cast<size_t>(n));
    for (size_t i = 0; i < bytes.size(); i += 97) bytes[i] = 1;
    return bytes;
}

DenseView rows_of(const std::vector<uint8_t>& bytes, int64_t height) {
    const Size size{height, static_cast<int64_t>(bytes.size()) / height};
    return {bytes.data(), 1, size, {0, size.width, 1}, Scalar::u8, false, 0};
}
DenseView columns_of(const std::vector<uint8_t>& bytes, int64_t height) {
    DenseView view = rows_of(bytes, height);
    view.strides[1] = 1, view.strides[2] = height;
    return view;
}

void check_encode(const DenseView& view, int64_t polls = kBlocks) {
    const Kernel kernel = [&](const Context& context) {
        Batch<uint32_t> batch;
        encode(context, view, batch);
    };
    check(kernel, polls);
}

// -- the kernels ----------------------------------------------------------------------------------

TEST(interrupt_encode_rows) { check_encode(rows_of(sparse_bytes(32 * kMillion), 1024)); }
TEST(interrupt_encode_rows_of_noise) { check_encode(rows_of(noise_bytes(8 * kMillion), 1024)); }
// Rows so wide are polled often, which makes the clock of `Watch` dear.
TEST(interrupt_encode_wide_rows) {
    check_encode(rows_of(sparse_bytes(4 * kMillion), 2), kOncePerMask);
}
TEST(interrupt_encode_wide_rows_of_noise) { check_encode(rows_of(noise_bytes(kMillion), 2)); }
TEST(interrupt_encode_columns) { check_encode(columns_of(noise_bytes(8 * kMillion), 1024)); }

TEST(interrupt_encode_strided_floats) {
    const std::vector<uint8_t> bytes(static_cast<size_t>(64 * kMillion));
    const Size size{2, 4 * kMillion};
    check_encode({bytes.data(), 1, size, {0, 8 * size.width, 8}, Scalar::f32, true, 0.5},
                 kOncePerMask);
}

TEST(interrupt_encode_interleaved) {
    const std::vector<uint8_t> bytes = noise_bytes(4 * kMillion);
    const Size size{64, kMillion / 64};
    check_encode({bytes.data(), 4, size, {1, 4 * size.width, 4}, Scalar::u8, false, 0});
}

TEST(interrupt_encode_bits) {
    const std::vector<uint8_t> bytes = random_values<uint8_t>(static_cast<size_t>(kMillion), 256);
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        encode_bits(context, bytes.data(), 1, {1024, kMillion / 128}, false, batch);
    });
}

TEST(interrupt_encode_changes) {
    const std::vector<uint8_t> bytes = noise_bytes(8 * kMillion);
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        encode_changes(context, bytes.data(), 1, {1024, 8 * kMillion / 1024}, batch);
    });
}

void check_decode(Long mask, Size size, const int64_t (&strides)[2], int64_t room,
                  int64_t polls = kOncePerMask) {
    const auto view = mask.masks.view();
    std::vector<uint8_t> out(static_cast<size_t>(room));
    check(
        [&](const Context& context) {
            decode(context, view, {out.data(), 1, size, {0, strides[0], strides[1]}, 1, 1, false});
        },
        polls);
}

TEST(interrupt_decode_rows) {
    const Long mask(2 * kMillion, 16);
    const int64_t width = mask.size.width;
    check_decode(mask, mask.size, {width, 1}, mask.size.pixels(), kBlocks);
}
TEST(interrupt_decode_columns) {
    const Long mask(2 * kMillion, 16);
    check_decode(mask, mask.size, {1, 1024}, mask.size.pixels(), kBlocks);
}
TEST(interrupt_decode_wide_rows) {
    const Long mask(2 * kMillion, 16);
    const Size size{2, mask.size.pixels() / 2};
    check_decode(mask, size, {size.width, 1}, size.pixels());
}
TEST(interrupt_decode_strided_rows) {
    const Long mask(2 * kMillion, 8);
    const Size size{2, mask.size.pixels() / 2};
    check_decode(mask, size, {2 * size.width, 2}, 2 * size.pixels());
}
TEST(interrupt_decode_one_run) {
    Long mask(1, 1);
    check_decode(mask, {1024, kMillion / 16}, {1, 1024}, 64 * kMillion);
}

TEST(interrupt_strings) {
    Long mask(8 * kMillion, 200);
    Strings<uint8_t> strings;
    string_encode({*simd::variants().back(), 1}, mask.masks.view(), mask.size, strings);
    check([&](const Context& context) {
        Strings<uint8_t> made;
        string_encode(context, mask.masks.view(), mask.size, made);
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        const int64_t* offsets = strings.offsets.data();
        CHECK(string_decode(context, strings.values.data(), offsets, 1, mask.size, batch).ok());
    });
}

TEST(interrupt_strings_with_runs_of_no_pixels) {
    // After the first three counts, each is written as a difference: none differs.
    std::vector<uint8_t> string(static_cast<size_t>(4 * kMillion), '0');
    string[0] = string[2] = '1';
    const int64_t offsets[2] = {0, static_cast<int64_t>(string.size())};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        string_decode(context, string.data(), offsets, 1, {1024, 1 << 21}, batch);
    });
}

TEST(interrupt_counts) {
    Long mask(8 * kMillion, 200);
    Strings<int64_t> counts;
    counts_encode({*simd::variants().back(), 1}, mask.masks.view(), mask.size, counts);
    check([&](const Context& context) {
        Strings<int64_t> made;
        counts_encode(context, mask.masks.view(), mask.size, made);
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        const int64_t* offsets = counts.offsets.data();
        CHECK(counts_decode(context, counts.values.data(), offsets, 1, mask.size, batch).ok());
    });
}

TEST(interrupt_measures) {
    Long mask(8 * kMillion, 200);
    const auto view = mask.masks.view();
    int64_t values[4];
    check([&](const Context& context) { area(context, view, mask.size, values); }, kOncePerMask);
    check([&](const Context& context) { boxes(context, view, mask.size, values); }, kOncePerMask);
    double sums[5];
    check([&](const Context& context) { moments(context, view, mask.size, true, sums); },
          kOncePerMask);
}

TEST(interrupt_combine) {
    Long a(4 * kMillion, 200), b(4 * kMillion, 200, 2);
    for (unsigned table : {0b1110u, 0b0001u}) {
        check([&](const Context& context) {
            Batch<uint32_t> batch;
            combine(context, a.masks.view(), b.masks.view(), a.size, table, batch);
        });
    }
}

void check_reduce(Long masks, bool intersect) {
    check(
        [&](const Context& context) {
            Batch<uint32_t> batch;
            reduce(context, masks.masks.view(), masks.size, intersect ? kAnd : kOr, batch);
        },
        kOncePerMask);
}

TEST(interrupt_reduce_on_a_plane) {
    Long masks(2 * kMillion, 20);
    for (uint64_t seed = 2; seed < 6; ++seed) masks.add(Long(2 * kMillion, 20, seed));
    check_reduce(masks, false);
    check_reduce(masks, true);
}
TEST(interrupt_reduce_in_pairs) {
    Masks<uint64_t> masks = sparse(2 * kMillion, 5, 1);
    check([&](const Context& context) {
        Batch<uint64_t> batch;
        reduce(context, masks.view(), kSparseSize, false, batch);
    });
}

TEST(interrupt_resolve) {
    Long masks(2 * kMillion, 20);
    masks.add(Long(2 * kMillion, 20, 2));
    const int64_t limits[2] = {int64_t{1} << 60, int64_t{1} << 60};
    int64_t overlaps[2];
    check(
        [&](const Context& context) {
            Batch<uint32_t> batch;
            resolve(context, masks.masks.view(), masks.size, limits, batch, overlaps);
        },
        kOncePerMask);
    Masks<uint64_t> few = sparse(2 * kMillion, 2, 1);
    check([&](const Context& context) {
        Batch<uint64_t> batch;
        resolve(context, few.view(), kSparseSize, limits, batch, overlaps);
    });
}

TEST(interrupt_components) {
    Long mask(2 * kMillion, 20);
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        Buffer<int64_t> parents;
        components(context, mask.masks.view(), mask.size, 8, batch, parents);
    });
    // One column of many runs beside a full one.
    Masks<uint32_t> comb;
    std::vector<uint32_t> flips;
    for (uint32_t i = 0; i < 2 * kMillion; ++i) flips.push_back(i);
    flips.push_back(static_cast<uint32_t>(2 * kMillion));
    comb.add(flips);
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        Buffer<int64_t> parents;
        components(context, comb.view(), {2 * kMillion, 2}, 4, batch, parents);
    });
}

TEST(interrupt_outline) {
    Long mask(2 * kMillion, 20);
    check([&](const Context& context) {
        Outlines outlines;
        outline(context, mask.masks.view(), mask.size, 8, outlines);
    });
    // Two columns, of one strip each.
    const Size tall{mask.size.pixels() / 2, 2};
    check([&](const Context& context) {
        Outlines outlines;
        outline(context, mask.masks.view(), tall, 4, outlines);
    });
}

TEST(interrupt_dilate) {
    Long mask(kMillion, 100);
    const int64_t reach[] = {3, 3, 3, 2, 1};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        dilate(context, mask.masks.view(), mask.size, reach, 5, true, batch);
    });
}

TEST(interrupt_moves) {
    Long mask(4 * kMillion, 100);
    const int64_t x[] = {0}, y[] = {3};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        place(context, mask.masks.view(), mask.size, x, y, mask.size, batch);
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        reverse(context, mask.masks.view(), mask.size, true, false, batch);
    });
    Long shorter(kMillion, 100);  // rows of the result have many more runs
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        transpose(context, shorter.masks.view(), shorter.size, true, false, batch);
    });
}

TEST(interrupt_resampling) {
    Long mask(kMillion, 100);
    const double map[] = {1, 0, 0.5, 0, 1, 0.5, 0, 0, 1};
    const Size size = mask.size;
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        resize(context, mask.masks.view(), size, size, false, batch);
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        cover(context, mask.masks.view(), size, size, 1, batch);
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        warp(context, mask.masks.view(), size, map, size, batch);
    });
}

template <class T>
void check_overlap(Masks<T> a, Masks<T> b, Size size, int64_t polls = kOncePerMask) {
    const auto view_a = a.view(), view_b = b.view();
    std::vector<int64_t> areas(static_cast<size_t>(view_a.count * view_b.count));
    check([&](const Context& context) { overlap(context, view_a, view_b, size, areas.data()); },
          polls);
}

TEST(interrupt_overlap_by_layers) {
    Masks<uint32_t> a;
    std::vector<uint32_t> flips;
    for (uint32_t x = 0; x < kMillion; ++x) {
        for (uint32_t y : {100, 200, 300, 500, 700, 800}) flips.push_back(1024 * x + y);
    }
    a.add(flips);
    check_overlap(a, a, {1024, kMillion});
}
TEST(interrupt_overlap_by_planes) {
    const Long a(4 * kMillion, 10), b(4 * kMillion, 10, 2);
    check_overlap(a.masks, b.masks, a.size);
}
TEST(interrupt_overlap_by_ranks) {
    check_overlap(sparse(2 * kMillion, 1, 1), sparse(2 * kMillion, 1, 2), kSparseSize, kBlocks);
}
TEST(interrupt_overlap_of_many) {
    const std::vector<double> corners = random_values<double>(4 * 700, 100);
    Batch<uint32_t> batch;
    rasterize_boxes({*simd::variants().back(), 1}, corners.data(), 700, {100, 100}, batch);
    std::vector<int64_t> areas(700 * 700);
    check([&](const Context& context) {
        overlap(context, batch.view(), batch.view(), {100, 100}, areas.data());
    });
}

void check_polygon(const std::vector<double>& points, Size size) {
    const int64_t rings[2] = {0, static_cast<int64_t>(points.size()) / 2}, masks[2] = {0, 1};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        CHECK(rasterize_polygons(context, points.data(), rings, masks, 1, size, batch).ok());
    });
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        rasterize_polygons(context, points.data(), rings, masks, 1, size, batch, Filling::non_zero);
    });
}

// A ring that goes back and forth between the centres of two columns.
std::vector<double> zigzag(int64_t vertices, double width) {
    Random random(1);
    std::vector<double> points;
    for (int64_t i = 0; i < vertices; ++i) {
        points.push_back(i % 2 ? width : 0);
        points.push_back(1000 * random.unit());
    }
    return points;
}

TEST(interrupt_polygon_of_many_vertices) { check_polygon(zigzag(kMillion / 4, 20), {1024, 100}); }
TEST(interrupt_polygon_in_a_column) { check_polygon(zigzag(2 * kMillion, 1), {1024, 100}); }
TEST(interrupt_polygon_of_long_edges) {
    const double width = 100'000;
    check_polygon(zigzag(kMillion / 10'000, width), {1024, 200'000});
}

TEST(interrupt_polygon_of_many_rings) {
    const std::vector<double> points =
        random_values<double>(static_cast<size_t>(kMillion / 16), 500);
    std::vector<int64_t> rings{0};
    while (rings.back() < kMillion / 32) rings.push_back(rings.back() + 8);
    const int64_t masks[2] = {0, static_cast<int64_t>(rings.size()) - 1};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        rasterize_polygons(context, points.data(), rings.data(), masks, 1, {512, 512}, batch);
    });
}

TEST(interrupt_boxes) {
    const double box[4] = {0, 1, static_cast<double>(8 * kMillion), 3};
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        CHECK(rasterize_boxes(context, box, 1, {4, 8 * kMillion}, batch).ok());
    });
}

std::vector<float> positions(int64_t count, int64_t samples) {
    std::vector<float> places;
    for (int64_t i = 0; i < count; ++i) {
        places.push_back(static_cast<float>(i) * static_cast<float>(samples - 1) /
                         static_cast<float>(count));
    }
    return places;
}

TEST(interrupt_resample) {
    const std::vector<float> scores = random_values<float>(400 * 400, 100);
    const std::vector<float> outer = positions(2000, 400), middle = positions(800, 400);
    const int64_t window[6] = {0, 0, 2000, 2000, 0, 0};
    SoftView soft{};
    soft.scores = scores.data(), soft.count = 1, soft.rows = soft.columns = 400;
    soft.positions = {outer.data(), outer.data()};
    soft.windows = window;
    auto kernel = [&](const Context& context) {
        Batch<uint32_t> batch;
        resample(context, soft, {2000, 2000}, 50, batch);
    };
    check(kernel);
    soft.has_inner = true, soft.inner_size = {800, 800};
    soft.inner = {middle.data(), middle.data()};
    check(kernel);
}

TEST(interrupt_resample_of_many_samples) {
    const std::vector<float> scores(static_cast<size_t>(32 * kMillion));
    const std::vector<float> places = {0, 1};
    const int64_t window[6] = {0, 0, 2, 2, 0, 0};
    const std::vector<float> tall = {0, static_cast<float>(32 * kMillion / 1024 - 1)};
    SoftView soft{};
    soft.scores = scores.data(), soft.count = 1;
    soft.rows = 32 * kMillion / 1024, soft.columns = 1024;
    soft.positions = {places.data(), tall.data()};
    soft.windows = window;
    check([&](const Context& context) {
        Batch<uint32_t> batch;
        resample(context, soft, {2, 2}, 50, batch);
    });
}

void check_argmax(int64_t classes, int64_t samples, int64_t side) {
    const std::vector<float> scores =
        random_values<float>(static_cast<size_t>(classes * samples * samples), 1 << 20);
    const std::vector<float> places = positions(side, samples);
    std::vector<uint32_t> out(static_cast<size_t>(side * side));
    const ClassView view{scores.data(), classes, samples, samples, {places.data(), places.data()}};
    check([&](const Context& context) {
        argmax_resample(context, view, {side, side}, out.data(), 4);
    });
}

TEST(interrupt_argmax) { check_argmax(20, 64, 400); }
TEST(interrupt_argmax_of_many_classes) { check_argmax(kMillion / 64, 8, 8); }
TEST(interrupt_argmax_of_few_samples) { check_argmax(2, 2, 4000); }

template <class Label>
LabelView label_view(const std::vector<Label>& labels, int64_t height, bool by_column = false) {
    const Size size{height, static_cast<int64_t>(labels.size()) / height};
    const int64_t width = sizeof(Label);
    LabelView view{
        reinterpret_cast<const uint8_t*>(labels.data()), size, {}, sizeof(Label), false, false};
    view.strides[0] = by_column ? width : width * size.width;
    view.strides[1] = by_column ? width * height : width;
    return view;
}

void check_label_runs(const LabelView& view) {
    check(
        [&](const Context& context) {
            Buffer<uint64_t> ids;
            Batch<uint32_t> batch;
            label_runs(context, view, {true, 0}, ids, batch);
        },
        kOncePerMask);
}

TEST(interrupt_label_runs) {
    const auto labels = random_values<uint8_t>(static_cast<size_t>(2 * kMillion), 200);
    check_label_runs(label_view(labels, 1024));
    check_label_runs(label_view(labels, 2));
    check_label_runs(label_view(labels, 1024, true));
}
TEST(interrupt_label_runs_of_many_labels) {
    check_label_runs(
        label_view(random_values<uint64_t>(static_cast<size_t>(kMillion), int64_t{1} << 60), 1024));
}

TEST(interrupt_overlap_table) {
    const auto a = random_values<uint16_t>(static_cast<size_t>(2 * kMillion), 200);
    const auto b = random_values<uint16_t>(static_cast<size_t>(2 * kMillion), 90);
    const auto many = random_values<uint64_t>(static_cast<size_t>(kMillion / 2), int64_t{1} << 60);
    for (const auto& [one, other] : {std::pair{label_view(a, 1024), label_view(b, 1024)},
                                     std::pair{label_view(many, 1024), label_view(many, 1024)}}) {
        check(
            [one = one, other = other](const Context& context) {
                OverlapTable table;
                overlap_table(context, one, other, table);
            },
            kOncePerMask);
    }
}

void check_paint(BatchView<uint32_t> masks, Size size, bool by_column) {
    std::vector<int64_t> order;
    std::vector<int32_t> values;
    for (int64_t i = 0; i < masks.count; ++i) {
        order.push_back(i);
        values.push_back(static_cast<int32_t>(3 * i));
    }
    std::vector<int32_t> out(static_cast<size_t>(size.pixels()));
    LabelOutput view{reinterpret_cast<uint8_t*>(out.data()), size, {4 * size.width, 4}, 4};
    if (by_column) view.strides[0] = 4, view.strides[1] = 4 * size.height;
    check(
        [&](const Context& context) {
            paint(context, masks, order.data(), masks.count, values.data(), view);
        },
        kOncePerMask);
}

TEST(interrupt_paint) {
    Long mask(2 * kMillion, 20);
    check_paint(mask.masks.view(), mask.size, false);
    check_paint(mask.masks.view(), mask.size, true);
}
TEST(interrupt_paint_of_many) {
    const int64_t count = kMillion / 16;
    const auto corners = random_values<double>(static_cast<size_t>(4 * count), 100);
    Batch<uint32_t> batch;
    rasterize_boxes({*simd::variants().back(), 1}, corners.data(), count, {100, 100}, batch);
    check_paint(batch.view(), {100, 100}, false);
}

}  // namespace

}  // namespace segcore::test
