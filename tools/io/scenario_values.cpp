// SPDX-License-Identifier: GPL-2.0-only
//
// Values that occur in several parts of a scenario: distributions, lists of CPUs, texts.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tools/io/scenario_parts.h"

namespace pairsim {

namespace {

/// @p value * @p scale if that is whole. The tolerance is far below half a unit and far above a double's error.
std::optional<std::uint32_t> whole_multiple(double value, double scale)
{
    const double scaled = value * scale;
    if (!(scaled >= 0 && scaled <= 1e9) || std::fabs(scaled - std::round(scaled)) > 1e-6) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(std::lround(scaled));
}

std::optional<quantile_point> read_point(const json_cursor& at)
{
    const auto parts = at.items();
    if (parts.size() != 2) {
        at.fail(fmt::format("a point has two parts, not {}", parts.size()), "write [probability, duration]");
        return std::nullopt;
    }
    const auto probability = parts[0].number();
    const auto value = parts[1].duration();
    if (!probability || !value) {
        return std::nullopt;
    }
    const auto per_million = whole_multiple(*probability, 1e6);
    if (!per_million) {
        parts[0].fail(parts[0].value().dump() + " is no probability with at most six decimals", "round it");
        return std::nullopt;
    }
    return quantile_point{*per_million, *value};
}

std::optional<duration_dist> read_quantiles(const json_cursor& at)
{
    duration_dist dist{duration_dist::shape::quantiles, {}, {}, {}};
    const auto elements = at.items();
    for (const json_cursor& element : elements) {
        const auto point = read_point(element);
        if (!point) {
            return std::nullopt;
        }
        if (!dist.points.empty() &&
            (point->per_million <= dist.points.back().per_million || point->value < dist.points.back().value)) {
            element.fail("the point is not above the one before it",
                         "let probabilities rise, and durations rise or stay");
            return std::nullopt;
        }
        dist.points.push_back(*point);
    }
    if (dist.points.size() < 2 || dist.points.front().per_million != 0 || dist.points.back().per_million != 1'000'000) {
        at.fail("the points do not go from probability 0 to 1", "begin with [0, shortest] and end with [1, longest]");
        return std::nullopt;
    }
    return dist;
}

std::optional<duration_dist> read_exponential(const json_cursor& at, nanoseconds mean)
{
    nanoseconds cut = max_duration;
    read_into(cut, at, "cut");
    if (mean.count() == 0) {
        at.get("mean")->fail("the mean is zero", "give a mean above zero");
        return std::nullopt;
    }
    return duration_dist::exponential(mean, cut);
}

} // namespace

std::optional<duration_dist> read_distribution(const json_cursor& at)
{
    const auto member = [&](std::string_view key) {
        const auto found = at.get(key);
        return found ? found->duration() : std::nullopt;
    };
    if (at.value().is_string()) {
        const auto fixed = at.duration();
        return fixed ? std::optional(duration_dist::constant(*fixed)) : std::nullopt;
    }
    if (const auto value = member("value")) {
        return duration_dist::constant(*value);
    }
    if (const auto mean = member("mean")) {
        return read_exponential(at, *mean);
    }
    if (const auto points = at.get("points")) {
        return read_quantiles(*points);
    }
    const auto low = member("low");
    const auto high = member("high");
    if (!low || !high) {
        return std::nullopt; // the schema has said why
    }
    if (*low > *high) {
        at.fail(fmt::format("low ({}) is above high ({})", format_duration(*low), format_duration(*high)),
                "exchange them");
        return std::nullopt;
    }
    return duration_dist::uniform(*low, *high);
}

nanoseconds shortest(const duration_dist& dist)
{
    switch (dist.kind) {
    case duration_dist::shape::constant:
    case duration_dist::shape::uniform:
        return dist.low;
    case duration_dist::shape::exponential:
        return nanoseconds{0};
    case duration_dist::shape::quantiles:
        return dist.points.front().value;
    }
    return {};
}

nanoseconds longest(const duration_dist& dist)
{
    return dist.kind == duration_dist::shape::quantiles ? dist.points.back().value : dist.high;
}

std::optional<cpu_id> read_cpu(const json_cursor& at, std::size_t nr_cpus)
{
    const auto number = at.integer(0, max_cpus - 1);
    if (!number) {
        return std::nullopt;
    }
    if (nr_cpus != 0 && *number >= nr_cpus) {
        at.fail(fmt::format("CPU {} does not exist", *number),
                fmt::format("the machine has CPUs 0 to {}", nr_cpus - 1));
        return std::nullopt;
    }
    return cpu_id{static_cast<std::uint16_t>(*number)};
}

std::vector<cpu_id> read_cpus(const json_cursor& at, std::size_t nr_cpus)
{
    std::vector<cpu_id> cpus;
    if (at.value().is_string()) {
        const auto list = at.accept(parse_cpu_list(at.value().get<std::string>()));
        for (const std::uint32_t cpu : list.value_or(std::vector<std::uint32_t>{})) {
            if (nr_cpus != 0 && cpu >= nr_cpus) {
                at.fail(fmt::format("CPU {} does not exist", cpu),
                        fmt::format("the machine has CPUs 0 to {}", nr_cpus - 1));
                break;
            }
            cpus.push_back(cpu_id{static_cast<std::uint16_t>(cpu)});
        }
    }
    for (const json_cursor& element : at.items()) {
        if (const auto cpu = read_cpu(element, nr_cpus)) {
            cpus.push_back(*cpu);
        }
    }
    return cpus;
}

std::optional<nanoseconds> read_step(const json_cursor& at)
{
    const auto step = at.get("step");
    return step ? step->duration() : std::nullopt;
}

std::optional<std::string> read_line(const json_cursor& at)
{
    auto line = at.text();
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (line && std::any_of(line->begin(), line->end(), is_control)) {
        at.fail(quote(*line) + " has a control character", "remove it");
        return std::nullopt;
    }
    return line;
}

void read_into(nanoseconds& to, const json_cursor& from, std::string_view key)
{
    if (const auto at = from.get(key)) {
        to = at->duration().value_or(to);
    }
}

void read_into(sim_time& to, const json_cursor& from, std::string_view key)
{
    if (const auto at = from.get(key)) {
        const auto after_boot = at->duration();
        to = after_boot ? sim_time{*after_boot} : to;
    }
}

void read_into(duration_dist& to, const json_cursor& from, std::string_view key)
{
    if (const auto at = from.get(key)) {
        to = read_distribution(*at).value_or(to);
    }
}

void read_into(bool& to, const json_cursor& from, std::string_view key)
{
    if (const auto at = from.get(key)) {
        to = at->boolean().value_or(to);
    }
}

void read_into(std::uint32_t& to, const json_cursor& from, std::string_view key, std::uint32_t low, std::uint32_t high)
{
    if (const auto at = from.get(key)) {
        to = static_cast<std::uint32_t>(at->integer(low, high).value_or(to));
    }
}

nanoseconds mean_of(const duration_dist& dist)
{
    switch (dist.kind) {
    case duration_dist::shape::constant:
    case duration_dist::shape::exponential:
        return dist.low;
    case duration_dist::shape::uniform:
        return (dist.low + dist.high) / 2;
    case duration_dist::shape::quantiles:
        break;
    }
    std::int64_t twice_sum = 0;
    for (std::size_t i = 1; i < dist.points.size(); ++i) {
        const auto weight = std::int64_t{dist.points[i].per_million} - dist.points[i - 1].per_million;
        twice_sum += weight * (dist.points[i].value.count() + dist.points[i - 1].value.count());
    }
    return nanoseconds{twice_sum / 2'000'000};
}

} // namespace pairsim
