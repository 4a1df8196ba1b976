// SPDX-License-Identifier: GPL-2.0-only
//
// The report for people. First what happened, then where the time went, then the numbers.
#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "tools/io/causes.h"
#include "tools/io/report.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t max_rows = 16; ///< of a table; what is left out is said

/// Four digits and a unit: "23.99 ms".
std::string about(std::int64_t ns)
{
    const auto value = static_cast<double>(ns);
    if (ns < 1'000) {
        return fmt::format("{} ns", ns);
    }
    if (ns < 1'000'000) {
        return fmt::format("{:.4g} us", value / 1e3);
    }
    return ns < 1'000'000'000 ? fmt::format("{:.4g} ms", value / 1e6) : fmt::format("{:.4f} s", value / 1e9);
}

std::string mean_of(const duration_summary& s)
{
    return s.count == 0 ? "-" : about(s.total_ns / static_cast<std::int64_t>(s.count));
}

std::string percent(std::int64_t part, std::int64_t whole)
{
    return whole <= 0 ? "-" : fmt::format("{:.2f} %", static_cast<double>(part) / static_cast<double>(whole) * 100);
}

std::string times(std::uint64_t n)
{
    return n == 1 ? "once" : fmt::format("{} times", n);
}

/// @p text in lines of at most page_width, each but the first after @p indent blanks; the first after @p used columns.
std::string wrap(std::string_view text, std::size_t indent, std::size_t used)
{
    std::string result;
    std::size_t column = used;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (column + word.size() + 1 > page_width && column > indent) {
            result += "\n" + std::string(indent, ' ');
            column = indent;
        } else if (column > used || !result.empty()) {
            result += ' ';
            ++column;
        }
        result += word;
        column += word.size();
    }
    return result;
}

std::string_view profile_name(kernel_profile p)
{
    switch (p) {
    case kernel_profile::k612:
        return "K612";
    case kernel_profile::k619:
        return "K619";
    case kernel_profile::knew:
        return "KNEW";
    }
    return "";
}

std::string heading(const run_result& run)
{
    const scenario& s = run.what;
    std::string text = s.name + "\n";
    const bool is_pair = s.scheduler == scheduler_name::pair;
    text += fmt::format("{} on {} CPUs",
                        is_pair                               ? "scx_pair"
                        : s.scheduler == scheduler_name::fifo ? "fifo"
                                                              : "idle-sibling",
                        s.machine.nr_cpus());
    if (is_pair) {
        text += fmt::format(" in {} {}, batch {}", run.metrics.pairs.size(),
                            run.metrics.pairs.size() == 1 ? "pair" : "pairs", format_duration(s.pair.batch_duration));
    }
    text += fmt::format(", {} tasks, kernel {}, {} Hz\n", s.work.tasks.size(), profile_name(s.machine.profile),
                        s.machine.hz);
    text += fmt::format("{} simulated, seed {}", about(run.simulated.count()), run.seed);
    if (run.metrics.from > sim_time{}) {
        text += fmt::format(", the first {} count for the claims only", format_duration(s.warmup));
    }
    text += "\n\n";
    if (run.exit.kind == "none") {
        return text + "The scheduler worked until the end.\n\n";
    }
    const std::string message = run.exit.message.empty() ? "" : ": " + run.exit.message;
    const auto sentence =
        fmt::format("The scheduler ended at {} ({}){}", about(to_ns(run.exit.at)), run.exit.kind, message);
    return text + wrap(sentence, 2, 0) + "\n\n";
}

