// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/moment.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/io/units.h"

namespace pairsim {
namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t decisions_before = 4;
constexpr std::size_t decisions_after = 3;

std::string idle_in_words(std::optional<idle_cause> cause)
{
    if (!cause) {
        return "idles: no task waits that may run here";
    }
    switch (*cause) {
    case idle_cause::preempted_partner:
        return "idles beside waiting tasks: a CPU of its pair is marked as preempted";
    case idle_cause::drain:
        return "idles beside waiting tasks: its pair drains";
    case idle_cause::other_cgroup:
        return "idles beside waiting tasks: all of them are of other cgroups than the pair's";
    case idle_cause::wait_for_tick:
        return "idles beside waiting tasks: nobody has told it";
    }
    return "";
}

std::string mask_in_words(const observed_run& run, std::size_t pair, sides mask)
{
    const auto& p = run.pairs.pairs[pair];
    std::string text;
    if ((mask & 1U) != 0) {
        text += fmt::to_string(p.first.value);
    }
    if ((mask & 2U) != 0) {
        text += fmt::format("{}{}", text.empty() ? "" : ",", p.second.value);
    }
    return "{" + text + "}";
}

/// started_at on the run's clock; before the first batch it is 0 on the kernel's, long ago.
std::string started_in_words(const pair_ctx& ctx)
{
    return ctx.started_at < boot_offset ? "never" : format_duration(ctx.started_at - boot_offset);
}

const char* yes(bool is)
{
    return is ? "yes" : "no";
}

/// Names and texts of pair_ctx's fields.
std::vector<std::pair<std::string, std::string>> ctx_fields(const observed_run& run, std::size_t pair,
                                                            const pair_ctx& ctx)
{
    return {{"cgid", cgroup_in_words(run, ctx.cgid)},
            {"started_at", started_in_words(ctx)},
            {"draining", yes(ctx.draining != 0)},
            {"active_mask", mask_in_words(run, pair, ctx.active_mask)},
            {"preempted_mask", mask_in_words(run, pair, ctx.preempted_mask)}};
}

std::vector<std::string> queue_names(const story& s, std::size_t cgroup, std::size_t nr_records)
{
    std::vector<std::string> names;
    for (const auto p : s.lines.cgroup_queues[cgroup].at(nr_records)) {
        names.push_back(pid_in_words(s.run, pid{p}));
    }
    return names;
}

std::vector<std::string> top_q_names(const story& s, std::size_t nr_records)
{
    std::vector<std::string> names;
    for (const auto c : s.lines.top_q.at(nr_records)) {
        names.push_back(cgroup_in_words(s.run, cgroup_id{c}));
    }
    return names;
}

std::string joined(const std::vector<std::string>& names)
{
    constexpr std::size_t most = 12;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    return names.size() > most ? fmt::format("{}, ... ({} in all)", text, names.size()) : text;
}

bool is_told(const story& s, std::size_t record, cpu_id cpu)
{
    return sentences()[s.told[record]].is_decision && concerns_pair_of(s.run, s.run.records[record], cpu);
}

/// Up to @p most decisions of @p cpu's pair before record @p end, in order.
std::vector<std::size_t> decisions_until(const story& s, std::size_t end, cpu_id cpu, std::size_t most)
{
    std::vector<std::size_t> found;
    while (end > 0 && found.size() < most) {
        --end;
        if (is_told(s, end, cpu)) {
            found.push_back(end);
        }
    }
    std::reverse(found.begin(), found.end());
    return found;
}

std::vector<std::size_t> decisions_from(const story& s, std::size_t begin, cpu_id cpu, std::size_t most)
{
    std::vector<std::size_t> found;
    for (; begin < s.run.records.size() && found.size() < most; ++begin) {
        if (is_told(s, begin, cpu)) {
            found.push_back(begin);
        }
    }
    return found;
}

std::string cpu_line(const story& s, cpu_id cpu, sim_time t)
{
    const cpu_span& span = s.lines.span_at(cpu, t);
    return wrap_text(fmt::format("cpu {} {}, from {} to {} ({})", cpu.value, activity_in_words(s.run, span),
                                 format_duration(span.from.time_since_epoch()),
                                 format_duration(span.to.time_since_epoch()),
                                 format_duration(nanoseconds{span.length_ns()})),
                     2) +
           "\n";
}

json span_json(const story& s, cpu_id cpu, sim_time t)
{
    const cpu_span& span = s.lines.span_at(cpu, t);
    json j = {{"cpu", cpu.value},
              {"activity", activity_in_words(s.run, span)},
              {"from_ns", to_ns(span.from)},
              {"to_ns", to_ns(span.to)}};
    if (span.forced) {
        j["idle_cause"] = idle_cause_name(*span.forced);
    }
    return j;
}

json record_json(const story& s, std::size_t record)
{
    const auto& info = sentences()[s.told[record]];
    return {{"at_ns", to_ns(s.run.records[record].at)},
            {"sentence", s.sentence(record)},
            {"function", info.function},
            {"step", info.step}};
}

} // namespace

std::string wrap_text(const std::string& text, std::size_t indent)
{
    std::string result;
    std::size_t column = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        if (column + word.size() + 1 > page_width && column > indent) {
            while (!result.empty() && result.back() == ' ') {
                result.pop_back();
            }
            result += "\n" + std::string(indent, ' ');
            column = indent;
        }
        result += word;
        column += word.size();
        if (!rest.empty()) {
            result += ' ';
            ++column;
        }
    }
    return result;
}

std::string activity_in_words(const observed_run& run, const cpu_span& span)
{
    if (span.current == idle_pid) {
        return idle_in_words(span.forced);
    }
    if (is_higher(span.current)) {
        return "is held by " + pid_in_words(run, span.current);
    }
    return fmt::format("runs {} of {}", pid_in_words(run, span.current), cgroup_in_words(run, span.cgroup));
}

