// SPDX-License-Identifier: GPL-2.0-only
//
// The report of a run: as text for people, and as JSON (`pairsim.report/1`, scenarios/report.schema.json).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/claims.h"
#include "model/metrics.h"
#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// How the scheduler ended. `kind` "none": it still worked when the time was up.
struct run_exit {
    std::string kind = "none";
    std::string message;
    sim_time at{};
};

struct run_result {
    const scenario& what;
    std::string version;
    std::uint64_t seed = 0;
    std::string digest;
    std::uint64_t unseed = 0; ///< the next draw of the random source
    nanoseconds simulated{};
    std::int64_t useful_ns = 0;          ///< work of the tasks' programs that was done after the warm-up
    std::vector<std::int64_t> kernel_ns; ///< by CPU, after the warm-up; empty: not known, as no record shows it
    run_exit exit;
    std::vector<std::pair<std::string, std::uint64_t>> counters; ///< nr_*, in scx_pair's order
    metrics_result metrics;
    claims_result claims;
};

/// Sum over all CPUs; 0 if it is not known.
std::int64_t kernel_ns_of_machine(const run_result& run);

json report_json(const run_result& run);

/// The report's `claims`, by id.
json claims_json(const claims_result& claims);

/// The report's `findings`.
json findings_json(const scenario& what, const claims_result& claims);

/// At most 100 columns, the essence first.
std::string report_text(const run_result& run);

/// What happened, in one sentence without a full stop: "cpu 1 kept running a task of `a` ...".
std::string finding_sentence(const scenario& what, const finding& f);

} // namespace pairsim
