// SPDX-License-Identifier: GPL-2.0-only
//
// The parts of a machine that records show directly: how far apart the CPUs' ticks are, which kernel threads run
// beside the workload, and for how long the host takes a CPU away.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/io/strict_json.h"
#include "tools/validate/latencies.h"
#include "tools/validate/sched_log.h"

namespace pairsim {

class fit_parts {
public:
    /// Adds what a recorded run shows.
    void add(const measured_case& c, const measured_run& run, const sched_log& log);
    /// All runs have been added.
    void finish();

    /// Of what the ticks of two CPUs are apart: @p gaps between their slice ends, or between the wake-ups of per-CPU
    /// threads if there are few of these.
    json tick_jitter(const std::vector<std::int64_t>& gaps) const;
    json stolen() const;
    /// How late the host serves timers while all CPUs are busy, from sleeps that ended then.
    static json late_timer(std::vector<latency_samples::late_sleep> sleeps);
    /// The mean of what the runs lost to the host, apart from CPUs that shared one of the host's.
    double stolen_share() const;
    json background() const;
    /// The costs of the x86-64 machine, those of kernel code times @p factor.
    json scaled_costs(double factor) const;

private:
    struct thread_records {
        bool per_cpu = false;
        std::vector<std::int64_t> sleep; ///< between wake-ups on a CPU; the last one lasts at least to the end
        std::vector<std::int64_t> run;
        std::uint64_t nr_wakeups = 0;
    };

    void add_ticks(const sched_log& log);
    void add_theft(const measured_case& c, const measured_run& run, const sched_log& log);
    void add_threads(const sched_log& log);
    void add_run_lengths(const sched_log& log);
    static bool is_coarse(const std::vector<std::int64_t>& sleeps);

    std::vector<std::int64_t> skews_;    ///< between two CPUs' handlers of one tick
    std::vector<std::int64_t> lateness_; ///< of slice ends for which the host was to blame
    std::map<std::string, thread_records> threads_;
    std::vector<double> lost_shares_;
    std::uint32_t nr_runs_ = 0;
};

} // namespace pairsim
