// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim study: many runs of one scenario, and what they say.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/cli/commands.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"
#include "tools/study/merge.h"
#include "tools/study/study_loader.h"
#include "tools/study/study_report.h"
#include "tools/study/study_runner.h"
#include "tools/study/warmup.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string file;
    std::string folder;
    unsigned threads = 0; ///< 0: as many as there are CPUs
    std::string shard;
    bool report = false;
    bool as_json = false;
    std::string html;
    std::vector<std::string> files; ///< to merge
    std::size_t point = 1;
    std::uint32_t replication = 1;
    std::uint32_t warmup_runs = 5;
};

/// Where a study's results are: `--out`, or its file's name with another ending, in the working directory.
std::string results_folder(const options& o)
{
    return o.folder.empty() ? std::filesystem::path(o.file).stem().string() + ".results" : o.folder;
}

unsigned nr_threads(const options& o)
{
    return o.threads != 0 ? o.threads : std::max(1U, std::thread::hardware_concurrency());
}

/// Standard error gets the runs that are missing; the first few by name.
void say_missing(const study& s, const gathered& g)
{
    constexpr std::size_t most_named = 20;
    std::fflush(stdout); // where both streams are one, the result comes first
    if (!g.missing.empty()) {
        fmt::print(stderr, "{} runs are missing:\n", g.missing.size());
    }
    for (std::size_t i = 0; i < g.missing.size() && i < most_named; ++i) {
        fmt::print(stderr, "  {}\n", describe_run(s, g.missing[i]));
    }
    if (g.missing.size() > most_named) {
        fmt::print(stderr, "  ... and {} more\n", g.missing.size() - most_named);
    }
}

int write_report(const options& o, const study& s)
{
    const std::string folder = results_folder(o);
    const gathered g = gather(s, result_files(folder));
    if (g.results.size() == 0) {
        throw input_error({{folder, "", "there are no results of this study",
                            "run it first: pairsim study " + o.file + ", or name the folder with --out"}});
    }
    const std::string page = o.html.empty() ? folder + "/report.html" : o.html;
    if (page != "-") {
        write_whole_file(page, study_report_page(g.results));
    } else {
        fmt::print("{}", study_report_page(g.results));
    }
    if (o.as_json) {
        fmt::print("{}\n", study_report_json(g.results).dump(2));
    } else if (page != "-") {
        fmt::print("{}\nThe page: {}\n", study_report_text(g.results), page);
    }
    say_missing(s, g);
    return g.missing.empty() ? exit_ok : exit_bound_reached;
}

int run(const options& o)
{
    study_options so{.folder = results_folder(o),
                     .threads = nr_threads(o),
                     .shard = {},
                     .show_progress = ::isatty(STDERR_FILENO) == 1};
    if (!o.shard.empty()) {
        so.shard = parse_shard(o.shard);
    }
    const study s = load_study(o.file);
    const study_outcome out = run_study(s, so);
    fmt::print("{} runs, {} of them new: {}\n", out.nr_runs, out.nr_new, out.file);
    if (out.nr_set_aside != 0) {
        fmt::print(stderr, "{} results of another study or version are now in {}\n", out.nr_set_aside,
                   others_file(so.folder));
    }
    if (o.report) {
        fmt::print("\n");
        return write_report(o, s);
    }
    return exit_ok;
}

int merge(const options& o)
{
    const study s = load_study(o.file);
    const std::string folder = results_folder(o);
    const std::vector<std::string> files = o.files.empty() ? result_files(folder) : o.files;
    if (files.empty()) {
        throw input_error({{folder, "", "there is nothing to merge", "name the files, or the folder with --out"}});
    }
    const gathered g = merge_results(s, folder, files);
    fmt::print("{} runs of {} files, {} of them twice: {}\n", g.results.size(), g.files.size(), g.nr_duplicates,
               runs_file(folder));
    say_missing(s, g);
    return g.missing.empty() ? exit_ok : exit_bound_reached;
}

json status_json(const study& s, const gathered& g)
{
    json j = {{"schema", "pairsim.study-status/1"},
              {"runs", g.results.size()},
              {"missing", g.missing.size()},
              {"complete", g.missing.empty()}};
    j["points"] = json::array();
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        const auto missing = std::ranges::count(g.missing, p, &run_place::point);
        j["points"].push_back(
            {{"point", describe(s, s.points[p])}, {"wanted", wanted_runs(g.results, p)}, {"missing", missing}});
    }
    j["files"] = json::array();
    for (const auto& of : g.files) {
        j["files"].push_back({{"file", of.file}, {"lines", of.nr_lines}, {"foreign", of.nr_foreign}});
    }
    return j;
}

int status(const options& o)
{
    const study s = load_study(o.file);
    const gathered g = gather(s, result_files(results_folder(o)));
    if (o.as_json) {
        fmt::print("{}\n", status_json(s, g).dump(2));
        return g.missing.empty() ? exit_ok : exit_bound_reached;
    }
    fmt::print("{}: {} points, {} runs there, {} missing\n", s.name, s.points.size(), g.results.size(),
               g.missing.size());
    for (const auto& of : g.files) {
        fmt::print("  {}: {} lines{}\n", of.file, of.nr_lines,
                   of.nr_foreign == 0 ? ""
                                      : fmt::format(", {} of another study or version ({})", of.nr_foreign,
                                                    of.foreign_version.empty() ? "unknown" : of.foreign_version));
    }
    say_missing(s, g);
    return g.missing.empty() ? exit_ok : exit_bound_reached;
}

