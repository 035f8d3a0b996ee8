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
        return reinterpret_cast<T*>(words > kLarge ? block_of(words) : piece_of(words));
    }

   private:
    using Word = uint64_t;
    static constexpr size_t kBlock = 8192;  // words
    static constexpr size_t kLarge = kBlock / 8;  // those that need more have blocks of their own

    Word* block_of(size_t words) {
        blocks_.emplace_back(words);
        return blocks_.back().data();
    }

    Word* piece_of(size_t words) {
        if (words > left_) {
            next_ = block_of(kBlock);
            left_ = kBlock;
        }
        Word* const piece = next_;
        next_ += words;
        left_ -= words;
        return piece;
    }

    std::vector<Buffer<Word>> blocks_;
    Word* next_ = nullptr;
    size_t left_ = 0;  // words, from `next_` on
};

}  // namespace segcore
