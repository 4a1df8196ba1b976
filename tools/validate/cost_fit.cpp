// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/cost_fit.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/scenario_parts.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

constexpr std::uint32_t first_compared = 20'000; ///< below it there are few samples

double us_at(const std::vector<std::int64_t>& sorted, std::uint32_t per_million)
{
    return sorted.empty() ? 0.0 : static_cast<double>(quantile(sorted, per_million)) / 1e3;
}

} // namespace

cost_fit::cost_fit(std::vector<fitted_cost> costs, latency_samples recorded)
    : costs_(std::move(costs)), recorded_(std::move(recorded)), tables_(costs_.size())
{
    sort_samples(recorded_);
    for (std::size_t i = 0; i < costs_.size(); ++i) {
        tables_[i].fill(costs_[i].start_ns);
    }
}

void cost_fit::correct(const latency_samples& simulated, std::string& line, double step)
{
    for (std::size_t i = 0; i < costs_.size(); ++i) {
        const fitted_cost& c = costs_[i];
        const auto& theirs = recorded_[c.shown];
        const auto& ours = simulated[c.shown];
        if (!shows(c.shown) || ours.size() < fewest_samples) {
            continue;
        }
        for (std::size_t p = 0; p < table_points.size(); ++p) {
            const std::uint32_t point =
                c.only_at != 0 ? c.only_at : std::clamp(table_points[p], first_compared, c.last_at);
            const auto difference = static_cast<double>(quantile(theirs, point) - quantile(ours, point));
            tables_[i][p] = std::max(0.0, tables_[i][p] + step * c.share * difference);
        }
        std::sort(tables_[i].begin(), tables_[i].end()); // a table rises
        line +=
            fmt::format(" {} {:.0f}/{:.0f} us", latency_name(c.shown), us_at(ours, 500'000), us_at(theirs, 500'000));
    }
}

json cost_fit::distribution(std::size_t i) const
{
    json points = json::array();
    for (std::size_t p = 0; p < table_points.size(); ++p) {
        const auto ns = static_cast<std::int64_t>(std::llround(tables_[i][p] / 10) * 10);
        points.push_back({static_cast<double>(table_points[p]) / 1e6, format_duration(nanoseconds{ns})});
    }
    return {{"dist", "quantiles"}, {"points", std::move(points)}};
}

std::string cost_fit::residuals(const latency_samples& simulated) const
{
    std::string text = fmt::format("{:<14} {:>30} {:>30}\n", "us", "recorded: p5 p50 p95 n", "simulated: p5 p50 p95 n");
    const auto column = [](const std::vector<std::int64_t>& samples) {
        return fmt::format("{:.1f} {:.1f} {:.1f} {}", us_at(samples, 50'000), us_at(samples, 500'000),
                           us_at(samples, 950'000), samples.size());
    };
    for (std::size_t i = 0; i < nr_latencies; ++i) {
        const auto which = static_cast<latency>(i);
        if (recorded_[which].empty() && simulated[which].empty()) {
            continue;
        }
        text += fmt::format("{:<14} {:>30} {:>30}\n", latency_name(which), column(recorded_[which]),
                            column(simulated[which]));
    }
    return text;
}

void sort_samples(latency_samples& samples)
{
    for (auto& s : samples.of) {
        std::sort(s.begin(), s.end());
    }
}

std::int64_t median_ns(const json& cost)
{
    constexpr auto half = std::uint64_t{1} << 63U; // of a draw's random words
    const input_document document{"a cost", cost, nullptr};
    return sample(read_distribution(json_cursor(document)).value(), half).count();
}

} // namespace pairsim
