// SPDX-License-Identifier: GPL-2.0-only
//
// What can go on for ever: lockups, starvation, livelock. Decided on the graph of all states after the search.
//
// Fairness: a way that goes on for ever counts only if no CPU in the kernel is left out: each CPU either does a step
// on the cycle or is in its base somewhere on it. The surroundings owe nothing: no slice need end, no timer go off. So
// that a cycle says something of the scheduler, all CPUs that run a task on it must have a slice end there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/explore/search.h"

namespace pairsim {

struct endless_path {
    std::vector<std::uint16_t> actions; ///< from the initial state
    std::size_t cycle_start = 0;        ///< index of the first action of the cycle; actions.size(): there is none
    std::string headline;
};

/// A way that breaks @p p (no_lockup, no_starvation or no_livelock) in the graph of @p found, which is complete.
std::optional<endless_path> find_endless(property p, const exploration& what, const sched_ops& ops,
                                         const search_result& found);

} // namespace pairsim
