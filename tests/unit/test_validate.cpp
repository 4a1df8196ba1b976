// SPDX-License-Identifier: GPL-2.0-only
//
// Measured cases: how they are read, measured, simulated and scored.
#include <chrono>

#include "tests/support/catch.h"
#include "tools/io/input_error.h"
#include "tools/validate/case_run.h"
#include "tools/validate/fit_parts.h"
#include "tools/validate/latencies.h"
#include "tools/validate/score.h"
#include "tools/validate/score_report.h"
#include "tools/validate/validation.h"

using namespace pairsim;
using namespace std::chrono_literals;

namespace {

measured_case case_of(const std::vector<std::string>& lines)
{
    measured_case c;
    c.name = "by hand";
    c.nr_cpus = 2;
    c.batch = 20ms;
    c.window = 100ms;
    c.pairs = {{0, 1}};
    for (const std::string& line : lines) {
        REQUIRE(apply_spec_line(c, line).empty());
    }
    return c;
}

/// A run in which the kernel counted @p total enqueues a window of one second.
run_numbers run_with(std::int64_t total)
{
    run_numbers run;
    run.window_ns = 1'000'000'000;
    run.counters[static_cast<std::size_t>(pair_counter::nr_total)] = total;
    return run;
}

const cell& cell_named(const case_score& score, const std::string& metric)
{
    for (const cell& c : score.cells) {
        if (c.metric == metric) {
            return c;
        }
    }
    throw std::runtime_error("no cell " + metric);
}

/// The value of a quantile table at @p at, or at the last point before it, as the file writes it.
std::string value_at(const json& table, double at)
{
    std::string value = "none";
    for (const json& point : table.at("points")) {
        if (point[0] <= at) {
            value = point[1];
        }
    }
    return value;
}

log_event switch_at(std::int64_t at_ns, std::uint16_t cpu, std::uint32_t prev, std::uint32_t next, bool runnable)
{
    log_event e;
    e.at_ns = at_ns;
    e.cpu = cpu;
    e.prev = prev;
    e.thread = next;
    e.runnable = runnable;
    return e;
}

} // namespace

TEST_CASE("a case's lines say what ran", "[validate]")
{
    const auto c = case_of({"# a comment", "variant selcpu", "dur_ms 4000", "batch_ns 5000000", "stride 1", "ctxfix 1",
                            "task A 2 cpus=0-1 ph=s2000,z5000,y", "rt cpu=1 period=10000 run=1000 offset=3000"});
    CHECK(c.variant == "selcpu");
    CHECK(c.window == 4s);
    CHECK(c.batch == 5ms);
    CHECK(c.big_ctx_map);
    REQUIRE(c.tasks.size() == 1);
    CHECK(c.tasks[0].cpus == std::vector<std::uint32_t>{0, 1});
    CHECK(c.tasks[0].phases == std::vector<case_phase>{{case_phase::op::run, 2ms},
                                                       {case_phase::op::sleep, 5ms},
                                                       {case_phase::op::yield, {}}});
    REQUIRE(c.rt.size() == 1);
    CHECK(c.rt[0].offset == 3ms);
}

TEST_CASE("a line that is not understood is refused with what is wrong", "[validate]")
{
    measured_case c;
    for (const char* line : {"nonsense 1", "task A", "task A 0 ph=f", "task A 1 ph=q7", "task A 1 ph=f odd=1",
                             "rt cpu=0", "rt cpu=x period=1 run=1", "dur_ms -1", "batch_ns ten"}) {
        CAPTURE(line);
        CHECK_FALSE(apply_spec_line(c, line).empty());
    }
    CHECK(c.tasks.empty());
}

TEST_CASE("ends of runs are compared without their numbers", "[validate]")
{
    CHECK(without_numbers("failed to lookup pairc for cpu[12]") == "failed to lookup pairc for cpu[N]");
}

TEST_CASE("a cell agrees up to ten per cent and three events beside what the kernel gave", "[validate]")
{
    measured_case c = case_of({"dur_ms 1000", "task A 1 ph=f"});
    for (const std::int64_t total : {100, 110, 120}) {
        c.runs.push_back({.seen = run_with(total), .path = "", .lost_share = {}});
    }
    const auto agrees = [&](std::int64_t ours) {
        return cell_named(score_case(c, {run_with(ours)}), "counters/nr_total").agrees;
    };
    CHECK(agrees(100 - 11 - 3));
    CHECK_FALSE(agrees(100 - 11 - 4));
    CHECK(agrees(120 + 11 + 3));
    CHECK_FALSE(agrees(120 + 11 + 4));
    // The median over the seeds counts, not the worst of them.
    CHECK(cell_named(score_case(c, {run_with(1), run_with(110), run_with(111)}), "counters/nr_total").agrees);
}

TEST_CASE("another way to end disagrees, whatever the numbers are", "[validate]")
{
    measured_case c = case_of({"task A 1 ph=f"});
    c.runs.push_back({.seen = run_with(100), .path = "", .lost_share = {}});
    run_numbers ours = run_with(100);
    ours.exit = "scx_bpf_error: top_q overflow";
    const case_score score = score_case(c, {ours});
    CHECK(score.weak);
    CHECK_FALSE(cell_named(score, "exit").agrees);
    CHECK(cell_named(score, "counters/nr_total").agrees);
    CHECK(total_of({score}).agree == score.cells.size() - 1);
}

