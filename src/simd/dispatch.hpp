// Which leaf functions this processor can run.
#pragma once

#include <vector>

#include "table.hpp"

namespace segcore::simd {

// The variants that were built and that this processor supports, the best first; never empty.
const std::vector<const Table*>& variants();

// The variant of that name, or nullptr.
const Table* find(const char* name);

}  // namespace segcore::simd
