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

class temp_folder {
public:
    temp_folder() : path_(std::filesystem::temp_directory_path() / ("pairsim_scenario_" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(path_ / "machines");
        std::filesystem::create_directories(path_ / "deep" / "er");
    }
    ~temp_folder() { std::filesystem::remove_all(path_); }
    temp_folder(const temp_folder&) = delete;
    temp_folder& operator=(const temp_folder&) = delete;

    std::string write(const std::string& name, const std::string& text) const
    {
        std::ofstream(path_ / name) << text;
        return (path_ / name).string();
    }

private:
    std::filesystem::path path_;
};

} // namespace

TEST_CASE("a machine comes from a file beside the scenario, above it, or by its path", "[scenario_loader]")
{
    const temp_folder folder;
    const std::string machine = R"({"schema": "pairsim.machine/1", "cpus": 4, "hz": 100,
        "costs": {"tick": "1us", "schedule": "2us"}})";
    folder.write("machines/my.json", machine);
    folder.write("deep/other.json", machine);
    const auto load = [&](const std::string& where, const std::string& value) {
        return load_scenario(folder.write(where, changed("/machine", value).dump())).machine;
    };
    CHECK(load("s.json", "\"my\"").hz == 100);
    CHECK(load("deep/er/s.json", "\"my\"").hz == 100);
    CHECK(load("deep/er/s.json", "\"../other.json\"").hz == 100);
    CHECK(load("deep/s.json", "\"other.json\"").hz == 100);
    CHECK(load("deep/er/s.json", "\"x86-64\"").nr_cpus() == 8);

    const auto changed_base = load("s.json", R"({"base": "my", "cpus": 8, "costs": {"tick": "5us"}})");
    CHECK(changed_base.nr_cpus() == 8);
    CHECK(changed_base.hz == 100);
    CHECK(changed_base.costs[static_cast<std::size_t>(cost_kind::tick)] == duration_dist::constant(5us));
    CHECK(changed_base.costs[static_cast<std::size_t>(cost_kind::schedule)] == duration_dist::constant(2us));
    const auto without = load("s.json", R"({"base": "my", "costs": "none"})");
    CHECK(without.costs == machine_config{}.costs);
}

TEST_CASE("a problem in a machine file names that file", "[scenario_loader]")
{
    const temp_folder folder;
    const auto problem_with = [&](const std::string& machine) {
        folder.write("machines/bad.json", machine);
        try {
            load_scenario(folder.write("s.json", changed("/machine", "\"bad\"").dump()));
        } catch (const input_error& error) {
            REQUIRE(error.problems().size() == 1);
            CHECK_THAT(error.problems()[0].where, test::contains("bad.json"));
            return error.problems()[0].pointer + ": " + error.problems()[0].what;
        }
        return std::string();
    };
    CHECK_THAT(problem_with("{"), test::contains("not valid JSON"));
    CHECK_THAT(problem_with(R"({"cpus": 4})"), test::contains("missing key \"schema\""));
    CHECK_THAT(problem_with(R"({"schema": "pairsim.machine/1", "cpus": 4, "hz": 0})"), test::contains("/hz: 0 is out"));
    CHECK_THAT(problem_with(R"({"schema": "pairsim.machine/1", "cpus": 4, "tick_offset": ["0"]})"),
               test::contains("/tick_offset: 1 offsets"));
    CHECK_THAT(problem_with(R"({"schema": "pairsim.machine/1", "cpus": 4, "base": "x86-64"})"),
               test::contains("/base: a machine file that is a base"));
}

TEST_CASE("a setting replaces, creates and appends before anything is checked", "[scenario_loader]")
{
    const temp_folder folder;
    const std::string path = folder.write("s.json", base_text);
    const auto load = [&](const std::vector<std::string>& texts) {
        std::vector<setting> settings;
        for (const auto& text : texts) {
            settings.push_back(parse_setting(text));
        }
        return load_scenario(path, settings);
    };
    CHECK(load({"/scheduler/batch_duration=5ms"}).pair.batch_duration == 5ms);
    CHECK(load({"/seed=7", "/seed=8"}).seed == 8);
    CHECK(load({"/scheduler/variant/enq_last=true"}).pair.variants.enq_last);
    CHECK(load({"/name=a b = c"}).name == "a b = c");
    CHECK(load({"/name=\"7\""}).name == "7");
    CHECK(load({"/tasks/0/phases/0/run=7ms"}).work.tasks[0].program[0].duration == duration_dist::constant(7ms));
    CHECK(load({"/cgroups/-=new", "/tasks/0/cgroup=new"}).work.cgroups.back().name == "new");
}

