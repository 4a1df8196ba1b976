// SPDX-License-Identifier: GPL-2.0-only
//
// What pairsim check found, for people and for programs.
#include <algorithm>

#include <fmt/format.h>

#include "tools/check/trace_check.h"
#include "tools/io/causes.h"
#include "tools/io/report.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

constexpr std::size_t max_shown = 5; ///< findings of a claim

/// As the trace has it, in seconds.
std::string time_in_trace(sim_time t)
{
    return fmt::format("{}.{:09}", to_ns(t) / 1'000'000'000, to_ns(t) % 1'000'000'000);
}

/// "pid 51 B.0 of `B`", or what else a CPU runs.
std::string who(const check_result& r, pid task, cgroup_id cgroup)
{
    if (!is_task(task) || task.value > r.pids.size()) {
        return is_higher(task) ? "a higher class" : "nothing";
    }
    const std::string of = cgroup.value < r.what.work.cgroups.size() ? r.what.work.cgroups[cgroup.value].name : "?";
    return fmt::format("{} (pid {}) of `{}`", r.what.work.tasks[task.value - 1].name, r.pids[task.value - 1], of);
}

std::string sentence_of(const check_result& r, const finding& f)
{
    if (f.cause != cause_id::unknown) {
        return finding_sentence(r.what, f);
    }
    if (f.cpus[0] == no_cpu) {
        return who(r, f.tasks[0], f.cgroups[0]) + " waited";
    }
    return fmt::format("cpu {} ran {} while cpu {} ran {}", f.cpus[0].value, who(r, f.tasks[0], f.cgroups[0]),
                       f.cpus[1].value, who(r, f.tasks[1], f.cgroups[1]));
}

std::string claim_line(const check_result& r, const claim_info& claim)
{
    const auto& totals = r.claims.of(claim.claim);
    if (!r.claims.watched.has(claim.claim)) {
        return fmt::format("  {:<24} {}\n", claim.id, r.why_not_watched);
    }
    if (totals.violations == 0) {
        return fmt::format("  {:<24} held\n", claim.id);
    }
    const bool broken = std::ranges::find(r.broken, claim.claim) != r.broken.end();
    std::string text = fmt::format("  {:<24} {} {} times", claim.id, broken ? "BROKEN" : "violated", totals.violations);
    if (claim.lasts) {
        text += fmt::format(", {} in all, longest {}", format_duration(nanoseconds{totals.total_ns}),
                            format_duration(nanoseconds{totals.longest_ns}));
    }
    return text + "\n";
}

std::string skipped_text(const recorded_counts& c)
{
    const std::uint64_t all = c.skipped + c.lost + c.mismatched + c.unassigned;
    return all == 0
               ? ""
               : fmt::format("skipped: {} lines, {} losses of events, {} switches that did not fit, {} tasks without "
                             "a cgroup\n  first: {}\n",
                             c.skipped, c.lost, c.mismatched, c.unassigned, c.first_skipped);
}

} // namespace

std::string check_text(const check_result& r)
{
    std::string text = fmt::format("{}: {} events in {}, {} {}, {} tasks, {} cgroups ({})\n", r.trace, r.events,
                                   format_duration(r.end - r.start), r.pairs.pairs.size(),
                                   r.pairs.pairs.size() == 1 ? "pair" : "pairs", r.what.work.tasks.size(),
                                   r.what.work.cgroups.size(), r.format);
    text += skipped_text(r.counts) + "\nClaims\n";
    for (const auto& claim : all_claims()) {
        text += claim_line(r, claim);
    }
    for (const auto& claim : all_claims()) {
        std::size_t shown = 0;
        for (const finding& f : r.claims.findings) {
            if (f.claim != claim.claim || ++shown > max_shown) {
                continue;
            }
            text += shown == 1 ? fmt::format("\nThe first violations of `{}`\n", claim.id) : "";
            text += fmt::format("  {}  {:>12}  {:<8} {}\n", time_in_trace(f.start), format_duration(f.end - f.start),
                                info_of(f.cause).id, sentence_of(r, f));
        }
        text += shown > max_shown ? fmt::format("  ... and {} more\n", r.claims.of(claim.claim).violations - max_shown)
                                  : "";
    }
    return text;
}

json check_json(const check_result& r)
{
    json all = {{"schema", "pairsim.check/1"},
                {"trace", r.trace},
                {"format", r.format},
                {"start_ns", to_ns(r.start)},
                {"end_ns", to_ns(r.end)},
                {"events", r.events},
                {"skipped",
                 {{"lines", r.counts.skipped},
                  {"losses", r.counts.lost},
                  {"mismatches", r.counts.mismatched},
                  {"tasks", r.counts.unassigned}}},
                {"broken", json::array()},
                {"claims", claims_json(r.claims)},
                {"findings", findings_json(r.what, r.claims)},
                {"findings_left_out", r.claims.findings_left_out}};
    for (const claim_id c : r.broken) {
        all["broken"].push_back(all_claims()[static_cast<std::size_t>(c)].id);
    }
    for (std::size_t i = 0; i < r.claims.findings.size(); ++i) {
        json& finding = all["findings"][i];
        finding["sentence"] = sentence_of(r, r.claims.findings[i]);
        for (auto& task : finding["tasks"]) { // as the trace names them
            task = r.pids[task.get<std::size_t>() - 1];
        }
    }
    return all;
}

} // namespace pairsim
