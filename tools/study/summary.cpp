// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/summary.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/units.h"

namespace pairsim {
namespace {

/// The values of one metric at one point, with their seeds.
struct sample {
    std::vector<double> values;
    std::vector<std::uint64_t> seeds;
};

sample sample_of(const result_set& results, std::size_t point, std::size_t metric)
{
    sample all;
    for (std::uint32_t r = 0; r < results.of().most_replications(); ++r) {
        const auto& record = results.at(point, r);
        if (record && record->values[metric]) {
            all.values.push_back(*record->values[metric]);
            all.seeds.push_back(record->seed);
        }
    }
    return all;
}

metric_summary summarise_metric(const result_set& results, std::size_t point, std::size_t metric)
{
    const sample all = sample_of(results, point, metric);
    metric_summary m;
    m.mean = estimate_mean(all.values, results.of().confidence);
    if (all.values.empty()) {
        return m;
    }
    m.median = estimate_quantile(all.values, 0.5, results.of().confidence);
    m.min = *std::ranges::min_element(all.values);
    m.max = *std::ranges::max_element(all.values);
    for (const std::size_t i : outliers(all.values)) {
        m.outlier_seeds.push_back(all.seeds[i]);
    }
    const auto baseline = baseline_of(results.of(), results.of().points[point]);
    if (baseline && *baseline != point) {
        m.difference = paired_difference(results, point, *baseline, metric);
    }
    return m;
}

point_summary summarise_point(const result_set& results, std::size_t point)
{
    point_summary p;
    for (std::uint32_t r = 0; r < results.of().most_replications(); ++r) {
        const auto& record = results.at(point, r);
        p.nr_runs += record ? 1U : 0U;
        if (record && record->exit != "none") {
            ++p.ended[record->exit];
        }
    }
    for (std::size_t m = 0; m < results.of().metrics.size(); ++m) {
        p.metrics.push_back(summarise_metric(results, point, m));
    }
    return p;
}

/// "hogs=4, kernel=KNEW". Of zipped factors with the same labels the first one will do.
std::string name_of_level(const study_axis& axis, std::size_t level, bool is_first)
{
    const auto same = [&](std::size_t f, std::size_t g) {
        return std::ranges::all_of(axis.levels, [&](const axis_level& l) { return l.labels[f] == l.labels[g]; });
    };
    std::string name;
    for (std::size_t f = 0; f < axis.factors.size(); ++f) {
        bool is_repeated = false;
        for (std::size_t g = 0; g < f; ++g) {
            is_repeated = is_repeated || same(f, g);
        }
        if (!is_repeated) {
            name += fmt::format("{}{}={}", is_first && name.empty() ? "" : ", ", axis.factors[f],
                                axis.levels[level].labels[f]);
        }
    }
    return name;
}

std::vector<point_group> groups_of(const study& s, std::size_t x_factor)
{
    std::size_t x_axis = 0;
    for (std::size_t a = 0; a < s.axes.size(); ++a) {
        const auto& names = s.axes[a].factors;
        x_axis = std::ranges::find(names, s.factors[x_factor]) != names.end() ? a : x_axis;
    }
    std::vector<point_group> groups;
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        std::string name;
        for (std::size_t a = 0; a < s.axes.size(); ++a) {
            name += a == x_axis ? "" : name_of_level(s.axes[a], s.points[p].levels[a], name.empty());
        }
        auto group = std::ranges::find(groups, name, &point_group::name);
        if (group == groups.end()) {
            group = groups.insert(groups.end(), {name, {}});
        }
        group->points.push_back(p);
    }
    return groups;
}

void mark_front(const study& s, study_summary& summary)
{
    const auto throughput = s.metric_index("throughput");
    const auto latency = s.metric_index("wakeup_p99_ns");
    if (!throughput || !latency) {
        return;
    }
    const auto mean = [&](std::size_t point, std::size_t metric) { return summary.points[point].metrics[metric].mean; };
    const auto counts = [&](std::size_t p) { return mean(p, *throughput).n > 0 && mean(p, *latency).n > 0; };
    for (const point_group& group : summary.groups) {
        for (const std::size_t p : group.points) {
            const auto beats = [&](std::size_t q) {
                const double more = mean(q, *throughput).mean - mean(p, *throughput).mean;
                const double later = mean(q, *latency).mean - mean(p, *latency).mean;
                return counts(q) && more >= 0 && later <= 0 && (more > 0 || later < 0);
            };
            summary.points[p].on_front = counts(p) && std::ranges::none_of(group.points, beats);
        }
    }
}

} // namespace

std::optional<mean_estimate> paired_difference(const result_set& results, std::size_t a, std::size_t b,
                                               std::size_t metric)
{
    std::vector<double> first;
    std::vector<double> second;
    for (std::uint32_t r = 0; r < results.of().most_replications(); ++r) {
        const auto& x = results.at(a, r);
        const auto& y = results.at(b, r);
        if (x && y && x->values[metric] && y->values[metric]) {
            first.push_back(*x->values[metric]);
            second.push_back(*y->values[metric]);
        }
    }
    return first.size() < 2 ? std::nullopt : std::optional(estimate_difference(first, second, results.of().confidence));
}

study_summary summarise(const result_set& results)
{
    const study& s = results.of();
    study_summary summary;
    summary.x_factor = s.recommend ? *s.factor_index(s.recommend->factor) : 0;
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        summary.points.push_back(summarise_point(results, p));
    }
    summary.groups = groups_of(s, summary.x_factor);
    mark_front(s, summary);
    return summary;
}

std::optional<double> number_of_label(const std::string& label, bool& is_duration)
{
    double number = 0;
    const char* end = label.data() + label.size();
    const auto read = std::from_chars(label.data(), end, number);
    if (read.ec == std::errc() && read.ptr == end) {
        is_duration = false;
        return number;
    }
    const auto duration = parse_duration(label);
    is_duration = std::holds_alternative<nanoseconds>(duration);
    return is_duration ? std::optional(static_cast<double>(std::get<nanoseconds>(duration).count())) : std::nullopt;
}

std::string in_words(double value, const std::string& unit)
{
    if (unit == "share") {
        return fmt::format("{:.4g} %", value * 100);
    }
    if (unit == "ns") {
        const double size = std::fabs(value);
        return size >= 1e9   ? fmt::format("{:.4g} s", value / 1e9)
               : size >= 1e6 ? fmt::format("{:.4g} ms", value / 1e6)
               : size >= 1e3 ? fmt::format("{:.4g} us", value / 1e3)
                             : fmt::format("{:.4g} ns", value);
    }
    return fmt::format("{:.4g}", value) + (unit.empty() ? "" : unit == "1/s" ? "/s" : " " + unit);
}

} // namespace pairsim
