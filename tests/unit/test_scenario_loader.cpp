// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

#include "sim/random.h"
#include "tests/support/base_scenario.h"
#include "tests/support/catch.h"
#include "tools/io/embedded.h"
#include "tools/io/input_error.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/schema_check.h"

using namespace pairsim;
using namespace pairsim::test;
using namespace std::chrono_literals;

namespace {

struct bad_row {
    std::string set; ///< where the base scenario is changed
    std::string value;
    std::string pointer; ///< of the problem
    std::string what;
    std::string remedy;
};

void check_rows(const std::vector<bad_row>& table)
{
    for (const bad_row& row : table) {
        CAPTURE(row.set, row.value);
        const auto problems = problems_of(changed(row.set, row.value));
        std::string all;
        for (const problem& p : problems) {
            all += format_problem(p) + "\n";
        }
        CAPTURE(all);
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].where == "s.json");
        CHECK(problems[0].pointer == row.pointer);
        CHECK_THAT(problems[0].what, test::contains(row.what));
        CHECK_FALSE(problems[0].remedy.empty());
        CHECK_THAT(problems[0].remedy, test::contains(row.remedy));
    }
}

} // namespace

TEST_CASE("a scenario with something of everything becomes a workload", "[scenario_loader]")
{
    const scenario s = with("", "");
    CHECK(s.name == "base");
    CHECK(s.seed == 1);
    CHECK(s.duration == 10s);
    CHECK(s.warmup == 1s);
    CHECK(s.pair.stride == 2);
    CHECK(s.machine.nr_cpus() == 4);
    CHECK(s.machine.smt_active);
    CHECK(s.machine.cpus[1].core == s.machine.cpus[3].core);
    CHECK(s.machine.cpus[0].core != s.machine.cpus[1].core);

    REQUIRE(s.work.cgroups.size() == 4);
    CHECK(s.work.cgroups[2].name == "a/b");
    CHECK(s.work.cgroups[2].parent == cgroup_id{1});
    CHECK(s.work.cgroups[3].create_at == at_ns(1'000'000'000));
    CHECK(s.work.cgroups[3].remove_at == at_ns(9'000'000'000));
    CHECK(s.work.cgroups[1].remove_at == never);

    REQUIRE(s.work.tasks.size() == 4);
    CHECK(s.work.tasks[1].name == "hog.1");
    CHECK(s.work.cpumasks[s.work.tasks[1].affinity].weight() == 2);
    CHECK(s.work.cpumasks[0].weight() == 4);
    CHECK(s.work.tasks[2].cgroup == cgroup_id{2});
    CHECK(s.work.tasks[2].start == at_ns(2'000'000'000));
    CHECK(s.work.tasks[3].cgroup == root_cgroup);
    CHECK(s.work.nr_channels == 1);

    REQUIRE(s.work.higher.size() == 3);
    CHECK(s.work.higher[0].count > 1'000'000);
    CHECK(s.work.higher[0].cls == sched_class::rt);
    CHECK(s.work.higher[2].cls == sched_class::stop);
    CHECK(s.work.higher[2].length == duration_dist::constant(6us));
    CHECK(s.work.higher[2].count == 1);
    REQUIRE(s.work.lost_time.size() == 1);
    CHECK(s.work.lost_time[0].count == 1);

    REQUIRE(s.work.outside.size() == 2);
    CHECK(s.work.outside[0].target == 1);
    CHECK(s.work.outside[0].arg == 3);
    CHECK(s.work.outside[1].kind == phase::op::set_affinity);

    REQUIRE(s.expect.claims.size() == 3);
    CHECK(s.expect.claims[0].cause == "I1");
    CHECK_FALSE(s.expect.claims[0].holds);
    CHECK(s.expect.claims[1].holds);
    CHECK_FALSE(s.expect.claims[2].holds);
    CHECK(s.expect.bounds[0].max == 2.0);
}

TEST_CASE("phases become a flat program whose loops jump back", "[scenario_loader]")
{
    const scenario s = with("", "");
    const auto& hog = s.work.tasks[0].program;
    REQUIRE(hog.size() == 2);
    CHECK(hog[0].kind == phase::op::run);
    CHECK(hog[0].duration == duration_dist::constant(max_duration));
    CHECK(hog[1].kind == phase::op::loop);
    CHECK(hog[1].target == 0);
    CHECK(hog[1].arg == repeat_forever);

    using op = phase::op;
    std::vector<op> kinds;
    for (const phase& p : s.work.tasks[2].program) {
        kinds.push_back(p.kind);
    }
    CHECK(kinds == std::vector<op>{op::run, op::wait, op::move, op::set_affinity, op::yield, op::run, op::loop,
                                   op::move, op::exit});
    const auto& one = s.work.tasks[2].program;
    CHECK(one[2].target == 0); // itself
    CHECK(one[2].arg == 3);
    CHECK(one[5].duration == duration_dist::uniform(1ms, 2ms));
    CHECK(one[6].target == 4);
    CHECK(one[6].arg == 2); // two jumps make three rounds
    CHECK(one[7].target == 2);
    CHECK(one[7].arg == 2);
    CHECK(s.work.tasks[3].program[1].sync);
}

TEST_CASE("phases that end without an exit get one", "[scenario_loader]")
{
    const auto program = with("/tasks/2/phases", R"([{"sleep": "1ms"}, {"wake": "ch"}])").work.tasks[3].program;
    REQUIRE(program.size() == 3);
    CHECK(program[2].kind == phase::op::exit);
    const auto once =
        with("/tasks/2/phases", R"([{"repeat": {"times": 1, "phases": [{"wake": "ch"}]}}])").work.tasks[3].program;
    CHECK(once.size() == 2); // nothing jumps
}

TEST_CASE("outside events happen in the order of their times, however they are listed", "[scenario_loader]")
{
    const scenario s = with("/outside/1/at", "\"1ms\"");
    REQUIRE(s.work.outside.size() == 2);
    CHECK(s.work.outside[0].at == sim_time{1ms});
    CHECK(s.work.outside[0].kind == phase::op::set_affinity);
    CHECK(s.work.outside[1].kind == phase::op::move);
}

TEST_CASE("keys and types outside of the format are refused in human words", "[scenario_loader]")
{
    check_rows({
        {"/sheduler", "{}", "/sheduler", "unknown key \"sheduler\"", "did you mean \"scheduler\"?"},
        {"/tasks/0/cgrp", "\"a\"", "/tasks/0/cgrp", "unknown key \"cgrp\"", "\"cgroup\""},
        {"/scheduler/variant/foo", "true", "/scheduler/variant/foo", "unknown key", "\"local_dsq\""},
        {"/machine/costs", R"({"tik": "1us"})", "/machine/costs/tik", "unknown key", "did you mean \"tick\"?"},
        {"/expect/claims/exclusve", "\"holds\"", "/expect/claims/exclusve", "unknown key",
         "did you mean \"exclusive\"?"},
        {"/schema", "\"pairsim.scenario/2\"", "/schema", "unknown value", "pairsim.scenario/1"},
        {"/name", "7", "/name", "expected a string, got an integer", ""},
        {"/name", "\"\"", "/name", "empty", ""},
        {"/name", "\"a\\nb\"", "/name", "control character", "remove"},
        {"/seed", "-1", "/seed", "out of range", "give 0 or more"},
        {"/seed", "1.5", "/seed", "expected an integer, got a number", ""},
        {"/seed", "\"1\"", "/seed", "expected an integer, got a string", ""},
        {"/duration", "10", "/duration", "expected a string, got an integer", "Length of the run"},
        {"/duration", "\"10\"", "/duration", "does not end with a unit", "\"20ms\""},
        {"/duration", "\"0\"", "/duration", "no length", "above zero"},
        {"/duration", "\"1000001s\"", "/duration", "limit of 1000000s", "shorter"},
        {"/warmup", "\"10s\"", "/warmup", "leaves nothing", "shorter"},
        {"/warmup", "\"0.1ns\"", "/warmup", "whole number of nanoseconds", "round"},
        {"/machine/kernel", "\"K613\"", "/machine/kernel", "unknown value \"K613\"", "\"K612\", \"K619\", \"KNEW\""},
        {"/machine", "5", "/machine", "expected a string or an object, got an integer", ""},
        {"/scheduler/variant/local_dsq", "1", "/scheduler/variant/local_dsq", "expected a boolean", ""},
        {"/scheduler/name", "\"pear\"", "/scheduler/name", "unknown value", "did you mean \"pair\"?"},
        {"/scheduler/max_queued", "0", "/scheduler/max_queued", "out of range", "give 1 to 1048576"},
        {"/tasks", "{}", "/tasks", "expected an array, got an object", ""},
        {"/tasks/0/count", "0", "/tasks/0/count", "out of range", "give 1 to 100000"},
        {"/tasks/0/count", "4000000000", "/tasks/0/count", "out of range", "give 1 to 100000"},
        {"/tasks/0/phases", "[]", "/tasks/0/phases", "0 elements", "at least 1"},
        {"/tasks/0/phases/0", R"({"rnu": "1ms"})", "/tasks/0/phases/0", "none of the keys", "did you mean \"run\"?"},
        {"/tasks/0/phases/0", "{}", "/tasks/0/phases/0", "empty", "\"sleep\""},
        {"/tasks/0/phases/0", R"({"run": "1ms", "sleep": "1ms"})", "/tasks/0/phases/0/sleep", "unknown key", ""},
        {"/tasks/0/phases/0/run", R"({"dist": "normal", "mean": "1ms"})", "/tasks/0/phases/0/run/dist", "unknown value",
         "\"exponential\""},
        {"/tasks/0/phases/0/run", R"({"mean": "1ms"})", "/tasks/0/phases/0/run", "missing key \"dist\"", "add it"},
        {"/tasks/0/phases/0/run", R"({"dist": "uniform", "low": "1ms"})", "/tasks/0/phases/0/run",
         "missing key \"high\"", "longest"},
        {"/tasks/0/phases/0/run", R"({"dist": "quantiles", "points": [[0, "1ms", 2], [1, "1ms"]]})",
         "/tasks/0/phases/0/run/points/0", "the array has 3 elements", "give 2"},
        {"/tasks/2/phases/0/repeat/times", "0", "/tasks/2/phases/0/repeat/times", "out of range", ""},
        {"/higher_class/0", R"({"cpu": 1})", "/higher_class/0", "none of the keys", "\"length\", \"times\""},
        {"/higher_class/0/class", "\"fair\"", "/higher_class/0/class", "unknown value", "\"stop\""},
        {"/outside/0", R"({"at": "1s"})", "/outside/0", "none of the keys", "\"move\", \"set_affinity\""},
        {"/expect/claims/exclusive", "\"maybe\"", "/expect/claims/exclusive", "unknown value", "\"holds\""},
    });
}

TEST_CASE("values without a meaning are refused with a remedy", "[scenario_loader]")
{
    const std::string uniform = R"({"dist": "uniform", "low": "2ms", "high": "1ms"})";
    const std::string no_mean = R"({"dist": "exponential", "mean": "0"})";
    const std::string falling = R"({"dist": "quantiles", "points": [[0, "2ms"], [1, "1ms"]]})";
    const std::string short_of_one = R"({"dist": "quantiles", "points": [[0, "1ms"], [0.5, "1ms"]]})";
    const std::string fine = R"({"dist": "quantiles", "points": [[0, "1ms"], [0.0000001, "1ms"], [1, "1ms"]]})";
    check_rows({
        {"/tasks/0/phases/0/run", uniform, "/tasks/0/phases/0/run", "low (2ms) is above high (1ms)", "exchange"},
        {"/tasks/0/phases/0/run", no_mean, "/tasks/0/phases/0/run/mean", "zero", "above zero"},
        {"/tasks/0/phases/0/run", falling, "/tasks/0/phases/0/run/points/1", "not above", "rise"},
        {"/tasks/0/phases/0/run", short_of_one, "/tasks/0/phases/0/run/points", "0 to 1", "end with [1"},
        {"/tasks/0/phases/0/run", fine, "/tasks/0/phases/0/run/points/1/0", "six decimals", "round"},
        {"/scheduler/slice", "\"0\"", "/scheduler/slice", "zero", "above zero"},
        {"/scheduler/stride", "3", "/scheduler/stride", "stride 3", "strides that pair these CPUs: 1, 2"},
        {"/scheduler/stride", "4", "/scheduler/stride", "stride 4", "1, 2"},
        {"/scheduler/pairing", "\"topology\"", "/scheduler/pairing", "exclude each other", "remove one"},
        {"/scheduler/name", "\"fifo\"", "/scheduler/stride", "does not belong", "remove it"},
        {"/expect/bounds/0", R"({"pointer": "/a"})", "/expect/bounds/0", "bounds nothing", "\"min\""},
        {"/expect/bounds/0/min", "3", "/expect/bounds/0", "min is above max", "exchange"},
        {"/expect/bounds/0/pointer", "\"counters\"", "/expect/bounds/0/pointer", "no JSON pointer", "begins with"},
    });
}

TEST_CASE("a machine that cannot be is refused with a remedy", "[scenario_loader]")
{
    check_rows({
        {"/machine", R"({"hz": 250})", "/machine", "no number of CPUs", "\"cpus\""},
        {"/machine", R"({"cpus": 0})", "/machine/cpus", "out of range", "give 1 to 4096"},
        {"/machine", R"({"cpus": 5000})", "/machine/cpus", "out of range", "give 1 to 4096"},
        {"/machine", R"({"cpus": 5})", "/machine", "even number of CPUs", "\"fifo\""},
        {"/machine/hz", "20000", "/machine/hz", "out of range", "give 1 to 10000"},
        {"/machine/tick_offset", R"(["0", "1us"])", "/machine/tick_offset", "2 offsets for 4 CPUs", "one for each"},
        {"/machine/tick_offset", R"(["0", "1us", "4ms", "0"])", "/machine/tick_offset/2", "not below one tick", "4ms"},
        {"/machine/tick_jitter", "\"5ms\"", "/machine/tick_jitter", "longer than a tick", "4ms"},
        {"/machine/smt_speed", "0.6543", "/machine/smt_speed", "multiple of 0.001", "round"},
        {"/machine/smt_speed", "0", "/machine/smt_speed", "out of range", "0.001"},
        {"/machine/smt_speed", "1.001", "/machine/smt_speed", "out of range", "1"},
        {"/machine/topology", R"({"cores": ["0-1", [1, 2], [3]]})", "/machine/topology/cores/1",
         "CPU 1 is listed twice", "once"},
        {"/machine/topology", R"({"cores": ["0-1", [3]]})", "/machine/topology/cores", "CPU 2 is not listed", "once"},
        {"/machine/topology", R"({"cores": ["0-1", "2-4"]})", "/machine/topology/cores/1", "CPU 4 does not exist",
         "CPUs 0 to 3"},
        {"/machine/topology", R"({"cores": ["0-1", "2-3"], "llcs": ["0", "1-3"]})", "/machine/topology/cores",
         "element 0 lies in two of \"llcs\"", "within"},
        {"/machine", "\"nosuch\"", "/machine", "unknown machine \"nosuch\"", "\"qemu-tcg\" are built in"},
        {"/machine", "\"no/such.json\"", "/machine", "does not exist", "relative to the folder"},
        {"/machine/base", "\"nosuch\"", "/machine/base", "unknown machine", "machines/nosuch.json"},
    });
}

TEST_CASE("cgroups and tasks that cannot be are refused with a remedy", "[scenario_loader]")
{
    check_rows({
        {"/tasks/0/cgroup", "\"aa\"", "/tasks/0/cgroup", "unknown cgroup \"aa\"",
         "known cgroups: \"/\", \"a\", \"a/b\""},
        {"/cgroups/-", "\"x/b\"", "/cgroups/3", "parent of \"x/b\" is missing", "declare \"x\" before it"},
        {"/cgroups/-", "\"a\"", "/cgroups/3", "declared twice", "rename"},
        {"/cgroups/-", "\"/\"", "/cgroups/3", "root always exists", "leave the root out"},
        {"/cgroups/-", "\"/a\"", "/cgroups/3", "is empty", "slashes between"},
        {"/cgroups/-", "\"a/../b\"", "/cgroups/3", "not a name", "slashes between"},
        {"/cgroups/-", "\"a b\"", "/cgroups/3", "space", "slashes between"},
        {"/cgroups/-", R"({"name": "x", "create_at": "1s", "remove_at": "1s"})", "/cgroups/3/remove_at",
         "removed at 1s, but created at 1s", "later"},
        {"/cgroups/-", R"({"name": "late/x"})", "/cgroups/3", "created before its parent", "later"},
        {"/cgroups/-", R"({"name": "late/x", "create_at": "2s"})", "/cgroups/3", "outlives its parent", "remove_at"},
        {"/tasks/0/cgroup", "\"late\"", "/tasks/0", "starts at 0ns, before its cgroup \"late\" is created at 1s",
         "start it later"},
        {"/tasks/-", R"({"name": "x", "cgroup": "late", "start": "9s", "phases": [{"run": "1ms"}]})", "/tasks/3/start",
         "removed at 9s", "earlier"},
        {"/tasks/-", R"({"name": "x", "cgroup": "late", "start": "2s", "phases": [{"run": "forever"}]})",
         "/tasks/3/cgroup", "still lives in \"late\"", "let it end"},
        {"/tasks/-", R"({"name": "x", "cgroup": "late", "start": "2s", "phases":
            [{"repeat": {"times": 71, "phases": [{"sleep": "100ms"}]}}]})",
         "/tasks/3/cgroup", "still lives", "let it end"},
        {"/tasks/1/name", "\"two\"", "/tasks/2/name", "two tasks \"two\"", "rename"},
        {"/tasks/1/name", "\"hog.0\"", "/tasks/1/name", "two tasks \"hog.0\"", "rename"},
        {"/tasks/0/cpus", "\"0-4\"", "/tasks/0/cpus", "CPU 4 does not exist", "CPUs 0 to 3"},
        {"/tasks/0/cpus", "[0, 9]", "/tasks/0/cpus/1", "CPU 9 does not exist", "CPUs 0 to 3"},
        {"/tasks/0/cpus", "[]", "/tasks/0/cpus", "0 elements", "at least 1"},
        {"/tasks/0/cpus", "\"\"", "/tasks/0/cpus", "no list of CPUs", "0-3,5"},
        {"/tasks/0/fork_cpu", "4", "/tasks/0/fork_cpu", "CPU 4 does not exist", "CPUs 0 to 3"},
        {"/tasks/0/fork_cpu", "[0]", "/tasks/0/fork_cpu", "1 elements for 2 tasks", "one for each"},
        {"/tasks/0/start", R"(["1s", "2s", "3s"])", "/tasks/0/start", "3 elements for 2 tasks", "one for each"},
        {"/tasks/0/start", R"({"step": "1000001s"})", "/tasks/0/start/step", "limit", "shorter"},
        {"/tasks/2", R"({"name": "two", "count": 2, "start": {"step": "1000000s"}, "phases": [{"wake": "ch"}]})",
         "/outside/1/set_affinity/task", "unknown task \"two\"", "\"two.0\""},
        {"/tasks/2/count", "99999", "/tasks/2/count", "more than 100000 tasks", "fewer"},
        {"/tasks/1/phases/0", R"({"run": "forever"})", "/tasks/1/phases/1", "never reached", "let the phase before"},
        {"/tasks/1/phases/0", R"({"exit": true})", "/tasks/1/phases/1", "never reached", "exit"},
        {"/tasks/1/phases/1/wait", "\"hc\"", "/tasks/1/phases/1/wait", "no task wakes the channel \"hc\"",
         "{\"wake\": \"hc\"}"},
        {"/tasks/1/phases/2/move", "\"b\"", "/tasks/1/phases/2/move", "unknown cgroup \"b\"", "\"late\""},
        {"/tasks/1/phases/3/set_affinity", "\"7\"", "/tasks/1/phases/3/set_affinity", "CPU 7 does not exist", "0 to 3"},
        {"/tasks/1/phases/5/move/task", "\"hog\"", "/tasks/1/phases/5/move/task", "unknown task \"hog\"", "\"hog.0\""},
        {"/tasks/1/phases/5/move/task", "\"x\"", "/tasks/1/phases/5/move/task", "unknown task \"x\"",
         "known tasks: \"hog.0\", \"hog.1\", \"one\", \"two\""},
        {"/tasks/2/phases/0", R"({"repeat": {"phases": [{"yield": true}, {"wake": "ch"}]}})",
         "/tasks/2/phases/0/repeat", "no time can pass", "times"},
        {"/tasks/2/phases/0", R"({"repeat": {"phases": [{"run": "0"}, {"wake": "ch"}]}})", "/tasks/2/phases/0/repeat",
         "no time can pass", "sleep"},
    });
}

TEST_CASE("disturbances that cannot be are refused with a remedy", "[scenario_loader]")
{
    check_rows({
        {"/higher_class/0/cpu", "4", "/higher_class/0/cpu", "CPU 4 does not exist", "0 to 3"},
        {"/higher_class/1/cpu", "4", "/higher_class/1/cpu", "CPU 4 does not exist", "0 to 3"},
        {"/higher_class/0/length", "\"0\"", "/higher_class/0/length", "zero", "above zero"},
        {"/higher_class/0/interval", "\"0\"", "/higher_class/0/interval", "zero", "above zero"},
        {"/higher_class/1/times/0/length", "\"0\"", "/higher_class/1/times/0/length", "zero", "above zero"},
        {"/faults/lost_time/0/cpu", "4", "/faults/lost_time/0/cpu", "CPU 4 does not exist", "0 to 3"},
        {"/faults/lost_time/0/count", "2", "/faults/lost_time/0/count", "without an interval", "add \"interval\""},
        {"/outside/0/move/to", "\"x\"", "/outside/0/move/to", "unknown cgroup", "declare it"},
        {"/outside/0/move/task", "\"x\"", "/outside/0/move/task", "unknown task", "known tasks"},
        {"/outside/0/at", "\"500ms\"", "/outside/0/move/to", "does not exist at 500ms", "while it exists"},
        {"/outside/1", R"({"at": "1s", "set_affinity": {"task": "one", "cpus": "0"}})", "/outside/1/set_affinity/task",
         "does not exist at 1s", "later"},
        {"/outside/1/cpu", "4", "/outside/1/cpu", "CPU 4 does not exist", "0 to 3"},
        {"/outside/1/set_affinity/cpus", "\"4\"", "/outside/1/set_affinity/cpus", "CPU 4 does not exist", "0 to 3"},
    });
}

TEST_CASE("repeat nests up to eight deep", "[scenario_loader]")
{
    const auto nested = [](int depth) {
        std::string phases = R"([{"run": "1ms"}, {"wake": "ch"}])";
        for (int i = 0; i < depth; ++i) {
            phases = R"([{"repeat": {"times": 2, "phases": )" + phases + "}}]";
        }
        return phases;
    };
    CHECK(with("/tasks/2/phases", nested(8)).work.tasks[3].program.size() == 11);
    const auto problems = problems_of(changed("/tasks/2/phases", nested(9)));
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0].what, test::contains("nests more than 8 deep"));
}

TEST_CASE("all problems of a file are reported in one run, and none that only follows from another",
          "[scenario_loader]")
{
    json document = changed("", "");
    document["warmup"] = "20s";
    document["foo"] = 1;
    document["machine"]["hz"] = "fast";
    document["cgroups"][0] = json::parse(R"({"nmae": "a"})"); // so "a" is not known; that is not reported again
    document["tasks"][0]["cpus"] = "9";
    document["tasks"][1]["phases"][0]["run"] = "1 ms";
    document["tasks"][2]["phases"][0] = json::parse(R"({"rpeat": {}})"); // was the waker of "ch"
    document["outside"][1]["cpu"] = 77;

    std::vector<std::string> pointers;
    for (const problem& p : problems_of(document)) {
        pointers.push_back(p.pointer);
    }
    std::sort(pointers.begin(), pointers.end());
    CHECK(pointers == std::vector<std::string>{"/cgroups/0", "/cgroups/0/nmae", "/cgroups/1", "/foo", "/machine/hz",
                                               "/outside/1/cpu", "/tasks/0/cpus", "/tasks/1/phases/0/run",
                                               "/tasks/2/phases/0", "/warmup"});
}

TEST_CASE("topologies place CPUs", "[scenario_loader]")
{
    const auto flat = with("/machine/topology", "\"flat\"").machine;
    CHECK_FALSE(flat.smt_active);
    CHECK(flat.cpus[3].core == 3);

    const auto said = with("/machine/topology", R"({"cores": ["0-1", [2, 3]], "nodes": ["0,1", "2-3"]})").machine;
    CHECK(said.smt_active);
    CHECK(said.cpus[3] == cpu_place{1, 1, node_id{1}});

    json document = changed("/machine", R"({"cpus": 5})"); // nothing to be siblings with
    document["scheduler"] = json::parse(R"({"name": "fifo"})");
    CHECK_FALSE(read_scenario(document, "s.json").machine.smt_active);
    document["machine"]["topology"] = "smt";
    const auto problems = problems_of(document);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].pointer == "/machine/topology");
    CHECK_THAT(problems[0].what, test::contains("5 CPUs have no SMT siblings"));
}

