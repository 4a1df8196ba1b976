// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim check: the claims on a trace that somebody recorded, a kernel or pairsim itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/claims.h"
#include "tools/io/cgroup_rules.h"
#include "tools/io/recorded_trace.h"
#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

struct check_options {
    std::vector<pair_map::pair> pairs; ///< empty: those of the trace, if it is one of ours
    cgroup_rules rules;
    recorded_options recorded;
    claim_limits limits;
    std::vector<claim_id> only; ///< empty: all claims decide
    nanoseconds grace{};        ///< violations that last at most this do not make a claim broken
};

struct check_result {
    std::string trace;
    std::string format;
    scenario what;                   ///< names of tasks and cgroups, by the records' numbers
    std::vector<std::uint32_t> pids; ///< [n]: what the trace calls the task with pid n + 1
    pair_map pairs;
    recorded_counts counts;
    std::uint64_t events = 0;
    sim_time start{};
    sim_time end{};
    claims_result claims;
    std::string why_not_watched;  ///< of the claims that are not
    std::vector<claim_id> broken; ///< in the order of all_claims()
};

/// "0+4,1+5", or a number of CPUs: each is the partner of the one half of them further. Throws input_error.
std::vector<pair_map::pair> parse_pairs(const std::string& text);

/// The claim with this id. Throws input_error that names @p option.
claim_id parse_claim(const std::string& option, const std::string& id);

/// "CLAIM=DURATION" into @p limits. Throws input_error.
void parse_limit(const std::string& text, claim_limits& limits);

/// Reads @p path ("-": standard input) once. Throws input_error.
check_result check_trace(const std::string& path, const check_options& options);

std::string check_text(const check_result& result);

/// `pairsim.check/1`.
json check_json(const check_result& result);

} // namespace pairsim
