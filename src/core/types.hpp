// The vocabulary of the kernels: views of what they read, owners of what they make, and Status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace segcore {

// An image size. There are fewer than 2**59 pixels (segcore/backends/sizes.py), so sums of two
// pixel counts and differences of any fit in int64_t.
struct Size {
    int64_t height;
    int64_t width;
    int64_t pixels() const noexcept { return height * width; }
};

// N masks of one size, held flat: mask i is run_ends[offsets[i]] ... run_ends[offsets[i + 1]].
// T is uint32_t below 2**32 pixels and uint64_t from there on.
template <class T>
struct BatchView {
    const T* run_ends;
    const int64_t* offsets;  // count + 1 of them
    int64_t count;

    const T* begin(int64_t mask) const noexcept { return run_ends + offsets[mask]; }
    const T* end(int64_t mask) const noexcept { return run_ends + offsets[mask + 1]; }
    int64_t total() const noexcept { return offsets[count] - offsets[0]; }
    // The masks [first, last). Their offsets do not start with 0.
    BatchView slice(int64_t first, int64_t last) const noexcept {
        return {run_ends, offsets + first, last - first};
    }
};

// A growable array of plain values. Unlike std::vector it does not initialize new values, and can
// release its memory, so that a result reaches Python without a copy.
template <class T>
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(size_t size) { resize(size); }
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    size_t size() const noexcept { return size_; }
    T& operator[](size_t i) noexcept { return data_[i]; }
    const T& operator[](size_t i) const noexcept { return data_[i]; }
    T& back() noexcept { return data_[size_ - 1]; }

    // Make room for `more` values behind the present ones, and return their address; the caller
    // writes at most that many and then calls resize with the new size.
    T* grow(size_t more) {
        if (capacity_ - size_ < more) reserve(size_ + more);
        return data_ + size_;
    }
    void push_back(T value) {
        *grow(1) = value;
        ++size_;
    }
    void pop_back() noexcept { --size_; }
    void append(const T* values, size_t n) {
        T* to = grow(n);
        if (n) std::memcpy(to, values, n * sizeof(T));
        size_ += n;
    }
    // New values are uninitialised.
    void resize(size_t size) {
        if (size > capacity_) reserve(size);
        size_ = size;
    }
    void assign(size_t size, T value) {
        resize(size);
        for (size_t i = 0; i < size; ++i) data_[i] = value;
    }
    // Append zeros up to this size. If there were no values, the memory is not touched.
    void extend_with_zeros(size_t size) {
        if (size <= size_) return;
        if (!data_) {
            data_ = static_cast<T*>(std::calloc(size, sizeof(T)));
            if (!data_) throw std::bad_alloc();
            capacity_ = size;
        } else {
            std::memset(grow(size - size_), 0, (size - size_) * sizeof(T));
        }
        size_ = size;
    }
    void clear() noexcept { size_ = 0; }
    // Free unused memory.
    void shrink() noexcept {
        if (void* data = size_ ? std::realloc(data_, size_ * sizeof(T)) : nullptr) {
            data_ = static_cast<T*>(data);
            capacity_ = size_;
        }
    }
    T* release() noexcept {
        T* data = data_;
        data_ = nullptr;
        size_ = capacity_ = 0;
        return data;
    }
    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

   private:
    void reserve(size_t wanted) {
        size_t capacity = capacity_ + capacity_ / 2 + 16;  // small buffers do not grow one by one
        if (capacity < wanted) capacity = wanted;
        // No object may be larger than PTRDIFF_MAX.
        if (capacity > static_cast<size_t>(PTRDIFF_MAX) / sizeof(T)) throw std::bad_alloc();
        const bool fresh = data_ == nullptr;
        void* data = std::realloc(data_, capacity * sizeof(T));
        if (!data) throw std::bad_alloc();
        data_ = static_cast<T*>(data);
        capacity_ = capacity;
        if (fresh) prefer_large_pages(data, capacity * sizeof(T));
    }

    // Mapping new memory in small pages costs more than filling it: request large pages, as NumPy
    // does. Not for memory that grows, because moving large pages costs even more.
    static void prefer_large_pages(void* data, size_t bytes) noexcept {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (bytes < size_t{4} << 20) return;
        const uintptr_t start = (reinterpret_cast<uintptr_t>(data) + 4095) & ~uintptr_t{4095};
        madvise(reinterpret_cast<void*>(start), bytes - 4096, MADV_HUGEPAGE);
#else
        (void)data;
        (void)bytes;
#endif
    }

    T* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

// A batch that a kernel makes. `offsets` starts with 0.
template <class T>
struct Batch {
    Buffer<T> run_ends;
    Buffer<int64_t> offsets;

    BatchView<T> view() const noexcept {
        return {run_ends.data(), offsets.data(), static_cast<int64_t>(offsets.size()) - 1};
    }
};

// Flat bytes or counts of N strings: string i is values[offsets[i]] ... values[offsets[i + 1]].
template <class T>
struct Strings {
    Buffer<T> values;
    Buffer<int64_t> offsets;
};

// An error found by a kernel; src/bind/status.hpp makes the message.
enum class Code {
    ok,
    string_byte,  // position: of the byte in its string; value: the byte
    string_truncated,  //
    string_overlong,  // position: the count's index
    run_negative,  // position: the run's index; value: its length
    runs_too_long,  // position: the run's index; value: the sum up to and with it
    runs_too_short,  // value: the sum
    coordinate,  // position: of the number in its mask
};

struct Status {
    Code code = Code::ok;
    int64_t mask = 0;
    int64_t position = 0;
    int64_t value = 0;  // as uint64_t for runs_too_long

    bool ok() const noexcept { return code == Code::ok; }
};

}  // namespace segcore
