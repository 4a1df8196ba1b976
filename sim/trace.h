// SPDX-License-Identifier: GPL-2.0-only
//
// The trace: a stream of fixed-size records that says everything that happened. Digest, metrics, claims and writers
// are consumers of it. What a kind's fields mean stands in one table (sim/trace.cpp, field_names()), from which the
// JSONL writer, its reader and the reference page are made.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

/// Kinds of records. Kernel names where the kernel has one. New kinds are added at the end: the number is in digests.
enum class record_kind : std::uint8_t {
    sched_switch,     ///< `task` replaces `prev` on `cpu`
    sched_waking,     ///< a wake-up of `task` begins on `cpu`
    sched_wakeup,     ///< `task` is runnable on `target`
    sched_wakeup_new, ///< the same for a new task
    enqueue,          ///< ops.enqueue is called for `task`
    dispatch,         ///< ops.dispatch is called on `cpu`
    dsq_insert,       ///< a dispatched task reaches its DSQ, or the core ignores the insert
    consume,          ///< `cpu` takes `task` from a global DSQ
    local_insert,     ///< `task` goes to `target`'s local DSQ without ops.enqueue
    keep_prev,        ///< `cpu` goes on running its previous task
    slice_end,        ///< a tick finds no slice left
    kick,             ///< scx_bpf_kick_cpu(`target`, reason)
    kick_serviced,    ///< the irq_work of a kick has acted on `target`
    ipi,              ///< the reschedule IPI reaches `cpu`
    kick_wait_begin,  ///< `cpu` waits for `target` to pass a scheduling point (SCX_KICK_WAIT)
    kick_wait_end,    ///< the wait is over
    cpu_release,      ///< ops.cpu_release: a higher class takes `cpu` from sched_ext
    cpu_acquire,      ///< ops.cpu_acquire: sched_ext has `cpu` again
    higher_arrive,    ///< work of a higher class becomes runnable on `cpu`
    task_new,         ///< `task` starts to exist
    task_exit,        ///< `task` has ended
    task_move,        ///< `task` changes its cgroup
    task_affinity,    ///< `task` changes its allowed CPUs
    cgroup_init,      ///< ops.cgroup_init
    cgroup_exit,      ///< ops.cgroup_exit
    scx_error,        ///< scx_bpf_error, or an error of the core: the first one wins
    scx_exit,         ///< ops.exit: the scheduler is gone
    hard_lockup,      ///< `cpu` has waited with interrupts off for longer than the detector allows
    lost_time,        ///< the host or an interrupt storm takes `cpu` away
    pair_run,         ///< try_dispatch goes on with the pair's cgroup; this CPU is active
    pair_wait,        ///< try_dispatch must wait: the partner is active or preempted (nr_exp_waits)
    pair_top_q_empty, ///< try_dispatch finds no cgroup to switch to (nr_exp_empty)
    pair_adopt,       ///< the pair switches to `cgroup` (nr_cgrp_next)
    pair_coll,        ///< the partner switched first (nr_cgrp_coll)
    pair_cgrp_empty,  ///< the pair's cgroup has no queued task: drain (nr_cgrp_empty)
    pair_missing,     ///< a popped pid has no task (nr_missing)
    pair_release,     ///< pair_cpu_release has marked `cpu` preempted
    pair_acquire,     ///< pair_cpu_acquire has cleared the mark
    cgrp_q_push,      ///< a task is queued in its cgroup's FIFO
    cgrp_q_pop,       ///< a pid leaves a cgroup's FIFO
    top_q_push,       ///< a cgroup is put on top_q
    top_q_pop,        ///< a cgroup is taken from top_q
    lock_wait,        ///< `cpu` finds `lock` taken by `owner` and spins
};
inline constexpr std::size_t nr_record_kinds = 43;

/// One thing that happened. 32 bytes without padding; the meaning of task, a, b and value depends on the kind.
struct trace_record {
    sim_time at{};
    cpu_id cpu{}; ///< the CPU whose code did it
    record_kind kind{};
    std::uint8_t reason{}; ///< an enumerator of the kind's reason type, or 0
    pid task{};
    std::uint32_t a{};
    std::uint32_t b{};
    std::int64_t value{};

    friend bool operator==(const trace_record&, const trace_record&) = default;
};
static_assert(sizeof(trace_record) == 32);

// Reasons: the enumerator names are the words that traces and reports print.

/// sched_switch: how the next task was found.
enum class pick_reason : std::uint8_t { idle, local_dsq, higher };
/// sched_switch, b: what became of the previous task.
enum class prev_state : std::uint8_t { runnable, sleeping, dead };
/// sched_waking: who wakes.
enum class wake_reason : std::uint8_t { timer, task, sync, fork };
/// sched_wakeup, local_insert: where the woken task went.
enum class wake_path : std::uint8_t { queued, direct, direct_sync, exiting, migration_disabled, preempted, consumed };
/// enqueue: why ops.enqueue is called.
enum class enqueue_reason : std::uint8_t { wakeup, put_prev, last, restore };
/// dsq_insert: what the core did with the insert.
enum class insert_result : std::uint8_t { global, local, ignored };
/// keep_prev: why the previous task goes on.
enum class keep_reason : std::uint8_t { slice_left, refilled };
/// kick: the flags of scx_bpf_kick_cpu, as bits.
enum kick_flags : std::uint8_t { kick_none = 0, kick_idle = 1, kick_preempt = 2, kick_wait = 4 };
/// kick_serviced: what the kick did to its target.
enum class kick_effect : std::uint8_t { resched, slice_zeroed, skipped };
/// task_move: in which state the move found the task.
enum class move_state : std::uint8_t { queued, running, blocked };

/// Name of a kind, as traces print it.
std::string_view kind_name(record_kind kind);

/// Names of a kind's fields in the order task, a, b, value; "" for a field that the kind does not use.
std::array<std::string_view, 4> field_names(record_kind kind);

/// Word for a reason of this kind; "" where the kind has none.
std::string_view reason_name(record_kind kind, std::uint8_t reason);

/// Bits of `b` in the pair_* records: pair_ctx after the transition.
struct pair_bits {
    static constexpr std::uint32_t active(std::uint32_t b) { return b & 3U; }
    static constexpr std::uint32_t preempted(std::uint32_t b) { return (b >> 2U) & 3U; }
    static constexpr bool draining(std::uint32_t b) { return (b & 16U) != 0; }
};

/// Takes the records of a run in order. Called in batches; a run without a sink makes no records.
class trace_sink {
public:
    virtual ~trace_sink() = default;
    virtual void on_records(std::span<const trace_record> records) = 0;
};

} // namespace pairsim
