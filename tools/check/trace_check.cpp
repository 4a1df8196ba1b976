// SPDX-License-Identifier: GPL-2.0-only
#include "tools/check/trace_check.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/line_source.h"
#include "tools/io/own_trace.h"
#include "tools/io/runner.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

bool take_cpu(std::string_view& s, std::uint32_t& cpu)
{
    const auto done = std::from_chars(s.data(), s.data() + s.size(), cpu);
    if (done.ec != std::errc{} || cpu >= recorded_trace::max_cpus) {
        return false;
    }
    s.remove_prefix(static_cast<std::size_t>(done.ptr - s.data()));
    return true;
}

[[noreturn]] void refuse_pairs(const std::string& text, const std::string& what)
{
    throw input_error(
        {{"--pairs", "", quote(text) + " " + what, "write FIRST+SECOND,..., as in 0+4,1+5, or the number of CPUs"}});
}

pair_map map_of(const std::vector<pair_map::pair>& pairs, std::size_t nr_cpus)
{
    pair_map map;
    map.pairs = pairs;
    map.pair_cpu.resize(nr_cpus);
    map.pair_id.resize(nr_cpus);
    map.in_pair_idx.resize(nr_cpus);
    for (const auto& p : pairs) {
        map.pair_cpu[p.first.value] = p.second;
        map.pair_cpu[p.second.value] = p.first;
        map.pair_id[p.first.value] = map.pair_id[p.second.value] = p.first.value;
        map.in_pair_idx[p.second.value] = 1;
    }
    map.ctx_entries = static_cast<std::uint32_t>(nr_cpus);
    return map;
}

/// What a kernel's trace without events of the scheduler shows.
claim_set shown_by_switches()
{
    claim_set shown = claim_set::all();
    for (const claim_id c : {claim_id::no_abort, claim_id::no_lost_task, claim_id::top_q_covers,
                             claim_id::drain_bounded, claim_id::work_conserving, claim_id::counters_add_up}) {
        shown = shown.without(c);
    }
    return shown;
}

void check_recorded(line_source& lines, const check_options& options, check_result& result)
{
    if (options.pairs.empty()) {
        throw input_error({{result.trace, "", "the trace does not say which CPUs are pairs",
                            "say it: --pairs 0+4,1+5, or --pairs and the number of CPUs"}});
    }
    result.format = "kernel events as text";
    result.why_not_watched = "not observable in this trace: it has no events of the scheduler itself";
    result.what.machine.cpus.resize(recorded_trace::max_cpus);
    result.what.work.cgroups = {{.name = "/"}};
    result.pairs = map_of(options.pairs, recorded_trace::max_cpus);
    claims watched(result.what.machine, result.what.work, result.pairs,
                   {.watch = shown_by_switches(), .limits = options.limits});
    recorded_trace trace(lines, options.rules, options.recorded);
    trace.read(watched);
    result.counts = trace.counts();
    if (!trace.shows(sched_event::kind::sched_switch)) {
        throw input_error({{result.trace, "", "the trace has no sched_switch event, so it shows nothing of the claims",
                            "record sched_switch and sched_wakeup: docs/how-to/check-a-recorded-trace.md"}});
    }
    result.start = trace.start();
    result.end = trace.end();
    result.events = result.counts.events;
    result.claims = watched.finish(trace.end());
    result.what.work.cgroups.clear();
    for (const auto& name : trace.cgroups()) {
        result.what.work.cgroups.push_back({.name = name});
    }
    for (const auto& t : trace.tasks()) {
        result.what.work.tasks.push_back({.name = t.comm, .cgroup = cgroup_id{t.cgroup}, .program = {}});
        result.pids.push_back(t.pid);
    }
}

void check_own(own_trace& trace, const check_options& options, check_result& result)
{
    result.format = trace.format();
    result.what = trace.world().what;
    result.pairs = options.pairs.empty() ? trace.world().pairs : map_of(options.pairs, result.what.machine.nr_cpus());
    for (std::size_t i = 0; i < result.what.work.tasks.size(); ++i) {
        result.pids.push_back(static_cast<std::uint32_t>(i + 1));
    }
    result.why_not_watched = "not observable in this trace";
    claims_options watch = claims_options_of(result.what);
    watch.watch = trace.world().shows;
    watch.limits = options.limits;
    claims watched(result.what.machine, result.what.work, result.pairs, watch);
    result.events = trace.read(watched);
    result.end = trace.end();
    result.claims = watched.finish(result.end);
}

} // namespace

