// SPDX-License-Identifier: GPL-2.0-only
//
// The search: all states that can be reached, breadth first, layer by layer. A layer is expanded by several threads,
// and what they find is merged in the order of the states and of the actions, so that numbers, parents, counts and
// counterexamples do not depend on how many threads there are.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tools/explore/properties.h"
#include "tools/explore/visited.h"

namespace pairsim {

/// What the analysis of the whole graph needs to know of a state, as bits.
namespace state_label {
using bits = std::uint64_t;
inline constexpr std::size_t max_tasks = 16;
inline constexpr bits any_task_waits = 0xffff;
inline constexpr bits irqs_off_wait = bits{1} << 16U;
constexpr bits task_waits(std::size_t task_index)
{
    return bits{1} << task_index;
}
constexpr bits rests(std::size_t cpu) ///< idle, and nothing on its way
{
    return bits{1} << (24 + cpu);
}
constexpr bits draining(std::size_t pair)
{
    return bits{1} << (32 + pair);
}
constexpr bits expired(std::size_t pair)
{
    return bits{1} << (36 + pair);
}
} // namespace state_label

struct state_edge {
    state_index from;
    state_index to;
    std::uint16_t action;
};

enum class search_end : std::uint8_t {
    complete, ///< every state that can be reached has been visited
    decided,  ///< each property that was asked about is violated: no need to go on
    max_states,
    max_depth,
    max_memory,
    max_time,
};

struct search_result {
    visited_states visited;
    std::uint64_t nr_transitions = 0;
    std::uint32_t depth = 0; ///< of the last layer that has states
    search_end end = search_end::complete;
    struct violation {
        state_index state;
        std::uint32_t depth;
    };
    std::array<std::optional<violation>, nr_properties> violations{};
    std::vector<state_edge> edges;         ///< if the graph was asked for, in the order of `from`
    std::vector<state_label::bits> labels; ///< of each state, likewise
    double seconds = 0;
    std::size_t peak_memory_bytes = 0;

    bool exhaustive() const { return end == search_end::complete; }
    const std::optional<violation>& of(property p) const { return violations[static_cast<std::size_t>(p)]; }
};

struct search_options {
    unsigned threads = 1;
    bool keep_graph = false;
    bool check_invariants = false; ///< the machine's own rules in each state: slow, for tests
};

/// Searches for violations of @p asked. With keep_graph, @p what must not have symmetry reduction on.
search_result search(const exploration& what, const sched_ops& ops, property_set asked, const search_options& options);

} // namespace pairsim
