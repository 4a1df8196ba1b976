// SPDX-License-Identifier: GPL-2.0-only
//
// The benchmarks of pairsim_bench. Each prints its results.
#pragma once

#include <string_view>

#include "sim/time.h"

namespace pairsim::bench {

/// States a second and bytes a state of the explorer, reductions off, on one thread and on two.
void explore();
/// Event queues against each other.
void queue();
/// Whole runs beside the bare loop.
void simulation();
/// `pairsim` in processes of its own: start, trace writers, memory.
void whole_program();
/// Runs "hogs", "mix" or "costs" (64 CPUs) once, for a profiler.
void run_once(std::string_view load, nanoseconds simulated);
/// Prints that load's scenario.
void print_load(std::string_view load, nanoseconds simulated);

} // namespace pairsim::bench
