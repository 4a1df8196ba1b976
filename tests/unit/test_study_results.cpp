// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/small_study.h"
#include "tools/io/input_error.h"
#include "tools/study/merge.h"
#include "tools/study/study_report.h"
#include "tools/study/study_runner.h"
#include "tools/study/warmup.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

study_outcome run_in(const study& s, const std::string& folder, unsigned threads = 2,
                     std::optional<shard_id> shard = {})
{
    return run_study(s, {.folder = folder, .threads = threads, .shard = shard});
}

template <class F>
std::string message_of(const F& f)
{
    try {
        f();
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE("one thread, three threads and merged shards write the same bytes", "[study_runner]")
{
    const scratch_folder folder;
    const study s = load(folder, small_study());
    run_in(s, folder.path("one"), 1);
    const std::string lines = folder.read("one/runs.jsonl");
    CHECK(std::ranges::count(lines, '\n') == 12);
    CHECK(std::ranges::count(folder.read("one/runs.csv"), '\n') == 13);

    run_in(s, folder.path("three"), 3);
    CHECK(folder.read("three/runs.jsonl") == lines);
    for (std::size_t i = 1; i <= 3; ++i) {
        run_in(s, folder.path("shards"), 2, shard_id{i, 3});
    }
    const gathered g = merge_results(s, folder.path("shards"), result_files(folder.path("shards")));
    CHECK(g.missing.empty());
    CHECK(folder.read("shards/runs.jsonl") == lines);
    CHECK(folder.read("shards/runs.csv") == folder.read("one/runs.csv"));
}

TEST_CASE("what is done is not done again, and a torn line is", "[study_runner]")
{
    const scratch_folder folder;
    const study s = load(folder, small_study());
    run_in(s, folder.path("r"));
    const std::string lines = folder.read("r/runs.jsonl");
    CHECK(run_in(s, folder.path("r")).nr_new == 0);
    for (const std::size_t keep : {lines.size() - 1, lines.size() / 2, std::size_t{10}, std::size_t{0}}) {
        folder.write("r/runs.jsonl", lines.substr(0, keep));
        const auto whole = std::ranges::count(lines.substr(0, keep), '\n');
        CHECK(run_in(s, folder.path("r")).nr_new == 12 - static_cast<std::size_t>(whole));
        CHECK(folder.read("r/runs.jsonl") == lines);
    }
}

TEST_CASE("results of a study that changed are set aside and found again", "[study_runner]")
{
    const scratch_folder folder;
    const study before = load(folder, small_study());
    run_in(before, folder.path("r"));
    const std::string lines = folder.read("r/runs.jsonl");
    json document = small_study();
    document["factors"][0]["values"] = {"20ms", "40ms"};
    const study after = load(folder, document);
    const study_outcome out = run_in(after, folder.path("r"));
    CHECK(out.nr_new == 4);
    CHECK(out.nr_set_aside == 8);
    CHECK(std::ranges::count(folder.read("r/others.jsonl"), '\n') == 8);
    CHECK(run_in(before, folder.path("r")).nr_new == 0);
    CHECK(folder.read("r/runs.jsonl") == lines);
}

TEST_CASE("a file is written by one process at a time", "[result_store]")
{
    const scratch_folder folder;
    const study s = load(folder, small_study());
    std::filesystem::create_directories(folder.path("r"));
    const result_file held(runs_file(folder.path("r")));
    CHECK_THAT(message_of([&] { run_in(s, folder.path("r")); }), test::contains("another pairsim study is writing it"));
}

TEST_CASE("merging names what is missing, twice, of another version or in conflict", "[merge]")
{
    const scratch_folder folder;
    const study s = load(folder, small_study());
    run_in(s, folder.path("r"));
    const std::string lines = folder.read("r/runs.jsonl");
    const auto first = lines.find('\n') + 1;
    const auto merge = [&](const std::string& text) {
        const std::string file = folder.write("part.jsonl", text);
        return merge_results(s, folder.path("m"), {folder.path("r/runs.jsonl"), file});
    };
    CHECK(merge(lines.substr(0, first)).nr_duplicates == 1);
    const gathered part = merge_results(s, folder.path("n"), {folder.write("half.jsonl", lines.substr(first))});
    REQUIRE(part.missing.size() == 1);
    CHECK(describe_run(s, part.missing[0]) == "batch_duration=5ms, seed 1");

    std::string other = lines.substr(0, first);
    other.replace(other.find("\"digest\":\"") + 10, 4, "beef");
    CHECK_THAT(message_of([&] { merge(other); }), test::contains("part.jsonl:1"));
    CHECK_THAT(message_of([&] { merge(other); }), test::contains("is also in"));
    CHECK_THAT(message_of([&] { merge("{}\n"); }), test::contains("no result of a run"));
    std::string old = lines.substr(0, first);
    old.replace(old.find("\"id\":\"") + 6, 4, "0000");
    old.replace(old.find("\"version\":\"") + 11, 5, "0.0.9");
    CHECK_THAT(message_of([&] { merge(old); }), test::contains("1 runs of pairsim 0.0.9"));
    CHECK(folder.read("m/runs.jsonl") == lines); // what was merged before is still there
}

TEST_CASE("until: points are repeated until the interval is narrow enough", "[study_runner]")
{
    const scratch_folder folder;
    json document = small_study();
    document["replications"] = 2;
    document["until"] = {{"metric", "forced_idle"}, {"relative_half_width", 0.3}, {"max_replications", 30}};
    const study s = load(folder, document);
    run_in(s, folder.path("a"), 1);
    run_in(s, folder.path("b"), 3);
    CHECK(folder.read("a/runs.jsonl") == folder.read("b/runs.jsonl"));
    for (std::size_t i = 1; i <= 2; ++i) {
        run_in(s, folder.path("c"), 2, shard_id{i, 2});
    }
    const gathered g = merge_results(s, folder.path("c"), result_files(folder.path("c")));
    CHECK(folder.read("c/runs.jsonl") == folder.read("a/runs.jsonl"));
    CHECK(g.missing.empty());

    bool more_than_two = false;
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        const std::uint32_t n = g.results.runs_of(p);
        std::vector<double> sample;
        for (std::uint32_t r = 0; r < n; ++r) {
            sample.push_back(*g.results.at(p, r)->values[*s.metric_index("forced_idle")]);
        }
        const auto e = estimate_mean(sample, s.confidence);
        CHECK((n == 30 || (e.ci->high - e.ci->low) / 2 <= 0.3 * e.mean));
        more_than_two = more_than_two || n > 2;
    }
    CHECK(more_than_two);
}

TEST_CASE("a report has the numbers of the results, and text in it cannot break its page", "[study_report]")
{
    const scratch_folder folder;
    json document = small_study();
    document["name"] = "a </script><b> \"name\"";
    document["baseline"] = {{"batch_duration", "20ms"}};
    document["recommend"] = {{"factor", "batch_duration"}};
    const study s = load(folder, document);
    run_in(s, folder.path("r"));
    const gathered g = gather(s, result_files(folder.path("r")));
    const json report = study_report_json(g.results);
    CHECK(report["runs"] == 12);
    CHECK(report["x_kind"] == "duration");
    CHECK(report["points"][0]["x"] == 5e6);
    double sum = 0;
    for (std::uint32_t r = 0; r < 4; ++r) {
        sum += *g.results.at(0, r)->values[0];
    }
    const auto mean = [&](std::size_t p) { return report["points"][p]["metrics"]["throughput"]["mean"].get<double>(); };
    CHECK(nearly(mean(0), sum / 4));
    CHECK(report["points"][0]["baseline"] == 1);
    const double difference = report["points"][0]["metrics"]["throughput"]["difference"]["mean"].get<double>();
    CHECK(nearly(difference, sum / 4 - mean(1)));
    CHECK_FALSE(report["groups"][0]["range"].get<std::string>().empty());
    CHECK_FALSE(report["groups"][0]["verdict"].get<std::string>().empty());

    const std::string page = study_report_page(g.results);
    CHECK(page.find("</script><b>") == std::string::npos);
    CHECK(page.find("http://") == std::string::npos);
    CHECK_THAT(study_report_text(g.results), test::contains("Recommended batch_duration"));
}

TEST_CASE("a run's series settle, and warm-up is found per point", "[warmup]")
{
    const scratch_folder folder;
    const study s = load(folder, small_study());
    const run_series series = observe_run(scenario_of(s, s.points[0], 0), 100);
    REQUIRE(series.busy.size() == 100);
    CHECK(series.part == std::chrono::milliseconds{2});
    for (std::size_t i = 0; i < 100; ++i) {
        CHECK((series.busy[i] >= 0 && series.busy[i] <= 1));
        CHECK((series.waiting[i] >= 0 && series.waiting[i] <= 6)); // there are six tasks
    }
    const auto found = find_warmup(s, 2, 2);
    REQUIRE(found.size() == 3);
    CHECK((!found[0].warmup || *found[0].warmup <= std::chrono::milliseconds{100}));
}

TEST_CASE("only parts of a whole are shards", "[study_runner]")
{
    CHECK(parse_shard("2/4").index == 2);
    CHECK(parse_shard("4/4").count == 4);
    for (const char* bad : {"", "1", "0/4", "5/4", "1/0", "1/4x", "a/4", "-1/4", "1//4"}) {
        CHECK_THROWS_AS(parse_shard(bad), input_error);
    }
}
