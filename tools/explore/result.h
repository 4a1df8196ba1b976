// SPDX-License-Identifier: GPL-2.0-only
//
// The answer of an exploration: what became of each property, with its counterexample, and how it is told.
#pragma once

#include <string>
#include <vector>

#include "tools/explore/counterexample.h"

namespace pairsim {

struct verdict {
    enum class kind : std::uint8_t {
        holds,    ///< in every state that can be reached
        violated, ///< `example` shows how
        open,     ///< no violation found, but not all states visited
    };
    property which{};
    kind what = kind::open;
    counterexample example; ///< of violated
};

struct exploration_result {
    std::vector<verdict> verdicts; ///< in the order in which the exploration asks
    std::uint64_t nr_states = 0;
    std::uint64_t nr_transitions = 0;
    std::uint32_t depth = 0;
    search_end end = search_end::complete;
    double seconds = 0;
    double bytes_per_state = 0;
    std::size_t peak_memory_bytes = 0;
};

/// Explores @p what and judges what it asks about.
exploration_result explore(const exploration& what, const search_options& options);

/// What the file expects and the result is not, a line each.
std::vector<std::string> unmet_expectations(const exploration& what, const exploration_result& result);

/// The result for people. @p lanes: draw each counterexample as lanes too.
std::string result_text(const exploration& what, const exploration_result& result, bool lanes);

/// The result as JSON, `pairsim.exploration-result/1`.
json result_json(const exploration& what, const exploration_result& result);

/// The first counterexample as a graph in the DOT language: a vertex a state, an edge a step.
std::string result_dot(const exploration& what, const exploration_result& result);

} // namespace pairsim