std::string claims_section(const run_result& run)
{
    std::string text = "Claims\n";
    for (const auto& claim : all_claims()) {
        const auto& totals = run.claims.of(claim.claim);
        text += fmt::format("  {:<24} ", claim.id);
        if (!run.claims.watched.has(claim.claim)) {
            text += "not watched: this scheduler has no part in it\n";
            continue;
        }
        if (totals.violations == 0) {
            text += "held\n";
            continue;
        }
        text += "BROKEN " + times(totals.violations);
        if (claim.lasts) {
            const auto pairs_ns = run.simulated.count() * static_cast<std::int64_t>(run.metrics.pairs.size());
            const std::string of = fmt::format(" ({} of the pairs' time)", percent(totals.total_ns, pairs_ns));
            text += fmt::format(", {}{}, longest {}", about(totals.total_ns), claim.of_pairs ? of : "",
                                about(totals.longest_ns));
        }
        text += "\n";
    }
    return text + "\n";
}

std::string one_cause(const run_result& run, const claim_info& claim, const cause_info& cause, const cause_totals& c)
{
    const std::string label = fmt::format("  {:<7} ", cause.id);
    std::string facts = times(c.violations);
    if (c.violations == 0) {
        facts = "as a sequel"; // the violation began with another cause
    }
    if (claim.lasts) {
        facts += fmt::format(", {} in all, longest {}", about(c.total_ns), about(c.longest_ns));
    }
    facts += fmt::format("; first at {}:", about(to_ns(c.first.start)));
    const std::string indent(label.size(), ' ');
    std::string text = label + facts + "\n";
    text += indent + wrap(finding_sentence(run.what, c.first) + ".", label.size(), label.size()) + "\n";
    text += indent + wrap(cause.sentence, label.size(), label.size()) + "\n";
    if (!cause.remedy.empty()) {
        text += indent + wrap(fmt::format("Remedy: {}.", cause.remedy), label.size(), label.size()) + "\n";
    }
    return text;
}

std::string findings_section(const run_result& run)
{
    std::string text;
    for (const auto& claim : all_claims()) {
        std::vector<const cause_info*> found;
        const auto& totals = run.claims.of(claim.claim);
        const auto of = [&](const cause_info* c) { return totals.by_cause[static_cast<std::size_t>(c->cause)]; };
        for (const auto& cause : causes()) {
            if (of(&cause).violations != 0 || of(&cause).total_ns != 0) {
                found.push_back(&cause);
            }
        }
        std::stable_sort(found.begin(), found.end(), [&](auto* a, auto* b) { return of(a).total_ns > of(b).total_ns; });
        if (!found.empty()) {
            text += fmt::format("Why `{}` was broken\n", claim.id);
            for (const auto* cause : found) {
                text += one_cause(run, claim, *cause, of(cause));
            }
            text += "\n";
        }
    }
    return text;
}

std::string left_out(std::size_t rows)
{
    return rows > max_rows ? fmt::format("  ... and {} more: see the JSON report\n", rows - max_rows) : "";
}

std::string cgroups_section(const run_result& run)
{
    std::string text = fmt::format("  {:<20} {:>11} {:>9} {:>12} {:>9} {:>9}\n", "cgroup", "CPU time", "share",
                                   "longest wait", "wake-ups", "direct");
    std::string latency = fmt::format("  {:<20} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "wake-up latency", "count",
                                      "p50", "p90", "p99", "p99.9", "max");
    const auto add_latency = [&](std::string_view name, const duration_summary& s) {
        latency += fmt::format("  {:<20.20} {:>9} {:>10} {:>10} {:>10} {:>10} {:>10}\n", name, s.count, about(s.p50_ns),
                               about(s.p90_ns), about(s.p99_ns), about(s.p999_ns), about(s.max_ns));
    };
    std::size_t shown = 0;
    for (std::size_t i = 0; i < run.metrics.cgroups.size(); ++i) {
        const auto& m = run.metrics.cgroups[i];
        if (!m.had_work || ++shown > max_rows) {
            continue;
        }
        const auto& name = run.what.work.cgroups[i].name;
        text += fmt::format("  {:<20.20} {:>11} {:>9} {:>12} {:>9} {:>9}\n", name, about(m.cpu_time_ns),
                            percent(m.cpu_time_ns, run.metrics.machine.busy_ns), about(m.longest_wait_ns),
                            m.wakeups_direct + m.wakeups_queued, m.wakeups_direct);
        if (m.wakeup_latency.count != 0) {
            add_latency(name, m.wakeup_latency);
        }
    }
    add_latency("all", run.metrics.wakeup_latency);
    text += left_out(shown);
    text += fmt::format("  fairness between cgroups (Jain): {}.{:06}\n\n", run.metrics.jain_per_million / 1'000'000,
                        run.metrics.jain_per_million % 1'000'000);
    return text + latency + "\n";
}

