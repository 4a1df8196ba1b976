// SPDX-License-Identifier: GPL-2.0-only
//
// Runs every exploration of scenarios/explore/ and checks what it expects of itself. Those in large/ are only loaded.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tools/explore/result.h"
#include "tools/explore/timing.h"

using namespace pairsim;

namespace {

namespace fs = std::filesystem;

const fs::path root = fs::path(PAIRSIM_SOURCE_DIR) / "scenarios" / "explore";

std::vector<std::string> files_in(const fs::path& folder)
{
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path().string());
        }
    }
    std::ranges::sort(files);
    return files;
}

} // namespace

TEST_CASE("every exploration comes out as its file expects", "[explore]")
{
    for (const std::string& file : files_in(root)) {
        CAPTURE(file);
        const exploration what = load_exploration(file);
        CHECK_FALSE(what.expect.empty());
        CHECK(unmet_expectations(what, explore(what, {.threads = 2})) == std::vector<std::string>{});
    }
}

TEST_CASE("the large explorations can be loaded, and say what they expect", "[explore]")
{
    for (const std::string& file : files_in(root / "large")) {
        CAPTURE(file);
        CHECK_FALSE(load_exploration(file).expect.empty());
    }
}

TEST_CASE("a counterexample is a scenario that breaks the same claim by the same cause", "[explore]")
{
    for (const char* file : {"i01-direct-dispatch.json", "r01-preempted-while-idle.json", "s04-removed-cgroup.json",
                             "i02-kept-previous-task.json"}) {
        CAPTURE(file);
        const exploration what = load_exploration((root / file).string());
        const auto result = explore(what, {.threads = 1});
        REQUIRE(result.verdicts.front().what == verdict::kind::violated);
        // time_counterexample() has run it, or says why it cannot.
        CHECK(std::holds_alternative<json>(time_counterexample(result.verdicts.front().example, what)));
    }
}
