// SPDX-License-Identifier: GPL-2.0-only
//
// Runs every scenario below scenarios/, and checks what it expects of itself, that scx_pair's counters add up, and that
// the trace is the approved one.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tools/io/causes.h"
#include "tools/io/expect.h"
#include "tools/io/report.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"

using namespace pairsim;

namespace {

namespace fs = std::filesystem;

const fs::path root = fs::path(PAIRSIM_SOURCE_DIR) / "scenarios";

/// The scenarios of one folder, without its sub-folders, by name.
std::vector<std::string> scenarios_in(const fs::path& folder)
{
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && name.ends_with(".json") && !name.ends_with(".schema.json")) {
            files.push_back(entry.path().string());
        }
    }
    std::ranges::sort(files);
    return files;
}

/// tests/golden/digests.txt: "DIGEST UNSEED" by path from the root of the repository.
std::map<std::string, std::string> approved_digests()
{
    std::map<std::string, std::string> digests;
    std::ifstream file(PAIRSIM_SOURCE_DIR "/tests/golden/digests.txt");
    for (std::string path, digest, unseed; file >> path >> digest >> unseed;) {
        digests[path] = digest + ' ' + unseed;
    }
    return digests;
}

void run_all(const fs::path& folder, std::size_t at_least)
{
    const auto files = scenarios_in(folder);
    REQUIRE(files.size() >= at_least);
    auto approved = approved_digests();
    for (const std::string& file : files) {
        INFO(file);
        const scenario s = load_scenario(file);
        const run_outcome out = run_scenario(s);
        for (const auto& failure : check_expectations(s.expect, report_json(out.result))) {
            INFO(failure.sentence);
            CHECK(false);
        }
        CHECK(out.result.claims.of(claim_id::counters_add_up).violations == 0);
        // Where the trace is meant to change: ./tools/dev approve, and explain it in the commit.
        CHECK(fmt::format("{} {:016x}", out.result.digest, out.result.unseed) ==
              approved[fs::relative(file, PAIRSIM_SOURCE_DIR).string()]);
        const bool paths_are_free = s.machine.costs[static_cast<std::size_t>(cost_kind::schedule)] == duration_dist{};
        if (paths_are_free) { // then ticks that change nothing are left out
            CHECK(run_scenario(s, {.analyse = false, .each_tick = true}).result.digest == out.result.digest);
        }
        CHECK_FALSE(s.description.empty());
        CHECK(out.warnings.empty());
    }
}

/// The first words of the rows of the table below a heading of docs/reference/claims.md.
std::set<std::string> rows_below(const std::string& heading)
{
    std::set<std::string> words;
    std::ifstream page(PAIRSIM_SOURCE_DIR "/docs/reference/claims.md");
    bool below = false;
    for (std::string line; std::getline(page, line);) {
        below = line.starts_with("## ") ? line == heading : below;
        if (below && line.starts_with("| ")) {
            words.insert(line.substr(2, line.find(' ', 2) - 2));
        }
    }
    return words;
}

/// The sentences of what @p report does not fulfil.
std::vector<std::string> unmet(const expectation& expect, const json& report)
{
    std::vector<std::string> sentences;
    for (const auto& failure : check_expectations(expect, report)) {
        sentences.push_back(failure.sentence);
    }
    return sentences;
}

} // namespace

TEST_CASE("the quickstart and its like do what they say", "[scenarios]")
{
    run_all(root, 1);
}

TEST_CASE("the worked examples V1 to V11 come out as the kernel's code says", "[scenarios]")
{
    run_all(root / "kernel", 26);
}

TEST_CASE("each scenario of the failure catalogue shows its mechanism", "[scenarios]")
{
    run_all(root / "catalogue", 36);
}

TEST_CASE("no folder of scenarios is left out", "[scenarios]")
{
    std::vector<std::string> folders;
    for (const auto& entry : fs::directory_iterator(root)) {
        if (entry.is_directory()) {
            folders.push_back(entry.path().filename().string());
        }
    }
    std::ranges::sort(folders);
    CHECK(folders ==
          std::vector<std::string>{"catalogue", "explore", "kernel", "machines", "studies"}); // the others hold none
}

TEST_CASE("each cause and each claim has its scenarios, or the reference says why there is none", "[scenarios]")
{
    std::set<std::string> named;
    std::set<std::string> broken;
    std::set<std::string> kept;
    for (const auto& folder : {root, root / "kernel", root / "catalogue"}) {
        for (const std::string& file : scenarios_in(folder)) {
            for (const auto& claim : load_scenario(file).expect.claims) {
                named.insert(claim.cause);
                (claim.holds ? kept : broken).insert(claim.id);
            }
        }
    }
    const auto excused = rows_below("## Without a scenario");
    for (const auto& cause : causes()) {
        INFO(cause.id);
        CHECK(named.contains(std::string(cause.id)) != excused.contains(std::string(cause.id)));
    }
    for (const auto& claim : all_claims()) {
        INFO(claim.id);
        CHECK(kept.contains(std::string(claim.id)));
        CHECK((broken.contains(std::string(claim.id)) || claim.claim == claim_id::counters_add_up));
    }
}

TEST_CASE("an expectation that fails says what was expected and what was found", "[expect]")
{
    const json report = {{"exit", {{"kind", "stall"}, {"message", "hog[1] failed to run"}}},
                         {"counters", {{"nr_total", 7}}},
                         {"claims",
                          {{"exclusive", {{"violations", 2}, {"by_cause", {{"I3", {{"violations", 2}}}}}}},
                           {"no-abort", {{"violations", 0}, {"by_cause", json::object()}}}}}};
    expectation expect;
    expect.exit_kind = "stall";
    expect.exit_message_contains = "hog[1]";
    expect.claims = {{"exclusive", false, "I3"}, {"no-abort", true, ""}};
    expect.bounds = {{"/counters/nr_total", 7, 7}};
    CHECK(check_expectations(expect, report).empty());

    expect.exit_kind = "none";
    expect.claims = {{"exclusive", true, ""}, {"exclusive", false, "I1"}, {"no-abort", false, ""}, {"odd", true, ""}};
    expect.bounds = {
        {"/counters/nr_total", 8, {}}, {"/counters/nr_total", {}, 6}, {"/counters/none", 0, {}}, {"/exit/kind", 0, {}}};
    CHECK(unmet(expect, report) == std::vector<std::string>{
                                       "expected the exit \"none\", but it was \"stall\": hog[1] failed to run",
                                       "expected the claim exclusive to hold, but it was violated 2 times; causes: I3",
                                       "expected the claim exclusive to be violated by I1, but the causes are I3",
                                       "expected the claim no-abort to be violated, but it held",
                                       "expected something of the claim odd, which is not watched",
                                       "expected /counters/nr_total to be at least 8, but it is 7",
                                       "expected /counters/nr_total to be at most 6, but it is 7",
                                       "expected a number at /counters/none, but the report has nothing there",
                                       "expected a number at /exit/kind, but the report has a string",
                                   });
    expect = {};
    expect.exit_kind = "stall";
    expect.exit_message_contains = "cat";
    CHECK(unmet(expect, report) ==
          std::vector<std::string>{"expected an exit message with \"cat\", but it was \"hog[1] failed to run\""});
}
