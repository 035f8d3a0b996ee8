// A small test harness: TEST(name) { CHECK(...); }, and a main that runs them all (main.cpp).
// The first check that fails ends its test; the notes in scope say what was being tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace segcore::test {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

struct Registered {
    Registered(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

#define TEST(name)                                          \
    static void name();                                     \
    static const Registered registered_##name(#name, name); \
    static void name()

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What the checks below it are about, for the message when one of them fails. A note costs nothing
// until then: it keeps what it is given and is read only by fail.
class Note {
   public:
    Note(const char* what, std::initializer_list<int64_t> values = {}) noexcept
        : what_(what), above_(innermost()) {
        for (int64_t value : values) {
            if (count_ < kMost) values_[count_++] = value;
        }
        innermost() = this;
    }
    ~Note() { innermost() = above_; }
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;

    static std::string all() {
        std::string text;
        for (const Note* note = innermost(); note; note = note->above_) {
            std::string line = std::string("\n    ") + note->what_;
            for (size_t i = 0; i < note->count_; ++i)
                line += ' ' + std::to_string(note->values_[i]);
            text = line + text;
        }
        return text;
    }

   private:
    static const Note*& innermost() {
        static const Note* note = nullptr;
        return note;
    }

    static constexpr size_t kMost = 4;
    const char* what_;
    const Note* above_;
    int64_t values_[kMost] = {};
    size_t count_ = 0;
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
    throw Failure(std::string(file) + ':' + std::to_string(line) + ": " + what + Note::all());
}

template <class V>
std::string show(const V& value) {
    if constexpr (std::is_enum_v<V>) {
        return std::to_string(static_cast<int>(value));
    } else {
        std::ostringstream text;
        text << +value;
        return text.str();
    }
}
inline std::string show(const std::string& value) { return '"' + value + '"'; }
inline std::string show(const char* value) { return show(std::string(value)); }

template <class V>
void check_equal(const V& got, const std::common_type_t<V>& expected, const char* file, int line,
                 const char* what) {
    if (got == expected) return;
    fail(file, line, std::string(what) + ": got " + show(got) + ", expected " + show(expected));
}

template <class V>
void check_equal(const std::vector<V>& got, const std::vector<V>& expected, const char* file,
                 int line, const char* what) {
    if (got == expected) return;
    size_t i = 0;
    while (i < got.size() && i < expected.size() && got[i] == expected[i]) ++i;
    auto value = [i](const std::vector<V>& values) {
        return i < values.size() ? show(values[i]) : "nothing";
    };
    fail(file, line,
         std::string(what) + ": got " + std::to_string(got.size()) + " values, expected " +
             std::to_string(expected.size()) + "; at " + std::to_string(i) + " got " + value(got) +
             ", expected " + value(expected));
}

#define CHECK(condition)                                                                      \
    do {                                                                                      \
        if (!(condition)) ::segcore::test::fail(__FILE__, __LINE__, "not true: " #condition); \
    } while (false)
#define CHECK_EQUAL(got, expected) \
    ::segcore::test::check_equal(got, expected, __FILE__, __LINE__, #got)

}  // namespace segcore::test
