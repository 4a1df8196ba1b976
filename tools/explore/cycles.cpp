// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/cycles.h"

#include <algorithm>
#include <array>

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <fmt/format.h>

#include "sim/check.h"
#include "tools/explore/counterexample.h"

namespace pairsim {
namespace {

using label = state_label::bits;
using csr_graph = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                                     boost::no_property, std::size_t, std::size_t>;
using kind = action::kind;

/// The edges between states that all have some label, and their strongly connected components.
class part {
public:
    part(const search_result& found, const explored_world& world, label wanted, label any_of)
        : found_(found), world_(world)
    {
        const auto in = [&](state_index s) {
            const label l = found.labels[s];
            return (l & wanted) == wanted && (any_of == 0 || (l & any_of) != 0);
        };
        std::vector<std::pair<std::size_t, std::size_t>> ends;
        for (const state_edge& e : found.edges) {
            if (in(e.from) && in(e.to)) {
                edges_.push_back(e);
                ends.emplace_back(e.from, e.to);
            }
        }
        const std::size_t nr = found.visited.size();
        const csr_graph graph(boost::edges_are_sorted, ends.begin(), ends.end(), nr);
        component_.resize(nr);
        nr_components_ = boost::strong_components(
            graph, boost::make_iterator_property_map(component_.begin(), boost::get(boost::vertex_index, graph)));
        first_edge_.resize(nr + 1);
        for (const state_edge& e : edges_) {
            ++first_edge_[e.from + 1];
        }
        for (std::size_t s = 0; s < nr; ++s) {
            first_edge_[s + 1] += first_edge_[s];
        }
    }

    /// A fair cycle, through the component whose first state comes first.
    std::optional<endless_path> fair_cycle() const
    {
        const auto seen = survey();
        state_index best = no_state;
        for (std::size_t c = 0; c < nr_components_; ++c) {
            if (is_fair(seen[c])) {
                best = std::min(best, seen[c].first);
            }
        }
        if (best == no_state) {
            return std::nullopt;
        }
        endless_path path{.actions = path_to(found_.visited, best), .cycle_start = 0, .headline = {}};
        path.cycle_start = path.actions.size();
        make_cycle(best, path.actions);
        return path;
    }

private:
    static constexpr std::size_t max_pairs = surroundings::max_cpus / 2;

    struct summary {
        state_index first = no_state;
        std::array<bool, surroundings::max_cpus> steps{}; ///< some edge is a step of the CPU
        label always = ~label{0};                         ///< labels that all states have
        label sometimes = 0;
        std::array<bool, max_pairs> expires{};
    };

    bool inside(const state_edge& e) const { return component_[e.from] == component_[e.to]; }

    std::vector<summary> survey() const
    {
        std::vector<summary> all(nr_components_);
        for (const state_edge& e : edges_) {
            if (!inside(e)) {
                continue;
            }
            summary& s = all[component_[e.from]];
            s.first = std::min({s.first, e.from, e.to});
            s.always &= found_.labels[e.from];
            s.sometimes |= found_.labels[e.from];
            const action& a = world_.actions()[e.action];
            if (a.what == kind::step) {
                s.steps[a.cpu.value] = true;
            } else if (a.what == kind::batch_expiry) {
                s.expires[pair_at(a.arg)] = true;
            }
        }
        return all;
    }

    std::size_t pair_at(std::uint32_t pair_id) const
    {
        const auto& pairs = world_.pair()->pairs().pairs;
        const auto at = std::ranges::find(pairs, pair_id, [](const auto& p) { return p.first.value; });
        return static_cast<std::size_t>(at - pairs.begin());
    }

    std::size_t nr_pairs() const { return world_.pair() == nullptr ? 0 : world_.pair()->pairs().pairs.size(); }

    bool is_fair(const summary& s) const
    {
        if (s.first == no_state) {
            return false; // a single state
        }
        for (std::size_t c = 0; c < world_.nr_cpus(); ++c) {
            if (!s.steps[c] && (s.always & state_label::rests(c)) == 0) {
                return false;
            }
        }
        for (std::size_t p = 0; p < nr_pairs(); ++p) {
            if (!s.expires[p] && (s.sometimes & state_label::expired(p)) == 0) {
                return false;
            }
        }
        return std::ranges::any_of(s.steps, [](bool b) { return b; });
    }