std::vector<pair_map::pair> parse_pairs(const std::string& text)
{
    std::vector<pair_map::pair> pairs;
    std::vector<char> taken(recorded_trace::max_cpus);
    const auto add = [&](std::uint32_t a, std::uint32_t b) {
        if (a == b || taken[a] != 0 || taken[b] != 0) {
            refuse_pairs(text, "names a CPU twice");
        }
        taken[a] = taken[b] = 1;
        pairs.push_back(
            {cpu_id{static_cast<std::uint16_t>(std::min(a, b))}, cpu_id{static_cast<std::uint16_t>(std::max(a, b))}});
    };
    std::string_view rest(text);
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    if (std::string_view number = text; take_cpu(number, first) && number.empty()) {
        if (first == 0 || first % 2 != 0) {
            refuse_pairs(text, "is no even number of CPUs");
        }
        for (std::uint32_t i = 0; i < first / 2; ++i) {
            add(i, i + first / 2);
        }
        return pairs;
    }
    while (true) {
        if (!take_cpu(rest, first) || !rest.starts_with('+')) {
            refuse_pairs(text, "is no list of pairs");
        }
        rest.remove_prefix(1);
        if (!take_cpu(rest, second) || (!rest.empty() && !rest.starts_with(','))) {
            refuse_pairs(text, "is no list of pairs");
        }
        add(first, second);
        if (rest.empty()) {
            return pairs;
        }
        rest.remove_prefix(1);
    }
}

claim_id parse_claim(const std::string& option, const std::string& id)
{
    std::vector<std::string> ids;
    for (const auto& claim : all_claims()) {
        if (claim.id == id) {
            return claim.claim;
        }
        ids.emplace_back(claim.id);
    }
    throw input_error({{option, "", "unknown claim " + quote(id), "the claims are " + quote_all(ids)}});
}

void parse_limit(const std::string& text, claim_limits& limits)
{
    const std::size_t equals = text.find('=');
    const claim_id claim = parse_claim("--limit", text.substr(0, equals));
    const auto value = parse_duration(equals == std::string::npos ? "" : std::string_view(text).substr(equals + 1));
    if (const auto* bad = std::get_if<parse_failure>(&value)) {
        throw input_error({{"--limit", "", bad->what, "write CLAIM=DURATION, as in no-starvation=5s"}});
    }
    nanoseconds* const limit = claim == claim_id::drain_bounded     ? &limits.drain
                               : claim == claim_id::no_starvation   ? &limits.starvation
                               : claim == claim_id::work_conserving ? &limits.idle
                                                                    : nullptr;
    if (limit == nullptr || std::get<nanoseconds>(value) == nanoseconds{0}) {
        throw input_error({{"--limit", "", quote(text) + " sets no bound",
                            "drain-bounded, no-starvation and work-conserving have one; it is above 0"}});
    }
    *limit = std::get<nanoseconds>(value);
}

check_result check_trace(const std::string& path, const check_options& options)
{
    check_result result;
    result.trace = display_name(path);
    file_bytes bytes(path);
    line_source lines(bytes, result.trace);
    if (const auto own = open_own_trace(lines)) {
        check_own(*own, options, result);
    } else {
        check_recorded(lines, options, result);
    }
    for (const auto& claim : all_claims()) {
        const auto& totals = result.claims.of(claim.claim);
        const bool decides = options.only.empty() || std::ranges::find(options.only, claim.claim) != options.only.end();
        const bool long_enough =
            !claim.lasts || options.grace == nanoseconds{0} || totals.longest_ns > options.grace.count();
        if (decides && totals.violations != 0 && long_enough) {
            result.broken.push_back(claim.claim);
        }
        if (!options.only.empty() && decides && !result.claims.watched.has(claim.claim)) {
            throw input_error({{result.trace, "", fmt::format("`{}`: {}", claim.id, result.why_not_watched),
                                "leave the claim out, or record more"}});
        }
    }
    return result;
}

} // namespace pairsim
