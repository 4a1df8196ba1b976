// SPDX-License-Identifier: GPL-2.0-only
//
// The result of an exploration as text, JSON and DOT.
#include <sstream>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <fmt/format.h>

#include "tools/explore/result.h"
#include "tools/io/lanes.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

std::string_view verdict_word(verdict::kind k)
{
    constexpr std::string_view words[] = {"holds", "violated", "open"};
    return words[static_cast<std::size_t>(k)];
}

std::string_view end_word(search_end e)
{
    constexpr std::string_view words[] = {"complete", "decided", "max_states", "max_depth", "max_memory", "max_time"};
    return words[static_cast<std::size_t>(e)];
}

std::string_view end_sentence(search_end e)
{
    constexpr std::string_view sentences[] = {"every state that can be reached has been visited",
                                              "the search ended with the answer",
                                              "stopped at the bound of states",
                                              "stopped at the bound of depth",
                                              "stopped at the bound of memory",
                                              "stopped at the bound of time"};
    return sentences[static_cast<std::size_t>(e)];
}

std::string group_name(const exploration& what, cgroup_id g)
{
    return g.value < what.base.work.cgroups.size() ? what.base.work.cgroups[g.value].name : "none";
}

std::string sides_text(sides s)
{
    constexpr std::string_view sets[] = {"-", "0", "1", "01"};
    return std::string(sets[s & 3U]);
}

std::string ctx_text(const exploration& what, const pair_ctx& ctx)
{
    return fmt::format("{} active={} preempted={}{}{}", group_name(what, ctx.cgid), sides_text(ctx.active_mask),
                       sides_text(ctx.preempted_mask), ctx.draining != 0 ? " draining" : "",
                       ctx.started_at == nanoseconds{0} ? " expired" : "");
}

/// The changes of pair_ctx by one step; empty if there is none.
std::string ctx_changes(const exploration& what, const counterexample_step& s)
{
    std::string text;
    for (std::size_t i = 0; i < s.before.size(); ++i) {
        if (s.before[i] != s.after[i]) {
            text += fmt::format("        pair_ctx{}: {}\n             -> {}\n",
                                s.before.size() > 1 ? fmt::format(" {}", i) : "", ctx_text(what, s.before[i]),
                                ctx_text(what, s.after[i]));
        }
    }
    return text;
}

std::string lanes_text(const exploration& what, const counterexample& c)
{
    const pair_map pairs = pairs_of(what.base);
    const auto end = static_cast<std::int64_t>(c.steps.size()) + 2;
    lanes picture(what.base, pairs, {.from = at_ns(1), .to = at_ns(end), .step = nanoseconds{1}});
    for (const auto& s : c.steps) {
        picture.on_records(s.records);
    }
    return "  lanes, one column a step (\"ns\" is the number of the step):\n\n" + picture.finish(at_ns(end));
}

std::string example_text(const exploration& what, const counterexample& c, bool with_lanes)
{
    const std::size_t nr_path = c.cycle_start;
    const bool cycle = nr_path < c.steps.size();
    std::string text = cycle ? fmt::format("  {} steps lead to a cycle of {}:\n\n", nr_path, c.steps.size() - nr_path)
                             : fmt::format("  the shortest way takes {} steps:\n\n", c.steps.size());
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
        if (cycle && i == nr_path) {
            text += "        --- from here on again and again ---\n";
        }
        text += fmt::format("{:6}  {}\n{}", i + 1, c.steps[i].words, ctx_changes(what, c.steps[i]));
    }
    if (!c.steps.empty()) {
        text += "\n  then:\n";
        for (std::size_t cpu = 0; cpu < c.steps.back().cpus.size(); ++cpu) {
            text += fmt::format("        cpu {}: {}\n", cpu, c.steps.back().cpus[cpu]);
        }
    }
    return with_lanes ? text + "\n" + lanes_text(what, c) : text;
}

json record_json(const trace_record& r, const exploration& what)
{
    json j = {{"kind", kind_name(r.kind)}, {"cpu", r.cpu == no_cpu ? json() : json(r.cpu.value)}};
    const auto fields = field_names(r.kind);
    const std::int64_t values[] = {r.task.value, r.a, r.b, r.value};
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (!fields[i].empty()) {
            j[std::string(fields[i])] = values[i];
        }
    }
    if (const auto reason = reason_name(r.kind, r.reason); !reason.empty()) {
        j["reason"] = reason;
    }
    j["words"] = words_of(r, what);
    return j;
}

json ctx_json(const exploration& what, const pair_ctx& ctx)
{
    return {{"cgroup", group_name(what, ctx.cgid)},
            {"draining", ctx.draining != 0},
            {"active_mask", ctx.active_mask},
            {"preempted_mask", ctx.preempted_mask},
            {"expired", ctx.started_at == nanoseconds{0}}};
}

