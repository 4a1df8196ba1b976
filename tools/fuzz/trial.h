// SPDX-License-Identifier: GPL-2.0-only
//
// One scenario, run in every way that must give the same, with every rule of ours checked on the way.
#pragma once

#include <functional>
#include <string>

#include "model/findings.h"
#include "tools/fuzz/checked_run.h"
#include "tools/io/scenario.h"

namespace pairsim {

struct trial_options {
    bool each_event = true;       ///< the machine checks its invariants after each event
    bool trace_round_trip = true; ///< the trace is written as JSON lines and read again
    /// A further rule, asked whenever the rules are: what is broken, empty if nothing. For tests.
    std::function<std::string(checked_run&)> also{};
};

struct trial_result {
    std::string broken; ///< a rule of ours; empty: all is well
    std::string digest;
    std::string exit; ///< as the report's exit.kind
    claims_result claims;
    unsigned nr_quiet = 0; ///< how often all tasks have been looked at
};

/// Runs @p what; a failed SIM_CHECK and an exception end up in `broken`.
trial_result run_trial(const scenario& what, const trial_options& options);

/// Only the plain run, as `pairsim run` has it, for those who ask about claims.
trial_result run_once(const scenario& what);

} // namespace pairsim