    /// Appends the actions from @p from to the first state or edge that @p wanted accepts, through the component.
    template <class Wanted>
    state_index walk(state_index from, std::vector<std::uint16_t>& actions, Wanted wanted) const
    {
        constexpr std::size_t none = ~std::size_t{0};
        std::vector<std::pair<state_index, std::size_t>> reached; ///< state, and the edge by which
        std::vector<bool> seen(found_.visited.size());
        std::vector<std::size_t> parent;
        reached.emplace_back(from, none);
        parent.push_back(none);
        seen[from] = true;
        for (std::size_t i = 0; i < reached.size(); ++i) {
            for (std::size_t n = first_edge_[reached[i].first]; n < first_edge_[reached[i].first + 1]; ++n) {
                const state_edge& e = edges_[n];
                if (!inside(e) || (seen[e.to] && !wanted(e))) {
                    continue;
                }
                seen[e.to] = true;
                reached.emplace_back(e.to, n);
                parent.push_back(i);
                if (wanted(e)) {
                    std::vector<std::uint16_t> way;
                    for (std::size_t at = reached.size() - 1; parent[at] != none; at = parent[at]) {
                        way.push_back(edges_[reached[at].second].action);
                    }
                    actions.insert(actions.end(), way.rbegin(), way.rend());
                    return e.to;
                }
            }
        }
        SIM_CHECK(false); // the component has what was asked for
        return from;
    }

    /// A cycle from @p start that shows the fairness: a step of each CPU that does any, and the end of each batch.
    void make_cycle(state_index start, std::vector<std::uint16_t>& actions) const
    {
        const std::size_t c = component_[start];
        const summary s = survey()[c];
        state_index at = start;
        for (std::size_t cpu = 0; cpu < world_.nr_cpus(); ++cpu) {
            if (s.steps[cpu]) {
                at = walk(at, actions, [&](const state_edge& e) {
                    const action& a = world_.actions()[e.action];
                    return a.what == kind::step && a.cpu.value == cpu;
                });
            }
        }
        for (std::size_t p = 0; p < nr_pairs(); ++p) {
            at = walk(at, actions, [&](const state_edge& e) {
                return (found_.labels[e.to] & state_label::expired(p)) != 0 ||
                       ((s.sometimes & state_label::expired(p)) == 0 &&
                        world_.actions()[e.action].what == kind::batch_expiry);
            });
        }
        walk(at, actions, [&](const state_edge& e) { return e.to == start; });
    }

    const search_result& found_;
    const explored_world& world_;
    std::vector<state_edge> edges_;
    std::vector<std::size_t> component_;
    std::vector<std::size_t> first_edge_;
    std::size_t nr_components_ = 0;
};

/// The first state in which a CPU waits with interrupts off and from which no way leads to its release.
std::optional<endless_path> find_lockup(const search_result& found)
{
    const auto waits = [&](state_index s) { return (found.labels[s] & state_label::irqs_off_wait) != 0; };
    std::vector<bool> escapes(found.visited.size());
    for (state_index s = 0; s < found.visited.size(); ++s) {
        escapes[s] = !waits(s);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (auto e = found.edges.rbegin(); e != found.edges.rend(); ++e) {
            if (escapes[e->to] && !escapes[e->from]) {
                escapes[e->from] = true;
                changed = true;
            }
        }
    }
    for (state_index s = 0; s < found.visited.size(); ++s) {
        if (!escapes[s]) {
            endless_path path{.actions = path_to(found.visited, s), .cycle_start = 0, .headline = {}};
            path.cycle_start = path.actions.size();
            path.headline = "a CPU waits with interrupts off, and no way leads to the end of its wait";
            return path;
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<endless_path> find_endless(property p, const exploration& what, const sched_ops& ops,
                                         const search_result& found)
{
    if (p == property::no_lockup) {
        return find_lockup(found);
    }
    const explored_world world(what, ops);
    if (p == property::no_starvation) {
        for (std::size_t t = 0; t < what.tasks.size(); ++t) {
            if (auto path = part(found, world, state_label::task_waits(t), 0).fair_cycle()) {
                path->headline = fmt::format("{} is runnable and never runs, though the CPUs go on scheduling",
                                             what.base.work.tasks[t].name);
                return path;
            }
        }
        return std::nullopt;
    }
    SIM_CHECK(p == property::no_livelock && world.pair() != nullptr);
    const auto& pairs = world.pair()->pairs().pairs;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (auto path = part(found, world, state_label::draining(i), state_label::any_task_waits).fair_cycle()) {
            path->headline = fmt::format("the pair of cpu {} and cpu {} drains and never adopts, though a task waits",
                                         pairs[i].first.value, pairs[i].second.value);
            return path;
        }
    }
    return std::nullopt;
}

} // namespace pairsim
