// SPDX-License-Identifier: GPL-2.0-only
//
// Changes of a task's cgroup or affinity, from whichever CPU the system call runs on. The scheduler is not told: a
// queued task is taken off and enqueued again, and its old entry in a FIFO stays. Source: sched_move_task(),
// __set_cpus_allowed_ptr(), affine_move_task().
#include "sim/check.h"
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

enum class change_pc : std::uint8_t {
    lock,    ///< task_rq_lock(), the change itself
    stopper, ///< migration_cpu_stop(): look again at a task that ran on a CPU that it may no longer use
    leave,   ///< a queued task leaves its runqueue for one that it may use
    arrive,  ///< and is enqueued there
    unlock,
};

constexpr std::uint8_t has_moved = 1; ///< frame::flags: the task is on another runqueue now

} // namespace

void machine::begin_move(cpu_id cpu, pid task, cgroup_id to)
{
    frame& f = push(cpu, path::change_group);
    f.task = task;
    f.arg = to.value;
}

void machine::begin_set_affinity(cpu_id cpu, pid task, std::uint32_t mask)
{
    frame& f = push(cpu, path::set_affinity);
    f.task = task;
    f.arg = mask;
}

/// Locks the runqueue that the task is on, wherever it has gone meanwhile, once nobody wakes or moves it.
/// Source: task_rq_lock().
bool machine::lock_task_rq(cpu_id cpu, frame& f)
{
    const task_state& p = state_.task(f.task);
    const bool being_woken = p.state == life::running && p.queued == 0 && p.on_cpu == 0; // its waker holds pi_lock
    const bool busy = p.migrating != 0 || being_woken;
    const bool granted = f.target != no_cpu && state_.lock(rq_lock(f.target)).owner == cpu;
    if (granted && (busy || f.target != p.cpu)) { // of a runqueue that the task has left
        release(cpu, rq_lock(f.target));
    }
    if (busy) {
        return wait_for_task(cpu, f.task);
    }
    f.target = p.cpu;
    return acquire(cpu, rq_lock(p.cpu)) && (p.ops != ops_state::dispatching || wait_for_task(cpu, f.task));
}

void machine::unlock_task_rq(cpu_id cpu, frame& f)
{
    release(cpu, rq_lock(f.target));
    pop(cpu);
}

machine::result machine::step_change_group(cpu_id cpu, frame& f)
{
    if (static_cast<change_pc>(f.pc) == change_pc::unlock) {
        unlock_task_rq(cpu, f);
        return cost_kind::none;
    }
    if (!lock_task_rq(cpu, f)) {
        return std::nullopt;
    }
    task_state& p = state_.task(f.task);
    const cgroup_id to{f.arg};
    const bool running = state_.cpu(p.cpu).curr == f.task;
    const bool queued = p.queued != 0 && !running;
    const auto found = running ? move_state::running : (queued ? move_state::queued : move_state::blocked);
    emit(record_kind::task_move, cpu, found, f.task, p.cgroup.value, to.value);
    f.pc = to_underlying(change_pc::unlock);
    p.cgroup = to;
    if (running) {
        update_curr(p.cpu);
        if (config_.profile != kernel_profile::k612) {
            scheduling_point(p.cpu); // put_prev_task_scx()
        }
        resched_curr(cpu, p.cpu);
    } else if (queued) {
        dequeue(f.task);
        activate(f.task, false);
        begin_enqueue(cpu, f.task, enqueue_reason::restore);
    }
    return cost_kind::wakeup_activate;
}

bool machine::change_group_is_left_mover(cpu_id cpu, const frame& f) const
{
    return static_cast<change_pc>(f.pc) == change_pc::unlock && (f.target == cpu || !is_last_work(state_.cpu(cpu)));
}

machine::result machine::step_set_affinity(cpu_id cpu, frame& f)
{
    const pid task = f.task;
    task_state& p = state_.task(task);
    switch (static_cast<change_pc>(f.pc)) {
    case change_pc::lock: {
        if (!lock_task_rq(cpu, f)) {
            return std::nullopt;
        }
        const bool running = state_.cpu(p.cpu).curr == task;
        const bool queued = p.queued != 0 && !running;
        const auto found = running ? move_state::running : (queued ? move_state::queued : move_state::blocked);
        p.affinity = f.arg;
        emit(record_kind::task_affinity, cpu, found, task, f.arg);
        const bool must_leave = !task_allowed(task, p.cpu);
        f.pc = to_underlying(queued && must_leave ? change_pc::leave : change_pc::unlock);
        if (running && config_.profile != kernel_profile::k612) {
            scheduling_point(p.cpu); // put_prev_task_scx()
        }
        if (queued) { // do_set_cpus_allowed(): off the runqueue and on again
            dequeue(task);
            activate(task, false);
            begin_enqueue(cpu, task, enqueue_reason::restore);
        } else if (running && must_leave) {
            driver_.stopper_needed(p.cpu, task); // stop_one_cpu(migration_cpu_stop)
        }
        return cost_kind::wakeup_activate;
    }
    case change_pc::stopper: {
        if (!lock_task_rq(cpu, f)) {
            return std::nullopt;
        }
        const bool waits = p.queued != 0 && state_.cpu(p.cpu).curr != task;
        f.pc = to_underlying(waits && !task_allowed(task, p.cpu) ? change_pc::leave : change_pc::unlock);
        return cost_kind::none;
    }
    case change_pc::leave: // move_queued_task(), __migrate_task(): deactivate here ...
        if (p.ops == ops_state::dispatching) {
            wait_for_task(cpu, task);
            return std::nullopt;
        }
        dequeue(task);
        p.migrating = 1;
        release(cpu, rq_lock(f.target));
        p.cpu = fallback_cpu(task);
        f.target = p.cpu;
        f.pc = to_underlying(change_pc::arrive);
        return cost_kind::consume_remote;
    case change_pc::arrive: // ... and activate there
        if (!acquire(cpu, rq_lock(f.target))) {
            return std::nullopt;
        }
        p.migrating = 0;
        task_changed(task);
        activate(task, false);
        f.pc = to_underlying(change_pc::unlock);
        f.flags = has_moved;
        begin_enqueue(cpu, task, enqueue_reason::restore);
        return cost_kind::consume_remote;
    case change_pc::unlock:
        if (f.flags == has_moved && curr_class(f.target) == sched_class::idle) {
            resched_curr(cpu, f.target); // wakeup_preempt()
        }
        unlock_task_rq(cpu, f);
        return cost_kind::none;
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// The stopper of @p cpu has the CPU: move the task that was running here if it still must go.
void machine::begin_stopper(cpu_id cpu, pid task)
{
    frame& f = push(cpu, path::set_affinity);
    f.pc = to_underlying(change_pc::stopper);
    f.task = task;
}

} // namespace pairsim
