// SPDX-License-Identifier: GPL-2.0-only
//
// What scx_pair promises, watched. A broken promise is a finding with a cause, not an error. Each claim is one small
// class over the shared observed_state; a new one is a member of `claims` and a row of the table in claims.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/cause_finder.h"
#include "model/findings.h"
#include "model/observed_queues.h"
#include "model/observed_state.h"
#include "model/queue_claims.h"

namespace pairsim {

/// One claim about pairs that is broken for a time. Follows the violation that each pair is in.
class violation_tracker {
public:
    violation_tracker(claim_id claim, const observed_state& state)
        : claim_(claim), state_(state), open_(state.nr_pairs())
    {
    }
    /// @p now: what is the case from now on, nothing if the claim holds. Unless @p settled, a violation that goes on
    /// keeps its cause: a CPU that has just adopted a cgroup is still about to leave its old task.
    void update(std::uint32_t pair, const std::optional<breach>& now, bool settled, sim_time t, findings_log& log);
    bool is_open(std::uint32_t pair) const { return open_[pair].is_open; }
    void finish(sim_time end, findings_log& log);

private:
    struct open_violation {
        bool is_open = false;
        bool has_cause = false; ///< some stretch of it took time
        finding whole;
        finding stretch;
    };
    void end_stretch(open_violation& v, sim_time t, findings_log& log);

    claim_id claim_;
    const observed_state& state_;
    std::vector<open_violation> open_;
};

/// At no instant do both CPUs of a pair run SCX tasks of different cgroups.
class exclusive_claim {
public:
    explicit exclusive_claim(const cause_finder& finder) : finder_(finder) {}
    std::optional<breach> check(const observed_state& state, const observed_pair& pair) const;

private:
    cause_finder finder_;
};

/// While a higher class holds one CPU of a pair, after the kick's wait is over, the other runs no SCX task.
class preemptor_claim {
public:
    explicit preemptor_claim(const cause_finder& finder) : finder_(finder) {}
    std::optional<breach> check(const observed_state& state, const observed_pair& pair) const;

private:
    cause_finder finder_;
};

/// The scheduler is never ended by an error.
class abort_claim {
public:
    static constexpr kind_set hears{record_kind::cgroup_exit, record_kind::kick_wait_begin, record_kind::scx_error};

    /// @p isolates: claims_options::isolates; the errors of a baseline are not scx_pair's.
    abort_claim(const observed_state& state, const workload& work, bool isolates)
        : state_(state), waits_for_no_task_(state.nr_cpus()), cgroup_is_gone_(work.cgroups.size()), isolates_(isolates)
    {
    }
    void on(const trace_record& r, findings_log& log);

private:
    cause_id cause_of(const trace_record& r) const;
    cause_id cause_of_call(const trace_record& r) const;

    const observed_state& state_;
    std::vector<char> waits_for_no_task_; ///< by CPU: what it waits for ran no SCX task when the wait began
    std::vector<char> cgroup_is_gone_;
    bool isolates_;
};

/// Each enqueued task is dispatched once or still queued; none twice, none lost.
class lost_task_claim {
public:
    static constexpr kind_set hears{record_kind::enqueue,    record_kind::cgrp_q_push, record_kind::cgrp_q_pop,
                                    record_kind::dsq_insert, record_kind::scx_error,   record_kind::scx_exit};

    lost_task_claim(const observed_state& state, std::size_t nr_tasks) : state_(state), tasks_(nr_tasks + 1) {}
    void on(const trace_record& r, findings_log& log);
    void finish(sim_time end, findings_log& log) const;

private:
    struct entries {
        bool in_hand = false;    ///< ops.enqueue got it; no insert since
        std::int32_t queued = 0; ///< its pids in FIFOs
        sim_time changed{};
    };
    const observed_state& state_;
    std::vector<entries> tasks_;
    bool ended_ = false;
};

class claims final : public trace_sink {
public:
    /// Records that may break a claim about what a pair's CPUs run, or mend it.
    static constexpr kind_set of_occupants{record_kind::sched_switch, record_kind::task_move, record_kind::cpu_acquire,
                                           record_kind::kick_wait_begin, record_kind::kick_wait_end};

    /// @p machine and @p work must outlive the object.
    claims(const machine_config& machine, const workload& work, const pair_map& pairs, claims_options options = {});
    claims(const claims&) = delete;
    claims& operator=(const claims&) = delete;

    void on_records(std::span<const trace_record> records) override;
    /// To be called once, after the last record: violations that go on end at @p end. Without @p counters,
    /// `counters-add-up` is not watched.
    claims_result finish(sim_time end, const std::optional<final_counters>& counters = std::nullopt);

    /// What the records have said so far.
    const observed_state& state() const { return state_; }

private:
    kind_set if_watched(claim_id claim, kind_set kinds) const;
    void on(const trace_record& r);
    void on_pair(std::uint32_t pair, const trace_record& r);
    void on_queues(const trace_record& r, std::uint32_t pair);

    observed_state state_;
    observed_queues queues_;
    claim_set watch_;
    /// Records that some claim which is watched hears; top-q-covers, work-conserving and drain-bounded go together.
    kind_set of_starvation_, of_lost_tasks_, of_queues_, of_drains_;
    findings_log log_;
    exclusive_claim exclusive_;
    preemptor_claim preemptor_;
    abort_claim abort_;
    lost_task_claim lost_task_;
    top_q_claim top_q_;
    drain_claim drain_;
    starvation_claim starvation_;
    work_claim work_;
    counters_claim counters_;
    violation_tracker exclusive_tracker_;
    violation_tracker preemptor_tracker_;
};

} // namespace pairsim
