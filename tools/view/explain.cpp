// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/explain.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "tools/io/causes.h"
#include "tools/io/lanes.h"
#include "tools/io/report.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

std::string exact(std::int64_t ns)
{
    return format_duration(nanoseconds{ns});
}

std::string exact(sim_time t)
{
    return exact(to_ns(t));
}

std::string rows_left_out(std::size_t rows, std::size_t shown)
{
    return rows > shown ? fmt::format("  ... and {} more (--rows 0 shows all)\n", rows - shown) : "";
}

std::size_t limit(std::size_t rows, std::size_t wanted)
{
    return wanted == 0 ? rows : std::min(rows, wanted);
}

// ---- a task's life ------------------------------------------------------------------------------------------------

std::string_view state_name(life_state state)
{
    constexpr std::string_view names[] = {"runs", "sleeps", "waits"};
    return names[static_cast<std::size_t>(state)];
}

std::string span_in_words(const observed_run& run, const life_span& span)
{
    switch (span.state) {
    case life_state::runs:
        return fmt::format("runs on cpu {}, as a task of {}", span.cpu.value, cgroup_in_words(run, span.cgroup));
    case life_state::sleeps:
        return "sleeps";
    case life_state::waits:
        break;
    }
    const std::string where = span.cpu == no_cpu ? "" : fmt::format(" (cpu {})", span.cpu.value);
    return fmt::format("waits: {}{}", wait_cause_in_words(*span.cause), where);
}

std::string stretches(const task_life& life, life_state state)
{
    std::size_t n = 0;
    for (std::size_t i = 0; i < life.spans.size(); ++i) {
        n += life.spans[i].state == state && (i == 0 || life.spans[i - 1].state != state) ? 1U : 0U;
    }
    return n == 1 ? "once" : fmt::format("{} times", n);
}

// ---- idle ---------------------------------------------------------------------------------------------------------

struct idle_span {
    cpu_id cpu{};
    cpu_span span;
};

struct idle_time {
    std::vector<idle_span> forced; ///< longest first
    std::array<std::int64_t, nr_idle_causes> by_cause_ns{};
    std::int64_t nothing_to_do_ns = 0;
};

idle_time idle_time_of(const story& s)
{
    idle_time all;
    for (std::size_t i = 0; i < s.lines.cpus.size(); ++i) {
        for (const auto& span : s.lines.cpus[i]) {
            if (span.current != idle_pid) {
                continue;
            }
            if (!span.forced) {
                all.nothing_to_do_ns += span.length_ns();
                continue;
            }
            all.by_cause_ns[static_cast<std::size_t>(*span.forced)] += span.length_ns();
            all.forced.push_back({cpu_id{static_cast<std::uint16_t>(i)}, span});
        }
    }
    std::stable_sort(all.forced.begin(), all.forced.end(),
                     [](const auto& a, const auto& b) { return a.span.length_ns() > b.span.length_ns(); });
    return all;
}

// ---- violations ---------------------------------------------------------------------------------------------------

std::string_view claim_name(const finding& f)
{
    return all_claims()[static_cast<std::size_t>(f.claim)].id;
}

/// The span around a finding that its picture shows: a quarter more on each side.
lanes_options window_of(const story& s, const finding& f)
{
    const nanoseconds around = std::max(nanoseconds{f.length_ns() / 4}, nanoseconds{std::chrono::microseconds{20}});
    lanes_options window{.from = std::max(sim_time{}, f.start - around), .to = f.end + around, .step = {}};
    window.to = std::min(window.to, std::max(s.run.end, window.from + nanoseconds{1}));
    return window;
}

/// Decisions of the finding's pair in its window, the first ones and the last ones if there are many.
std::vector<std::size_t> decisions_in(const story& s, const finding& f, const lanes_options& window)
{
    constexpr std::size_t most = 16;
    std::vector<std::size_t> found;
    const std::size_t begin = records_until(s.run, window.from - nanoseconds{1});
    for (std::size_t i = begin; i < s.run.records.size() && s.run.records[i].at < window.to; ++i) {
        const bool about = f.cpus[0] == no_cpu || concerns_pair_of(s.run, s.run.records[i], f.cpus[0]);
        if (about && sentences()[s.told[i]].is_decision) {
            found.push_back(i);
        }
    }
    if (found.size() > most) {
        found.erase(found.begin() + most / 2, found.end() - most / 2);
    }
    return found;
}

