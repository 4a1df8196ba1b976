// SPDX-License-Identifier: GPL-2.0-only
//
// Ticks, as slices that end at them show: how many a second, and when on each CPU.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/validate/latencies.h"

namespace pairsim {

struct slice_end {
    std::uint16_t cpu = 0;
    std::int64_t at_ns = 0;
};

/// The switches between two tasks of one cgroup of which the first still wanted to run: its slice ended at a tick.
/// Where the cgroups differ, a kick may have done it, at the tick of another CPU.
std::vector<slice_end> slice_ends(const sched_log& log);

/// The HZ, of those that kernels are configured with, in whose ticks most of @p ends lie close together; nothing if
/// they are too few or spread over the whole tick at each of them.
std::optional<std::uint32_t> find_hz(const std::vector<slice_end>& ends, std::uint32_t nr_cpus);

/// Of each CPU: when in a tick, in ns, slices begin to end. Nothing for a CPU with too few ends.
std::vector<std::optional<std::int64_t>> find_phases(const std::vector<slice_end>& ends, std::uint32_t nr_cpus,
                                                     std::uint32_t hz);

/// Adds to latency::tick_late how long after its CPU's phase each end is.
void collect_lateness(const std::vector<slice_end>& ends, std::uint32_t nr_cpus, std::uint32_t hz,
                      latency_samples& samples);

/// @p phases as distances from the CPU whose tick comes first, below one tick; 0 where nothing is known.
std::vector<std::int64_t> tick_offsets(const std::vector<std::optional<std::int64_t>>& phases, std::uint32_t hz);

} // namespace pairsim
