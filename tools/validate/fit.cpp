// SPDX-License-Identifier: GPL-2.0-only
//
// The fit: what the records show directly (ticks, background, the host's theft) is taken from them; costs of kernel
// paths, which overlap in what can be seen, are found by simulating the cases and correcting, quantile by quantile.
#include "tools/validate/fit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/parallel.h"
#include "tools/io/units.h"
#include "tools/validate/case_run.h"
#include "tools/validate/cost_fit.h"
#include "tools/validate/fit_parts.h"

namespace pairsim {
namespace {

constexpr double code_scale = 14; ///< start value: how much slower than x86-64 all kernel code runs

/// Start values: the x86-64 machine's medians, scaled.
const std::vector<fitted_cost> carriers{
    {latency::wake_direct, "wakeup_activate", 600 * code_scale},
    {latency::idle_to_run, "idle_loop", 1000 * code_scale},
    {latency::remote_to_run, "idle_exit", 1000 * code_scale},
    {latency::kick_leg, "preempt_latency", 500 * code_scale, 1.0, 50'000},
    {latency::kick_leg, "ipi_latency", 1000 * code_scale},
    {latency::run_extra, "syscall", 1000 * code_scale},
    {latency::sleep_extra, "timer_slack", 2500 * code_scale, 1.0, 0, 700'000},
};

class fitter {
public:
    fitter(const std::vector<measured_case>& cases, const fit_options& options)
        : cases_(cases), options_(options), costs_(carriers, read_records())
    {
    }

    fit_result run()
    {
        parts_.finish();
        for (std::uint32_t round = 0; round < options_.rounds; ++round) {
            latency_samples simulated = simulate(round);
            std::string line = fmt::format("round {}:", round + 1);
            costs_.correct(simulated, line, cost_fit::step(round));
            correct_turn(simulated, line);
            if (options_.progress) {
                options_.progress(line);
            }
        }
        return {machine_file(), costs_.residuals(simulate(options_.rounds))};
    }

private:
    latency_samples read_records()
    {
        latency_samples samples;
        for (const measured_case& c : cases_) {
            for (const measured_run& run : c.runs) {
                if (run.seen.only_exit) {
                    continue;
                }
                const sched_log log = read_recorded_log(c, run);
                collect_latencies(facts_of(c, log), log, samples);
                parts_.add(c, run, log);
            }
        }
        return samples;
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
                collect_latencies(facts_of(c, logs[i]), logs[i], samples);
            }
        }
        sort_samples(samples);
        return samples;
    }

    void correct_turn(const latency_samples& simulated, std::string& line)
    {
        const auto& theirs = costs_.recorded()[latency::shared_leg];
        const auto& ours = simulated[latency::shared_leg];
        if (!costs_.shows(latency::shared_leg) || ours.size() < cost_fit::fewest_samples) {
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
        for (std::size_t i = 0; i < carriers.size(); ++i) {
            costs[carriers[i].cost] = costs_.distribution(i);
        }
        json file = {{"schema", "pairsim.machine/1"},
                     {"name", options_.name},
                     {"description", options_.description},
                     {"cpus", 2},
                     {"topology", "flat"},
                     {"hz", cases_.empty() ? 1000 : cases_.front().hz},
                     {"kernel", "K612"},
                     {"tick_jitter", parts_.tick_jitter(costs_.recorded()[latency::tick_gap])},
                     {"costs", std::move(costs)}};
        file["host"] = {{"stolen", parts_.stolen()},
                        {"share", parts_.stolen_share()},
                        {"late_timer", fit_parts::late_timer(costs_.recorded().late_sleeps)},
                        {"turn", format_duration(nanoseconds{static_cast<std::int64_t>(turn_ns_ / 1e4) * 10'000})}};
        file["background"] = parts_.background();
        return file;
    }

    const std::vector<measured_case>& cases_;
    const fit_options& options_;
    fit_parts parts_;
    cost_fit costs_; ///< after parts_: the same reading of the records fills both
    double turn_ns_ = 4e6;
};

} // namespace

fit_result fit_machine(const std::vector<measured_case>& cases, const fit_options& options)
{
    return fitter(cases, options).run();
}

} // namespace pairsim
