// SPDX-License-Identifier: GPL-2.0-only
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/small_study.h"
#include "tools/io/embedded.h"
#include "tools/io/input_error.h"
#include "tools/io/runner.h"
#include "tools/io/schema_check.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

std::string problems_of(const scratch_folder& folder, const json& document)
{
    try {
        load(folder, document);
    } catch (const input_error& error) {
        for (const problem& p : error.problems()) {
            CHECK_FALSE(p.remedy.empty());
        }
        return error.what();
    }
    return {};
}

std::vector<std::string> texts(const parsed<std::vector<json>>& values)
{
    std::vector<std::string> all;
    for (const json& value : std::get<std::vector<json>>(values)) {
        all.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    return all;
}

} // namespace

TEST_CASE("ranges have both ends, and logarithmic ones three digits", "[study_loader]")
{
    CHECK(texts(range_values("1ms", "1s", 4, true)) == std::vector<std::string>{"1ms", "10ms", "100ms", "1s"});
    CHECK(texts(range_values("1ms", "1s", 3, true)) == std::vector<std::string>{"1ms", "31.6ms", "1s"});
    CHECK(texts(range_values("1ms", "5ms", 3, false)) == std::vector<std::string>{"1ms", "3ms", "5ms"});
    CHECK(texts(range_values(8, 512, 7, true)) == std::vector<std::string>{"8", "16", "32", "64", "128", "256", "512"});
    CHECK(std::holds_alternative<parse_failure>(range_values(1, 3, 9, false)));
    CHECK(std::holds_alternative<parse_failure>(range_values("0", "3ms", 3, true)));
    CHECK(std::holds_alternative<parse_failure>(range_values(1, "3ms", 3, false)));
    CHECK(std::holds_alternative<parse_failure>(range_values("3ms", "1ms", 3, false)));
}

TEST_CASE("crossed factors make every combination, zipped ones vary together", "[study_loader]")
{
    const scratch_folder folder;
    json document = small_study();
    document["factors"] = json::parse(R"([
        {"zip": [{"name": "hogs", "pointer": "/tasks/0/count", "values": [1, 2]},
                 {"name": "wakers", "pointer": "/tasks/1/count", "values": [3, 4]}]},
        {"pointer": "/scheduler", "values": [{"name": "fifo"}, {"name": "pair"}], "labels": ["none", "pair"]}])");
    const study s = load(folder, document);
    REQUIRE(s.points.size() == 4);
    CHECK(describe(s, s.points[0]) == "hogs=1 wakers=3 scheduler=none");
    CHECK(describe(s, s.points[3]) == "hogs=2 wakers=4 scheduler=pair");
    const scenario last = scenario_of(s, s.points[3], 2);
    CHECK(last.work.tasks.size() == 6);
    CHECK(last.seed == 3);
    CHECK(last.scheduler == scheduler_name::pair);
    CHECK(scenario_of(s, s.points[0], 0).scheduler == scheduler_name::fifo);
    CHECK_THAT(reproduce_command(s, s.points[2], 1), test::contains("--point 3 --replication 2 | pairsim run -"));
}

TEST_CASE("a run's id follows from what determines the run, and from nothing else", "[study_loader]")
{
    const scratch_folder folder;
    const json base = small_study();
    const auto ids = [&](const json& document) {
        const study s = load(folder, document);
        std::set<std::string> all;
        for (const study_point& p : s.points) {
            all.insert(run_id(p, s.first_seed));
        }
        return all;
    };
    const auto before = ids(base);
    CHECK(before.size() == 3);
    json other = base;
    other["name"] = "renamed";
    other["replications"] = 9;
    other["factors"][0]["name"] = "duration";
    other["factors"][0]["values"] = json::array({"80ms", "20ms", "5ms"});
    other["scenario"]["expect"] = json::object();
    CHECK(ids(other) == before);
    for (const auto& [pointer, value] : {std::pair("/scenario/duration", json("201ms")), std::pair("/seed", json(2)),
                                         std::pair("/scenario/machine/hz", json(1000)),
                                         std::pair("/warmup", json("1ms")), std::pair("/metrics", json({"busy"}))}) {
        json changed = base;
        changed[json::json_pointer(pointer)] = value;
        INFO(pointer);
        const auto after = ids(changed);
        for (const std::string& id : after) {
            CHECK(before.count(id) == 0);
        }
    }
}

TEST_CASE("a study's scenario file and its machine are part of its ids", "[study_loader]")
{
    const scratch_folder folder;
    json scenario = small_study()["scenario"];
    scenario.update(
        json{{"schema", "pairsim.scenario/1"}, {"name", "n"}, {"description", "d"}, {"machine", "my.json"}});
    folder.write("base.json", scenario.dump());
    json document = small_study();
    document["scenario"] = "base.json";
    const auto id_with = [&](const char* hz) {
        folder.write("my.json", std::string(R"({"schema": "pairsim.machine/1", "cpus": 2, "hz": )") + hz + "}");
        return load(folder, document).points[0].id;
    };
    CHECK(id_with("250") == id_with("250"));
    CHECK(id_with("250") != id_with("1000"));
    const study s = load(folder, document);
    CHECK_THAT(reproduce_command(s, s.points[0], 1), test::contains("base.json --seed 2 --set"));
    CHECK_THAT(reproduce_command(s, s.points[0], 1), test::contains("/scheduler/batch_duration=5ms"));
}

