// SPDX-License-Identifier: GPL-2.0-only
//
// The claims about waiting: top-q-covers, drain-bounded, no-starvation, work-conserving, and counters-add-up. Those
// with a bound find the time beyond it.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "model/cause_finder.h"
#include "model/findings.h"
#include "model/kind_set.h"
#include "model/observed_queues.h"
#include "model/observed_state.h"
#include "model/pair_state.h"
#include "sim/config.h"

namespace pairsim {

/// The bounds that hold unless somebody states others: a drain takes a slice and two ticks; a task waits as long as the
/// watchdog allows; a pair idles for a tick.
claim_limits default_limits(const machine_config& machine);

/// A cgroup with queued tasks is on top_q. Excused: up to `on_its_way`, an enqueue or a dispatch that is at work; but a
/// dispatch that finds top_q empty meanwhile breaks the claim (S15).
class top_q_claim {
public:
    static constexpr nanoseconds on_its_way = std::chrono::milliseconds{1};
    static constexpr kind_set hears{record_kind::cgrp_q_push, record_kind::cgrp_q_pop, record_kind::top_q_push,
                                    record_kind::top_q_pop, record_kind::pair_top_q_empty};

    explicit top_q_claim(const observed_queues& queues) : queues_(queues) {}
    void before(const trace_record& r); ///< before the queues have seen @p r
    void after(const trace_record& r, findings_log& log);
    void finish(sim_time end, findings_log& log);

private:
    void close(cgroup_id c, sim_time since, sim_time t, bool push_failed, findings_log& log);

    const observed_queues& queues_;
    sim_time was_uncovered_ = never;
    bool push_had_failed_ = false;
    cgroup_id in_hand_ = no_cgroup;
};

/// From `draining` to the next adoption, or to two idle CPUs, takes at most the limit. What does not count: the time in
/// which a CPU of the pair is marked preempted, or no FIFO holds a task that could be adopted; afterwards it begins
/// anew.
class drain_claim {
public:
    static constexpr kind_set hears =
        pair_ctx_kinds | kind_set{record_kind::cgrp_q_push, record_kind::cgrp_q_pop,  record_kind::sched_switch,
                                  record_kind::keep_prev,   record_kind::cpu_acquire, record_kind::task_move};

    drain_claim(const observed_state& state, const observed_queues& queues, nanoseconds limit)
        : state_(state), queues_(queues), limit_(limit), since_(state.nr_pairs(), never)
    {
    }
    /// Before the state has seen @p r, which touches @p pair.
    void before(const trace_record& r, std::uint32_t pair);
    /// @p pair: the one that the record has touched, or observed_state::no_pair.
    void after(const trace_record& r, std::uint32_t pair, findings_log& log);
    void finish(sim_time end, findings_log& log);

private:
    void follow_work(sim_time t, findings_log& log);
    void follow_pair(std::uint32_t pair, sim_time t, findings_log& log);
    std::optional<finding> violation(std::uint32_t pair, sim_time t) const;
    static void add(const std::optional<finding>& f, findings_log& log);
    bool drains(const observed_pair& p) const;
    std::optional<breach> culprit(const observed_pair& p) const;

    const observed_state& state_;
    const observed_queues& queues_;
    nanoseconds limit_;
    std::vector<sim_time> since_;  ///< by pair; never: it does not drain, or is preempted
    std::optional<finding> found_; ///< if the present record ends a drain
    sim_time work_since_ = never;  ///< since when some FIFO holds a task
};

/// Each runnable task runs within the limit.
class starvation_claim {
public:
    static constexpr kind_set hears{record_kind::sched_switch, record_kind::cgrp_q_pop, record_kind::consume,
                                    record_kind::pair_adopt,   record_kind::scx_error,  record_kind::scx_exit};

    starvation_claim(const observed_state& state, const observed_queues& queues, nanoseconds limit)
        : state_(state), queues_(queues), limit_(limit), why_(state.nr_tasks() + 1, cause_id::unknown)
    {
    }
    void before(const trace_record& r, findings_log& log); ///< before state and queues have seen @p r
    void finish(sim_time end, findings_log& log);

private:
    cause_id cause_of(pid p, sim_time t) const;
    void close(pid p, sim_time t, findings_log& log);

    const observed_state& state_;
    const observed_queues& queues_;
    nanoseconds limit_;
    std::vector<cause_id> why_; ///< by pid: what kept it waiting beyond the limit until it left its FIFO
    sim_time last_adoption_{};
    bool ended_ = false;
};

/// No pair idles (both CPUs) for longer than the limit while a task that may run on one of them is queued in a FIFO or
/// in a global DSQ, unless one of them is preempted. Time is found when it ends, so a record costs what it changes.
class work_claim {
public:
    static constexpr kind_set hears =
        observed_queues::of_places | pair_ctx_kinds | kind_set{record_kind::scx_error, record_kind::scx_exit};

    work_claim(const observed_state& state, const observed_queues& queues, const workload& work, nanoseconds limit);
    void before(const trace_record& r); ///< before the queues have seen @p r
    /// @p pair: the one that the record has touched, or observed_state::no_pair.
    void after(const trace_record& r, std::uint32_t pair, findings_log& log);
    void finish(sim_time end, findings_log& log);

private:
    struct presence {
        std::uint32_t n = 0;
        sim_time since = never;
    };
    static bool counts(const observed_place& p)
    {
        return p.where == waiting_place::fifo || p.where == waiting_place::global_dsq;
    }
    bool may_run_on(std::uint32_t mask, std::uint32_t pair) const;
    void come(pid p, sim_time t);
    void leave(pid p, sim_time t, findings_log& log);
    void follow_pair(std::uint32_t pair, sim_time t, findings_log& log);
    void close(std::uint32_t pair, sim_time t, pid task, const observed_place& place, findings_log& log);
    void close_with_any(std::uint32_t pair, sim_time t, findings_log& log);
    sim_time work_since(std::uint32_t pair) const;

    const observed_state& state_;
    const observed_queues& queues_;
    const workload& work_;
    nanoseconds limit_;
    std::vector<std::uint32_t> mask_;  ///< by pid: the mask with which it was counted
    presence anywhere_;                ///< queued tasks that may run on every CPU
    std::vector<presence> restricted_; ///< by pair: others that may run on it
    std::vector<sim_time> idle_since_; ///< by pair; never: not idle, or preempted
    std::vector<char> in_hand_;        ///< by pair: its last dispatch missed a cgroup in another's hand
    observed_place was_{};             ///< where the record's task waited before
    bool ended_ = false;
};

/// scx_pair's counters as they are at the end.
struct final_counters {
    pair_counters n{};
    std::uint64_t queued = 0; ///< sum of the FIFOs' lengths
    /// An op is cut short by the end, or an error has ended the scheduler in the middle of one: what it was about to
    /// count may be missing.
    bool op_cut_short = false;
};

/// nr_exps = nr_exp_waits + nr_exp_empty + nr_cgrp_next + nr_cgrp_coll; nr_total - nr_dispatched - nr_missing is what
/// is queued; and each counter is the number of its records.
class counters_claim {
public:
    void on(const trace_record& r) { ++seen_[static_cast<std::size_t>(r.kind)]; }
    void finish(const final_counters& counters, sim_time end, findings_log& log) const;

private:
    std::array<std::uint64_t, nr_record_kinds> seen_{};
};

} // namespace pairsim
