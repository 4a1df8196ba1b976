// SPDX-License-Identifier: GPL-2.0-only
//
// The baseline idle-sibling, the useful work of a machine with slow siblings, and caches that grow cold with time.
#include <string>

#include "tests/support/base_scenario.h"
#include "tests/support/catch.h"
#include "tools/io/runner.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

json hogs(const char* scheduler, int cpus, int count)
{
    json document = json::parse(R"({"schema": "pairsim.scenario/1", "name": "n", "description": "d", "duration": "1s",
        "warmup": "100ms", "cgroups": ["a", "b"]})");
    document["machine"] = {{"base", "x86-64"}, {"cpus", cpus}};
    document["scheduler"] = {{"name", scheduler}};
    for (const char* cgroup : {"a", "b"}) {
        document["tasks"].push_back(
            {{"name", cgroup}, {"cgroup", cgroup}, {"count", count}, {"phases", {{{"run", "forever"}}}}});
    }
    return document;
}

run_result run(const json& document)
{
    static scenario s; // outlives the result
    s = read_scenario(document, "test.json");
    return run_scenario(s).result;
}

} // namespace

TEST_CASE("idle-sibling keeps one CPU of each pair busy and the other idle", "[idle_sibling_sched]")
{
    for (const int nr_cpus : {2, 8}) {
        for (const int count : {1, 4, 16}) {
            INFO(nr_cpus << " CPUs, " << count << " hogs a cgroup");
            const run_result r = run(hogs("idle-sibling", nr_cpus, count));
            const double span = static_cast<double>(r.metrics.span_ns());
            const double used = static_cast<double>(r.metrics.machine.busy_ns) / span;
            const int pairs_used = std::min(nr_cpus / 2, 2 * count);
            CHECK(r.exit.kind == "none");
            CHECK(used > 0.99 * pairs_used);
            CHECK(used <= pairs_used);
            for (const pair_metrics& p : r.metrics.pairs) {
                CHECK(p.co_run_ns == 0);
                CHECK(p.shared_ns == 0);
            }
        }
    }
}

TEST_CASE("idle-sibling lets no task wait for a pair that is free", "[idle_sibling_sched]")
{
    json document = hogs("idle-sibling", 8, 1);
    document["tasks"] = json::parse(R"([{"name": "waker", "cgroup": "a", "count": 3, "phases": [{"repeat": {"phases": [
        {"run": {"dist": "exponential", "mean": "2ms"}}, {"sleep": {"dist": "exponential", "mean": "3ms"}}]}}]}])");
    const run_result r = run(document); // three tasks, four pairs
    CHECK(r.metrics.wakeup_latency.count > 300);
    CHECK(r.metrics.wakeup_latency.max_ns < 1'000'000);
    for (const pair_metrics& p : r.metrics.pairs) {
        CHECK(p.shared_ns == 0);
    }
}

TEST_CASE("idle-sibling goes on when higher classes take CPUs", "[idle_sibling_sched]")
{
    json document = hogs("idle-sibling", 4, 3);
    document["higher_class"] = json::parse(R"([
        {"cpu": 0, "first": "5ms", "length": "3ms", "interval": "17ms"},
        {"cpu": 2, "first": "7ms", "length": "9ms", "interval": "23ms"}])");
    const run_result r = run(document);
    CHECK(r.exit.kind == "none");
    CHECK(r.metrics.machine.busy_ns > 1'700'000'000); // of two pairs' 1.8 s
}

TEST_CASE("idle-sibling takes a stride, and no batch", "[scenario_loader]")
{
    json document = hogs("idle-sibling", 4, 1);
    document["scheduler"]["stride"] = 1;
    CHECK(read_scenario(document, "test.json").pair.stride == 1);
    document["scheduler"]["stride"] = 3;
    CHECK_THROWS_AS(read_scenario(document, "test.json"), input_error);
    document["scheduler"] = {{"name", "idle-sibling"}, {"batch_duration", "1ms"}};
    CHECK_THROWS_AS(read_scenario(document, "test.json"), input_error);
}

TEST_CASE("useful work is what programs do: siblings slow it down, cold caches and the kernel are not in it",
          "[simulator]")
{
    json document = hogs("fifo", 2, 1);
    document["machine"] = {{"cpus", 2}, {"costs", "none"}};
    CHECK(run(document).useful_ns == 1'800'000'000); // two CPUs for 0.9 s
    document["machine"]["smt_speed"] = 0.625;
    CHECK(run(document).useful_ns == 1'125'000'000);
    document["machine"] = {
        {"cpus", 2}, {"costs", {{"preset", "none"}, {"cgroup_switch", "2ms"}}}, {"topology", "flat"}};
    document["tasks"][0]["count"] = 2; // two of a and one of b on two CPUs
    document["scheduler"]["slice"] = "20ms";
    const run_result r = run(document);
    const auto cold = static_cast<std::int64_t>(r.metrics.machine.cgroup_switches) * 2'000'000;
    CHECK(r.metrics.machine.cgroup_switches > 20);
    CHECK(r.metrics.machine.busy_ns - r.useful_ns <= cold + 4'000'000); // one refill may lie across each end
    CHECK(r.metrics.machine.busy_ns - r.useful_ns >= cold - 4'000'000);
}

TEST_CASE("a cold-cache curve costs more the longer a cgroup has been away", "[simulator]")
{
    json document = hogs("fifo", 2, 1);
    document["machine"] = {{"cpus", 1}, {"topology", "flat"}, {"hz", 1000}};
    document["machine"]["costs"] = json::parse(
        R"({"preset": "none", "cgroup_switch": {"curve": [["10ms", "100us"], ["30ms", "300us"], ["50ms", "900us"]]}})");
    const auto lost_with_slice = [&](const char* slice) { // each cgroup is away for one slice
        document["scheduler"]["slice"] = slice;
        const run_result r = run(document);
        const auto lost = r.metrics.machine.busy_ns - r.useful_ns;
        return static_cast<double>(lost) / static_cast<double>(r.metrics.machine.cgroup_switches);
    };
    CHECK(std::fabs(lost_with_slice("5ms") - 100'000) < 3'000);
    CHECK(std::fabs(lost_with_slice("20ms") - 200'000) < 6'000);
    CHECK(std::fabs(lost_with_slice("40ms") - 600'000) < 30'000);
    CHECK(std::fabs(lost_with_slice("90ms") - 900'000) < 100'000);

    document["machine"]["costs"]["cgroup_switch"]["curve"] = json::parse(R"([["5ms", "1us"], ["5ms", "2us"]])");
    CHECK_THROWS_AS(read_scenario(document, "test.json"), input_error);
    document["machine"]["costs"]["cgroup_switch"]["curve"] = json::parse(R"([["5ms"]])");
    CHECK_THROWS_AS(read_scenario(document, "test.json"), input_error);
}
