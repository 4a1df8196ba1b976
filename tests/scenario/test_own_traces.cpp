// SPDX-License-Identifier: GPL-2.0-only
//
// A trace that pairsim wrote says what the run said: the same records, digest, claims and metrics, in each format.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/claims.h"
#include "model/metrics.h"
#include "sim/digest.h"
#include "tests/support/catch.h"
#include "tools/check/trace_check.h"
#include "tools/io/ftrace_text.h"
#include "tools/io/own_trace.h"
#include "tools/io/report.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"

using namespace pairsim;

namespace {

namespace fs = std::filesystem;

struct scratch_file {
    std::string path = (fs::temp_directory_path() / ("pairsim-own-trace-" + std::to_string(::getpid()))).string();
    ~scratch_file() { fs::remove(path); }
};

/// What a run says of itself, without what a trace cannot know.
std::string findings_of(const scenario& what, claims_result claims)
{
    json j = claims_json(claims);
    j.erase("counters-add-up");
    return j.dump() + findings_json(what, claims).dump();
}

std::string metrics_of(const scenario& what, const metrics_result& m)
{
    const run_result run{.what = what,
                         .version = {},
                         .digest = {},
                         .kernel_ns = {},
                         .exit = {},
                         .counters = {},
                         .metrics = m,
                         .claims = {}};
    const json r = report_json(run);
    return r["machine"].dump() + r["cgroups"].dump() + r["pairs"].dump() + r["cpus"].dump() + r["tasks"].dump();
}

template <class Writer>
void round_trip(const std::string& scenario_path)
{
    const scratch_file file;
    const scenario s = load_scenario(std::string(PAIRSIM_SOURCE_DIR "/scenarios/") + scenario_path);
    const pair_map pairs = pairs_of(s);
    Writer writer(file.path, header_of(s, pairs, "v"));
    const run_outcome out = run_scenario(s, {.until = {}, .sinks = {&writer}, .on_stats = {}});
    writer.finish();

    check_options options;
    options.limits = s.expect.limits;
    const check_result checked = check_trace(file.path, options);
    CHECK(findings_of(checked.what, checked.claims) == findings_of(s, out.result.claims));
    CHECK(checked.end == sim_time{out.result.simulated});

    file_bytes bytes(file.path);
    line_source lines(bytes, file.path);
    const auto trace = open_own_trace(lines);
    REQUIRE(trace != nullptr);
    struct both final : trace_sink {
        trace_digest digest;
        metrics measured;
        explicit both(const trace_world& w) : measured(w.what.machine, w.what.work, w.pairs, sim_time{w.what.warmup}) {}
        void on_records(std::span<const trace_record> records) override
        {
            digest.on_records(records);
            measured.on_records(records);
        }
    } read(trace->world());
    trace->read(read);
    CHECK(read.digest.hex() == out.result.digest);
    CHECK(metrics_of(trace->world().what, read.measured.finish(trace->end())) == metrics_of(s, out.result.metrics));
}

} // namespace

TEST_CASE("a trace gives the digest, the findings and the metrics of its run, in both formats", "[own_trace]")
{
    const std::string path = GENERATE(
        as<std::string>{}, "quickstart.json", "no-isolation.json", "catalogue/i05-other-nodes-dsq.json",
        "catalogue/i06-pinned-task.json", "catalogue/s08-undersized-pair-ctx.json", "catalogue/s15-top-q-in-hand.json",
        "catalogue/s01-hard-lockup.json", "catalogue/s16p-idle-pair-beside-queued-task.json",
        "catalogue/r03-kicked-and-kept.json", "kernel/v08-move-queued-task.json");
    INFO(path);
    SECTION("JSON lines")
    {
        round_trip<jsonl_writer>(path);
    }
    SECTION("ftrace text")
    {
        round_trip<ftrace_writer>(path);
    }
}

TEST_CASE("the kernel's events in the ftrace text fit together for a reader that knows nothing of pairsim",
          "[own_trace]")
{
    const scratch_file file;
    const scenario s = load_scenario(PAIRSIM_SOURCE_DIR "/scenarios/quickstart.json");
    ftrace_writer writer(file.path, header_of(s, pairs_of(s), "v"));
    const run_outcome out = run_scenario(s, {.until = {}, .sinks = {&writer}, .on_stats = {}});
    writer.finish();

    std::string kernel_only = "# tracer: nop\n";
    std::ifstream in(file.path);
    for (std::string line; std::getline(in, line);) {
        kernel_only += line.find("pair:") == std::string::npos && line[0] != '#' ? line + "\n" : "";
    }
    text_bytes bytes(kernel_only);
    line_source lines(bytes, "t");
    cgroup_rules rules;
    for (const auto& t : s.work.tasks) {
        rules.add_option(s.work.cgroups[t.cgroup.value].name + "=" + t.name);
    }
    recorded_trace trace(lines, rules, {}); // strict: each switch fits the one before
    const auto& run = out.result.claims.of(claim_id::exclusive);
    claims watched(s.machine, s.work, pairs_of(s));
    trace.read(watched);
    const auto found = watched.finish(sim_time{out.result.simulated}).of(claim_id::exclusive);
    CHECK(found.violations == run.violations);
    CHECK(found.total_ns == run.total_ns);
}
