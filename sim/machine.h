// SPDX-License-Identifier: GPL-2.0-only
//
// The machine: what Linux's scheduler core and sched_ext do on each CPU, as steps. A step is one critical section or
// one atomic access to shared state; between two steps any other CPU may act. A driver decides which CPU steps next
// and when: the simulator by durations, the explorer by trying all orders. The machine owns no clock and knows no
// timers; it must not know what a pair is.
//
// A CPU runs a task, a higher class or idle (its *base*), or kernel code: a stack of frames, each the position and
// the locals of a path (enum path). The files: machine.cpp (this interface, locks, interrupts), schedule.cpp
// (__schedule), dispatch.cpp (balance, DSQs), wakeup.cpp (wake-up, enqueue), idle.cpp (idle masks, choice of a CPU),
// kick.cpp (kicks and their waits), change.cpp (cgroup moves, affinity),
// canonical.cpp (one value for states that are alike), relabel.cpp (other names for tasks, cgroups and CPUs).
#pragma once

#include <optional>

#include "sim/config.h"
#include "sim/machine_state.h"
#include "sim/relabelling.h"
#include "sim/sched_ops.h"
#include "sim/topology.h"
#include "sim/trace.h"

namespace pairsim {

/// What the machine tells its driver.
class machine_driver {
public:
    virtual ~machine_driver() = default;
    /// @p cpu was blocked and can step again.
    virtual void cpu_ready(cpu_id cpu) = 0;
    /// A reschedule IPI is on its way to @p target; the driver calls raise(target, irq_ipi) when it arrives.
    virtual void ipi_sent(cpu_id target) = 0;
    /// @p next has replaced @p prev; after a switch the base of @p cpu is @p next.
    virtual void switched(cpu_id cpu, pid prev, pid next) = 0;
    /// The scheduler has failed; it goes on being called until the driver ends the run.
    virtual void scheduler_failed() = 0;
    /// @p cpu spins with interrupts off until @p target passes a scheduling point.
    virtual void kick_wait_began(cpu_id cpu, cpu_id target) = 0;
    /// @p task runs on @p cpu and must leave it: the driver lets a stop-class thread run there, and when it has the
    /// CPU calls begin_stopper().
    virtual void stopper_needed(cpu_id cpu, pid task) = 0;
    /// The slice of the task that runs on @p cpu is about to be written from elsewhere: a driver that has left out
    /// ticks charges it with them first.
    virtual void slice_changes(cpu_id /*cpu*/) {}
    /// Room for the next record of the trace, which the machine fills at once; called only if the machine was told that
    /// there is somebody to read it.
    virtual trace_record& next_record() = 0;
};

/// Result of machine::step().
struct step_result {
    enum class kind : std::uint8_t {
        stepped, ///< a step was done; it takes a duration of `cost`
        blocked, ///< the CPU spins on a lock or a condition; cpu_ready() will be called
        base,    ///< no kernel code to run: the CPU is in its base
    };
    kind what = kind::base;
    cost_kind cost = cost_kind::none;
};

class machine {
public:
    machine(const machine_config& config, const workload& work, const sched_ops& ops, machine_driver& driver);
    machine(const machine&) = delete;
    machine& operator=(const machine&) = delete;

    machine_state& state() { return state_; }
    const machine_state& state() const { return state_; }
    const machine_config& config() const { return config_; }
    const topology& topo() const { return topo_; }

    void set_now(sim_time now) { now_ = now; }
    sim_time now() const { return now_; }
    void set_tracing(bool on) { tracing_ = on; }

    /// Calls ops.cgroup_init for a cgroup, at once. Returns the op's result (0 or a negative errno).
    int cgroup_init(cgroup_id cgroup);
    /// Calls ops.cgroup_exit, at once.
    void cgroup_exit(cgroup_id cgroup);
    /// Calls ops.exit and marks the run as ended.
    void scheduler_exit();

    /// Does the next step of @p cpu. Not to be called while the CPU is blocked.
    step_result step(cpu_id cpu);
    /// Does the steps of @p cpu up to the first that has another cost than those in @p free, or that blocks, or that
    /// finds the CPU in its base; but no more than @p left, from which it takes what it does. For a driver to which
    /// steps of those kinds take no time.
    step_result steps(cpu_id cpu, cost_set free, std::uint64_t& left);
    /// True if the CPU has kernel code to run: a frame, an interrupt it can take, need_resched, or a lock to give
    /// back at the end of a step.
    bool has_kernel_work(cpu_id cpu) const;
    /// Gives back the lock that the last step of @p cpu holds until its end, if the next step, which would do it, does
    /// not come at once.
    void end_step(cpu_id cpu);
    /// Takes back the wait of @p cpu, whose last step was blocked by a lock or a task: for drivers that try a blocked
    /// step again in a later state. No other CPU may be waiting.
    void cancel_wait(cpu_id cpu);
    /// True if @p cpu takes interrupts between its steps.
    bool interruptible(cpu_id cpu) const { return interruptible(state_.cpu(cpu)); }
    /// True if the next step of @p cpu may as well have come at once after its last one, whatever others have done
    /// since: interrupts are off; it cannot block; it reads and writes only what no other CPU could write or read
    /// meanwhile, or gives something back (a lock, a task) that makes others go on. Holds while the clock stands still
    /// and no cgroup is removed. Lipton's word for such a step is left mover.
    bool next_is_left_mover(cpu_id cpu) const;
    /// Gives states that no later step can tell apart one value: counters that nothing reads, sequence numbers that are
    /// only compared, locals and slices that will be written before they are read. The clock must stand still.
    void canonicalise();
    /// Makes @p from, which the present state is a copy of, the state under the names of @p r. For drivers whose steps
    /// take no time; at most 64 CPUs.
    void relabel(machine_state& from, const relabelling& r);

