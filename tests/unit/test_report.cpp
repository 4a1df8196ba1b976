// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/report.h"

#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/causes.h"
#include "tools/io/schema_check.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// cpu 0 runs a of two hogs; the pair moves to b on cpu 1; the kick comes and cpu 0 keeps its task.
stream kept_beside_b()
{
    stream s;
    s.at(0).start(1, 1, wake_path::queued).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false));
    s.at(10).dispatch(1, 1, 0, 0).run(0, 1).start(3, 2, wake_path::queued).top_q(1);
    s.at(40).keep(0, 1).pair(record_kind::pair_wait, 0, 1, bits(0, 0, true));
    s.at(50).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).dispatch(3, 2, 1, 1).kick(1, 0).run(1, 3);
    s.at(53).serviced(1, 0, 1).at(56).keep(0, 1);
    return s;
}

run_result result_of(const small_world& world, const stream& s, std::int64_t end_us)
{
    metrics m(world.what.machine, world.what.work, world.pairs, sim_time{} + world.what.warmup);
    claims c(world.what.machine, world.what.work, world.pairs);
    m.on_records(s.records);
    c.on_records(s.records);
    const sim_time end = at_ns(end_us * 1000);
    return {.what = world.what,
            .version = "0.1",
            .seed = 7,
            .digest = "00112233445566778899aabbccddeeff",
            .unseed = 0xfeed,
            .simulated = nanoseconds{end_us * 1000},
            .kernel_ns = {3'000, 4'000},
            .exit = {},
            .counters = {{"nr_total", 12}, {"nr_dispatched", 11}, {"nr_missing", 0}, {"nr_kicks", 1}},
            .metrics = m.finish(end),
            .claims = c.finish(end)};
}

std::size_t longest_line(const std::string& text)
{
    std::istringstream in(text);
    std::string line;
    std::size_t longest = 0;
    while (std::getline(in, line)) {
        longest = std::max(longest, line.size());
    }
    return longest;
}

} // namespace

