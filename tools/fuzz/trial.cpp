// SPDX-License-Identifier: GPL-2.0-only
#include "tools/fuzz/trial.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "model/claims.h"
#include "pairsim_version.h"
#include "sim/check_trap.h"
#include "tools/io/jsonl.h"
#include "tools/io/line_source.h"
#include "tools/io/own_trace.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

using namespace std::chrono_literals;

constexpr int nr_stops = 12;

class jsonl_text final : public trace_sink {
public:
    explicit jsonl_text(const trace_header& header) { append_header(text_, header); }
    void on_records(std::span<const trace_record> records) override
    {
        for (const trace_record& r : records) {
            append_record(text_, r);
        }
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

std::string broken_rule(checked_run& run, const trial_options& options)
{
    std::string rule = run.broken_rule();
    return rule.empty() && options.also ? options.also(run) : rule;
}

/// Goes on from @p t to the next instant of rest, at most 100 us and not beyond @p last, checking the rules on the way.
std::string check_near(checked_run& run, nanoseconds t, nanoseconds last, const trial_options& options)
{
    for (const nanoseconds end = std::min(t + 100us, last); t <= end; t += 1500ns) {
        run.run_to(t);
        if (run.sim().ended()) {
            return {};
        }
        if (auto rule = broken_rule(run, options); !rule.empty()) {
            return rule;
        }
        if (run.is_quiet()) {
            return {};
        }
    }
    return {};
}

/// No CPU-time appears, gets lost or is counted twice.
std::string broken_account(const metrics_result& m)
{
    std::int64_t busy = 0;
    for (std::size_t i = 0; i < m.cpus.size(); ++i) {
        const cpu_metrics& c = m.cpus[i];
        if (c.busy_ns + c.idle_ns + c.higher_ns != m.span_ns()) {
            return fmt::format("a CPU is busy, idle or in a higher class all the time: CPU {}", i);
        }
        if (c.forced.total_ns() > c.idle_ns) {
            return fmt::format("a CPU that is forced to idle idles: CPU {}", i);
        }
        busy += c.busy_ns;
    }
    std::int64_t of_tasks = 0;
    for (const task_metrics& t : m.tasks) {
        of_tasks += t.cpu_time_ns;
    }
    std::int64_t of_cgroups = 0;
    for (const cgroup_metrics& g : m.cgroups) {
        of_cgroups += g.cpu_time_ns;
    }
    if (of_tasks != busy || of_cgroups != busy) {
        return "busy CPU time is that of the tasks and that of the cgroups";
    }
    std::int64_t paired = 0;
    std::int64_t paired_busy = 0;
    for (const pair_metrics& p : m.pairs) {
        paired += 2 * p.shared_ns + 2 * p.co_run_ns + p.alone_ns;
        paired_busy += m.cpus[p.cpus[0].value].busy_ns + m.cpus[p.cpus[1].value].busy_ns;
    }
    return paired == paired_busy ? "" : "a busy CPU of a pair runs alone, beside its own cgroup or beside another";
}

/// The findings of the claims that a trace shows.
std::vector<finding> findings_shown(const claims_result& claims)
{
    std::vector<finding> all = claims.findings;
    std::erase_if(all, [](const finding& f) { return f.claim == claim_id::counters_add_up; });
    return all;
}

class digest_and_claims final : public trace_sink {
public:
    explicit digest_and_claims(const trace_world& world, const claim_limits& limits)
        : watched(world.what.machine, world.what.work, world.pairs, options_of(world, limits))
    {
    }
    void on_records(std::span<const trace_record> records) override
    {
        digest.on_records(records);
        watched.on_records(records);
    }
    trace_digest digest;
    claims watched;

private:
    static claims_options options_of(const trace_world& world, const claim_limits& limits)
    {
        claims_options options = claims_options_of(world.what);
        options.watch = world.shows;
        options.limits = limits;
        return options;
    }
};

std::string broken_round_trip(const std::string& text, const scenario& what, const run_result& result)
{
    text_bytes bytes(text);
    line_source lines(bytes, "the run's own trace");
    const auto trace = open_own_trace(lines);
    if (!trace) {
        return "a trace that is written can be read";
    }
    digest_and_claims again(trace->world(), what.expect.limits);
    trace->read(again);
    if (again.digest.hex() != result.digest) {
        return "a trace that is written and read again has the same digest";
    }
    const auto found = again.watched.finish(trace->end());
    return findings_shown(found) == findings_shown(result.claims) ? "" : "a trace shows the findings of its run";
}

/// The plain run, in one go, with each tick: it must be the run that was checked.
void run_again(const scenario& what, const checked_run& first, const trial_options& options, trial_result& result)
{
    jsonl_text text(header_of(what, pairs_of(what), std::string(version)));
    run_options how{.each_tick = true};
    if (options.trace_round_trip) {
        how.sinks.push_back(&text);
    }
    run_outcome again = run_scenario(what, how);
    if (again.result.digest != result.digest) {
        result.broken = "a run in pieces, without the ticks that change nothing, is the run in one go with all of them";
        return;
    }
    result.exit = again.result.exit.kind;
    result.broken = broken_account(again.result.metrics);
    if (result.broken.empty() && options.trace_round_trip) {
        result.broken = broken_round_trip(text.text(), what, again.result);
    }
    const bool costs_time =
        std::ranges::any_of(what.machine.costs, [](const duration_dist& c) { return c != duration_dist{}; });
    if (result.broken.empty() && costs_time && first.exit() == exit_kind::no_progress) {
        result.broken = "only a machine without costs may stand still";
    }
    result.claims = std::move(again.result.claims);
}

void run_checked(const scenario& what, const trial_options& options, trial_result& result)
{
    checked_run run(what, options.each_event);
    for (int n = 1; n <= nr_stops && !run.sim().ended() && result.broken.empty(); ++n) {
        result.broken = check_near(run, what.duration * n / nr_stops, what.duration, options);
    }
    result.nr_quiet = run.nr_quiet();
    result.digest = run.digest();
    if (result.broken.empty()) {
        run_again(what, run, options, result);
    }
}

/// Runs @p body, whose failures are results.
template <class Body>
trial_result guarded(const Body& body)
{
    trial_result result;
    const check_trap trap;
    try {
        body(result);
    } catch (const check_failure& e) {
        result.broken = e.what();
    } catch (const std::exception& e) {
        result.broken = fmt::format("no exception leaves a run: {}", e.what());
    }
    return result;
}

} // namespace

trial_result run_trial(const scenario& what, const trial_options& options)
{
    return guarded([&](trial_result& result) { run_checked(what, options, result); });
}

trial_result run_once(const scenario& what)
{
    return guarded([&](trial_result& result) {
        run_outcome out = run_scenario(what);
        result.digest = out.result.digest;
        result.exit = out.result.exit.kind;
        result.claims = std::move(out.result.claims);
    });
}

} // namespace pairsim