TEST_CASE("pairs by topology are the SMT siblings, or refused", "[scenario_loader]")
{
    json document = changed("/scheduler", R"({"pairing": "topology"})");
    CHECK(read_scenario(document, "s.json").pair.stride == 2);
    document["machine"]["topology"] = json::parse(R"({"cores": ["0-1", "2-3"]})");
    CHECK(read_scenario(document, "s.json").pair.stride == 1);
    for (const char* cores : {R"(["0,3", "1-2"])", R"(["0-2", "3"])", R"(["0-3"])"}) {
        document["machine"]["topology"]["cores"] = json::parse(cores);
        const auto problems = problems_of(document);
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].pointer == "/scheduler/pairing");
        CHECK_THAT(problems[0].what, test::contains("no stride pairs all SMT siblings"));
    }
    document["machine"]["topology"] = "flat";
    CHECK(problems_of(document).size() == 1);
}

TEST_CASE("tick offsets, speed and costs reach the machine", "[scenario_loader]")
{
    const auto skewed = with("/machine/tick_offset", R"({"step": "1.5ms"})").machine;
    CHECK(skewed.tick_offset == std::vector<nanoseconds>{0us, 1500us, 3000us, 500us});
    CHECK(with("/machine/smt_speed", "0.65").machine.smt_speed_permille == 650);
    CHECK(with("/machine/smt_speed", "0.001").machine.smt_speed_permille == 1);
    CHECK(with("/machine/smt_speed", "1").machine.smt_speed_permille == 1000);
    CHECK(with("/scheduler/slice", "\"3ms\"").machine.slice_dfl == 3ms);
    CHECK(with("/machine/kernel", "\"K612\"").machine.profile == kernel_profile::k612);

    const auto at = [](const machine_config& m, cost_kind kind) { return m.costs[static_cast<std::size_t>(kind)]; };
    const auto preset = with("/machine/costs", R"("x86-64")").machine;
    CHECK(at(preset, cost_kind::bpf_lock) == duration_dist::constant(20ns));
    CHECK(at(preset, cost_kind::none) == duration_dist{});
    CHECK(preset.costs != machine_config{}.costs);
    const auto changed_one = with("/machine/costs", R"({"preset": "x86-64", "bpf_lock": "1us"})").machine;
    CHECK(at(changed_one, cost_kind::bpf_lock) == duration_dist::constant(1us));
    CHECK(at(changed_one, cost_kind::lock_handover) == at(preset, cost_kind::lock_handover));
    const auto alone = with("/machine/costs", R"({"lock_handover": "1us"})").machine;
    CHECK(at(alone, cost_kind::lock_handover) == duration_dist::constant(1us));
    CHECK(at(alone, cost_kind::tick) == at(preset, cost_kind::tick));
    CHECK(with("/machine", R"({"cpus": 4})").machine.costs == preset.costs); // real hardware's, unless said otherwise
}

