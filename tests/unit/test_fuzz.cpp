// SPDX-License-Identifier: GPL-2.0-only
#include <string>

#include "sim/check.h"
#include "tests/support/catch.h"
#include "tools/fuzz/fuzz.h"
#include "tools/io/expect.h"
#include "tools/io/input_error.h"
#include "tools/io/report.h"
#include "tools/io/runner.h"

using namespace pairsim;

namespace {

/// A rule that is wrong. Stands for an invariant of ours that a bug breaks.
std::string no_two_tasks_at_once(checked_run& run)
{
    unsigned running = 0;
    machine& m = run.sim().the_machine();
    for (std::uint16_t cpu = 0; cpu < m.config().nr_cpus(); ++cpu) {
        running += is_task(m.state().cpu(cpu_id{cpu}).curr) ? 1 : 0;
    }
    return running < 2 ? "" : "no two tasks run at once";
}

} // namespace

TEST_CASE("a broken rule is found by the campaign and shown by a scenario of two tasks", "[fuzz]")
{
    const fuzz_options options{.count = 500, .also = no_two_tasks_at_once};
    const fuzz_result result = fuzz(options);
    REQUIRE(result.found);
    CHECK(result.found->broken == "no two tasks run at once");
    CHECK(result.scenarios == result.found->seed); // nothing is counted after it

    const shrunk small = shrink_discovery(*result.found, options);
    INFO(small.document.dump());
    CHECK(small.minimal);
    CHECK(small.document["tasks"].size() == 2);
    CHECK(!small.document.contains("outside"));
    CHECK(small.document.dump().size() < result.found->document.dump().size() / 3);
    const scenario again = read_scenario(small.document, "-");
    CHECK(run_trial(again, {.also = no_two_tasks_at_once}).broken == result.found->broken);
    CHECK(run_trial(again, {}).broken.empty());
}

TEST_CASE("a failed check of the machine is a result of the campaign, not its end", "[fuzz]")
{
    const fuzz_options options{.count = 3, .also = [](checked_run& run) -> std::string {
                                   SIM_CHECK(run.sim().now() < sim_time{std::chrono::milliseconds{10}});
                                   return {};
                               }};
    const fuzz_result result = fuzz(options);
    REQUIRE(result.found);
    CHECK(result.found->seed == 1);
    CHECK(result.found->broken.find("milliseconds{10}") != std::string::npos);
}

TEST_CASE("a break of a guarded claim ends in a small scenario that expects it and passes", "[fuzz]")
{
    fuzz_options options{.count = 100};
    options.guarded.claims[static_cast<std::size_t>(claim_id::exclusive)] = true;
    options.guarded.causes[static_cast<std::size_t>(cause_id::i1)] = true;
    const fuzz_result result = fuzz(options);
    REQUIRE(result.found);
    CHECK(result.found->broken.empty());
    CHECK(result.found->what.claim == claim_id::exclusive);
    CHECK(result.found->what.cause == cause_id::i1);

    const shrunk small = shrink_discovery(*result.found, options);
    CHECK(small.document["tasks"].size() == 2);
    const scenario again = read_scenario(small.document, "-");
    REQUIRE(again.expect.claims.size() == 1);
    CHECK(again.expect.claims[0].cause == "I1");
    CHECK(check_expectations(again.expect, report_json(run_scenario(again).result)).empty());
}

TEST_CASE("a campaign gives the same on one thread and on three", "[fuzz]")
{
    const fuzz_options one{.first_seed = 40, .count = 60, .threads = 1};
    const fuzz_options three{.first_seed = 40, .count = 60, .threads = 3};
    CHECK(fuzz_json(one, fuzz(one)) == fuzz_json(three, fuzz(three)));
}

TEST_CASE("settings go into each scenario, and those that fit no scenario are an input error", "[fuzz]")
{
    const fuzz_options fifo{.count = 30, .settings = {parse_setting(R"(/scheduler={"name":"fifo"})")}};
    const fuzz_result result = fuzz(fifo);
    CHECK(result.scenarios == 30);
    CHECK(result.exits.at("none").scenarios +
              (result.exits.contains("stall") ? result.exits.at("stall").scenarios : 0) +
              (result.exits.contains("no_progress") ? result.exits.at("no_progress").scenarios : 0) ==
          30);

    const fuzz_options three_cpus{.count = 30, .settings = {parse_setting("/machine/cpus=2")}};
    CHECK(fuzz(three_cpus).refused > 0); // offsets and affinities name CPUs that are gone

    const fuzz_options slow{.count = 100, .settings = {parse_setting("/machine/hz=100")}, .also = no_two_tasks_at_once};
    const fuzz_result broken = fuzz(slow);
    REQUIRE(broken.found);
    CHECK(shrink_discovery(*broken.found, slow).document["machine"]["hz"] == 100); // they are no part of what is shrunk

    CHECK_THROWS_AS(fuzz({.count = 30, .settings = {parse_setting("/machine/kernel=K1")}}), input_error);
}

TEST_CASE("shrinking leaves what shows the failure, in its simplest form", "[fuzz]")
{
    const json start = json::parse(R"({
        "schema": "s", "name": "n", "duration": "80ms", "seed": 12,
        "tasks": [{"name": "a"}, {"name": "b", "count": 7, "start": "3.217ms"}, {"name": "c"}],
        "outside": [1, 2, 3]
    })");
    const auto has_b = [](const json& d) {
        for (const json& t : d.value("tasks", json::array())) {
            if (t.value("name", "") == "b" && t.value("count", 0) >= 3) {
                return true;
            }
        }
        return false;
    };
    const shrunk small = shrink(start, has_b);
    CHECK(small.minimal);
    CHECK(small.document == json::parse(R"({"schema": "s", "name": "n", "tasks": [{"name": "b", "count": 3}]})"));
    CHECK(!shrink(start, has_b, 3).minimal);
}
