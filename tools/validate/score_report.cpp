// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/score_report.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace pairsim {
namespace {

constexpr std::size_t worst_shown = 25;

std::string number(const cell& c, double value)
{
    return c.unit == cell_unit::share ? fmt::format("{:.2f}%", value * 100) : fmt::format("{:.4g}", value);
}

std::string kernel_text(const cell& c)
{
    if (c.unit == cell_unit::word) {
        return c.kernel_word;
    }
    return fmt::format("{} [{}, {}]", number(c, c.kernel.median), number(c, c.kernel.min), number(c, c.kernel.max));
}

std::string our_text(const cell& c)
{
    if (c.unit == cell_unit::word) {
        return c.our_word;
    }
    return fmt::format("{} [{}, {}]", number(c, c.ours.median), number(c, c.ours.min), number(c, c.ours.max));
}

/// "counters/nr_total" and its like count apart, "cpu_share/A" under "cpu_share".
std::string metric_group(const std::string& metric)
{
    const auto slash = metric.find('/');
    return metric.starts_with("cpu_share/") ? metric.substr(0, slash) : metric;
}

std::map<std::string, total_score> by_metric(const std::vector<case_score>& scores)
{
    std::map<std::string, total_score> groups;
    for (const case_score& s : scores) {
        for (const cell& c : s.cells) {
            total_score& group = groups[metric_group(c.metric)];
            ++group.cells;
            group.agree += c.agrees ? 1U : 0U;
        }
    }
    return groups;
}

struct miss {
    const case_score* where = nullptr;
    const cell* what = nullptr;
};

std::vector<miss> misses_of(const std::vector<case_score>& scores)
{
    std::vector<miss> misses;
    for (const case_score& s : scores) {
        for (const cell& c : s.cells) {
            if (!c.agrees) {
                misses.push_back({&s, &c});
            }
        }
    }
    std::stable_sort(misses.begin(), misses.end(),
                     [](const miss& a, const miss& b) { return a.what->distance() > b.what->distance(); });
    return misses;
}

std::string percent(const total_score& t)
{
    return fmt::format("{}/{} ({:.1f} %)", t.agree, t.cells, t.share() * 100);
}

} // namespace

total_score total_of(const std::vector<case_score>& scores)
{
    total_score total;
    for (const case_score& s : scores) {
        total.cells += s.cells.size();
        total.agree += s.nr_agree();
    }
    return total;
}

std::string likely_cause(const cell& c)
{
    const std::string& m = c.metric;
    if (m == "exit") {
        return "another end: a mechanism that one side lacks, or a rate that decides when a limit is reached";
    }
    if (m.starts_with("cpu_share/<root>")) {
        return "background load";
    }
    if (m.starts_with("cpu_share/") || m == "idle_share" || m.starts_with("forced_idle/")) {
        return "who gets the pair: the order of events at a slice's end (tick skew, kick latency)";
    }
    if (m.starts_with("violation")) {
        return "kick latency, and how often both CPUs of a pair tick within one kernel path";
    }
    if (m.starts_with("wakeups_")) {
        return "how long a CPU stays idle: length of the wake-up and switch paths, lateness of timers";
    }
    if (m == "counters/nr_cgrp_coll" || m == "counters/nr_cgrp_empty" || m == "counters/nr_exps" ||
        m == "counters/nr_exp_waits") {
        return "races between the dispatches of a pair's CPUs: tick skew and the length of kernel paths";
    }
    return "length of kernel paths, tick skew";
}