TEST_CASE("problems of a study are told all at once, each at its place", "[study_loader]")
{
    const scratch_folder folder;
    json document = small_study();
    document["factors"] = json::parse(R"([
        {"pointer": "/scheduler/batch_duration", "values": ["5ms", "fast", "20ms"]},
        {"pointer": "/machine/cpus", "values": [2, 3]}])");
    const std::string text = problems_of(folder, document);
    CHECK_THAT(text, test::contains("/factors/0/values/1"));
    CHECK_THAT(text, test::contains("fast"));
    CHECK_THAT(text, test::contains("/factors/1/values/1"));

    document = small_study();
    document["factors"].push_back(document["factors"][0]);
    document["metrics"] = {"throughputs", "busy", "busy"};
    document["until"] = {{"metric", "nothing"}, {"relative_half_width", 0.1}};
    document["baseline"] = {{"batch_duration", "7ms"}, {"x", 1}};
    document["recommend"] = {{"factor", "y"}};
    const std::string many = problems_of(folder, document);
    for (const char* expected :
         {"/factors/1: two factors are named \"batch_duration\"", "/metrics/0: unknown metric \"throughputs\"",
          "did you mean \"throughput\"?", "/metrics/2: the metric \"busy\" occurs twice",
          "/until/metric: the study keeps no metric", "/baseline/batch_duration: the factor has no value \"7ms\"",
          "/baseline/x: unknown factor", "/recommend/factor: unknown factor"}) {
        CHECK_THAT(many, test::contains(expected));
    }
}

TEST_CASE("what cannot be a study is refused", "[study_loader]")
{
    const scratch_folder folder;
    const auto with = [&](const char* pointer, const char* value) {
        json document = small_study();
        document[json::json_pointer(pointer)] = json::parse(value);
        return problems_of(folder, document);
    };
    CHECK_THAT(with("/scenario", "\"none.json\""), test::contains("/scenario: scenario file"));
    CHECK_THAT(with("/factor", "[]"), test::contains("did you mean \"factors\"?"));
    CHECK_THAT(with("/factors/0/values", "[]"), test::contains("/factors/0/values: the array has 0"));
    CHECK_THAT(with("/factors/0/range", R"({"from": "1ms", "to": "2ms", "points": 2})"), test::contains("exclude"));
    CHECK_THAT(with("/factors/0/labels", R"(["x"])"), test::contains("1 labels for 3 values"));
    CHECK_THAT(with("/factors/0/labels", R"(["x", "y", "x"])"), test::contains("\"x\" occurs twice"));
    CHECK_THAT(with("/factors/0/pointer", "\"x\""), test::contains("/factors/0/pointer"));
    CHECK_THAT(with("/factors/0/pointer", "\"/seed\""), test::contains("the seed is no factor"));
    CHECK_THAT(with("/factors/0/pointer", "\"/name/x\""), test::contains("/factors/0"));
    CHECK_THAT(with("/factors/0/pointer", "\"/scheduler/batch\""), test::contains("unknown key \"batch\""));
    CHECK_THAT(with("/scenario/tasks/0/cgroup", "\"x\""), test::contains("/scenario/tasks/0/cgroup: unknown cgroup"));
    CHECK_THAT(with("/set", R"({"/tasks/0/cgroup": "x"})"), test::contains("/set"));
    CHECK_THAT(with("/warmup", "\"1s\""), test::contains("/warmup"));
    CHECK_THAT(with("/until", R"({"metric": "busy", "relative_half_width": 0.1, "max_replications": 3})"),
               test::contains("/until: 4 replications"));
    const char* const many = R"([{"pointer": "/x", "range": {"from": 1, "to": 100000, "points": 10000}},
                                 {"pointer": "/y", "range": {"from": 1, "to": 100000, "points": 10000}}])";
    CHECK_THAT(with("/factors", many), test::contains("too many points"));
    CHECK_THAT(with("/factors", R"([{"pointer": "/x", "range": {"from": 1, "to": 100000, "points": 10000}}])"),
               test::contains("/factors/0/range: /x: unknown key"));
}

TEST_CASE("every ready study is good, and its first point runs", "[study_loader]")
{
    std::size_t nr_studies = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/studies")) {
        INFO(entry.path().string());
        const study s = load_study(entry.path().string());
        json document = document_of(s, s.points.back(), 0);
        document["duration"] = "20ms";
        document["warmup"] = "5ms";
        if (document["machine"].is_object() && document["machine"].value("cpus", 0) > 64) {
            continue; // its first point is enough of the model
        }
        const scenario shortened = read_scenario(document, s.base_path);
        const run_outcome outcome = run_scenario(shortened);
        CHECK(outcome.result.exit.kind == "none");
        CHECK(measure(s.metrics, outcome.result).size() == s.metrics.size());
        ++nr_studies;
    }
    CHECK(nr_studies >= 10);
}
