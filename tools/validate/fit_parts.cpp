// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/fit_parts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "tools/io/embedded.h"
#include "tools/io/scenario_parts.h"
#include "tools/io/units.h"
#include "tools/validate/cost_fit.h"

namespace pairsim {
namespace {

using what = log_event::what;

constexpr std::int64_t one_group = 6'000'000; ///< wake-ups of per-CPU threads within this belong together
constexpr std::int64_t wheel_granularity = 64'000'000;
constexpr std::int64_t half_tick = 500'000;    ///< further apart: not the same tick
constexpr std::int64_t together = 1'000;       ///< closer: both handlers were on time
constexpr std::int64_t shortest_kick = 95'000; ///< from one CPU's switch to that of the partner that it kicks
constexpr std::int64_t on_time = 250'000;      ///< later: the host was not there
constexpr std::size_t fewest_gaps = 30;
constexpr std::int64_t least_lateness = 750'000;  ///< of a slice's end: below, it is jitter
constexpr std::int64_t most_lateness = 9'000'000; ///< above, it is another slice
constexpr std::int64_t full_period = 21'000'000;  ///< a slice of 20 ms and the tick that finds it used up
constexpr double least_rate = 0.5;                ///< wake-ups a run of threads that are worth a load
constexpr std::array<std::uint32_t, 9> points{0,       100'000, 250'000, 400'000,  550'000,
                                              700'000, 850'000, 950'000, 1'000'000};

std::string rounded(std::int64_t ns)
{
    std::int64_t unit = 10;
    while (ns / unit > 999) {
        unit *= 10;
    }
    return format_duration(nanoseconds{(ns + unit / 2) / unit * unit});
}

/// A quantile table of @p samples; the outermost per cent are left out at the upper end.
json table_of(std::vector<std::int64_t> samples)
{
    if (samples.empty()) {
        return "0";
    }
    std::sort(samples.begin(), samples.end());
    json list = json::array();
    for (const std::uint32_t p : points) {
        list.push_back({static_cast<double>(p) / 1e6,
                        rounded(std::max<std::int64_t>(0, quantile(samples, std::min(p, 990'000U))))});
    }
    return {{"dist", "quantiles"}, {"points", std::move(list)}};
}

/// A thread's name without what tells it from its like: "kworker/1:2H-events" is "kworker", on each CPU, and
/// "kworker/u8:0-flush" is "kworker-u", on any.
std::string kind_of(const std::string& name, bool& per_cpu)
{
    const auto slash = name.find('/');
    per_cpu = slash != std::string::npos && slash + 1 < name.size() &&
              std::isdigit(static_cast<unsigned char>(name[slash + 1])) != 0;
    if (slash == std::string::npos || per_cpu) {
        return name.substr(0, slash);
    }
    return name.substr(0, slash) + "-" + name.substr(slash + 1, 1);
}

/// The median of a cost, @p factor times as long.
std::string scaled_median(const json& cost, double factor)
{
    return rounded(std::llround(static_cast<double>(median_ns(cost)) * factor));
}

/// A cost with its whole distribution, @p factor times as long.
json scaled_spread(const json& cost, double factor)
{
    const input_document document{"x86-64", cost, nullptr};
    const auto dist = read_distribution(json_cursor(document)).value();
    json list = json::array();
    for (const double p : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        const auto word = static_cast<std::uint64_t>(std::ldexp(std::min(p, 0.999), 64)); // a draw's random word
        list.push_back({p, rounded(std::llround(static_cast<double>(sample(dist, word).count()) * factor))});
    }
    return {{"dist", "quantiles"}, {"points", std::move(list)}};
}

} // namespace

void fit_parts::add(const measured_case& c, const measured_run& run, const sched_log& log)
{
    ++nr_runs_;
    add_theft(c, run, log);
    if (log.nr_cpus != 2) {
        return; // two CPUs on one of the host's: nothing else can be seen well
    }
    lost_shares_.insert(lost_shares_.end(), run.lost_share.begin(), run.lost_share.end());
    add_ticks(log);
    add_threads(log);
    add_run_lengths(log);
}

/// Timers of the timer wheel run in the tick's softirq: where threads pinned to two CPUs are woken in one tick, each
/// on its own CPU, the distance is the skew of the two handlers.
void fit_parts::add_ticks(const sched_log& log)
{
    const log_event* last = nullptr;
    for (const log_event& e : log.events) {
        bool per_cpu = false;
        if (e.kind != what::waking || log.threads[e.thread].sort != thread_sort::root) {
            continue;
        }
        kind_of(log.threads[e.thread].name, per_cpu);
        if (!per_cpu) {
            continue;
        }
        if (last != nullptr && last->cpu != e.cpu && last->thread != e.thread && e.at_ns - last->at_ns < half_tick) {
            skews_.push_back(e.at_ns - last->at_ns);
        }
        last = &e;
    }
}

/// A hog's slice that ends late: the host had the CPU at the tick. Seen at a random point of the theft, which
/// therefore lasts twice as long on average.
void fit_parts::add_theft(const measured_case& c, const measured_run& run, const sched_log& log)
{
    constexpr double shared = 0.3;
    const bool hogs = std::all_of(c.tasks.begin(), c.tasks.end(), [](const case_tasks& t) {
        return t.phases.size() == 1 && t.phases[0].kind == case_phase::op::forever;
    });
    if (!hogs || !c.rt.empty() || c.batch == nanoseconds{0} ||
        std::any_of(run.lost_share.begin(), run.lost_share.end(), [](double s) { return s > shared; })) {
        return;
    }
    std::vector<std::int64_t> since(log.nr_cpus, -1);
    for (const log_event& e : log.events) {
        if (e.kind != what::swtch) {
            continue;
        }
        if (since[e.cpu] >= 0 && e.runnable && log.threads[e.prev].sort == thread_sort::work) {
            const auto late = e.at_ns - since[e.cpu] - full_period;
            if (late > least_lateness && late < most_lateness) {
                lateness_.push_back(late);
            }
        }
        since[e.cpu] = e.at_ns;
    }
}

void fit_parts::add_threads(const sched_log& log)
{
    std::map<std::string, std::int64_t> last;
    for (const log_event& e : log.events) {
        if (e.kind != what::waking || log.threads[e.thread].sort != thread_sort::root || e.at_ns > log.window_ns) {
            continue;
        }
        bool per_cpu = false;
        const std::string kind = kind_of(log.threads[e.thread].name, per_cpu);
        thread_records& records = threads_[kind];
        records.per_cpu = per_cpu;
        ++records.nr_wakeups;
        const auto [at, first] = last.try_emplace(kind, e.at_ns);
        const auto since = e.at_ns - at->second;
        if (!first && !(per_cpu && since < one_group)) {
            records.sleep.push_back(since);
        }
        at->second = e.at_ns;
    }
    for (auto& [kind, records] : threads_) { // threads that were not woken at all: at least the window
        const auto at = last.find(kind);
        records.sleep.push_back(at == last.end() ? log.window_ns : std::max(at->second, log.window_ns - at->second));
    }
}

void fit_parts::add_run_lengths(const sched_log& log)
{
    std::vector<std::int64_t> since(log.threads.size(), -1);
    for (const log_event& e : log.events) {
        if (e.kind != what::swtch) {
            continue;
        }
        if (log.threads[e.prev].sort == thread_sort::root && since[e.prev] >= 0 && !e.runnable) {
            bool per_cpu = false;
            threads_[kind_of(log.threads[e.prev].name, per_cpu)].run.push_back(e.at_ns - since[e.prev]);
        }
        since[e.thread] = e.at_ns;
    }
}

void fit_parts::finish()
{
    std::erase_if(threads_, [this](const auto& entry) {
        return entry.second.run.empty() || entry.second.sleep.empty() ||
               static_cast<double>(entry.second.nr_wakeups) < least_rate * nr_runs_;
    });
}

/// Most ticks are on time; the rest are late, exponentially. Two ticks are together if both are on time. Of two
/// exponential latenesses the distance is distributed as each of them. Gaps as long as a kick takes may be kicks.
json fit_parts::tick_jitter(const std::vector<std::int64_t>& gaps) const
{
    const auto& seen = gaps.size() >= fewest_gaps ? gaps : skews_;
    double nr_together = 0;
    double nr_apart = 0;
    double sum = 0;
    for (const std::int64_t gap : seen) {
        if (gap < together) {
            ++nr_together;
        } else if (gap < shortest_kick) {
            ++nr_apart;
            sum += static_cast<double>(gap);
        }
    }
    if (nr_apart == 0) {
        return "0";
    }
    const double punctual = std::sqrt(nr_together / (nr_together + nr_apart));
    json list = json::array({json::array({0.0, "0"})});
    for (const double late : {0.0, 0.25, 0.5, 0.75, 0.9, 1.0}) {
        const double length = -sum / nr_apart * std::log(1 - std::min(late, 0.98));
        const double at = late == 1 ? 1.0 : std::round(1000 * (punctual + (1 - punctual) * late)) / 1000;
        list.push_back({at, rounded(std::llround(length))});
    }
    return {{"dist", "quantiles"}, {"points", std::move(list)}};
}

json fit_parts::stolen() const
{
    if (lateness_.empty()) {
        return "0";
    }
    std::int64_t sum = 0;
    for (const std::int64_t late : lateness_) {
        sum += late;
    }
    const auto mean = sum / static_cast<std::int64_t>(lateness_.size());
    return rounded(2 * mean - least_lateness);
}

/// A time without an idle CPU often ends before the host comes: the estimate of Kaplan and Meier takes that into
/// account.
json fit_parts::late_timer(std::vector<latency_samples::late_sleep> sleeps)
{
    std::erase_if(sleeps, [](const auto& s) { return !s.exact && s.ns < on_time; });
    if (sleeps.size() < fewest_gaps) {
        return "0";
    }
    std::sort(sleeps.begin(), sleeps.end(),
              [](const auto& a, const auto& b) { return std::pair(a.ns, !a.exact) < std::pair(b.ns, !b.exact); });
    json list = json::array({json::array({0.0, "0"})});
    double still_late = 1;
    double last = 0;
    for (std::size_t i = 0; i < sleeps.size(); ++i) {
        if (!sleeps[i].exact) {
            continue;
        }
        still_late *= 1 - 1 / static_cast<double>(sleeps.size() - i);
        const double served = std::round(1000 * (1 - still_late)) / 1000;
        if (served >= last + (last < 0.8 ? 0.1 : 0.02) && served < 1) {
            list.push_back({served, rounded(sleeps[i].ns < on_time ? 0 : sleeps[i].ns)});
            last = served;
        }
    }
    list.push_back({1.0, rounded(sleeps.back().ns)});
    return {{"dist", "quantiles"}, {"points", std::move(list)}};
}

double fit_parts::stolen_share() const
{
    const double sum = std::accumulate(lost_shares_.begin(), lost_shares_.end(), 0.0);
    const double mean = lost_shares_.empty() ? 0 : sum / static_cast<double>(lost_shares_.size());
    return std::round(mean * 1e4) / 1e4;
}

/// True for sleeps that mostly end where the kernel's timer wheel is as coarse as for one second at 1000 Hz.
bool fit_parts::is_coarse(const std::vector<std::int64_t>& sleeps)
{
    const auto on_grid = std::count_if(sleeps.begin(), sleeps.end(), [](std::int64_t length) {
        const std::int64_t beside = length % wheel_granularity;
        return std::min(beside, wheel_granularity - beside) < wheel_granularity / 16;
    });
    return 2 * static_cast<std::size_t>(on_grid) > sleeps.size();
}

json fit_parts::background() const
{
    json list = json::array();
    for (const auto& [kind, records] : threads_) {
        json sleep = {{"sleep", table_of(records.sleep)}};
        if (is_coarse(records.sleep)) {
            std::vector<std::int64_t> earlier = records.sleep; // the end is rounded up
            for (std::int64_t& length : earlier) {
                length -= wheel_granularity / 2;
            }
            sleep = {{"sleep", table_of(earlier)}, {"align", rounded(wheel_granularity)}};
        }
        json phases = json::array({std::move(sleep), {{"run", table_of(records.run)}}});
        json load = {{"name", kind}};
        if (records.per_cpu) {
            load["per_cpu"] = true;
        }
        load["phases"] = json::array({{{"repeat", {{"phases", std::move(phases)}}}}});
        list.push_back(std::move(load));
    }
    return list;
}

/// Mostly medians: what spread there is, the measured latencies show. But two CPUs that kick each other at once do it
/// at uneven speed, and which of them is first decides what the pair does.
json fit_parts::scaled_costs(double factor) const
{
    const json base = parse_json(embedded::x86_64_machine, "x86-64").at("costs");
    json costs = json::object();
    for (const auto& [name, dist] : base.items()) {
        const bool is_code = name != "timer_slack" && name != "cgroup_offline" && name != "disable";
        costs[name] = scaled_median(dist, is_code ? factor : 1);
    }
    costs["irq_work"] = scaled_spread(base.at("irq_work"), factor);
    costs["irq_exit"] = scaled_median("1us", factor);
    costs["pick"] = scaled_median("800ns", factor);
    costs["cgroup_switch"] = "0"; // an emulated CPU has no caches to fill
    return costs;
}

} // namespace pairsim
