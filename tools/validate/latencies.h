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
    kick_leg,         ///< a pair's two CPUs in different cgroups for less than 1 ms: a kick on its way
    tick_gap,         ///< between the switches of a pair's two CPUs at one tick, while the pair keeps its cgroup
    run_extra,        ///< CPU time from a wake-up to the next sleep, beyond what the task itself asked for
    sleep_extra,      ///< from a sleep's switch to its wake-up while some CPU is busy, beyond the sleep's length
    idle_sleep_extra, ///< the same while all CPUs are idle
    shared_leg,       ///< as kick_leg, 20 us to 15 ms, where two CPUs share one of the host's
    tick_late,        ///< a slice's end after the tick's usual time on that CPU
};
inline constexpr std::size_t nr_latencies = 12;
std::string_view latency_name(latency l);

struct latency_samples {
    std::array<std::vector<std::int64_t>, nr_latencies> of{};
    std::vector<std::int64_t>& operator[](latency l) { return of[static_cast<std::size_t>(l)]; }
    const std::vector<std::int64_t>& operator[](latency l) const { return of[static_cast<std::size_t>(l)]; }

    /// A sleep whose end fell into a time in which all CPUs were busy: how late it ended, at least if that time was
    /// over before.
    struct late_sleep {
        std::int64_t ns = 0;
        bool exact = false;
    };
    std::vector<late_sleep> late_sleeps;
};

/// What one knows of a log's run beside the log.
struct run_facts {
    /// The loop of a task that runs once and sleeps once: what it asks for.
    struct loop_plan {
        bool known = false;
        std::int64_t run = 0;
        std::int64_t sleep = 0;
    };
    std::vector<loop_plan> plans;       ///< by thread
    bool shared = false;                ///< CPUs share one of the host's
    bool kick_storm = false;            ///< kicks cross all the time
    bool long_batch = false;            ///< a pair outlasts several slices, and there is no other
    std::int64_t shortest_leg = 20'000; ///< below it: not a kick
};

/// The facts of a log of @p c.
run_facts facts_of(const measured_case& c, const sched_log& log);

/// Adds what @p log shows.
void collect_latencies(const run_facts& facts, const sched_log& log, latency_samples& samples);

/// Quantile @p per_million of @p sorted, which is not empty.
std::int64_t quantile(const std::vector<std::int64_t>& sorted, std::uint32_t per_million);

} // namespace pairsim
