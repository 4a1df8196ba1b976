// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/merge.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "pairsim_version.h"
#include "tools/io/input_error.h"
#include "tools/study/study_runner.h"

namespace pairsim {
namespace {

namespace fs = std::filesystem;

void take_file(gathered& g, const std::string& file, std::map<std::string, std::string>& first_seen)
{
    gathered::of_file of;
    of.file = file;
    const std::vector<std::string> lines = read_lines(file);
    of.nr_lines = lines.size();
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string here = fmt::format("{}:{}", file, i + 1);
        const std::string id = text_in_line(lines[i], "id");
        switch (g.results.add_line(lines[i])) {
        case result_set::taken::added:
            first_seen[id] = here;
            break;
        case result_set::taken::duplicate:
            ++g.nr_duplicates;
            break;
        case result_set::taken::conflict:
            throw input_error(
                {{here, "", fmt::format("run {} is also in {}, with another outcome", id, first_seen[id]),
                  "the same run must give the same result: find out which file comes from a changed program"}});
        case result_set::taken::broken:
            throw input_error({{here, "", "the line is no result of a run",
                                "restore the file, or remove the line and run that part again"}});
        case result_set::taken::foreign:
            if (of.nr_foreign++ == 0) {
                of.foreign_version = text_in_line(lines[i], "version");
                of.first_foreign_line = i + 1;
            }
            break;
        }
    }
    g.files.push_back(std::move(of));
}

} // namespace

std::vector<std::string> result_files(const std::string& folder)
{
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name == "runs.jsonl" || (name.starts_with("shard-") && name.ends_with(".jsonl"))) {
            files.push_back(entry.path().string());
        }
    }
    std::ranges::sort(files);
    return files;
}

gathered gather(const study& s, const std::vector<std::string>& files)
{
    gathered g{.results = result_set(s), .nr_duplicates = 0, .missing = {}, .files = {}};
    std::map<std::string, std::string> first_seen;
    for (const std::string& file : files) {
        take_file(g, file, first_seen);
    }
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        for (std::uint32_t r = 0; r < wanted_runs(g.results, p); ++r) {
            if (!g.results.at(p, r)) {
                g.missing.push_back({p, r});
            }
        }
    }
    return g;
}

gathered merge_results(const study& s, const std::string& folder, const std::vector<std::string>& files)
{
    gathered g = gather(s, files);
    std::vector<problem> problems;
    for (const auto& of : g.files) {
        if (of.nr_foreign != 0) {
            const bool other_version = !of.foreign_version.empty() && of.foreign_version != version;
            problems.push_back(
                {fmt::format("{}:{}", of.file, of.first_foreign_line), "",
                 other_version
                     ? fmt::format("{} runs of pairsim {}; this is pairsim {}", of.nr_foreign, of.foreign_version,
                                   version)
                     : fmt::format("{} runs of another study, or of this one before it changed", of.nr_foreign),
                 other_version ? "run all parts of a study with one version"
                               : "run that part again, or leave the file out"});
        }
    }
    if (!problems.empty()) {
        throw input_error(std::move(problems));
    }
    fs::create_directories(folder);
    result_file lock(runs_file(folder)); // nobody else may write it now
    write_whole_file(runs_file(folder), g.results.lines());
    write_whole_file(csv_file(folder), g.results.csv());
    return g;
}

std::string describe_run(const study& s, run_place run)
{
    return fmt::format("{}, seed {}", describe(s, s.points[run.point]), s.seed_of(run.replication));
}

} // namespace pairsim
