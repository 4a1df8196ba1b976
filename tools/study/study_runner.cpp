// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/study_runner.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <mutex>
#include <set>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "pairsim_version.h"
#include "sim/check.h"
#include "tools/io/atomic_file.h"
#include "tools/io/input_error.h"
#include "tools/study/progress.h"
#include "tools/study/statistics.h"

namespace pairsim {
namespace {

namespace fs = std::filesystem;

bool precise_enough(const result_set& results, std::size_t point, std::uint32_t n)
{
    const study& s = results.of();
    const std::size_t metric = *s.metric_index(s.until->metric);
    std::vector<double> sample;
    for (std::uint32_t r = 0; r < n; ++r) {
        if (const auto& value = results.at(point, r)->values[metric]) {
            sample.push_back(*value);
        }
    }
    const mean_estimate e = estimate_mean(sample, s.confidence);
    return e.ci && (e.ci->high - e.ci->low) / 2 <= s.until->relative_half_width * std::fabs(e.mean);
}

/// Hands the runs to a pool of threads and takes their results one at a time.
class study_pool {
public:
    study_pool(const study_options& options, result_set& results, result_file& file, progress& shown)
        : options_(options), results_(results), file_(file), progress_(shown), posted_(results.of().points.size()),
          pool_(options.threads)
    {
    }

    void run()
    {
        {
            const std::lock_guard lock(mutex_);
            for (std::size_t p = 0; p < posted_.size(); ++p) {
                post_point(p);
            }
        }
        pool_.join();
        if (failure_) {
            std::rethrow_exception(failure_);
        }
    }

    std::size_t nr_new() const { return nr_new_; }

private:
    void post_point(std::size_t point)
    {
        const std::uint32_t wanted = wanted_runs(results_, point);
        for (; posted_[point] < wanted; ++posted_[point]) {
            const run_place run{point, posted_[point]};
            if (in_shard(results_.of(), options_.shard, run) && !results_.at(run.point, run.replication)) {
                progress_.expect_one();
                boost::asio::post(pool_, [this, run] { work(run); });
            }
        }
    }

    void work(run_place run)
    {
        {
            const std::lock_guard lock(mutex_);
            if (failure_) {
                return;
            }
        }
        try {
            run_record record = run_once(results_.of(), run);
            const std::lock_guard lock(mutex_);
            if (!failure_) { // else the file may be full: nothing more is written
                take(run, std::move(record));
            }
        } catch (...) {
            const std::lock_guard lock(mutex_);
            failure_ = failure_ ? failure_ : std::current_exception();
        }
    }

    void take(run_place run, run_record record)
    {
        file_.append(line_of(results_.of(), results_.of().points[run.point], record));
        results_.add(run, std::move(record));
        ++nr_new_;
        post_point(run.point);
        progress_.one_done();
    }