std::string picture_of(const story& s, const lanes_options& window)
{
    lanes picture(s.run.what, s.run.pairs, window);
    picture.on_records(s.run.records);
    return picture.finish(s.run.end);
}

json finding_json(const story& s, std::size_t number)
{
    const finding& f = s.run.claims.findings[number - 1];
    return {{"number", number},           {"claim", claim_name(f)}, {"cause", info_of(f.cause).id},
            {"start_ns", to_ns(f.start)}, {"end_ns", to_ns(f.end)}, {"sentence", finding_sentence(s.run.what, f)}};
}

} // namespace

std::string life_text(const story& s, const task_life& life, std::size_t rows)
{
    const auto& name = s.run.what.work.tasks[life.task.value - 1].name;
    if (!life.has_begun) {
        return fmt::format("{} (pid {}) does not begin in this run\n", name, life.task.value);
    }
    std::string text =
        fmt::format("{} (pid {}) lives for {}, from {} to {} ({})\n\n", name, life.task.value, exact(life.length_ns()),
                    exact(life.begin), exact(life.end), life.has_ended ? "its end" : "the end of the run");
    const auto states = life.by_state_ns();
    const auto causes = life.by_cause_ns();
    for (const auto state : {life_state::runs, life_state::waits, life_state::sleeps}) {
        text += fmt::format("  {:<8}{:>16}  {}\n", state_name(state), exact(states[static_cast<std::size_t>(state)]),
                            stretches(life, state));
        for (std::size_t c = 0; c < nr_wait_causes && state == life_state::waits; ++c) {
            if (causes[c] != 0) {
                text += fmt::format("  {:8}{:>16}    {}\n", "", exact(causes[c]),
                                    wait_cause_in_words(static_cast<wait_cause>(c)));
            }
        }
    }
    std::int64_t sum = 0;
    for (const auto ns : states) {
        sum += ns;
    }
    text += fmt::format("  {:<8}{:>16}\n\n", "in all", exact(sum));
    text += fmt::format("  {:<16}{:>16}\n", "from", "for");
    const std::size_t shown = limit(life.spans.size(), rows);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& span = life.spans[i];
        text +=
            fmt::format("  {:<16}{:>16}  {}\n", exact(span.from), exact(span.length_ns()), span_in_words(s.run, span));
    }
    return text + rows_left_out(life.spans.size(), shown);
}

json life_json(const story& s, const task_life& life)
{
    json j = {{"task", s.run.what.work.tasks[life.task.value - 1].name},
              {"pid", life.task.value},
              {"begin_ns", to_ns(life.begin)},
              {"end_ns", to_ns(life.end)},
              {"length_ns", life.length_ns()}};
    const auto states = life.by_state_ns();
    for (std::size_t i = 0; i < nr_life_states; ++i) {
        j[fmt::format("{}_ns", state_name(static_cast<life_state>(i)))] = states[i];
    }
    j["waits_by_cause_ns"] = json::object();
    const auto causes = life.by_cause_ns();
    for (std::size_t c = 0; c < nr_wait_causes; ++c) {
        j["waits_by_cause_ns"][wait_cause_name(static_cast<wait_cause>(c))] = causes[c];
    }
    j["spans"] = json::array();
    for (const auto& span : life.spans) {
        json one = {{"from_ns", to_ns(span.from)}, {"to_ns", to_ns(span.to)}, {"state", state_name(span.state)}};
        if (span.cause) {
            one["cause"] = wait_cause_name(*span.cause);
        }
        if (span.cpu != no_cpu) {
            one["cpu"] = span.cpu.value;
        }
        j["spans"].push_back(std::move(one));
    }
    return j;
}

std::string idle_text(const story& s, std::size_t rows)
{
    const idle_time all = idle_time_of(s);
    std::string text = "idle time of all CPUs\n\n";
    for (std::size_t c = 0; c < nr_idle_causes; ++c) {
        const cpu_span of_cause{.forced = static_cast<idle_cause>(c)};
        text += fmt::format("  {:>16}  {}\n", exact(all.by_cause_ns[c]), activity_in_words(s.run, of_cause));
    }
    text += fmt::format("  {:>16}  {}\n\n", exact(all.nothing_to_do_ns), activity_in_words(s.run, {}));
    if (all.forced.empty()) {
        return text + "no CPU idled beside a waiting task\n";
    }
    text += fmt::format("the longest idle spans beside waiting tasks\n\n  {:<16}{:>16}  cpu\n", "from", "for");
    const std::size_t shown = limit(all.forced.size(), rows);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& [cpu, span] = all.forced[i];
        text += fmt::format("  {:<16}{:>16}  {:<4} {}\n", exact(span.from), exact(span.length_ns()), cpu.value,
                            activity_in_words(s.run, span));
    }
    return text + rows_left_out(all.forced.size(), shown);
}

