// SPDX-License-Identifier: GPL-2.0-only
//
// What a log of switches and wake-ups shows of a machine's kernel paths: samples of each latency that can be seen.
// Taken from recorded and from simulated runs alike; fitting a machine makes the two agree.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tools/validate/sched_log.h"

namespace pairsim {

enum class latency : std::uint8_t {
    wake_direct,      ///< waking to wakeup of a workload task, onto the waker's local DSQ
    wake_queued,      ///< the same through ops.enqueue
    idle_to_run,      ///< wakeup to switch of a directly dispatched task, woken on its own, idle CPU
    remote_to_run,    ///< waking to switch, woken from another CPU
    rt_to_run,        ///< waking to switch of a FIFO thread that preempts a task
    kick_leg,         ///< a pair's two CPUs in different cgroups, 20 us to 1 ms: a kick on its way
    tick_gap,         ///< between the switches of a pair's two CPUs at one tick, while the pair keeps its cgroup
    run_extra,        ///< CPU time from a wake-up to the next sleep, beyond what the task itself asked for
    sleep_extra,      ///< from a sleep's switch to its wake-up while some CPU is busy, beyond the sleep's length
    idle_sleep_extra, ///< the same while all CPUs are idle
    shared_leg,       ///< as kick_leg, 20 us to 15 ms, where two CPUs share one of the host's
};
inline constexpr std::size_t nr_latencies = 11;
std::string_view latency_name(latency l);

struct latency_samples {
    std::array<std::vector<std::int64_t>, nr_latencies> of{};
    std::vector<std::int64_t>& operator[](latency l) { return of[static_cast<std::size_t>(l)]; }
    const std::vector<std::int64_t>& operator[](latency l) const { return of[static_cast<std::size_t>(l)]; }
};

/// Adds what @p log, a run of @p c, shows.
void collect_latencies(const measured_case& c, const sched_log& log, latency_samples& samples);

/// Quantile @p per_million of @p sorted, which is not empty.
std::int64_t quantile(const std::vector<std::int64_t>& sorted, std::uint32_t per_million);

} // namespace pairsim
