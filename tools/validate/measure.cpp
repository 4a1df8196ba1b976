// SPDX-License-Identifier: GPL-2.0-only
//
// The measures of a window, with the definitions of the recorded runs: checked against them, number by number.
#include <algorithm>

#include "tools/validate/sched_log.h"

namespace pairsim {
namespace {

using what = log_event::what;

/// A span in which the two CPUs of a pair run tasks of the workload in different cgroups counts as one violation.
/// The pair's state changes when a cgroup of the workload, or the mixture, takes the place of another; while neither
/// CPU runs a task of the workload the last state goes on.
struct pair_watch {
    static constexpr std::int64_t none = -1;
    static constexpr std::int64_t mixture = -2;
    std::int64_t state = none;
    std::int64_t mixed_since = none;
    std::string cause;
};

class measurer {
public:
    measurer(const sched_log& log, run_numbers& seen)
        : log_(log), seen_(seen), on_cpu_(log.first), way_(log.threads.size()), waiting_(log.threads.size()),
          came_(log.nr_cpus), pairs_(log.pairs.size()), partner_(log.nr_cpus)
    {
        for (const auto& [a, b] : log.pairs) {
            partner_[a] = b;
            partner_[b] = a;
        }
    }

    void run()
    {
        for (const log_event& e : log_.events) {
            if (e.at_ns > log_.window_ns) {
                break;
            }
            account(e.at_ns);
            apply(e);
        }
        account(log_.window_ns);
        for (pair_watch& p : pairs_) {
            if (p.mixed_since >= 0 && log_.window_ns > p.mixed_since) {
                end_violation(p, log_.window_ns);
            }
        }
    }

private:
    const log_thread& running(std::size_t cpu) const { return log_.threads[on_cpu_[cpu]]; }

    void account(std::int64_t t)
    {
        const std::int64_t delta = t - last_;
        last_ = t;
        if (delta <= 0) {
            return;
        }
        for (std::size_t cpu = 0; cpu < log_.nr_cpus; ++cpu) {
            const log_thread& now = running(cpu);
            switch (now.sort) {
            case thread_sort::idle:
                seen_.cpu_ns["idle"] += delta;
                forced_idle(cpu, delta);
                break;
            case thread_sort::work:
                seen_.cpu_ns[log_.cgroups[now.cgroup]] += delta;
                break;
            case thread_sort::rt:
                seen_.cpu_ns["rt"] += delta;
                break;
            case thread_sort::harness:
                seen_.cpu_ns["harness"] += delta;
                break;
            case thread_sort::root:
                seen_.cpu_ns["<root>"] += delta;
                break;
            }
        }
    }

    /// An idle CPU on which a waiting task of the workload may run, by what its partner does.
    void forced_idle(std::size_t cpu, std::int64_t delta)
    {
        const log_thread& partner = running(partner_[cpu]);
        bool any = false;
        bool same = false;
        for (std::size_t i = 0; i < waiting_.size(); ++i) {
            if (waiting_[i] && (log_.threads[i].cpus >> cpu & 1U) != 0) {
                any = true;
                same = same || log_.threads[i].cgroup == partner.cgroup;
            }
        }
        if (!any) {
            return;
        }
        const char* kind = partner.sort == thread_sort::idle   ? "both_idle"
                           : partner.sort == thread_sort::rt   ? "partner_rt"
                           : partner.sort != thread_sort::work ? "partner_other"
                           : same                              ? "partner_work_same_cg_waiting"
                                                               : "partner_work_other_cg_waiting";
        seen_.forced_idle_ns[kind] += delta;
    }

    void apply(const log_event& e)
    {
        const log_thread& t = log_.threads[e.thread];
        if (e.kind == what::waking) {
            return;
        }
        if (e.kind == what::wakeup) {
            if (t.sort != thread_sort::work) {
                return;
            }
            way_[e.thread] = e.path;
            seen_.wakeups_direct += e.path == log_path::direct ? 1 : 0;
            seen_.wakeups_queued += e.path == log_path::queued ? 1 : 0;
            waiting_[e.thread] = std::find(on_cpu_.begin(), on_cpu_.end(), e.thread) == on_cpu_.end();
            return;
        }
        on_cpu_[e.cpu] = e.thread;
        waiting_[e.thread] = false;
        came_[e.cpu] = ++switches_;
        if (log_.threads[e.prev].sort == thread_sort::work && e.runnable) {
            waiting_[e.prev] = true;
            way_[e.prev] =
                t.sort == thread_sort::rt || t.sort == thread_sort::harness ? log_path::other : log_path::queued;
        }
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
            update(pairs_[i], log_.pairs[i], e.at_ns);
        }
    }

    void update(pair_watch& p, const std::array<std::uint32_t, 2>& cpus, std::int64_t t)
    {
        const log_thread& a = running(cpus[0]);
        const log_thread& b = running(cpus[1]);
        const bool work_a = a.sort == thread_sort::work;
        const bool work_b = b.sort == thread_sort::work;
        std::int64_t state = pair_watch::none;
        if (work_a && work_b && a.cgroup != b.cgroup) {
            state = pair_watch::mixture;
        } else if (work_a || work_b) {
            state = work_a ? a.cgroup : b.cgroup;
        }
        if (state == pair_watch::mixture && p.mixed_since < 0) {
            p.mixed_since = t;
            const bool a_came_last = came_[cpus[0]] > came_[cpus[1]];
            p.cause = way_word(on_cpu_[cpus[a_came_last ? 0 : 1]]) + "|" + way_word(on_cpu_[cpus[a_came_last ? 1 : 0]]);
        } else if (state != pair_watch::mixture && p.mixed_since >= 0) {
            end_violation(p, t);
        }
        if (state != pair_watch::none && state != p.state) {
            seen_.cgroup_changes += p.state != pair_watch::none ? 1 : 0;
            p.state = state;
        }
    }

    void end_violation(pair_watch& p, std::int64_t t)
    {
        seen_.violation_ns += t - p.mixed_since;
        seen_.violations += 1;
        seen_.violation_causes[p.cause] += t - p.mixed_since;
        p.mixed_since = pair_watch::none;
    }

    std::string way_word(std::uint32_t thread) const
    {
        return way_[thread] == log_path::direct   ? "direct"
               : way_[thread] == log_path::queued ? "bpf"
               : way_[thread] == log_path::other  ? "localhead"
                                                  : "none";
    }

    const sched_log& log_;
    run_numbers& seen_;
    std::vector<std::uint32_t> on_cpu_;
    std::vector<log_path> way_;
    std::vector<bool> waiting_;
    std::vector<std::uint64_t> came_;
    std::vector<pair_watch> pairs_;
    std::vector<std::uint32_t> partner_;
    std::uint64_t switches_ = 0;
    std::int64_t last_ = 0;
};

} // namespace

void measure(const sched_log& log, run_numbers& seen)
{
    seen.window_ns = log.window_ns;
    measurer(log, seen).run();
}

} // namespace pairsim
