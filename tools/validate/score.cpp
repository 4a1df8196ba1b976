// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/score.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace pairsim {
namespace {

constexpr double widening = 0.10;     ///< of the kernel's median, at both ends
constexpr double floor_events = 3;    ///< in a window
constexpr double floor_share = 0.005; ///< of the pairs' time
constexpr std::array<const char*, 5> idle_kinds{"partner_work_same_cg_waiting", "partner_work_other_cg_waiting",
                                                "both_idle", "partner_rt", "partner_other"};

double at_or_zero(const std::map<std::string, std::int64_t>& numbers, const std::string& key)
{
    const auto found = numbers.find(key);
    return found == numbers.end() ? 0.0 : static_cast<double>(found->second);
}

bool any_has(const measured_case& c, const std::vector<run_numbers>& ours, const std::string& kind)
{
    const auto has = [&](const run_numbers& run) { return run.forced_idle_ns.contains(kind); };
    return std::any_of(ours.begin(), ours.end(), has) ||
           std::any_of(c.runs.begin(), c.runs.end(), [&](const measured_run& r) { return has(r.seen); });
}

/// All ends of @p runs, and the most frequent one (the first by name among equals).
std::pair<std::set<std::string>, std::string> ends_of(const std::vector<run_numbers>& runs)
{
    std::map<std::string, int> counts;
    for (const run_numbers& run : runs) {
        ++counts[run.exit];
    }
    std::set<std::string> all;
    std::string most;
    for (const auto& [end, n] : counts) {
        all.insert(end);
        most = most.empty() || n > counts[most] ? end : most;
    }
    return {all, most};
}

cell exit_cell(const std::vector<run_numbers>& kernel, const std::vector<run_numbers>& ours)
{
    cell c;
    c.metric = "exit";
    c.unit = cell_unit::word;
    const auto [theirs, unused] = ends_of(kernel);
    c.our_word = ends_of(ours).second;
    for (const std::string& word : theirs) {
        c.kernel_word += (c.kernel_word.empty() ? "" : " / ") + word;
    }
    c.agrees = theirs.contains(c.our_word);
    return c;
}

/// How much an interval is widened beyond the 10 %.
double floor_of(cell_unit unit, double window_s)
{
    return unit == cell_unit::share ? floor_share : floor_events / window_s;
}

} // namespace

spread spread_of(std::vector<double> values)
{
    if (values.empty()) {
        return {};
    }
    std::sort(values.begin(), values.end());
    const auto n = values.size();
    const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    return {values.front(), median, values.back()};
}

double cell::distance() const
{
    if (unit == cell_unit::word) {
        return agrees ? 0.0 : 1e9;
    }
    const double width = high - low;
    const double outside = std::max({low - ours.median, ours.median - high, 0.0});
    return width > 0 ? outside / width : 0.0;
}

std::size_t case_score::nr_agree() const
{
    return static_cast<std::size_t>(std::count_if(cells.begin(), cells.end(), [](const cell& c) { return c.agrees; }));
}

std::vector<named_number> numbers_of(const measured_case& c, const run_numbers& run)
{
    const double seconds = static_cast<double>(run.window_ns) / 1e9;
    const double pair_ns =
        static_cast<double>(run.window_ns) * static_cast<double>(std::max<std::size_t>(1, c.pairs.size()));
    const auto rate = [&](std::int64_t n) { return seconds > 0 ? static_cast<double>(n) / seconds : 0.0; };
    const auto share = [&](double ns) { return pair_ns > 0 ? ns / pair_ns : 0.0; };
    std::vector<named_number> numbers;
    for (std::size_t i = 0; i < nr_pair_counters; ++i) {
        numbers.push_back({fmt::format("counters/{}", counter_name(static_cast<pair_counter>(i))), cell_unit::rate,
                           rate(run.counters[i])});
    }
    std::set<std::string> groups{"<root>"};
    for (const case_tasks& t : c.tasks) {
        groups.insert(t.cgroup);
    }
    if (!c.rt.empty()) {
        groups.insert("rt");
    }
    for (const std::string& group : groups) {
        numbers.push_back({"cpu_share/" + group, cell_unit::share, share(at_or_zero(run.cpu_ns, group))});
    }
    numbers.push_back({"idle_share", cell_unit::share, share(at_or_zero(run.cpu_ns, "idle"))});
    numbers.push_back({"violation_share", cell_unit::share, share(static_cast<double>(run.violation_ns))});
    numbers.push_back({"violation_rate", cell_unit::rate, rate(run.violations)});
    for (const char* kind : idle_kinds) {
        numbers.push_back(
            {fmt::format("forced_idle/{}", kind), cell_unit::share, share(at_or_zero(run.forced_idle_ns, kind))});
    }
    numbers.push_back({"cgroup_changes", cell_unit::rate, rate(run.cgroup_changes)});
    numbers.push_back({"wakeups_direct", cell_unit::rate, rate(run.wakeups_direct)});
    numbers.push_back({"wakeups_queued", cell_unit::rate, rate(run.wakeups_queued)});
    return numbers;
}

case_score score_case(const measured_case& c, const std::vector<run_numbers>& simulated)
{
    case_score score{c.name, c.runs.size() == 1, {}};
    std::vector<run_numbers> kernel;
    for (const measured_run& run : c.runs) {
        kernel.push_back(run.seen);
    }
    score.cells.push_back(exit_cell(kernel, simulated));
    if (std::all_of(kernel.begin(), kernel.end(), [](const run_numbers& r) { return r.only_exit; })) {
        return score; // its numbers describe another scheduler
    }
    std::map<std::string, std::vector<double>> theirs;
    std::map<std::string, std::vector<double>> ours;
    double shortest_s = static_cast<double>(c.window.count()) / 1e9;
    for (const run_numbers& run : kernel) {
        shortest_s = std::min(shortest_s, static_cast<double>(run.window_ns) / 1e9);
        for (const named_number& n : numbers_of(c, run)) {
            theirs[n.metric].push_back(n.value);
        }
    }
    for (const run_numbers& run : simulated) {
        for (const named_number& n : numbers_of(c, run)) {
            ours[n.metric].push_back(n.value);
        }
    }
    for (const named_number& n : numbers_of(c, kernel.front())) {
        constexpr std::string_view idle_prefix = "forced_idle/";
        if (n.metric.starts_with(idle_prefix) && !any_has(c, simulated, n.metric.substr(idle_prefix.size()))) {
            continue; // a kind that nobody has seen would only agree
        }
        cell one;
        one.metric = n.metric;
        one.unit = n.unit;
        one.kernel = spread_of(theirs[n.metric]);
        one.ours = spread_of(ours[n.metric]);
        const double more = widening * one.kernel.median + floor_of(n.unit, std::max(shortest_s, 0.1));
        one.low = one.kernel.min - more;
        one.high = one.kernel.max + more;
        one.agrees = one.ours.median >= one.low && one.ours.median <= one.high;
        score.cells.push_back(std::move(one));
    }
    return score;
}

} // namespace pairsim