TEST_CASE("the JSON report holds what its schema promises, under the names that CI jobs read", "[report]")
{
    const small_world world;
    const auto run = result_of(world, kept_beside_b(), 100);
    const json r = report_json(run);

    std::vector<std::string> keys;
    for (const auto& item : r.items()) {
        keys.push_back(item.key());
    }
    CHECK(keys == std::vector<std::string>{"schema", "scenario", "version", "seed", "digest", "unseed", "simulated_ns",
                                           "exit", "counters", "machine", "cgroups", "pairs", "cpus", "tasks", "claims",
                                           "findings", "findings_left_out"});
    CHECK(r["exit"].dump() == R"({"kind":"none","message":"","at_ns":0})");
    CHECK(r["unseed"] == "0x000000000000feed");
    CHECK(r["counters"].dump() == R"({"nr_total":12,"nr_dispatched":11,"nr_missing":0,"nr_kicks":1})");
    CHECK(r["cgroups"]["a"]["cpu_time_ns"] == 90'000);
    CHECK(r["cgroups"]["a"]["cpu_share"] == 0.642857); // 90 of 140, rounded down
    CHECK(r["cgroups"]["b"]["wakeup_latency_ns"]["max"] == 40'000);
    CHECK(r["pairs"][0]["co_run_ns"] == 50'000);
    CHECK(r["cpus"][1]["kernel_ns"] == 4'000);
    CHECK(r["machine"]["kernel_ns"] == 7'000);
    CHECK(r["tasks"][2]["wakeup_latency_ns"]["p99"] == 40'000);
    CHECK(r["tasks"][1]["wakeup_latency_ns"]["count"] == 0);
    CHECK(r["claims"]["exclusive"].dump() ==
          R"({"watched":true,"violations":1,"total_ns":50000,"longest_ns":50000,"by_cause":{)"
          R"("I2":{"violations":0,"total_ns":44000,"longest_ns":44000,"first_ns":56000},)"
          R"("I3":{"violations":1,"total_ns":6000,"longest_ns":6000,"first_ns":50000}}})");
    CHECK(r["claims"]["no-abort"]["violations"] == 0);
    CHECK(r["findings"].dump() ==
          R"([{"claim":"exclusive","cause":"I3","start_ns":50000,"end_ns":100000,"cpus":[0,1],"tasks":[1,3],)"
          R"("cgroups":["a","b"],"sentence":"cpu 0 still ran a task of `a` when cpu 1 began `b`: )"
          R"(it had not stopped yet"}])");
}

TEST_CASE("the JSON report matches scenarios/report.schema.json", "[report]")
{
    const small_world world;
    const auto run = result_of(world, kept_beside_b(), 100);
    const schema_checker checker(read_text(PAIRSIM_SOURCE_DIR "/scenarios/report.schema.json"));
    problem_list problems;
    json report = report_json(run);
    const auto check = [&] {
        const input_document document{"report", report, &problems};
        return checker.check(document);
    };
    CHECK(check());
    report["pairs"][0]["drain_ns"]["p50"] = "soon";
    report["machine"]["cats"] = 1;
    CHECK_FALSE(check());
    CHECK(problems.all().size() == 2);
}

TEST_CASE("the text report says first what happened and why, within 100 columns", "[report]")
{
    const small_world world;
    const auto text = report_text(result_of(world, kept_beside_b(), 100));
    INFO(text);
    CHECK(longest_line(text) <= 100);
    CHECK_THAT(text, contains("small world\nscx_pair on 2 CPUs in 1 pair, batch 20ms, 4 tasks, kernel KNEW, 250 Hz\n"));
    CHECK_THAT(text, contains("The scheduler worked until the end."));
    CHECK_THAT(text,
               contains("exclusive                BROKEN once, 50 us (50.00 % of the pairs' time), longest 50 us"));
    CHECK_THAT(text, contains("no-run-beside-preemptor  held"));
    CHECK_THAT(text, contains("  I2      as a sequel, 44 us in all, longest 44 us; first at 56 us:\n"
                              "          cpu 0 kept running a task of `a` after the pair moved to `b`.\n"
                              "          `SCX_OPS_ENQ_LAST` is unset:"));
    CHECK_THAT(text, contains("nr_dispatched             11"));
    CHECK(text.find("Claims") < text.find("Why `exclusive` was broken"));
    CHECK(text.find("Why `exclusive` was broken") < text.find("Where the time went"));
    CHECK(text.find("Where the time went") < text.find("Counters"));
}

TEST_CASE("the reference page of the claims has every claim and every cause, in the program's words", "[report]")
{
    const std::string page = read_text(PAIRSIM_SOURCE_DIR "/docs/reference/claims.md");
    for (const auto& claim : all_claims()) {
        CHECK_THAT(page, contains("\n| `" + std::string(claim.id) + "` | " + std::string(claim.sentence) + " |\n"));
    }
    for (const auto& cause : causes()) {
        const std::string remedy(cause.remedy.empty() ? "-" : cause.remedy);
        const auto row = "\n| " + std::string(cause.id) + " | " + std::string(cause.sentence) + " | " + remedy + " |\n";
        CHECK_THAT(page, contains(row));
    }
}

TEST_CASE("an end before the time is up is said in the first lines, with the scheduler's message", "[report]")
{
    const small_world world;
    auto run = result_of(world, kept_beside_b(), 100);
    run.exit = {.kind = "scx_bpf_error", .message = "top_q overflow", .at = at_ns(90'000)};
    CHECK_THAT(report_text(run), contains("The scheduler ended at 90 us (scx_bpf_error): top_q overflow\n"));
    CHECK(report_json(run)["exit"].dump() == R"({"kind":"scx_bpf_error","message":"top_q overflow","at_ns":90000})");
}

TEST_CASE("a report with many cgroups and long names stays within the page and says what it leaves out", "[report]")
{
    small_world world(64);
    for (std::size_t i = 0; i < 40; ++i) {
        world.what.work.cgroups.push_back(
            {.name = "a-cgroup-with-a-name-that-is-much-longer-than-any-column-" + std::to_string(i)});
    }
    stream s;
    for (std::uint32_t c = 3; c < 43; ++c) {
        s.at(c).start(1, c).run(0, 1).at(c).run(0, 0, 1, prev_state::dead);
    }
    const auto text = report_text(result_of(world, s, 100));
    INFO(text);
    CHECK(longest_line(text) <= 100);
    CHECK_THAT(text, contains("... and 24 more"));
    CHECK_THAT(text, contains("... and 16 more"));
}