json example_json(const exploration& what, const counterexample& c)
{
    json steps = json::array();
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
        const counterexample_step& s = c.steps[i];
        json step = {{"step", i + 1}, {"words", s.words}, {"cpus", s.cpus}};
        for (const auto& r : s.records) {
            step["records"].push_back(record_json(r, what));
        }
        for (std::size_t p = 0; p < s.before.size(); ++p) {
            step["pair_ctx"].push_back(
                {{"before", ctx_json(what, s.before[p])}, {"after", ctx_json(what, s.after[p])}});
        }
        steps.push_back(std::move(step));
    }
    json j = {{"length", c.steps.size()}, {"steps", std::move(steps)}};
    if (c.cycle_start < c.steps.size()) {
        j["cycle_start"] = c.cycle_start + 1;
    }
    return j;
}

} // namespace

std::string result_text(const exploration& what, const exploration_result& result, bool lanes)
{
    std::string text = fmt::format("{}\n\n", what.base.name);
    for (const verdict& v : result.verdicts) {
        const property_info& p = info_of(v.which);
        switch (v.what) {
        case verdict::kind::holds:
            text += fmt::format("{}: holds in all {} states\n", p.id, result.nr_states);
            break;
        case verdict::kind::open:
            text += fmt::format("{}: not decided: explored {} states to depth {}, no violation, not exhaustive\n", p.id,
                                result.nr_states, result.depth);
            break;
        case verdict::kind::violated: {
            const counterexample& c = v.example;
            text += fmt::format("{}: violated{}\n", p.id, c.cause.empty() ? "" : " by " + c.cause);
            if (!c.headline.empty()) {
                text += fmt::format("  {}\n", c.headline);
            }
            if (!c.explanation.empty()) {
                text += fmt::format("  {}\n", c.explanation);
            }
            text += "\n" + example_text(what, c, lanes) + "\n";
            break;
        }
        }
    }
    return text + fmt::format("{} states, {} transitions, depth {}: {}.\n", result.nr_states, result.nr_transitions,
                              result.depth, end_sentence(result.end));
}

json result_json(const exploration& what, const exploration_result& result)
{
    json j = {{"schema", "pairsim.exploration-result/1"}, {"name", what.base.name}};
    j["states"] = result.nr_states;
    j["transitions"] = result.nr_transitions;
    j["depth"] = result.depth;
    j["exhaustive"] = result.end == search_end::complete;
    j["end"] = end_word(result.end);
    j["claims"] = json::object();
    for (const verdict& v : result.verdicts) {
        json& claim = j["claims"][std::string(info_of(v.which).id)];
        claim["verdict"] = verdict_word(v.what);
        if (v.what == verdict::kind::violated) {
            claim["cause"] = v.example.cause.empty() ? json() : json(v.example.cause);
            claim["headline"] = v.example.headline;
            claim["counterexample"] = example_json(what, v.example);
        }
    }
    return j;
}

std::string result_dot(const exploration& what, const exploration_result& result)
{
    struct label {
        std::string text;
    };
    using graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, label, label>;
    graph g(1);
    g[0].text = "nothing has been forked";
    for (const verdict& v : result.verdicts) {
        if (v.what != verdict::kind::violated || boost::num_vertices(g) > 1) {
            continue;
        }
        const counterexample& c = v.example;
        for (std::size_t i = 0; i < c.steps.size(); ++i) {
            const bool closes = c.cycle_start < c.steps.size() && i + 1 == c.steps.size();
            const auto from = boost::num_vertices(g) - 1;
            const auto to = closes ? c.cycle_start : boost::add_vertex(g);
            boost::add_edge(from, to, label{fmt::format("{}. {}", i + 1, c.steps[i].words)}, g);
            if (closes) {
                continue;
            }
            for (std::size_t cpu = 0; cpu < c.steps[i].cpus.size(); ++cpu) {
                g[to].text += fmt::format("cpu {}: {}\n", cpu, c.steps[i].cpus[cpu]);
            }
            for (const pair_ctx& ctx : c.steps[i].after) {
                g[to].text += ctx_text(what, ctx) + "\n";
            }
        }
    }
    std::ostringstream out;
    boost::write_graphviz(
        out, g,
        [&g](std::ostream& o, auto v) { o << "[shape=box,label=" << boost::escape_dot_string(g[v].text) << "]"; },
        [&g](std::ostream& o, auto e) { o << "[label=" << boost::escape_dot_string(g[e].text) << "]"; });
    return out.str();
}

} // namespace pairsim
