// Memory for many small arrays that are freed together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include "types.hpp"

namespace segcore {

// Allocates pieces of large blocks. Threads that allocate each array separately wait for one
// another in the system's allocator, in particular where one frees what another allocated; with an
// arena per thread, they rarely call it.
class Arena {
   public:
    // Allocate `count` uninitialized values, which live as long as the arena.
    template <class T>
    T* take(size_t count) {
        static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= alignof(Word));
        if (count > static_cast<size_t>(PTRDIFF_MAX) / sizeof(T)) throw std::bad_alloc();
        const size_t words = (count * sizeof(T) + sizeof(Word) - 1) / sizeof(Word);
        return reinterpret_cast<T*>(words > kLarge ? large_of(words) : piece_of(words));
    }

    // End the life of all values. Blocks are kept for later ones, but not those of large arrays.
    void clear() {
        large_.clear();
        used_ = left_ = 0;
    }

   private:
    using Word = uint64_t;
    static constexpr size_t kBlock = 8192;  // words
    static constexpr size_t kLarge = kBlock / 8;  // those that need more have blocks of their own

    Word* large_of(size_t words) {
        large_.emplace_back(words);
        return large_.back().data();
    }

    Word* piece_of(size_t words) {
        if (words > left_) {
            if (used_ == blocks_.size()) blocks_.emplace_back(kBlock);
            next_ = blocks_[used_++].data();
            left_ = kBlock;
        }
        Word* const piece = next_;
        next_ += words;
        left_ -= words;
        return piece;
    }

    std::vector<Buffer<Word>> blocks_, large_;
    size_t used_ = 0;  // blocks
    Word* next_ = nullptr;
    size_t left_ = 0;  // words, from `next_` on
};

}  // namespace segcore