TEST_CASE("a mixture of cgroups on a pair is one violation from its first to its last instant", "[validate]")
{
    // cpu0 and cpu1: A and B from 1 to 3 ms, then A alone; in the end both idle with A waiting.
    sched_log log;
    log.nr_cpus = 2;
    log.window_ns = 10'000'000;
    log.pairs = {{0, 1}};
    log.cgroups = {"A", "B"};
    log.threads = {{thread_sort::idle, "idle"}, {thread_sort::work, "A.0", 0}, {thread_sort::work, "B.0", 1}};
    log.first = {1, 0};
    log.events = {switch_at(1'000'000, 1, 0, 2, false), switch_at(3'000'000, 1, 2, 0, false),
                  switch_at(8'000'000, 0, 1, 0, true)};
    run_numbers seen;
    measure(log, seen);
    CHECK(seen.violation_ns == 2'000'000);
    CHECK(seen.violations == 1);
    CHECK(seen.cpu_ns["A"] == 8'000'000);
    CHECK(seen.cpu_ns["B"] == 2'000'000);
    CHECK(seen.cpu_ns["idle"] == 10'000'000);
    CHECK(seen.forced_idle_ns["both_idle"] == 4'000'000); // both CPUs, 2 ms each
}

TEST_CASE("a case is simulated alike for alike seeds, and its stride ends the scheduler as on the kernel", "[validate]")
{
    const measured_case c = load_case(PAIRSIM_SOURCE_DIR "/tests/validate/stride-1");
    const host_machine host = load_host_machine("qemu-tcg");
    const auto first = run_case(c, host, 1);
    const auto again = run_case(c, host, 1);
    CHECK(first.seen.exit == "scx_bpf_error: failed to lookup pairc and in_pair_mask for cpu[N]");
    CHECK(first.seen.counters == again.seen.counters);
    CHECK(first.log.events.size() == again.log.events.size());
    const auto scores = validate_cases({c}, host, 3);
    REQUIRE(scores.size() == 1);
    CHECK(scores[0].nr_agree() == scores[0].cells.size());
    CHECK(score_text(scores) == score_text(validate_cases({c}, host, 3)));
}

TEST_CASE("a simulated run of a case has the measured start: all tasks are woken from one CPU", "[validate]")
{
    measured_case c = case_of({"task A 2 ph=f", "task B 2 ph=f"});
    c.stride = 1;
    c.runs.push_back({.seen = {}, .path = "", .lost_share = {0, 0}, .harness_cpu = 1});
    const auto out = run_case(c, load_host_machine("qemu-tcg"), 4);
    CHECK(out.seen.wakeups_direct + out.seen.wakeups_queued == 4);
    CHECK(out.seen.counters[static_cast<std::size_t>(pair_counter::nr_preemptions)] <= 1);
    CHECK(out.seen.cpu_ns.at("A") + out.seen.cpu_ns.at("B") > 180'000'000); // of 2 x 100 ms
}

TEST_CASE("a folder without a case is refused", "[validate]")
{
    CHECK_THROWS_AS(find_cases({PAIRSIM_SOURCE_DIR "/docs"}), input_error);
    CHECK(find_cases({PAIRSIM_SOURCE_DIR "/tests/validate"}).size() == 1);
}

TEST_CASE("ticks that are mostly together have a jitter that is mostly nothing", "[fit]")
{
    std::vector<std::int64_t> gaps(36, 200); // 36 of 100 together: 60 of 100 ticks on time
    gaps.insert(gaps.end(), 64, 20'000);
    gaps.insert(gaps.end(), 500, 300'000); // kicks
    const json jitter = fit_parts().tick_jitter(gaps);
    CHECK(value_at(jitter, 0.6) == "0ns");
    CHECK(value_at(jitter, 0.8) == "13.9us"); // the median of the rest: 20 us times ln 2
    CHECK(fit_parts().tick_jitter({}) == json("0"));
}

TEST_CASE("sleeps that an idle machine cut short count as late for longer than they show", "[fit]")
{
    using late_sleep = latency_samples::late_sleep;
    std::vector<late_sleep> sleeps(50, {0, true});       // 50 of 100 on time
    sleeps.insert(sleeps.end(), 25, {1'000'000, false}); // 25 late by more than 1 ms
    sleeps.insert(sleeps.end(), 15, {2'000'000, true});  // of the rest, 15 of 25 by 2 ms
    sleeps.insert(sleeps.end(), 10, {3'000'000, true});
    const json late = fit_parts::late_timer(sleeps);
    CHECK(value_at(late, 0.5) == "0ns");
    CHECK(value_at(late, 0.8) == "2ms"); // a half that is late, of which 3/5 by 2 ms
    CHECK(value_at(late, 1.0) == "3ms");
    CHECK(fit_parts::late_timer({{500'000, true}}) == json("0"));
}
