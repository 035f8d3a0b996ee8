#include "shared_read.hpp"

#include "../core/parallel.hpp"

namespace segcore::json {

namespace {

constexpr size_t kPiecesPerThread = 4;

struct Piece {
    Piece(const uint8_t* from, Table* to) : begin(from), table(to) {}

    const uint8_t* begin;
    Table* table;
    const uint8_t* end = nullptr;  // what was read
    Table::End reason = Table::End::text;
    std::exception_ptr error = nullptr;
};

}  // namespace

bool SharedRead::read(Table& table, Cursor& cursor, int64_t offset, const Context& context) {
    const uint8_t* const window = cursor.at;
    const auto offset_of = [&](const uint8_t* at) { return offset + (at - window); };
    // The first objects show how others begin.
    if (!table.rows() && Span{cursor.at, cursor.end}.size() > piece_) {
        const auto reason = table.read_until(cursor, offset, cursor.at + piece_ / 16);
        if (reason != Table::End::stop && reason != Table::End::passed)
            return reason == Table::End::array;
    }
    const size_t size = Span{cursor.at, cursor.end}.size();
    const size_t most = kPiecesPerThread * static_cast<size_t>(context.threads);
    const size_t count = context.threads > 1 ? std::min(size / piece_, most) : 0;
    std::vector<Piece> pieces;
    pieces.emplace_back(cursor.at, &table);
    for (size_t i = 1; i < count; ++i) {
        const uint8_t* const from = cursor.at + size / count * i;
        const uint8_t* const begin = table.guess_object(from, from + size / count);
        if (!begin) continue;
        if (tables_.size() < pieces.size()) tables_.emplace_back(fields_);
        pieces.emplace_back(begin, &tables_[pieces.size() - 1]);
        pieces.back().table->restart();
    }
    const auto total = static_cast<int64_t>(pieces.size());
    const int threads = std::min(context.threads, static_cast<int>(total));
    parallel_for(context, total, threads, [&](int64_t i, int) {
        Piece& piece = pieces[static_cast<size_t>(i)];
        const uint8_t* const stop =
            i + 1 < total ? pieces[static_cast<size_t>(i) + 1].begin : nullptr;
        Cursor part{piece.begin, cursor.end, cursor.last};
        try {
            piece.reason = piece.table->read_until(part, offset_of(piece.begin), stop);
        } catch (...) {
            piece.error = std::current_exception();
        }
        piece.end = part.at;
    });
    for (const Piece& piece : pieces) {
        // The comma before a piece is not taken where nothing was read.
        if (piece.table == &table) {
            cursor.at = piece.end;
        } else {
            const bool is_empty = !piece.table->rows();
            table.append(*piece.table, offset_of(piece.end));
            if (!is_empty || piece.reason == Table::End::array) cursor.at = piece.end;
        }
        if (piece.error) std::rethrow_exception(piece.error);
        if (piece.reason == Table::End::passed) return table.read(cursor, offset_of(cursor.at));
        if (piece.reason != Table::End::stop) return piece.reason == Table::End::array;
    }
    return false;
}

}  // namespace segcore::json