TEST_CASE("every cost kind has its key, and the built-in machine a cost for each", "[scenario_loader]")
{
    const json schema = parse_json(embedded::scenario_schema, "schema");
    const json machine = parse_json(embedded::x86_64_machine, "machine");
    const json& keys = schema["definitions"]["costs"]["properties"];
    CHECK(keys.size() == nr_cost_kinds); // "none" has no key, "preset" is one
    for (const auto& [key, ignored] : keys.items()) {
        if (key != "preset") {
            CHECK(machine["costs"].contains(key));
            const auto costs = with("/machine/costs", R"({")" + key + R"(": "7ns"})").machine.costs;
            CHECK(std::count(costs.begin(), costs.end(), duration_dist::constant(7ns)) == 1);
        }
    }
}

TEST_CASE("starts are per task: an array, a step, or drawn from the seed", "[scenario_loader]")
{
    const auto listed = with("/tasks/0/start", R"(["1ms", "2ms"])").work;
    CHECK(listed.tasks[0].start == at_ns(1'000'000));
    CHECK(listed.tasks[1].start == at_ns(2'000'000));
    const auto stepped = with("/tasks/0/start", R"({"step": "3ms"})").work;
    CHECK(stepped.tasks[0].start == at_ns(0));
    CHECK(stepped.tasks[1].start == at_ns(3'000'000));

    const json document = changed("/tasks/0/start", R"({"dist": "uniform", "low": "0", "high": "2s"})");
    const auto drawn = read_scenario(document, "s.json").work;
    CHECK(drawn.tasks[0].start != drawn.tasks[1].start);
    CHECK(drawn.tasks[1].start ==
          sim_time{sample(duration_dist::uniform(0s, 2s), random_draw(1, random_purpose::task_start, 2, 0))});
    CHECK(read_scenario(document, "s.json").work.tasks[0].start == drawn.tasks[0].start);
    const auto fork = with("/tasks/0/fork_cpu", "[3, 1]").work;
    CHECK(fork.tasks[0].fork_cpu == cpu_id{3});
    CHECK(fork.tasks[1].fork_cpu == cpu_id{1});
}

