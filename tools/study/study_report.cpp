// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/study_report.h"

#include <cmath>

#include <fmt/format.h>

#include "pairsim_version.h"
#include "sim/check.h"
#include "tools/io/embedded.h"
#include "tools/study/advice.h"

namespace pairsim {
namespace {

json number(double value)
{
    return std::isfinite(value) ? json(value) : json();
}

json estimate_json(const mean_estimate& e)
{
    json j = {{"mean", number(e.mean)}, {"sd", number(e.sd)}};
    j["low"] = e.ci ? number(e.ci->low) : json();
    j["high"] = e.ci ? number(e.ci->high) : json();
    return j;
}

json metric_json(const metric_summary& m)
{
    json j = {{"n", m.mean.n}};
    if (m.mean.n == 0) {
        return j;
    }
    j.update(estimate_json(m.mean));
    j["median"] = number(m.median->value);
    j["median_low"] = m.median->ci ? number(m.median->ci->low) : json();
    j["median_high"] = m.median->ci ? number(m.median->ci->high) : json();
    j["min"] = number(m.min);
    j["max"] = number(m.max);
    j["outlier_seeds"] = m.outlier_seeds;
    if (m.difference) {
        j["difference"] = estimate_json(*m.difference);
    }
    return j;
}

json point_json(const study& s, const study_summary& summary, std::size_t index)
{
    const study_point& point = s.points[index];
    const point_summary& p = summary.points[index];
    json j;
    for (std::size_t i = 0; i < s.factors.size(); ++i) {
        j["parameters"][s.factors[i]] = point.labels[i];
    }
    bool is_duration = false;
    const auto x = number_of_label(point.labels[summary.x_factor], is_duration);
    j["x"] = x ? number(*x) : json();
    j["runs"] = p.nr_runs;
    j["ended"] = p.ended;
    j["on_front"] = p.on_front;
    j["command"] = reproduce_command(s, point, 0);
    const auto baseline = baseline_of(s, point);
    j["baseline"] = baseline ? json(*baseline) : json();
    for (std::size_t m = 0; m < s.metrics.size(); ++m) {
        j["metrics"][s.metrics[m].name] = metric_json(p.metrics[m]);
    }
    return j;
}

/// Durations and numbers have an axis with a scale; anything else is a list of names.
std::string x_kind(const study& s, const study_summary& summary)
{
    std::string kind;
    for (const study_point& point : s.points) {
        bool is_duration = false;
        if (!number_of_label(point.labels[summary.x_factor], is_duration)) {
            return "name";
        }
        const std::string here = is_duration ? "duration" : "number";
        kind = kind.empty() || kind == here ? here : "name";
    }
    return kind;
}

std::string_view direction_name(better direction)
{
    switch (direction) {
    case better::higher:
        return "higher";
    case better::lower:
        return "lower";
    case better::neither:
        return "neither";
    }
    SIM_CHECK(false);
    return {};
}

/// Puts @p text in place of the one @p mark in @p page.
void fill_in(std::string& page, std::string_view mark, std::string_view text)
{
    const auto at = page.find(mark);
    SIM_CHECK(at != std::string::npos);
    page.replace(at, mark.size(), text);
}

/// JSON inside of a script element: "</" must not end it.
std::string for_script(const json& data)
{
    std::string text = data.dump(-1, ' ', true);
    for (auto at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3)) {
        text.replace(at, 2, "<\\/");
    }
    return text;
}

std::string for_html(std::string_view text)
{
    std::string safe;
    for (const char c : text) {
        safe += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    return safe;
}

/// @p value between @p low and @p high as a bar of @p width characters.
std::string bar(double value, double low, double high, std::size_t width)
{
    const double part = high > low ? (value - low) / (high - low) : 1;
    const auto n = static_cast<std::size_t>(std::lround(part * static_cast<double>(width - 1))) + 1;
    return std::string(n, '=') + std::string(width - n, ' ');
}

class text_report {
public:
    explicit text_report(const result_set& results) : results_(results), s_(results.of()), summary_(summarise(results))
    {
    }

    std::string write()
    {
        text_ =
            fmt::format("{}\n{}\n\n{} of {} points have results, {} runs; intervals of {:.4g} %; pairsim {}\n", s_.name,
                        s_.description, nr_points(), s_.points.size(), results_.size(), s_.confidence * 100, version);
        for (const point_group& group : summary_.groups) {
            write_group(group);
        }
        return std::move(text_);
    }

private:
    std::size_t nr_points() const
    {
        return static_cast<std::size_t>(
            std::ranges::count_if(summary_.points, [](const point_summary& p) { return p.nr_runs > 0; }));
    }

    void write_group(const point_group& group)
    {
        text_ += group.name.empty() ? "\n" : fmt::format("\n--- {} ---\n", group.name);
        std::vector<std::size_t> columns;
        for (const char* name :
             {"throughput", "forced_idle", "wakeup_p99_ns", "longest_wait_ns", "fairness", "turn_ns"}) {
            if (const auto m = s_.metric_index(name)) {
                columns.push_back(*m);
            }
        }
        for (std::size_t m = 0; columns.empty() && m < s_.metrics.size() && m < 6; ++m) {
            columns.push_back(m);
        }
        text_ += fmt::format("{:>16}", s_.factors[summary_.x_factor]);
        for (const std::size_t m : columns) {
            text_ += fmt::format(" {:>16}", s_.metrics[m].name);
        }
        text_ += "\n";
        for (const std::size_t p : group.points) {
            write_row(group, p, columns);
        }
        write_advice(advise(results_, summary_, group));
    }

    void write_row(const point_group& group, std::size_t p, const std::vector<std::size_t>& columns)
    {
        const point_summary& point = summary_.points[p];
        text_ += fmt::format("{:>16}", s_.points[p].labels[summary_.x_factor].substr(0, 16));
        for (const std::size_t m : columns) {
            const mean_estimate& e = point.metrics[m].mean;
            text_ += fmt::format(" {:>16}", e.n == 0 ? "-" : in_words(e.mean, s_.metrics[m].unit));
        }
        if (!columns.empty() && point.metrics[columns[0]].mean.n > 0) {
            double low = point.metrics[columns[0]].mean.mean;
            double high = low;
            for (const std::size_t q : group.points) {
                const mean_estimate& e = summary_.points[q].metrics[columns[0]].mean;
                low = e.n > 0 ? std::min(low, e.mean) : low;
                high = e.n > 0 ? std::max(high, e.mean) : high;
            }
            constexpr std::size_t width = 10;
            text_ += " |" + bar(point.metrics[columns[0]].mean.mean, low, high, width) + "|";
        }
        text_ += point.on_front ? " front" : "";
        for (const auto& [exit, n] : point.ended) {
            text_ += fmt::format(" {} of {}: {}", n, point.nr_runs, exit);
        }
        while (text_.ends_with(' ')) {
            text_.pop_back();
        }
        text_ += "\n";
    }

    void write_advice(const advice& a)
    {
        if (!a.verdict.empty()) {
            text_ += "\n" + a.verdict + "\n";
        }
        if (!a.range.empty()) {
            text_ += fmt::format("\nRecommended {}: {}\n", s_.factors[summary_.x_factor], a.range);
        }
        for (const std::string& reason : a.reasons) {
            text_ += "- " + reason + "\n";
        }
    }

    const result_set& results_;
    const study& s_;
    const study_summary summary_;
    std::string text_;
};

} // namespace

json study_report_json(const result_set& results)
{
    const study& s = results.of();
    const study_summary summary = summarise(results);
    json r = {{"schema", "pairsim.study-report/1"},
              {"name", s.name},
              {"description", s.description},
              {"study", s.file},
              {"version", version},
              {"confidence", s.confidence},
              {"runs", results.size()},
              {"factors", s.factors},
              {"x", s.factors[summary.x_factor]},
              {"x_kind", x_kind(s, summary)}};
    r["metrics"] = json::array();
    for (const metric& m : s.metrics) {
        r["metrics"].push_back({{"name", m.name}, {"unit", m.unit}, {"better", direction_name(m.direction)}});
    }
    r["points"] = json::array();
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        r["points"].push_back(point_json(s, summary, p));
    }
    r["groups"] = json::array();
    for (const point_group& group : summary.groups) {
        const advice a = advise(results, summary, group);
        r["groups"].push_back({{"name", group.name},
                               {"points", group.points},
                               {"verdict", a.verdict},
                               {"recommended", a.chosen},
                               {"range", a.range},
                               {"reasons", a.reasons}});
    }
    return r;
}

std::string study_report_text(const result_set& results)
{
    return text_report(results).write();
}

std::string study_report_page(const result_set& results)
{
    std::string page(embedded::study_page_html);
    fill_in(page, "<!--TITLE-->", for_html(results.of().name));
    fill_in(page, "/*STYLE*/", embedded::study_page_css);
    fill_in(page, "/*DATA*/", for_script(study_report_json(results)));
    fill_in(page, "/*CHARTS*/", embedded::chart_js);
    fill_in(page, "/*SCRIPT*/", embedded::study_page_js);
    return page;
}

} // namespace pairsim
