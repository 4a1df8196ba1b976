// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/result.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/explore/cycles.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

verdict judge(property p, const exploration& what, const sched_ops& ops, const search_result& found)
{
    verdict v{.which = p, .what = verdict::kind::open, .example = {}};
    if (info_of(p).needs_graph) {
        if (!found.exhaustive()) {
            return v;
        }
        const auto path = find_endless(p, what, ops, found);
        v.what = path ? verdict::kind::violated : verdict::kind::holds;
        if (path) {
            v.example = replay(what, ops, p, in_first_names(what, ops, path->actions));
            v.example.cycle_start = path->cycle_start;
            v.example.headline = path->headline;
            v.example.cause = p == property::no_lockup && what.base.machine.profile == kernel_profile::k612 ? "S1" : "";
        }
        return v;
    }
    if (const auto& violation = found.of(p)) {
        v.what = verdict::kind::violated;
        v.example = replay(what, ops, p, in_first_names(what, ops, path_to(found.visited, violation->state)));
    } else if (found.exhaustive()) {
        v.what = verdict::kind::holds;
    }
    return v;
}

} // namespace

exploration_result explore(const exploration& asked_for, const search_options& options)
{
    exploration what = asked_for;
    const auto ops = make_scheduler(what.base);
    property_set asked = 0;
    search_options o = options;
    for (const property p : what.claims) {
        asked |= bit_of(p);
        o.keep_graph = o.keep_graph || info_of(p).needs_graph;
    }
    // On a cycle of states that stand for others it is not the same task that starves.
    what.reduce.symmetry = what.reduce.symmetry && !o.keep_graph;
    const search_result found = search(what, *ops, asked, o);
    exploration_result r{.verdicts = {},
                         .nr_states = found.visited.size(),
                         .nr_transitions = found.nr_transitions,
                         .depth = found.depth,
                         .end = found.end,
                         .seconds = found.seconds,
                         .bytes_per_state = static_cast<double>(found.visited.memory_bytes()) / found.visited.size(),
                         .peak_memory_bytes = found.peak_memory_bytes};
    for (const property p : what.claims) {
        r.verdicts.push_back(judge(p, what, *ops, found));
    }
    return r;
}

std::vector<std::string> unmet_expectations(const exploration& what, const exploration_result& result)
{
    std::vector<std::string> unmet;
    for (const expected_verdict& e : what.expect) {
        const auto v = std::ranges::find(result.verdicts, e.which, &verdict::which);
        const auto id = info_of(e.which).id;
        const bool holds = v->what == verdict::kind::holds;
        const bool violated = v->what == verdict::kind::violated;
        if (e.holds && !holds) {
            unmet.push_back(fmt::format("{} was to hold", id));
        } else if (!e.holds && !violated) {
            unmet.push_back(fmt::format("{} was to be violated", id));
        } else if (!e.cause.empty() && v->example.cause != e.cause) {
            unmet.push_back(fmt::format("{} was to be violated by {}, not by {}", id, e.cause,
                                        v->example.cause.empty() ? "an unknown cause" : v->example.cause));
        }
    }
    return unmet;
}

} // namespace pairsim
