// Reading an array of objects with several threads.
#pragma once

#include <deque>

#include "../core/context.hpp"
#include "table.hpp"

namespace segcore::json {

// The tables of the threads, which are used again for every window.
//
// The text is divided where an object probably begins, and each part is read into a table of its
// own. A guess was right if the part before ends there. Otherwise what was read from there on is
// dropped and read again: the result, and the first error, do not depend on guesses.
class SharedRead {
   public:
    // `piece`: the least number of bytes that are worth a thread.
    explicit SharedRead(const std::vector<Table::Field>& fields, size_t piece = size_t{1} << 16)
        : fields_(fields), piece_(piece) {}

    // As table.read(). Where the text is short, one thread reads it.
    bool read(Table& table, Cursor&, int64_t offset, const Context&);

   private:
    std::vector<Table::Field> fields_;
    size_t piece_;
    std::deque<Table> tables_;
};

}  // namespace segcore::json