TEST_CASE("a wrong setting is refused and named", "[scenario_loader]")
{
    const temp_folder folder;
    const std::string path = folder.write("s.json", base_text);
    const auto message = [&](const std::string& text) {
        try {
            const std::vector<setting> settings{parse_setting(text)};
            load_scenario(path, settings);
        } catch (const input_error& error) {
            REQUIRE(error.problems().size() == 1);
            CHECK_FALSE(error.problems()[0].remedy.empty());
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK_THAT(message("seed=1"), test::contains("--set: \"seed\" is no JSON pointer"));
    CHECK_THAT(message("/seed"), test::contains("--set: \"/seed\" is not of the form"));
    CHECK_THAT(message("=1"), test::contains("--set: \"=1\" is not of the form"));
    CHECK_THAT(message("/tasks/9/name=x"), test::contains("--set: /tasks/9/name: the array has no element \"9\""));
    CHECK_THAT(message("/tasks/01/name=x"), test::contains("no element \"01\""));
    CHECK_THAT(message("/name/x=1"), test::contains("--set: /name/x: \"x\" is inside of a string"));
    CHECK_THAT(message("/sede=1"), test::contains("/sede: unknown key \"sede\" (given by --set)"));
    CHECK_THAT(message("/tasks/0/cgroup=x"), test::contains("/tasks/0/cgroup: unknown cgroup \"x\" (given by --set)"));
    CHECK_THAT(message("/scheduler={\"stride\":3}"), test::contains("/scheduler/stride: stride 3"));
    CHECK_THAT(message("/scheduler={\"stride\":3}"), test::contains("(given by --set)"));
}

TEST_CASE("what the schema refuses has words of our own, wherever a value is wrong", "[schema_check]")
{
    const schema_checker checker(embedded::scenario_schema);
    const json base = parse_json(base_text, "base").flatten();
    std::size_t refused = 0;
    for (const auto& [pointer, ignored] : base.items()) {
        for (const char* value : {"null", "7", "-1", "1.5", "true", "\"\"", "\"x\"", "[]", "[[]]", "{}",
                                  R"({"dist": "x"})", R"({"x": 1})"}) {
            CAPTURE(pointer, value);
            problem_list problems;
            input_document document{"s.json", changed(pointer, value), &problems};
            const bool fine = checker.check(document);
            CHECK(fine == problems.empty());
            refused += fine ? 0 : 1;
            for (const problem& p : problems.all()) {
                CHECK_THAT(p.remedy, !test::contains("see the schema"));
                CHECK_FALSE(p.remedy.empty());
            }
            problems_of(document.root); // must not crash, whatever the types are
        }
    }
    CHECK(refused > 400);
}

TEST_CASE("the worked example of the reference page is a valid scenario", "[scenario_loader]")
{
    std::ifstream file(PAIRSIM_SOURCE_DIR "/docs/reference/scenario-format.md");
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    const auto begin = page.find("```json") + 8;
    const scenario s = read_scenario(parse_json(page.substr(begin, page.find("```", begin) - begin), "page"), "page");
    CHECK(s.work.tasks.size() == 4);
}

TEST_CASE("the reference page names every property of the schema", "[scenario_loader]")
{
    std::ifstream file(PAIRSIM_SOURCE_DIR "/docs/reference/scenario-format.md");
    const std::string page((std::istreambuf_iterator<char>(file)), {});
    const json schema = parse_json(embedded::scenario_schema, "schema").flatten();
    for (const auto& [pointer, ignored] : schema.items()) {
        if (const auto at = pointer.rfind("/properties/"); at != std::string::npos) {
            const std::string key = pointer.substr(at + 12, pointer.find('/', at + 12) - at - 12);
            CAPTURE(key);
            CHECK(
                (page.find("`" + key + "`") != std::string::npos || page.find("\"" + key + "\"") != std::string::npos));
        }
    }
}
