// SPDX-License-Identifier: GPL-2.0-only
//
// Random small scenarios: any machine, workload and options that a scenario file can describe, made from a seed.
#pragma once

#include <cstdint>

#include "tools/io/strict_json.h"

namespace pairsim {

/// A scenario document (`pairsim.scenario/1`) of at most 8 CPUs, 11 tasks and 80 ms: always the same for a seed, and
/// always valid. The schedulers and the variants of scx_pair that are not upstream's are rare.
json make_random_scenario(std::uint64_t seed);

} // namespace pairsim
