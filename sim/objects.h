// SPDX-License-Identifier: GPL-2.0-only
//
// The objects of the simulated kernel as they lie in a machine's state: plain values without padding or pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

/// Index of a lock: the CPUs' runqueue locks first, then one per node for its global DSQ, then the scheduler's own.
using lock_id = std::uint32_t;
inline constexpr lock_id no_lock = ~lock_id{0};
/// What a CPU that spins on a task's state, not on a lock, waits for: this bit and the pid.
inline constexpr lock_id spin_on_task = 0x80000000U;

/// A spinlock. CPUs that find it taken wait in order of arrival, as with the kernel's queued spinlocks.
struct spinlock {
    cpu_id owner = no_cpu;
    cpu_id first_waiter = no_cpu;
    cpu_id last_waiter = no_cpu;
    std::uint16_t unused = 0;
};

/// A list of tasks, linked through task_state::dsq_next and dsq_prev.
struct dsq {
    pid first = idle_pid;
    pid last = idle_pid;
    std::uint32_t nr = 0;
};

/// Where a queued task is linked.
enum class dsq_kind : std::uint8_t { none, local, global };

/// Kernel: enum scx_ops_state.
enum class ops_state : std::uint8_t {
    none,
    queueing,    ///< ops.enqueue is being called
    queued,      ///< the scheduler has it
    dispatching, ///< on its way from ops.dispatch's buffer to a DSQ: a dequeue must wait
};

/// What a task wants: kernel p->__state, as far as it matters here.
enum class life : std::uint8_t {
    unborn,   ///< not forked yet
    running,  ///< runnable or running (TASK_RUNNING)
    sleeping, ///< has asked to block; off its runqueue once schedule() has seen it
    dead,     ///< has asked to end
};

struct task_state {
    pid dsq_next = idle_pid;
    pid dsq_prev = idle_pid;
    pid wake_next = idle_pid;    ///< next in its CPU's list of expired timers
    cgroup_id cgroup{};          ///< kernel: p->sched_task_group
    std::uint32_t affinity = 0;  ///< index of p->cpus_ptr in workload::cpumasks
    std::uint32_t qseq = 0;      ///< p->scx.ops_qseq
    nanoseconds slice{};         ///< p->scx.slice
    sim_time exec_start{};       ///< up to when the slice has been charged
    sim_time runnable_at{};      ///< p->scx.runnable_at
    cpu_id cpu{};                ///< task_cpu(p)
    cpu_id holding_cpu = no_cpu; ///< p->scx.holding_cpu: who is moving it to its own runqueue
    dsq_kind on_dsq = dsq_kind::none;
    ops_state ops = ops_state::none;
    life state = life::unborn;
    std::uint8_t queued = 0;            ///< SCX_TASK_QUEUED: on a runqueue, running included
    std::uint8_t on_cpu = 0;            ///< p->on_cpu: until the switch away from it has finished
    std::uint8_t ddsp_local = 0;        ///< p->scx.ddsp_dsq_id == SCX_DSQ_LOCAL
    std::uint8_t reset_runnable_at = 1; ///< SCX_TASK_RESET_RUNNABLE_AT
    std::uint8_t awaited = 0;           ///< some CPU spins on this task's ops_state, on_cpu or migrating
    std::uint8_t migrating = 0;         ///< TASK_ON_RQ_MIGRATING
    std::uint8_t unused0 = 0;
    std::uint16_t unused1 = 0;
};
static_assert(std::has_unique_object_representations_v<task_state>);

/// What a CPU's kernel code is doing, innermost last.
enum class path : std::uint8_t {
    schedule,     ///< __schedule()
    enqueue,      ///< do_enqueue_task()
    wakeup,       ///< try_to_wake_up() or wake_up_new_task()
    tick,         ///< sched_tick() -> task_tick_scx()
    ipi,          ///< reschedule interrupt
    kick,         ///< kick_cpus_irq_workfn()
    higher_wake,  ///< try_to_wake_up() of something of a higher class, on its own CPU
    change_group, ///< sched_move_task()
    set_affinity, ///< __set_cpus_allowed_ptr()
    op,           ///< an op of the scheduler
};

/// Ops of the scheduler that the core calls.
enum class op_kind : std::uint8_t {
    enqueue,
    dispatch,
    cpu_acquire,
    cpu_release,
    sched_switch, ///< tp_btf/sched_switch, for a scheduler that attaches to it
    cgroup_init,
    cgroup_exit,
    exit,
};