    // What happens to a CPU from outside its kernel code.
    void raise(cpu_id cpu, irq which) { state_.cpu(cpu).pending |= which; }
    /// The timer of a sleeping task goes off on @p cpu; for an unborn task, its fork.
    void timer_expired(cpu_id cpu, pid task);
    /// Charges the slice of the task that runs on @p cpu up to @p t, as a tick then would have.
    void charge_slice(cpu_id cpu, sim_time t);
    /// Work of a higher class becomes runnable on @p cpu.
    void higher_arrives(cpu_id cpu, sched_class cls, nanoseconds length);

    // What the base of a CPU does: each begins a path. The CPU must be in its base.
    void block_current(cpu_id cpu, life state); ///< life::sleeping or life::dead
    void yield_current(cpu_id cpu);
    void higher_done(cpu_id cpu, sched_class cls); ///< the higher class that runs has no more work
    void begin_wakeup(cpu_id cpu, pid task, wake_reason reason);
    void begin_move(cpu_id cpu, pid task, cgroup_id to);
    void begin_set_affinity(cpu_id cpu, pid task, std::uint32_t mask);
    void begin_stopper(cpu_id cpu, pid task);

    /// Puts a task into the world as its fork on @p cpu would, without waking it up.
    void create_task(pid task, cpu_id cpu);
    /// Ends the scheduler: the first failure wins. Kernel: scx_ops_exit_kind().
    void fail(exit_kind kind, std::uint32_t code, std::uint64_t arg0, std::uint64_t arg1, cpu_id cpu);
    /// A task that has been runnable for longer than the watchdog allows. Kernel: check_rq_for_timeouts().
    std::optional<pid> find_stalled_task() const;
    /// Checks what must hold of every state between two steps; SIM_CHECK on failure.
    void check_invariants();

    sched_class curr_class(cpu_id cpu) const { return class_of(state_.cpu(cpu).curr); }
    static sched_class class_of(pid p)
    {
        return is_higher(p) ? static_cast<sched_class>(p.value & 0xffU)
                            : (p == idle_pid ? sched_class::idle : sched_class::ext);
    }

private:
    friend class kfuncs;

    using result = std::optional<cost_kind>; ///< of a step of a path; empty: blocked

    // machine.cpp
    frame& push(cpu_id cpu, path kind);
    void pop(cpu_id cpu);
    result call_op(cpu_id cpu, op_kind which, pid task, std::uint32_t arg);
    result step_op(cpu_id cpu, frame& f);
    void run_op_at_once(op_kind which, cgroup_id cgroup, int& returned);
    bool interruptible(const cpu_state& cpu) const;
    static bool is_last_work(const cpu_state& cpu);
    std::optional<cost_kind> take_interrupt(cpu_id cpu, cpu_state& c);
    step_result step(cpu_id cpu, cpu_state& c);
    result step_path(cpu_id cpu, cpu_state& c);
    result step_tick(cpu_id cpu);
    result step_higher_wake(cpu_id cpu);
    bool acquire(cpu_id cpu, lock_id lock);
    bool acquire_for_step(cpu_id cpu, lock_id lock);
    void release(cpu_id cpu, lock_id lock);
    void release_short_lock(cpu_id cpu, cpu_state& c);
    bool wait_for_task(cpu_id cpu, pid task);
    void task_changed(pid task);
    void emit(record_kind kind, cpu_id cpu, std::uint8_t reason, pid task, std::uint32_t a = 0, std::uint32_t b = 0,
              std::int64_t value = 0)
    {
        if (tracing_) {
            trace_record& r = driver_.next_record(); // field by field: a copy would wait for the fields to be stored
            r.at = now_;
            r.cpu = cpu;
            r.kind = kind;
            r.reason = reason;
            r.task = task;
            r.a = a;
            r.b = b;
            r.value = value;
        }
    }
    template <class Reason>
    requires std::is_enum_v<Reason>
    void emit(record_kind kind, cpu_id cpu, Reason reason, pid task, std::uint32_t a = 0, std::uint32_t b = 0,
              std::int64_t value = 0)
    {
        emit(kind, cpu, static_cast<std::uint8_t>(reason), task, a, b, value);
    }
    lock_id rq_lock(cpu_id cpu) const { return cpu.value; }
    lock_id dsq_lock(node_id node) const { return static_cast<lock_id>(config_.nr_cpus() + node.value); }

