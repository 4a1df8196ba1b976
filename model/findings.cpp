// SPDX-License-Identifier: GPL-2.0-only
#include "model/findings.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace pairsim {

std::span<const claim_info> all_claims()
{
    static constexpr claim_info table[] = {
        {claim_id::exclusive, "exclusive", "at no instant do both CPUs of a pair run SCX tasks of different cgroups",
         true, true},
        {claim_id::no_run_beside_preemptor, "no-run-beside-preemptor",
         "while a higher class holds one CPU of a pair, after the kick's wait is over, the other runs no SCX task",
         true, true},
        {claim_id::no_abort, "no-abort", "the scheduler is never ended by an error", false, false},
        {claim_id::no_lost_task, "no-lost-task",
         "each enqueued task is dispatched once or still queued; none twice, none lost", false, false},
        {claim_id::top_q_covers, "top-q-covers", "a cgroup with queued tasks is on top_q", true, false},
        {claim_id::drain_bounded, "drain-bounded",
         "from draining to the next adoption or to idle CPUs takes at most a stated bound, preemption aside", true,
         true},
        {claim_id::no_starvation, "no-starvation", "each runnable task runs within the watchdog's time", true, false},
        {claim_id::work_conserving, "work-conserving",
         "no pair idles longer than a stated bound beside queued tasks that may run there, preemption aside", true,
         true},
        {claim_id::counters_add_up, "counters-add-up", "the counters of scx_pair agree with each other and the trace",
         false, false},
    };
    static_assert(std::size(table) == nr_claims);
    return table;
}

std::uint64_t claims_result::violations() const
{
    std::uint64_t n = 0;
    for (const auto& c : claims) {
        n += c.violations;
    }
    return n;
}

// ---- the log ------------------------------------------------------------------------------------------------------

void findings_log::add_stretch(const finding& stretch)
{
    auto& of =
        result_.claims[static_cast<std::size_t>(stretch.claim)].by_cause[static_cast<std::size_t>(stretch.cause)];
    if (of.violations == 0 && of.total_ns == 0) {
        of.first = stretch;
    }
    of.total_ns += stretch.length_ns();
    of.longest_ns = std::max(of.longest_ns, stretch.length_ns());
}

void findings_log::add(const finding& violation)
{
    auto& claim = result_.claims[static_cast<std::size_t>(violation.claim)];
    ++claim.violations;
    claim.total_ns += violation.length_ns();
    claim.longest_ns = std::max(claim.longest_ns, violation.length_ns());
    auto& of = claim.by_cause[static_cast<std::size_t>(violation.cause)];
    if (of.violations++ == 0 && of.total_ns == 0) {
        of.first = violation;
    }
    if (result_.findings.size() < options_.max_findings) {
        result_.findings.push_back(violation);
    } else {
        ++result_.findings_left_out;
    }
}

void findings_log::add_of_one_stretch(const finding& violation)
{
    add_stretch(violation);
    add(violation);
}

claims_result findings_log::finish()
{
    const auto order = [](const finding& f) { return std::tuple(f.start, f.claim, f.cpus, f.end); };
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [&](const finding& a, const finding& b) { return order(a) < order(b); });
    return result_;
}

} // namespace pairsim