std::string ctx_in_words(const observed_run& run, std::size_t pair, const pair_ctx& ctx)
{
    std::string text;
    for (const auto& [name, value] : ctx_fields(run, pair, ctx)) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    }
    return text;
}

std::string ctx_change_in_words(const observed_run& run, std::size_t pair, const pair_ctx& before,
                                const pair_ctx& after)
{
    const auto old_fields = ctx_fields(run, pair, before);
    const auto new_fields = ctx_fields(run, pair, after);
    std::string text;
    for (std::size_t i = 0; i < old_fields.size(); ++i) {
        if (old_fields[i].second != new_fields[i].second) {
            text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", old_fields[i].first, old_fields[i].second,
                                new_fields[i].second);
        }
    }
    return text;
}

std::size_t pair_index_of(const observed_run& run, cpu_id cpu)
{
    const auto& pairs = run.pairs.pairs;
    return static_cast<std::size_t>(
        std::find_if(pairs.begin(), pairs.end(), [&](const auto& p) { return p.first == cpu || p.second == cpu; }) -
        pairs.begin());
}

bool concerns_pair_of(const observed_run& run, const trace_record& r, cpu_id cpu)
{
    const auto i = pair_index_of(run, cpu);
    const auto is_one_of_them = [&](cpu_id c) {
        return c == cpu ||
               (i < run.pairs.pairs.size() && (c == run.pairs.pairs[i].first || c == run.pairs.pairs[i].second));
    };
    const bool has_target = r.kind == record_kind::kick || r.kind == record_kind::kick_serviced ||
                            r.kind == record_kind::sched_wakeup || r.kind == record_kind::sched_wakeup_new;
    return is_one_of_them(r.cpu) || (has_target && is_one_of_them(cpu_id{static_cast<std::uint16_t>(r.a)}));
}

std::string told_record(const story& s, std::size_t record)
{
    const auto& r = s.run.records[record];
    const auto& info = sentences()[s.told[record]];
    const std::string at = format_duration(r.at.time_since_epoch());
    const std::size_t indent = 16;
    std::string text = wrap_text(fmt::format("  {:<{}}{}", at, indent - 2, s.sentence(record)), indent) + "\n";
    text += fmt::format("{:{}}in {}{}{}\n", "", indent, info.function, info.step.empty() ? "" : ": ", info.step);
    const auto pair = r.cpu == no_cpu ? s.lines.pairs.size() : pair_index_of(s.run, r.cpu);
    if (pair < s.lines.pairs.size()) {
        const auto change =
            ctx_change_in_words(s.run, pair, s.lines.ctx_at(pair, record), s.lines.ctx_at(pair, record + 1));
        if (!change.empty()) {
            text += wrap_text(fmt::format("{:{}}pair_ctx: {}", "", indent, change), indent + 10) + "\n";
        }
    }
    return text;
}

std::string moment_text(const story& s, sim_time t, cpu_id cpu)
{
    const std::size_t now = records_until(s.run, t);
    std::string text = fmt::format("{} at {}\n\n", s.run.what.name, format_duration(t.time_since_epoch()));
    text += cpu_line(s, cpu, t);
    if (const auto pair = pair_index_of(s.run, cpu); pair < s.run.pairs.pairs.size()) {
        text += cpu_line(s, s.run.pairs.pair_cpu[cpu.value], t);
        text += wrap_text("pair_ctx: " + ctx_in_words(s.run, pair, s.lines.ctx_at(pair, now)), 10) + "\n";
    }
    text += "queues:";
    for (std::size_t c = 0; c < s.lines.cgroup_queues.size(); ++c) {
        if (!s.lines.cgroup_queues[c].pushes.empty()) {
            text += wrap_text(
                fmt::format("\n  {}: {}", s.run.what.work.cgroups[c].name, joined(queue_names(s, c, now))), 4);
        }
    }
    text += wrap_text("\n  top_q: " + joined(top_q_names(s, now)), 4) + "\n";
    text += "\nthe decisions that led here\n";
    for (const auto i : decisions_until(s, now, cpu, decisions_before)) {
        text += told_record(s, i);
    }
    text += "\nand what came next\n";
    for (const auto i : decisions_from(s, now, cpu, decisions_after)) {
        text += told_record(s, i);
    }
    return text;
}

json moment_json(const story& s, sim_time t, cpu_id cpu)
{
    const std::size_t now = records_until(s.run, t);
    json j = {{"at_ns", to_ns(t)}, {"cpu", span_json(s, cpu, t)}};
    if (const auto pair = pair_index_of(s.run, cpu); pair < s.run.pairs.pairs.size()) {
        j["partner"] = span_json(s, s.run.pairs.pair_cpu[cpu.value], t);
        j["pair_ctx"] = json::object();
        for (const auto& [name, value] : ctx_fields(s.run, pair, s.lines.ctx_at(pair, now))) {
            j["pair_ctx"][name] = value;
        }
    }
    j["queues"] = json::object();
    for (std::size_t c = 0; c < s.lines.cgroup_queues.size(); ++c) {
        if (!s.lines.cgroup_queues[c].pushes.empty()) {
            j["queues"][s.run.what.work.cgroups[c].name] = queue_names(s, c, now);
        }
    }
    j["top_q"] = top_q_names(s, now);
    j["before"] = json::array();
    for (const auto i : decisions_until(s, now, cpu, decisions_before)) {
        j["before"].push_back(record_json(s, i));
    }
    j["after"] = json::array();
    for (const auto i : decisions_from(s, now, cpu, decisions_after)) {
        j["after"].push_back(record_json(s, i));
    }
    return j;
}

} // namespace pairsim