    // schedule.cpp
    void begin_schedule(cpu_id cpu, std::uint8_t flags);
    bool schedule_is_left_mover(cpu_id cpu, const frame& f) const;
    result step_schedule(cpu_id cpu, frame& f);
    cost_kind deschedule_prev(cpu_id cpu, frame& f);
    void pick_next(cpu_id cpu, frame& f);
    result put_prev(cpu_id cpu, frame& f);
    result switch_class(cpu_id cpu, frame& f);
    void set_next(cpu_id cpu, frame& f);
    cost_kind context_switch(cpu_id cpu, frame& f);
    result finish_switch(cpu_id cpu, frame& f);
    void update_curr(cpu_id cpu) { charge_slice(cpu, now_); }
    void resched_curr(cpu_id from, cpu_id target);
    sched_class highest_runnable(const cpu_state& cpu) const;

    // dispatch.cpp
    result begin_balance(cpu_id cpu, frame& f);
    void keep_or_consume(cpu_id cpu, frame& f);
    result call_dispatch(cpu_id cpu, frame& f);
    result consume_global(cpu_id cpu, frame& f);
    result lock_source(cpu_id cpu, frame& f);
    result relock_after_consume(cpu_id cpu, frame& f);
    result flush_buffer(cpu_id cpu, frame& f);
    void after_flush(cpu_id cpu, frame& f);
    void after_consume(cpu_id cpu, frame& f);
    void buffer_insert(cpu_id cpu, pid task, bool to_local, nanoseconds slice);
    void local_insert(cpu_id target, pid task, bool at_head);
    void global_insert(pid task);
    void unlink(pid task);
    bool task_allowed(pid task, cpu_id cpu) const;

    // wakeup.cpp
    result step_enqueue(cpu_id cpu, frame& f);
    bool enqueue_is_left_mover(const frame& f) const;
    result step_wakeup(cpu_id cpu, frame& f);
    bool wakeup_is_left_mover(cpu_id cpu, const frame& f) const;
    void begin_enqueue(cpu_id cpu, pid task, enqueue_reason reason);
    void activate(pid task, bool reset_runnable_at);
    void dequeue(pid task);

    // idle.cpp
    struct cpu_choice {
        cpu_id cpu;
        bool direct; ///< ddsp_dsq_id := SCX_DSQ_LOCAL
        wake_path path;
    };
    cpu_choice select_cpu(cpu_id waker, pid task, bool sync);
    cpu_id select_idle_cpu(cpu_id waker, pid task);
    cpu_id pick_idle(cpu_id waker, pid task, bool whole_core, const cpumask* within);
    cpu_id pick_idle_nearby(cpu_id waker, pid task, bool whole_core);
    bool claim_idle(cpu_id cpu);
    void set_idle(cpu_id cpu, bool idle);
    bool any_idle();

    // kick.cpp
    void request_kick(cpu_id cpu, cpu_id target, std::uint8_t flags);
    result step_kick(cpu_id cpu, frame& f);
    bool kick_is_left_mover(cpu_id cpu, const frame& f) const;
    bool is_waited_for(cpu_id cpu) const;
    void kick_one(cpu_id cpu, cpu_id target);
    result spin_for_kicks(cpu_id cpu);
    bool kick_wait_over(cpu_id cpu);
    result step_sync_wait(cpu_id cpu);
    void scheduling_point(cpu_id cpu);

    // canonical.cpp
    void canonicalise_kicks();
    void canonicalise_tasks();
    void canonicalise_frames(cpu_id cpu);

    // relabel.cpp
    void relabel_frame(frame& f, const relabelling& r) const;
    void relabel_cpu(cpu_id cpu, machine_state& from, const relabelling& r);

    // change.cpp
    result step_change_group(cpu_id cpu, frame& f);
    bool change_group_is_left_mover(cpu_id cpu, const frame& f) const;
    result step_set_affinity(cpu_id cpu, frame& f);
    bool lock_task_rq(cpu_id cpu, frame& f);
    void unlock_task_rq(cpu_id cpu, frame& f);
    cpu_id fallback_cpu(pid task) const;

    const machine_config& config_;
    const workload& work_;
    const sched_ops& ops_;
    const sched_ops::traits traits_;
    machine_driver& driver_;
    topology topo_;
    lock_id first_sched_lock_;
    std::vector<char> is_pinning_; ///< by cpumask of the workload: p->nr_cpus_allowed is 1
    machine_state state_;
    sim_time now_{};
    bool tracing_ = false;
};

} // namespace pairsim