TEST_CASE("a machine brings its background: tasks of the root, after the scenario's own", "[scenario_loader]")
{
    const auto s = with("/machine/background", R"([
        {"name": "kworker", "per_cpu": true, "phases": [{"repeat": {"phases": [{"sleep": "1s", "align": "64ms"}, {"run": "1ms"}]}}]},
        {"name": "rcu", "start": "5ms", "phases": [{"sleep": "1s"}]}])");
    const std::size_t own = with("/name", R"("base")").work.tasks.size();
    REQUIRE(s.work.tasks.size() == own + 4 + 1);
    for (std::uint16_t cpu = 0; cpu < 4; ++cpu) {
        const task_spec& t = s.work.tasks[own + cpu];
        CHECK(t.name == "kworker/" + std::to_string(cpu));
        CHECK(t.cgroup == root_cgroup);
        CHECK(s.work.cpumasks[t.affinity].weight() == 1);
        CHECK(s.work.cpumasks[t.affinity].test(cpu_id{cpu}));
        CHECK(t.draws_like == pid{static_cast<std::uint32_t>(own) + 1});
        CHECK(t.program[0].align == 64ms);
    }
    CHECK(s.work.tasks.back().start == sim_time{5ms});
}

TEST_CASE("a machine's host takes each CPU away for its share of the time", "[scenario_loader]")
{
    const auto s = with("/machine/host", R"({"stolen": "2ms", "share": [0, 0.04, 0, 0.1]})");
    const std::size_t own = with("/name", R"("base")").work.lost_time.size();
    REQUIRE(s.work.lost_time.size() == own + 2);
    CHECK(s.work.lost_time[own].cpu == cpu_id{1});
    CHECK(s.work.lost_time[own].interval == duration_dist::exponential(50ms));
    CHECK(s.work.lost_time[own].only_if_all_busy);
    check_rows({
        {"/machine/host", R"({"stolen": "2ms", "share": [0.1]})", "/machine/host/share", "1 shares for 4 CPUs",
         "one for each"},
        {"/machine/host", R"({"stolen": "0", "share": 0.1})", "/machine/host/share", "nothing is stolen", "above zero"},
        {"/machine/repaired_kick_wait", "true", "/machine", "K612", "K612"},
    });
}
