// SPDX-License-Identifier: GPL-2.0-only
//
// Virtual time: integer nanoseconds since the scheduler was enabled. The clock has no now(); the simulator has.
#pragma once

#include <chrono>
#include <cstdint>

namespace pairsim {

using nanoseconds = std::chrono::nanoseconds;

struct sim_clock {
    using duration = nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<sim_clock, duration>;
    static constexpr bool is_steady = true;
};

/// An instant of the run. t = 0 is the instant at which the scheduler has been enabled.
using sim_time = sim_clock::time_point;

constexpr sim_time at_ns(std::int64_t ns)
{
    return sim_time{nanoseconds{ns}};
}

constexpr std::int64_t to_ns(sim_time t)
{
    return t.time_since_epoch().count();
}

inline constexpr sim_time never = sim_time::max();

/// Uptime of the machine at t = 0. scx_pair's zeroed pair_ctx counts as expired because the machine has been up for
/// longer than a batch: `started_at + pair_batch_dur < now` must hold for started_at = 0.
inline constexpr nanoseconds boot_offset = std::chrono::seconds{100};

/// The longest duration that an input may ask for (about 11 days); sums of a few of them cannot overflow.
inline constexpr nanoseconds max_duration = std::chrono::seconds{1'000'000};

} // namespace pairsim