/// A path's position and locals: what the kernel has on its stack.
struct frame {
    path kind{};
    std::uint8_t pc = 0;
    op_kind which{}; ///< of an op
    std::uint8_t flags = 0;
    cpu_id target = no_cpu;
    std::int16_t result = 0; ///< of an op: what it returned
    pid task = idle_pid;
    std::uint32_t arg = 0;
    alignas(8) std::array<std::byte, 32> local{}; ///< of the path or op: see locals()

    /// The locals as a struct of the path's own. They are zero when the frame begins.
    template <class Locals>
    Locals& locals()
    {
        check_locals<Locals>();
        return *reinterpret_cast<Locals*>(local.data());
    }
    template <class Locals>
    const Locals& locals() const
    {
        check_locals<Locals>();
        return *reinterpret_cast<const Locals*>(local.data());
    }

private:
    template <class Locals>
    static constexpr void check_locals()
    {
        static_assert(sizeof(Locals) == sizeof(local) && alignof(Locals) <= 8);
        static_assert(std::is_trivially_copyable_v<Locals> && std::has_unique_object_representations_v<Locals>);
    }
};
static_assert(std::has_unique_object_representations_v<frame>);

/// Deepest nesting: schedule with an unfinished kick wait, an interrupt on top, a wake-up, its enqueue, an op.
inline constexpr std::size_t max_frames = 5;

/// Interrupts that a CPU has not taken yet, as bits; it takes the lowest first, whose vector is the highest.
enum irq : std::uint8_t { irq_none = 0, irq_ipi = 1, irq_kick = 2, irq_tick = 4, irq_higher = 8 };

struct cpu_state {
    pid curr = idle_pid;       ///< rq->curr; higher_pid() of its class while a higher class runs
    dsq local;                 ///< rq->scx.local_dsq
    pid wake_first = idle_pid; ///< tasks whose timers have expired here
    pid wake_last = idle_pid;
    std::uint32_t pnt_seq = 0;     ///< rq->scx.pnt_seq (K612) or kick_sync
    std::uint32_t idle_cursor = 0; ///< where cpumask_any_and_distribute goes on
    lock_id waiting_for = no_lock;
    lock_id short_lock = no_lock; ///< held until the present step ends
    cpu_id next_waiter = no_cpu;
    std::uint16_t nr_buffered = 0; ///< inserts that ops.dispatch has buffered
    std::uint8_t depth = 0;        ///< frames in use
    std::uint8_t pending = irq_none;
    std::uint8_t higher_runnable = 0;   ///< bit c: something of sched_class c is runnable
    std::uint8_t need_resched = 0;      ///< TIF_NEED_RESCHED of curr
    std::uint8_t cpu_released = 0;      ///< rq->scx.cpu_released
    std::uint8_t in_balance = 0;        ///< SCX_RQ_IN_BALANCE
    std::uint8_t kick_sync_pending = 0; ///< profile KNEW: the next SCX pick must wait
    std::uint8_t in_kick_wait = 0;      ///< 1: spins with interrupts off, 2: with interrupts on
    std::uint8_t sync_awaited = 0;      ///< some CPU waits for our pnt_seq to move
    std::uint8_t kicking = 0;           ///< some kick mask is not empty
    std::uint8_t higher_waking = 0;     ///< bit c: something of sched_class c wakes up here
    std::uint8_t unused = 0;
    std::array<frame, max_frames> frames{};
};
static_assert(std::has_unique_object_representations_v<cpu_state>);

/// How the scheduler ended. Kernel: enum scx_exit_kind; hard_lockup and no_progress are ours.
enum class exit_kind : std::uint32_t {
    none = 0,
    unreg = 64,
    error = 1024,
    error_bpf = 1025,
    error_stall = 1026,
    hard_lockup = 0x10000,
    no_progress = 0x10001,
};

/// The scheduler's end as data; sched_ops::error_text() makes a sentence of it.
struct exit_info {
    exit_kind kind = exit_kind::none;
    std::uint32_t code = 0; ///< of error_bpf: a number of the scheduler's own
    std::uint64_t arg0 = 0;
    std::uint64_t arg1 = 0;
    sim_time at{};
    cpu_id cpu = no_cpu;
    std::uint16_t unused0 = 0;
    std::uint32_t unused1 = 0;
};
static_assert(std::has_unique_object_representations_v<exit_info>);

} // namespace pairsim
