// SPDX-License-Identifier: GPL-2.0-only
//
// The workloads that are measured: two tasks a CPU in N/2 + 3 cgroups, slices of 20 ms, batches of 5 ms, 1000 ticks a
// second.
#pragma once

#include <cstdint>
#include <string>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim::bench {

enum class load_kind : std::uint8_t {
    hogs, ///< every task runs for ever
    mix,  ///< every other task runs for exp(500 us) and sleeps for exp(2 ms)
};

struct load {
    load_kind kind = load_kind::hogs;
    std::size_t nr_cpus = 64;
    bool costs = false; ///< kernel paths take time, with their spread and that of the ticks; else they take none
    std::size_t tasks_per_cpu = 2;
};

/// "mix, 64 CPUs, costs".
std::string name_of(const load& l);

/// The scenario file of a load, @p simulated long.
json document_of(const load& l, nanoseconds simulated);
/// The same, loaded.
scenario scenario_of(const load& l, nanoseconds simulated);

} // namespace pairsim::bench
