// SPDX-License-Identifier: GPL-2.0-only
//
// A run to look at: its records, whether a scenario was run just now or a trace file was read, and what metrics and
// claims say of it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/claims.h"
#include "model/metrics.h"
#include "model/pair_map.h"
#include "sim/trace.h"
#include "tools/io/scenario.h"
#include "tools/io/scenario_loader.h"

namespace pairsim {

struct observed_run {
    /// Of a trace: what its header and records say. Affinities, NUMA nodes and the batch duration are not in a trace:
    /// tasks may run anywhere, and the machine has one node.
    scenario what;
    pair_map pairs;
    std::vector<trace_record> records;
    sim_time end{}; ///< of a trace: its last record's time
    bool from_trace = false;
    std::string exit_kind = "none"; ///< as in a report
    std::string exit_message;
    metrics_result metrics; ///< from `warmup`, which is 0 for a trace
    claims_result claims;

    static constexpr std::size_t max_findings = 1'000'000; ///< more than a report has: a picture shows them all

    std::size_t nr_cpus() const { return what.machine.nr_cpus(); }
};

struct load_options {
    std::vector<setting> settings; ///< of a scenario
    std::optional<std::uint64_t> seed;
    std::optional<nanoseconds> until; ///< end of the run, or of what is read of a trace
};

/// Runs the scenario in @p path, or reads the trace in it; the first line tells which it is. "-" is a scenario on
/// standard input. Throws input_error, also for options that a trace cannot have. The result is not to be moved
/// within the lifetime of what refers to it, so it is on the heap.
std::unique_ptr<const observed_run> load_run(const std::string& path, const load_options& options);

/// Is this a file that begins as a JSON Lines trace does?
bool is_trace_file(const std::string& path);

/// The time that was simulated.
inline nanoseconds length_of(const observed_run& run)
{
    return run.end.time_since_epoch();
}

} // namespace pairsim
