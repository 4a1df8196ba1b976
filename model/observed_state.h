// SPDX-License-Identifier: GPL-2.0-only
//
// What a reader of the record stream knows at an instant: who runs where and by which way it came, which tasks wait,
// and each pair's pair_ctx. Metrics, claims and lanes keep one each. It knows no machine: a trace that was recorded
// elsewhere will do.
#pragma once

#include <cstdint>
#include <vector>

#include "model/kind_set.h"
#include "model/pair_map.h"
#include "sim/config.h"
#include "sim/trace.h"

namespace pairsim {

/// Position of a record in the stream, from 1; 0: never. Orders records of one instant.
using record_seq = std::uint64_t;

enum class observed_task_state : std::uint8_t { absent, blocked, waiting, running };

/// The way by which a task came to the CPU that runs it.
struct arrival {
    enum class way : std::uint8_t {
        unknown,
        queued,             ///< in the scheduler's hands
        direct,             ///< a wake-up found a CPU idle
        direct_sync,        ///< a sync wake-up, onto the waker's CPU
        exiting,            ///< enqueued while it exits
        migration_disabled, ///< enqueued while it cannot migrate
        preempted,          ///< put back by a higher class
        dispatched_global,  ///< through a global DSQ
        dispatched_local,   ///< by a dispatch into a local DSQ
    };
    way how = way::unknown;
    cpu_id by = no_cpu;                ///< of dispatched_*: the CPU whose ops.dispatch inserted it
    node_id node{};                    ///< of dispatched_global: the node of the DSQ
    cgroup_id popped_from = no_cgroup; ///< of dispatched_*: the cgroup whose FIFO held the entry
    record_seq popped = 0;             ///< of dispatched_*: when its entry left the FIFO
    record_seq inserted = 0;           ///< of dispatched_*: when it was inserted
    record_seq seq = 0;                ///< when it came to the local DSQ
};

struct observed_task {
    observed_task_state state = observed_task_state::absent;
    bool woken = false; ///< it waits since a wake-up, not since a preemption
    cgroup_id cgroup{};
    std::uint32_t mask = 0;
    cpu_id cpu = no_cpu; ///< where it runs
    sim_time since{};    ///< when it entered `state`
    arrival came{};
};

/// How far the last preempting kick of a CPU has come.
enum class kick_stage : std::uint8_t {
    none,      ///< no kick, or the CPU has been through schedule() since
    requested, ///< scx_bpf_kick_cpu has been called
    serviced,  ///< the irq_work has acted; the CPU has not scheduled yet
};

struct observed_cpu {
    pid current = idle_pid;
    cgroup_id cgroup = no_cgroup; ///< of the task that runs
    arrival came{};               ///< how it came here
    record_seq since = 0;         ///< when it was switched in, or moved to `cgroup` while running
    bool moved = false;           ///< it was moved to another cgroup while running
    record_seq kept = 0;          ///< last time that it was kept for want of another
    bool kept_top_q_empty = false;
    bool slice_ended = false; ///< a tick has found no slice left; the CPU has not been through schedule() since
    bool stop_erased = false; ///< its slice had ended, or a preempting kick came, and yet slice was left at schedule()
    kick_stage kick = kick_stage::none;
    record_seq kicked = 0;  ///< last request of a preempting kick
    bool released = false;  ///< between cpu_release and cpu_acquire
    record_seq release = 0; ///< the last cpu_release
    record_seq marked = 0;  ///< the last time that pair_ctx was told of it
    bool preempted = false; ///< a higher class has it: from the switch to cpu_acquire or the next switch
    bool preempted_from_idle = false;
    record_seq last_higher = 0; ///< the last switch to a higher class
    record_seq went_on = 0;     ///< the last time that its dispatch passed the check of pair_ctx
    bool in_kick_wait = false;

    bool runs_task() const { return is_task(current); }
};

struct observed_pair {
    cpu_id cpus[2]{};
    cgroup_id cgid = no_cgroup;
    std::uint32_t bits = 0; ///< struct pair_bits
    record_seq adopted = 0;
    bool adopting = false; ///< the adopter is still in the same schedule(), and may yet kick
    cpu_id adopter = no_cpu;

    bool draining() const { return pair_bits::draining(bits); }
};

/// What one CPU of a pair runs: a task and its cgroup, or nothing.
struct occupant {
    pid task = idle_pid;
    cgroup_id cgroup = no_cgroup;
};

/// The claim `exclusive`, of one instant: broken if both CPUs of a pair run SCX tasks, of different cgroups.
constexpr bool breaks_exclusive(const occupant& first, const occupant& second)
{
    return is_task(first.task) && is_task(second.task) && first.cgroup != second.cgroup;
}

/// Records that carry a pair's pair_ctx.
inline constexpr kind_set pair_ctx_kinds{
    record_kind::pair_run,  record_kind::pair_wait,       record_kind::pair_top_q_empty, record_kind::pair_adopt,
    record_kind::pair_coll, record_kind::pair_cgrp_empty, record_kind::pair_release,     record_kind::pair_acquire};

/// What a record is about, as far as pairs are concerned.
enum class record_subject : std::uint8_t { none, cpu, target, pair, running_task };
record_subject subject_of(record_kind kind);

class observed_state {
public:
    static constexpr std::uint32_t no_pair = 0xffffffff;

    /// @p pairs may have no pairs at all (a scheduler without).
    observed_state(std::size_t nr_cpus, std::size_t nr_tasks, const pair_map& pairs);

    void apply(const trace_record& r);

    record_seq seq() const { return seq_; }
    const observed_task& task(pid p) const { return tasks_[index(p)]; }
    const observed_cpu& cpu(cpu_id c) const { return cpus_[c.value]; }
    const observed_pair& pair(std::uint32_t i) const { return pairs_[i]; }
    std::size_t nr_cpus() const { return cpus_.size(); }
    std::size_t nr_pairs() const { return pairs_.size(); }
    std::size_t nr_tasks() const { return tasks_.size() - 1; }
    /// Index of a CPU's pair, or no_pair.
    std::uint32_t pair_of(cpu_id c) const { return c.value < pair_of_.size() ? pair_of_[c.value] : no_pair; }
    /// Index of the pair that @p r may have changed, or no_pair. To be asked after apply().
    std::uint32_t touched_pair(const trace_record& r) const;

    /// Both CPUs run tasks, of different cgroups.
    bool breaks_exclusive(const observed_pair& p) const;
    /// 0 or 1: a higher class holds this CPU of @p p, waits for no kick, and the other one runs a task; else -1.
    int side_run_beside(const observed_pair& p) const;

private:
    std::size_t index(pid p) const;
    void on_switch(const trace_record& r);
    void on_keep(const trace_record& r);
    void on_kick(const trace_record& r);
    void on_class_change(const trace_record& r);
    void on_pair(const trace_record& r);
    void on_task(const trace_record& r);
    void on_way(const trace_record& r);
    void scheduled(cpu_id c);

    record_seq seq_ = 0;
    std::vector<observed_cpu> cpus_;
    std::vector<observed_task> tasks_; ///< by pid; [0] is unused
    std::vector<observed_pair> pairs_;
    std::vector<std::uint32_t> pair_of_;
    std::int64_t top_q_len_ = 0;
};

} // namespace pairsim
