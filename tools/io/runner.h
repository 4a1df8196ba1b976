// SPDX-License-Identifier: GPL-2.0-only
//
// Runs a scenario and collects what every user of a run needs: digest, counters, metrics, claims, the way it ended.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/claims.h"
#include "model/metrics.h"
#include "model/pair_map.h"
#include "model/pair_sched.h"
#include "sim/sched_ops.h"
#include "sim/simulator.h"
#include "tools/io/report.h"
#include "tools/io/scenario.h"

namespace pairsim {

using counter_list = std::vector<std::pair<std::string, std::uint64_t>>;

struct run_options {
    std::optional<nanoseconds> until{}; ///< end of the run, in place of the scenario's
    std::vector<trace_sink*> sinks{};   ///< further readers of the trace
    bool analyse = true;                ///< metrics and claims; without them only digest, counters and exit
    bool each_tick = false;             ///< simulate also the ticks that change nothing
    nanoseconds stats_interval{};       ///< zero: none
    std::function<void(const counter_list&)> on_stats{};
};

struct run_outcome {
    run_result result;
    exit_kind ended = exit_kind::none;
    std::vector<std::string> warnings;
};

/// The pairs that a scenario's scheduler has, or by which its baseline is judged. The scenario is valid.
pair_map pairs_of(const scenario& s);

/// The claims that a run of the scenario's scheduler can show; a baseline lacks what some of them are about.
claim_set shown_by(const scenario& s);

/// With what options claims watch a run of the scenario, or a trace of one.
claims_options claims_options_of(const scenario& s);

/// The scheduler of a scenario.
std::unique_ptr<sched_ops> make_scheduler(const scenario& s);

/// Name of an exit kind in reports: "none", "scx_bpf_error", "stall", ...
std::string exit_kind_name(exit_kind kind);

/// @p s must outlive the outcome.
run_outcome run_scenario(const scenario& s, const run_options& options = {});

} // namespace pairsim