json idle_json(const story& s, std::size_t rows)
{
    const idle_time all = idle_time_of(s);
    json j = {{"nothing_to_do_ns", all.nothing_to_do_ns}, {"by_cause_ns", json::object()}, {"spans", json::array()}};
    for (std::size_t c = 0; c < nr_idle_causes; ++c) {
        j["by_cause_ns"][idle_cause_name(static_cast<idle_cause>(c))] = all.by_cause_ns[c];
    }
    for (std::size_t i = 0; i < limit(all.forced.size(), rows); ++i) {
        const auto& [cpu, span] = all.forced[i];
        j["spans"].push_back({{"cpu", cpu.value},
                              {"from_ns", to_ns(span.from)},
                              {"to_ns", to_ns(span.to)},
                              {"cause", idle_cause_name(*span.forced)}});
    }
    return j;
}

std::string violation_text(const story& s, std::size_t number)
{
    const finding& f = s.run.claims.findings[number - 1];
    const cause_info& cause = info_of(f.cause);
    std::string text = fmt::format("violation {} of {}: {}, ", number, s.run.claims.violations(), claim_name(f));
    text += f.length_ns() == 0
                ? fmt::format("at {}\n", exact(f.start))
                : fmt::format("for {}, from {} to {}\n", exact(f.length_ns()), exact(f.start), exact(f.end));
    text += "\n  " + wrap_text(finding_sentence(s.run.what, f) + ".", 2) + "\n";
    text += wrap_text(fmt::format("  {}: {}", cause.id, cause.sentence), 2) + "\n";
    if (!cause.remedy.empty()) {
        text += wrap_text(fmt::format("  Remedy: {}.", cause.remedy), 2) + "\n";
    }
    const lanes_options window = window_of(s, f);
    text += "\n" + picture_of(s, window) + "\nthe decisions around it\n";
    for (const auto i : decisions_in(s, f, window)) {
        text += told_record(s, i);
    }
    return text;
}

json violation_json(const story& s, std::size_t number)
{
    const finding& f = s.run.claims.findings[number - 1];
    const cause_info& cause = info_of(f.cause);
    json j = {{"number", number},           {"claim", claim_name(f)}, {"cause", cause.id},
              {"start_ns", to_ns(f.start)}, {"end_ns", to_ns(f.end)}, {"sentence", finding_sentence(s.run.what, f)},
              {"why", cause.sentence},      {"remedy", cause.remedy}, {"decisions", json::array()}};
    for (const auto i : decisions_in(s, f, window_of(s, f))) {
        const auto& info = sentences()[s.told[i]];
        j["decisions"].push_back({{"at_ns", to_ns(s.run.records[i].at)},
                                  {"sentence", s.sentence(i)},
                                  {"function", info.function},
                                  {"step", info.step}});
    }
    return j;
}

std::string violations_text(const story& s, std::size_t rows)
{
    const auto& findings = s.run.claims.findings;
    if (findings.empty()) {
        return "no claim was broken\n";
    }
    std::string text;
    const std::size_t shown = limit(findings.size(), rows);
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& f = findings[i];
        text += wrap_text(fmt::format("  {:>4}  {:<14} {:<12} {:<6} {}", i + 1, exact(f.start), exact(f.length_ns()),
                                      info_of(f.cause).id, finding_sentence(s.run.what, f)),
                          42) +
                "\n";
    }
    return text + rows_left_out(findings.size(), shown);
}

json violations_json(const story& s, std::size_t rows)
{
    json all = json::array();
    for (std::size_t i = 0; i < limit(s.run.claims.findings.size(), rows); ++i) {
        all.push_back(finding_json(s, i + 1));
    }
    return {{"violations", s.run.claims.violations()}, {"findings", std::move(all)}};
}

} // namespace pairsim
