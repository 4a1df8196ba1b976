// SPDX-License-Identifier: GPL-2.0-only
//
// The fit: what the records show directly (ticks, background, the host's theft) is taken from them; costs of kernel
// paths, which overlap in what can be seen, are found by simulating the cases and correcting, quantile by quantile.
#include "tools/validate/fit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/parallel.h"
#include "tools/io/units.h"
#include "tools/validate/case_run.h"
#include "tools/validate/fit_parts.h"
#include "tools/validate/latencies.h"

namespace pairsim {
namespace {

/// Which cost is corrected so that which latency agrees. Each latency is the sum of several costs; the one that is
/// corrected is the one that nothing else shows.
struct carrier {
    latency shown;
    const char* cost;
    double share;              ///< of the difference that goes to this cost
    std::uint32_t only_at = 0; ///< the one quantile that is compared, for a cost that is constant; 0: all of them
};
constexpr std::array<carrier, 8> carriers{{
    {latency::wake_direct, "wakeup_activate", 1.0},
    {latency::idle_to_run, "idle_loop", 1.0},
    {latency::remote_to_run, "idle_exit", 1.0},
    {latency::kick_leg, "preempt_latency", 1.0, 50'000},
    {latency::kick_leg, "ipi_latency", 1.0},
    {latency::tick_gap, "tick_jitter", 0.5},
    {latency::run_extra, "syscall", 1.0},
    {latency::sleep_extra, "timer_slack", 1.0},
}};

constexpr std::array<std::uint32_t, 10> table_points{0,       50'000,  150'000, 300'000, 500'000,
                                                     700'000, 850'000, 930'000, 970'000, 1'000'000};
/// The last point that is compared: beyond it records show rare things that are modelled elsewhere.
constexpr std::uint32_t last_compared = 970'000;
constexpr std::uint32_t first_compared = 20'000; ///< below it there are few samples
constexpr std::size_t fewest_samples = 30;
constexpr double damping = 0.7;
constexpr double code_scale = 14; ///< start value: how much slower than x86-64 all kernel code runs

using table = std::array<double, table_points.size()>; ///< ns at table_points

json table_json(const table& t)
{
    json points = json::array();
    for (std::size_t i = 0; i < t.size(); ++i) {
        points.push_back({static_cast<double>(table_points[i]) / 1e6,
                          format_duration(nanoseconds{static_cast<std::int64_t>(std::llround(t[i] / 10) * 10)})});
    }
    return {{"dist", "quantiles"}, {"points", std::move(points)}};
}

/// A table that rises and is not negative.
void repair(table& t)
{
    for (double& value : t) {
        value = std::max(value, 0.0);
    }
    std::sort(t.begin(), t.end());
}

class fitter {
public:
    fitter(const std::vector<measured_case>& cases, const fit_options& options) : cases_(cases), options_(options)
    {
        for (const measured_case& c : cases) {
            for (const measured_run& run : c.runs) {
                if (run.seen.only_exit) {
                    continue;
                }
                const sched_log log = read_recorded_log(c, run);
                collect_latencies(c, log, recorded_);
                parts_.add(c, run, log);
            }
        }
        for (auto& samples : recorded_.of) {
            std::sort(samples.begin(), samples.end());
        }
        for (std::size_t i = 0; i < carriers.size(); ++i) {
            const double start = starting_value(carriers[i].cost);
            for (double& value : tables_[i]) {
                value = start;
            }
        }
    }

    fit_result run()
    {
        parts_.finish();
        for (std::uint32_t round = 0; round < options_.rounds; ++round) {
            latency_samples simulated = simulate(round);
            std::string line = fmt::format("round {}:", round + 1);
            for (std::size_t i = 0; i < carriers.size(); ++i) {
                correct(i, simulated, line);
            }
            correct_turn(simulated, line);
            if (options_.progress) {
                options_.progress(line);
            }
        }
        return {machine_file(), residuals(simulate(options_.rounds))};
    }

private:
    /// Of a carrier: the x86-64 machine's median, scaled.
    static double starting_value(std::string_view cost)
    {
        const std::map<std::string_view, double> medians{
            {"wakeup_activate", 600}, {"idle_loop", 1000}, {"idle_exit", 1000}, {"ipi_latency", 1000},
            {"preempt_latency", 500}, {"tick_jitter", 0},  {"syscall", 1000},   {"timer_slack", 2500},
        };
        return medians.at(cost) * code_scale;
    }

    latency_samples simulate(std::uint32_t round) const
    {
        const host_machine host = host_machine{"the machine that is being fitted", machine_file()};
        std::vector<sched_log> logs(cases_.size() * options_.seeds);
        for_each_in_parallel(logs.size(), [&](std::size_t i) {
            const auto seed = static_cast<std::uint32_t>(i % options_.seeds);
            logs[i] = run_case(cases_[i / options_.seeds], host, round * options_.seeds + seed + 1).log;
        });
        latency_samples samples;
        for (std::size_t i = 0; i < logs.size(); ++i) {
            const measured_case& c = cases_[i / options_.seeds];
            if (std::any_of(c.runs.begin(), c.runs.end(), [](const measured_run& r) { return !r.seen.only_exit; })) {
                collect_latencies(c, logs[i], samples);
            }
        }
        for (auto& s : samples.of) {
            std::sort(s.begin(), s.end());
        }
        return samples;
    }

    void correct(std::size_t i, const latency_samples& simulated, std::string& line)
    {
        const auto& theirs = recorded_[carriers[i].shown];
        const auto& ours = simulated[carriers[i].shown];
        if (theirs.size() < fewest_samples || ours.size() < fewest_samples) {
            return;
        }
        for (std::size_t p = 0; p < table_points.size(); ++p) {
            const std::uint32_t point = carriers[i].only_at != 0
                                            ? carriers[i].only_at
                                            : std::clamp(table_points[p], first_compared, last_compared);
            const auto difference = static_cast<double>(quantile(theirs, point) - quantile(ours, point));
            tables_[i][p] += damping * carriers[i].share * difference;
        }
        repair(tables_[i]);
        line += fmt::format(" {} {:.0f}/{:.0f} us", latency_name(carriers[i].shown),
                            static_cast<double>(quantile(ours, 500'000)) / 1e3,
                            static_cast<double>(quantile(theirs, 500'000)) / 1e3);
    }

    std::string residuals(const latency_samples& simulated) const
    {
        std::string text =
            fmt::format("{:<14} {:>30} {:>30}\n", "us", "recorded: p5 p50 p95 n", "simulated: p5 p50 p95 n");
        const auto column = [](const std::vector<std::int64_t>& samples) {
            const auto us = [&](std::uint32_t p) {
                return samples.empty() ? 0.0 : static_cast<double>(quantile(samples, p)) / 1e3;
            };
            return fmt::format("{:.1f} {:.1f} {:.1f} {}", us(50'000), us(500'000), us(950'000), samples.size());
        };
        for (std::size_t i = 0; i < nr_latencies; ++i) {
            const auto which = static_cast<latency>(i);
            text += fmt::format("{:<14} {:>30} {:>30}\n", latency_name(which), column(recorded_[which]),
                                column(simulated[which]));
        }
        return text;
    }

    void correct_turn(const latency_samples& simulated, std::string& line)
    {
        const auto& theirs = recorded_[latency::shared_leg];
        const auto& ours = simulated[latency::shared_leg];
        if (theirs.size() < fewest_samples || ours.size() < fewest_samples) {
            return;
        }
        const double ratio = static_cast<double>(quantile(theirs, 500'000)) /
                             static_cast<double>(std::max<std::int64_t>(1, quantile(ours, 500'000)));
        turn_ns_ = std::clamp(turn_ns_ * std::pow(std::clamp(ratio, 0.5, 2.0), 0.5), 0.5e6, 20e6);
        line += fmt::format(" turn {:.1f} ms", turn_ns_ / 1e6);
    }

    json machine_file() const
    {
        json costs = parts_.scaled_costs(code_scale);
        json jitter = parts_.tick_jitter();
        for (std::size_t i = 0; i < carriers.size(); ++i) {
            if (carriers[i].cost != std::string_view("tick_jitter")) {
                costs[carriers[i].cost] = table_json(tables_[i]);
            } else if (recorded_[carriers[i].shown].size() >= fewest_samples) {
                jitter = table_json(tables_[i]);
            }
        }
        json file = {{"schema", "pairsim.machine/1"},
                     {"name", options_.name},
                     {"description", options_.description},
                     {"cpus", 2},
                     {"topology", "flat"},
                     {"hz", cases_.empty() ? 1000 : cases_.front().hz},
                     {"kernel", "K612"},
                     {"tick_jitter", std::move(jitter)},
                     {"costs", std::move(costs)}};
        file["host"] = {{"stolen", parts_.stolen()},
                        {"share", parts_.stolen_share()},
                        {"turn", format_duration(nanoseconds{static_cast<std::int64_t>(turn_ns_ / 1e4) * 10'000})}};
        file["background"] = parts_.background();
        return file;
    }

    const std::vector<measured_case>& cases_;
    const fit_options& options_;
    latency_samples recorded_;
    fit_parts parts_;
    std::array<table, carriers.size()> tables_{};
    double turn_ns_ = 4e6;
};

} // namespace

fit_result fit_machine(const std::vector<measured_case>& cases, const fit_options& options)
{
    return fitter(cases, options).run();
}

} // namespace pairsim
