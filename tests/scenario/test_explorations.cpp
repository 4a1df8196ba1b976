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

TEST_CASE("every exploration comes out as its file expects, and its counterexample breaks the claim in a run",
          "[explore]")
{
    for (const std::string& file : files_in(root)) {
        CAPTURE(file);
        const exploration what = load_exploration(file);
        CHECK_FALSE(what.expect.empty());
        const auto result = explore(what, {.threads = 2});
        CHECK(unmet_expectations(what, result) == std::vector<std::string>{});
        for (const verdict& v : result.verdicts) {
            // A deadlock breaks no claim about runs, and a cycle has no end.
            const bool is_path = v.what == verdict::kind::violated && v.which != property::no_deadlock &&
                                 v.example.cycle_start == v.example.steps.size();
            // time_counterexample() has run the scenario, or says why there is none.
            CHECK((!is_path || std::holds_alternative<json>(time_counterexample(v.example, what))));
        }
    }
}

TEST_CASE("the large explorations can be loaded, and say what they expect", "[explore]")
{
    for (const std::string& file : files_in(root / "large")) {
        CAPTURE(file);
        CHECK_FALSE(load_exploration(file).expect.empty());
    }
}
