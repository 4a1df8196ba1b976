// SPDX-License-Identifier: GPL-2.0-only
//
// The exporters' files, read by libraries that are not ours. Perfetto's has a test of its own: tests/export.
#include <cmath>
#include <map>
#include <string>

#include "tests/support/catch.h"
#include "tools/export/exports.h"
#include "tools/export/kicks.h"

using namespace pairsim;

namespace {

const std::string scenarios = std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/";

/// A time in microseconds, as nanoseconds.
std::int64_t ns_of(const json& microseconds)
{
    return std::llround(microseconds.get<double>() * 1000);
}

} // namespace

TEST_CASE("the Chrome trace gives each task the CPU time of the report", "[exports]")
{
    const auto run = load_run(scenarios + "quickstart.json", {});
    const json trace = json::parse(chrome_trace(story(*run)));
    std::map<std::string, std::int64_t> times;
    std::map<std::string, int> phases;
    for (const auto& e : trace["traceEvents"]) {
        ++phases[e["ph"]];
        if (e["ph"] == "X" && e["pid"] == 1) {
            times[e["name"]] += ns_of(e["dur"]);
        }
    }
    for (std::size_t i = 0; i < run->what.work.tasks.size(); ++i) {
        INFO(run->what.work.tasks[i].name);
        CHECK(times[run->what.work.tasks[i].name] == run->metrics.tasks[i].cpu_time_ns);
    }
    CHECK(times["idle: drain"] == run->metrics.machine.forced[idle_cause::drain]);
    CHECK(times["the rt class"] == run->metrics.machine.higher_ns);
    CHECK(phases["i"] == static_cast<int>(run->claims.findings.size()));
    CHECK(phases["s"] == phases["f"]);
    CHECK(phases["s"] > 0);
}

TEST_CASE("names from a scenario cannot break the Chrome trace", "[exports]")
{
    load_options options;
    options.settings = {{"/tasks/0/name", "say \"hi\" \\ </script>"}};
    options.until = std::chrono::milliseconds{20};
    const auto run = load_run(scenarios + "quickstart.json", options);
    const json trace = json::parse(chrome_trace(story(*run)));
    bool found = false;
    for (const auto& e : trace["traceEvents"]) {
        found = found || e["name"] == "say \"hi\" \\ </script>.0";
    }
    CHECK(found);
}

TEST_CASE("one irq_work serves all requests for its target", "[kicks]")
{
    observed_run run;
    const auto add = [&](std::int64_t at, record_kind kind, std::uint16_t cpu, std::uint32_t target) {
        run.records.push_back({.at = at_ns(at), .cpu = cpu_id{cpu}, .kind = kind, .a = target});
    };
    add(1, record_kind::kick, 0, 1);
    add(2, record_kind::kick, 0, 1);
    add(3, record_kind::kick, 2, 1);
    add(4, record_kind::kick_serviced, 0, 1);
    const auto kicks = kicks_of(run);
    REQUIRE(kicks.size() == 3);
    CHECK(kicks[0].is_serviced);
    CHECK(kicks[1].serviced == at_ns(4));
    CHECK_FALSE(kicks[2].is_serviced);
}

TEST_CASE("the DOT file of a trace does not invent a topology", "[machine_dot]")
{
    observed_run run;
    run.from_trace = true;
    run.what.machine.cpus.resize(4);
    run.pairs = std::get<pair_map>(make_pair_map(4, 2, false));
    const std::string dot = machine_dot(run);
    CHECK(dot.find("cluster") == std::string::npos);
    CHECK(dot.find("0 -- 2") != std::string::npos);
}