    const study_options& options_;
    result_set& results_;
    result_file& file_;
    progress& progress_;
    std::vector<std::uint32_t> posted_; ///< replications of each point that are there or have been given to the pool
    std::size_t nr_new_ = 0;
    std::exception_ptr failure_;
    std::mutex mutex_;
    boost::asio::thread_pool pool_; // last: its threads use the rest
};

/// Adds @p lines to the folder's others.jsonl, each once.
void set_aside(const std::string& folder, const std::vector<std::string>& lines)
{
    result_file others(others_file(folder));
    std::set<std::string> there(others.lines().begin(), others.lines().end());
    for (const std::string& line : lines) {
        if (there.insert(line).second) {
            others.append(line + "\n");
        }
    }
}

} // namespace

std::string runs_file(const std::string& folder)
{
    return folder + "/runs.jsonl";
}

std::string csv_file(const std::string& folder)
{
    return folder + "/runs.csv";
}

std::string shard_file(const std::string& folder, shard_id shard)
{
    return fmt::format("{}/shard-{}-of-{}.jsonl", folder, shard.index, shard.count);
}

std::string others_file(const std::string& folder)
{
    return folder + "/others.jsonl";
}

void write_whole_file(const std::string& path, const std::string& text)
{
    atomic_file file(path);
    file.write(text);
    file.commit();
}

std::uint32_t wanted_runs(const result_set& results, std::size_t point)
{
    const study& s = results.of();
    std::uint32_t n = s.replications;
    if (s.until) {
        const std::uint32_t there = results.runs_of(point);
        while (there >= n && n < s.until->max_replications && !precise_enough(results, point, n)) {
            n = std::min(s.until->max_replications, n + std::max(1U, n / 2));
        }
    }
    return n;
}

/// With `until`, the runs of a point belong together: how many there are depends on them.
bool in_shard(const study& s, const std::optional<shard_id>& shard, run_place run)
{
    const std::size_t number = s.until ? run.point : run.point * s.replications + run.replication;
    return !shard || number % shard->count == shard->index - 1;
}

run_record run_once(const study& s, run_place run)
{
    const study_point& point = s.points[run.point];
    set_check_context(reproduce_command(s, point, run.replication));
    const scenario what = scenario_of(s, point, run.replication);
    const run_outcome outcome = run_scenario(what);
    return {.id = run_id(point, what.seed),
            .seed = what.seed,
            .version = std::string(version),
            .digest = outcome.result.digest,
            .exit = outcome.result.exit.kind,
            .values = measure(s.metrics, outcome.result)};
}

std::vector<std::string> take_lines(result_set& results, const std::string& file, const std::vector<std::string>& lines)
{
    std::vector<std::string> foreign;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        switch (results.add_line(lines[i])) {
        case result_set::taken::added:
        case result_set::taken::duplicate:
            break;
        case result_set::taken::foreign:
            foreign.push_back(lines[i]);
            break;
        case result_set::taken::conflict:
            throw input_error(
                {{fmt::format("{}:{}", file, i + 1), "", "the run is there already, with another outcome",
                  "the same run must give the same result: find out which file comes from a changed program"}});
        case result_set::taken::broken:
            throw input_error({{fmt::format("{}:{}", file, i + 1), "", "the line is no result of a run",
                                "restore the file, or remove the line to do that run again"}});
        }
    }
    return foreign;
}

study_outcome run_study(const study& s, const study_options& options)
{
    fs::create_directories(options.folder);
    study_outcome outcome;
    outcome.file = options.shard ? shard_file(options.folder, *options.shard) : runs_file(options.folder);
    result_file file(outcome.file);
    result_set results(s);
    take_lines(results, outcome.file, file.lines());
    const std::string others = others_file(options.folder);
    if (fs::exists(others)) {
        take_lines(results, others, read_lines(others)); // what another version of the study has set aside
    }
    progress shown(options.show_progress, options.threads);
    study_pool pool(options, results, file, shown);
    pool.run();
    shown.finish();

    outcome.nr_new = pool.nr_new();
    result_set mine(s);
    std::set<std::string> mine_ids;
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        for (std::uint32_t r = 0; r < wanted_runs(results, p); ++r) {
            if (in_shard(s, options.shard, {p, r})) {
                mine.add({p, r}, *results.at(p, r));
                mine_ids.insert(results.at(p, r)->id);
            }
        }
    }
    std::vector<std::string> others_lines = file.lines();
    std::erase_if(others_lines, [&](const std::string& line) { return mine_ids.contains(text_in_line(line, "id")); });
    outcome.nr_set_aside = others_lines.size();
    if (!others_lines.empty()) {
        set_aside(options.folder, others_lines);
    }
    outcome.nr_runs = mine.size();
    write_whole_file(outcome.file, mine.lines());
    if (!options.shard) {
        write_whole_file(csv_file(options.folder), mine.csv());
    }
    return outcome;
}

} // namespace pairsim
