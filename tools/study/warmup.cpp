// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/warmup.h"

#include <algorithm>

#include "tools/io/parallel.h"
#include "tools/io/runner.h"
#include "tools/study/statistics.h"

namespace pairsim {
namespace {

/// Integrates two numbers over each part of a run: CPUs that run tasks, and tasks that wait.
class series_sink final : public trace_sink {
public:
    series_sink(std::size_t nr_cpus, nanoseconds part, std::size_t nr_parts)
        : part_ns_(part.count()), runs_task_(nr_cpus), busy_ns_(nr_parts), waiting_ns_(nr_parts)
    {
    }

    void on_records(std::span<const trace_record> records) override
    {
        for (const trace_record& r : records) {
            if (r.kind == record_kind::sched_switch) {
                advance(r.at);
                on_switch(r);
            } else if (r.kind == record_kind::sched_wakeup || r.kind == record_kind::sched_wakeup_new) {
                advance(r.at);
                ++nr_waiting_;
            }
        }
    }

    run_series finish(sim_time end)
    {
        advance(end);
        run_series s{.part = nanoseconds{part_ns_}, .busy = {}, .waiting = {}};
        for (std::size_t i = 0; i < busy_ns_.size(); ++i) {
            s.busy.push_back(busy_ns_[i] / static_cast<double>(part_ns_) / static_cast<double>(runs_task_.size()));
            s.waiting.push_back(waiting_ns_[i] / static_cast<double>(part_ns_));
        }
        return s;
    }

private:
    void on_switch(const trace_record& r)
    {
        const bool runs = is_task(r.task);
        const bool ran = runs_task_[r.cpu.value] != 0;
        const bool prev_still_runnable = static_cast<prev_state>(r.b) == prev_state::runnable;
        nr_waiting_ += static_cast<std::int64_t>(ran && prev_still_runnable) - static_cast<std::int64_t>(runs);
        nr_busy_ += static_cast<std::int64_t>(runs) - static_cast<std::int64_t>(ran);
        runs_task_[r.cpu.value] = runs ? 1 : 0;
    }

    /// Adds the time up to @p t to the parts that it lies in.
    void advance(sim_time t)
    {
        while (at_ns_ < to_ns(t) && part_ < busy_ns_.size()) {
            const std::int64_t end = std::min(to_ns(t), (static_cast<std::int64_t>(part_) + 1) * part_ns_);
            const auto span = static_cast<double>(end - at_ns_);
            busy_ns_[part_] += span * static_cast<double>(nr_busy_);
            waiting_ns_[part_] += span * static_cast<double>(nr_waiting_);
            at_ns_ = end;
            part_ += end == (static_cast<std::int64_t>(part_) + 1) * part_ns_ ? 1U : 0U;
        }
    }

    std::int64_t part_ns_;
    std::vector<char> runs_task_;
    std::vector<double> busy_ns_;
    std::vector<double> waiting_ns_;
    std::int64_t at_ns_ = 0;
    std::size_t part_ = 0;
    std::int64_t nr_busy_ = 0;
    std::int64_t nr_waiting_ = 0;
};

/// One series of several runs: its mean over them, so that what happens in one run alone counts little.
std::vector<double> mean_series(const std::vector<run_series>& runs, std::vector<double> run_series::*which)
{
    std::vector<double> mean(runs.front().busy.size());
    for (const run_series& run : runs) {
        for (std::size_t i = 0; i < mean.size(); ++i) {
            mean[i] += (run.*which)[i] / static_cast<double>(runs.size());
        }
    }
    return mean;
}

/// MSER-5, except that a series which hardly moves has nothing to cut.
std::optional<std::size_t> parts_to_cut(const std::vector<double>& series)
{
    constexpr double hardly = 0.01;
    const auto [least, most] = std::ranges::minmax(series);
    return most - least <= hardly * most ? std::optional(std::size_t{0}) : mser5(series);
}

} // namespace

run_series observe_run(const scenario& s, std::size_t nr_parts)
{
    const nanoseconds part = std::max(nanoseconds{1}, s.duration / static_cast<std::int64_t>(nr_parts));
    series_sink sink(s.machine.nr_cpus(), part, nr_parts);
    const run_outcome outcome =
        run_scenario(s, {.until = {}, .sinks = {&sink}, .analyse = false, .stats_interval = {}, .on_stats = {}});
    return sink.finish(sim_time{outcome.result.simulated});
}

std::vector<warmup_estimate> find_warmup(const study& s, std::uint32_t replications, unsigned threads)
{
    constexpr std::size_t nr_parts = 500;
    std::vector<std::vector<run_series>> series(s.points.size(), std::vector<run_series>(replications));
    const auto observe = [&](std::size_t i) {
        const std::size_t p = i / replications;
        const auto r = static_cast<std::uint32_t>(i % replications);
        series[p][r] = observe_run(scenario_of(s, s.points[p], r), nr_parts);
    };
    for_each_in_parallel(s.points.size() * replications, observe, threads);
    std::vector<warmup_estimate> found;
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        const auto busy = parts_to_cut(mean_series(series[p], &run_series::busy));
        const auto waiting = parts_to_cut(mean_series(series[p], &run_series::waiting));
        warmup_estimate e{.point = p, .warmup = {}};
        if (busy && waiting) {
            e.warmup = series[p].front().part * static_cast<std::int64_t>(std::max(*busy, *waiting));
        }
        found.push_back(e);
    }
    return found;
}

} // namespace pairsim
