// Run all tests, or those whose name contains one of the arguments, or, after a minus sign, all but
// those; exit with 1 if one fails.
#include <cstdio>
#include <cstring>

#include "harness.hpp"
#include "simd/dispatch.hpp"

namespace {

bool is_wanted(const char* name, int argc, char** argv) {
    bool wanted = argc == 1 || argv[1][0] == '-';
    for (int i = 1; i < argc; ++i) {
        const bool without = argv[i][0] == '-';
        if (std::strstr(name, argv[i] + without)) wanted = !without;
    }
    return wanted;
}

bool passes(const segcore::test::Test& test) {
    try {
        test.run();
        return true;
    } catch (const std::exception& error) {
        std::printf("FAILED %s\n  %s\n", test.name, error.what());
        return false;
    }
}

}  // namespace

int main(int argc, char** argv) {
    int run = 0, failed = 0;
    for (const segcore::test::Test& test : segcore::test::tests()) {
        if (!is_wanted(test.name, argc, argv)) continue;
        ++run;
        failed += !passes(test);
    }
    std::printf("%d tests, %d failed; on", run, failed);
    for (const segcore::simd::Table* table : segcore::simd::variants()) {
        std::printf(" %s", table->name);
    }
    std::printf("\n");
    return failed || !run;
}
