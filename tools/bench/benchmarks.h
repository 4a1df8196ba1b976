// SPDX-License-Identifier: GPL-2.0-only
//
// The benchmarks of pairsim_bench. Each prints its results.
#pragma once

#include <string_view>

namespace pairsim::bench {

/// States a second and bytes a state of the explorer, reductions off, on one thread and on two.
void explore();
/// Event queues against each other.
void queue();
/// Whole runs beside the bare loop.
void simulation();
/// Runs "hogs", "mix" or "costs" (64 CPUs) once, for a profiler. Returns the simulated seconds.
double run_once(std::string_view load);

} // namespace pairsim::bench
