// SPDX-License-Identifier: GPL-2.0-only
//
// A counterexample as a scenario that `pairsim run` replays. Any order of steps can happen on a real machine if a
// hypervisor takes virtual CPUs away at the right moments; so the scenario has an adversary that does: between two of
// its steps each CPU is stolen (`faults.lost_time`) for exactly as long as the order of the counterexample asks.
#pragma once

#include <string>
#include <variant>

#include "tools/explore/counterexample.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// Why a counterexample has no timing.
struct not_timed {
    std::string reason;
};

/// The scenario, which has been run: it breaks the same claim by the same cause.
std::variant<json, not_timed> time_counterexample(const counterexample& c, const exploration& what);

} // namespace pairsim