std::string score_text(const std::vector<case_score>& scores)
{
    std::string out;
    for (const case_score& s : scores) {
        out += fmt::format("{}{}: {} of {} cells agree\n", s.name, s.weak ? " (weak: one recorded run)" : "",
                           s.nr_agree(), s.cells.size());
        for (const cell& c : s.cells) {
            out += fmt::format("  {} {:<42} kernel {:<34} ours {}\n", c.agrees ? ' ' : '!', c.metric, kernel_text(c),
                               our_text(c));
        }
        out += '\n';
    }
    const auto misses = misses_of(scores);
    if (!misses.empty()) {
        out += "Worst cells first:\n";
    }
    for (std::size_t i = 0; i < std::min(misses.size(), worst_shown); ++i) {
        const auto& [where, what] = misses[i];
        out += fmt::format("  {} {}: kernel {}, ours {}\n    {}\n", where->name, what->metric, kernel_text(*what),
                           our_text(*what), likely_cause(*what));
    }
    out += "\nBy metric:\n";
    for (const auto& [group, total] : by_metric(scores)) {
        out += fmt::format("  {:<42} {}\n", group, percent(total));
    }
    return out + fmt::format("\nAll cells: {} agree\n", percent(total_of(scores)));
}

json score_json(const std::vector<case_score>& scores, std::uint32_t seeds, const std::string& machine)
{
    json cases = json::array();
    for (const case_score& s : scores) {
        json cells = json::array();
        for (const cell& c : s.cells) {
            json one = {{"metric", c.metric}, {"agrees", c.agrees}};
            if (c.unit == cell_unit::word) {
                one["kernel"] = c.kernel_word;
                one["ours"] = c.our_word;
            } else {
                one["unit"] = c.unit == cell_unit::share ? "share of the pairs' time" : "per second";
                one["kernel"] = {{"min", c.kernel.min}, {"median", c.kernel.median}, {"max", c.kernel.max}};
                one["ours"] = {{"min", c.ours.min}, {"median", c.ours.median}, {"max", c.ours.max}};
                one["agrees_from"] = c.low;
                one["agrees_to"] = c.high;
            }
            cells.push_back(std::move(one));
        }
        cases.push_back({{"name", s.name},
                         {"weak", s.weak},
                         {"cells", s.cells.size()},
                         {"agree", s.nr_agree()},
                         {"table", std::move(cells)}});
    }
    json metrics = json::object();
    for (const auto& [group, total] : by_metric(scores)) {
        metrics[group] = {{"cells", total.cells}, {"agree", total.agree}};
    }
    const total_score total = total_of(scores);
    return {{"schema", "pairsim.validation/1"},
            {"machine", machine},
            {"seeds", seeds},
            {"cells", total.cells},
            {"agree", total.agree},
            {"score", total.share()},
            {"by_metric", std::move(metrics)},
            {"cases", std::move(cases)}};
}

std::string score_markdown(const std::vector<case_score>& scores, std::uint32_t seeds)
{
    const total_score total = total_of(scores);
    std::string out = fmt::format("{} of {} cells agree (**{:.1f} %**), over {} cases and {} seeds each.\n\n",
                                  total.agree, total.cells, total.share() * 100, scores.size(), seeds);
    out += "| case | cells | agree | disagreeing |\n| --- | --- | --- | --- |\n";
    for (const case_score& s : scores) {
        std::string names;
        for (const cell& c : s.cells) {
            if (!c.agrees) {
                names += (names.empty() ? "`" : ", `") + c.metric + "`";
            }
        }
        out += fmt::format("| `{}`{} | {} | {} | {} |\n", s.name, s.weak ? " (weak)" : "", s.cells.size(), s.nr_agree(),
                           names);
    }
    out += "\n| metric | cells | agree |\n| --- | --- | --- |\n";
    for (const auto& [group, t] : by_metric(scores)) {
        out += fmt::format("| `{}` | {} | {} |\n", group, t.cells, t.agree);
    }
    const auto misses = misses_of(scores);
    if (misses.empty()) {
        return out;
    }
    out += "\n| case | metric | kernel: median [min, max] | ours: median [min, max] |\n| --- | --- | --- | --- |\n";
    for (const auto& [where, what] : misses) {
        out +=
            fmt::format("| `{}` | `{}` | {} | {} |\n", where->name, what->metric, kernel_text(*what), our_text(*what));
    }
    return out;
}

} // namespace pairsim