void print_scenario(const options& o)
{
    const study s = load_study(o.file);
    if (o.point > s.points.size() || o.replication > s.most_replications()) {
        throw input_error(
            {{o.file, "", fmt::format("there is no point {} with a replication {}", o.point, o.replication),
              fmt::format("the study has {} points and at most {} replications", s.points.size(),
                          s.most_replications())}});
    }
    fmt::print("{}\n", document_of(s, s.points[o.point - 1], o.replication - 1).dump(2));
}

void print_warmup(const options& o)
{
    const study s = load_study(o.file);
    nanoseconds longest{0};
    bool settled = true;
    for (const warmup_estimate& e : find_warmup(s, o.warmup_runs, nr_threads(o))) {
        fmt::print("{:>12}  {}\n", e.warmup ? format_duration(*e.warmup) : "never", describe(s, s.points[e.point]));
        longest = std::max(longest, e.warmup.value_or(nanoseconds{0}));
        settled = settled && e.warmup.has_value();
    }
    fmt::print("\nBy MSER-5 on busy CPUs and waiting tasks. Longest: write \"warmup\": \"{}\" or more.\n",
               format_duration(longest));
    if (!settled) {
        fmt::print("Points with \"never\" had not settled by half of the run: make their runs longer.\n");
    }
}

/// A sub-command with the options that all have.
CLI::App* add(CLI::App& study, const std::shared_ptr<options>& o, const char* name, const char* about)
{
    CLI::App* command = study.add_subcommand(name, about);
    command->add_option("FILE", o->file, "study")->required();
    command->add_option("--out", o->folder, "folder of the results (default: the name of the study and .results)");
    return command;
}

void add_parts(CLI::App& study, const std::shared_ptr<options>& o, int& code)
{
    CLI::App* report = add(study, o, "report", "What the results say: text, and a page that opens from disk");
    report->add_option("--html", o->html,
                       "file of the page (default: report.html beside the results; - for none but this)");
    report->add_flag("--json", o->as_json, "print JSON in place of the text");
    report->footer("Example: pairsim study report scenarios/studies/batch-duration.json\n"
                   "Exit codes: 0 fine, 2 bad input, 5 runs are missing.");
    report->callback([o, &code] { code = write_report(*o, load_study(o->file)); });

    CLI::App* merged = add(study, o, "merge", "Put the results of shards together, and check them");
    merged->add_option("RESULTS", o->files, "files of shards (default: all in the folder of the results)");
    merged->footer("Example: pairsim study merge study.json\nExit codes: 0 fine, 2 bad input, 5 runs are missing.");
    merged->callback([o, &code] { code = merge(*o); });

    CLI::App* state = add(study, o, "status", "Which runs are there, and which are missing");
    state->add_flag("--json", o->as_json, "print JSON");
    state->footer("Example: pairsim study status study.json\nExit codes: 0 complete, 2 bad input, 5 runs are missing.");
    state->callback([o, &code] { code = status(*o); });

    CLI::App* one = add(study, o, "scenario", "Print the scenario of one run");
    one->add_option("--point", o->point, "number of the point, from 1")->check(CLI::PositiveNumber);
    one->add_option("--replication", o->replication, "number of the replication, from 1")->check(CLI::PositiveNumber);
    one->footer("Example: pairsim study scenario study.json --point 3 | pairsim run -");
    one->callback([o] { print_scenario(*o); });

    CLI::App* warmup = add(study, o, "warmup", "How long each point takes to settle");
    warmup->add_option("--replications", o->warmup_runs, "runs of each point to take the mean of (default: 5)")
        ->check(CLI::Range(1U, 1000U));
    warmup->footer("Example: pairsim study warmup study.json");
    warmup->callback([o] { print_warmup(*o); });
}

} // namespace

void add_study(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("study", "Run a scenario over and over, with other values and seeds");
    const auto o = std::make_shared<options>();
    constexpr unsigned most_threads = 1024;
    command->add_option("FILE", o->file, "study");
    command->add_option("--out", o->folder, "folder of the results (default: the name of the study and .results)");
    command->add_option("--threads", o->threads, "runs at a time (default: one for each CPU)")
        ->check(CLI::Range(1U, most_threads));
    command->add_option("--shard", o->shard, "run only part I of N, as in 2/4");
    command->add_flag("--report", o->report, "then do what pairsim study report does");
    command->require_subcommand(0, 1);
    add_parts(*command, o, code);
    command->callback([o, command, &code] {
        if (!command->get_subcommands().empty()) {
            return;
        }
        if (o->file.empty()) {
            throw input_error({{"pairsim study", "", "no study is given", "see pairsim study --help"}});
        }
        code = run(*o);
    });
    command->footer("Example: pairsim study scenarios/studies/batch-duration.json --report");
}

} // namespace pairsim::cli