std::string machine_section(const run_result& run)
{
    const auto& m = run.metrics.machine;
    const std::int64_t all = run.metrics.span_ns() * static_cast<std::int64_t>(run.metrics.cpus.size());
    std::string text = fmt::format(
        "  CPUs: {} running tasks, {} idle, {} in higher classes; {} in the kernel's paths\n", percent(m.busy_ns, all),
        percent(m.idle_ns, all), percent(m.higher_ns, all), percent(kernel_ns_of_machine(run), all));
    std::string forced = fmt::format("idle beside waiting tasks: {}", percent(m.forced.total_ns(), all));
    for (std::size_t i = 0; i < nr_idle_causes; ++i) {
        const auto cause = static_cast<idle_cause>(i);
        std::string name(idle_cause_name(cause));
        std::replace(name.begin(), name.end(), '_', ' ');
        forced += fmt::format("{}{} {}", i == 0 ? " (" : ", ", name, percent(m.forced[cause], all));
    }
    text += "  " + wrap(forced + ")", 4, 2) + "\n";
    text += fmt::format("  {} switches ({} to another cgroup), {} tasks kept, {} kicks, {} IPIs\n\n", m.switches,
                        m.cgroup_switches, m.keeps, m.kicks_sent, m.ipis);
    return text;
}

std::string pairs_section(const run_result& run)
{
    if (run.metrics.pairs.empty()) {
        return "";
    }
    std::string text = fmt::format("  {:<12} {:>8} {:>8} {:>10} {:>7} {:>10} {:>10} {:>11} {:>11}\n", "pair", "batches",
                                   "changes", "mean batch", "drains", "mean", "longest", "forced idle", "two cgroups");
    const auto& pairs = run.metrics.pairs;
    for (std::size_t i = 0; i < std::min(pairs.size(), max_rows); ++i) {
        const auto& m = pairs[i];
        text += fmt::format(
            "  {:<12} {:>8} {:>8} {:>10} {:>7} {:>10} {:>10} {:>11} {:>11}\n",
            fmt::format("cpu {} + {}", m.cpus[0].value, m.cpus[1].value), m.adoptions, m.cgroup_changes,
            mean_of(m.batch), m.drain.count, mean_of(m.drain), m.drain.count == 0 ? "-" : about(m.drain.max_ns),
            percent(m.forced.total_ns(), 2 * run.metrics.span_ns()), percent(m.co_run_ns, run.metrics.span_ns()));
    }
    return text + left_out(pairs.size()) + "\n";
}

std::string counters_section(const run_result& run)
{
    std::string text;
    for (std::size_t i = 0; i < run.counters.size(); ++i) {
        const auto& [name, value] = run.counters[i];
        text += i % 3 == 0 ? "  " : "   ";
        text += fmt::format("{:<15} {:>12}", name, value);
        text += i % 3 == 2 || i + 1 == run.counters.size() ? "\n" : "";
    }
    return run.counters.empty() ? "" : "Counters\n" + text + "\n";
}

} // namespace

std::string report_text(const run_result& run)
{
    std::string text = heading(run) + claims_section(run) + findings_section(run);
    text += "Where the time went\n" + cgroups_section(run) + machine_section(run) + pairs_section(run);
    text += counters_section(run);
    text += fmt::format("digest {}, unseed {:#018x}, pairsim {}\n", run.digest, run.unseed, run.version);
    return text;
}

} // namespace pairsim
