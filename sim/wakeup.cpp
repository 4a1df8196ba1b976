// SPDX-License-Identifier: GPL-2.0-only
//
// Wake-up and enqueue: try_to_wake_up(), wake_up_new_task(), do_enqueue_task(), dequeue_task_scx().
#include "sim/check.h"
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

enum class enqueue_pc : std::uint8_t { choose, queued };

enum class wakeup_pc : std::uint8_t {
    begin,  ///< still on its runqueue? still being switched out?
    select, ///< select_task_rq()
    lock,   ///< lock the target's runqueue, enqueue
    woken,  ///< wakeup_preempt(), unlock
};

} // namespace

// ---- do_enqueue_task() ----------------------------------------------------------------------------------------

/// Source: do_enqueue_task(). The runqueue of the task's CPU is locked by this CPU.
void machine::begin_enqueue(cpu_id cpu, pid task, enqueue_reason reason)
{
    frame& f = push(cpu, path::enqueue);
    f.pc = to_underlying(enqueue_pc::choose);
    f.task = task;
    f.arg = static_cast<std::uint32_t>(reason);
}

machine::result machine::step_enqueue(cpu_id cpu, frame& f)
{
    const pid task = f.task;
    task_state& p = state_.task(task);
    if (static_cast<enqueue_pc>(f.pc) == enqueue_pc::queued) {
        p.ops = ops_state::queued; // store-release: a dispatcher that spins on QUEUEING goes on
        task_changed(task);
        pop(cpu);
        return cost_kind::none;
    }
    const bool direct = p.ddsp_local != 0;
    p.ddsp_local = 0;
    if (direct || p.state == life::dead) {
        if (!direct) {
            p.slice = config_.slice_dfl;
        }
        local_insert(p.cpu, task, false);
        pop(cpu);
        return cost_kind::none;
    }
    p.ops = ops_state::queueing;
    ++p.qseq;
    f.pc = to_underlying(enqueue_pc::queued);
    const auto reason = static_cast<enqueue_reason>(f.arg);
    emit(record_kind::enqueue, cpu, reason, task, p.cgroup.value);
    return call_op(cpu, op_kind::enqueue, task, f.arg);
}

/// A dispatcher that sees QUEUEING waits, so that QUEUED only lets it go on.
bool machine::enqueue_is_left_mover(const frame& f) const
{
    return static_cast<enqueue_pc>(f.pc) == enqueue_pc::queued || state_.task(f.task).ddsp_local != 0;
}

/// Puts a task on the runqueue of its CPU, up to the call of do_enqueue_task(). Source: enqueue_task_scx().
void machine::activate(pid task, bool reset_runnable_at)
{
    task_state& p = state_.task(task);
    p.queued = 1;
    if (reset_runnable_at || p.reset_runnable_at != 0) {
        p.runnable_at = now_;
        p.reset_runnable_at = 0;
    }
}

/// Takes a task off its runqueue. The scheduler is not told: scx_pair has no ops.dequeue and its FIFO keeps the pid.
/// Source: dequeue_task_scx(), ops_dequeue().
void machine::dequeue(pid task)
{
    task_state& p = state_.task(task);
    SIM_CHECK(p.ops == ops_state::none || p.ops == ops_state::queued); // else somebody else is at it
    p.ops = ops_state::none;
    p.queued = 0;
    p.holding_cpu = no_cpu; // a move to another runqueue that is under way has lost
    unlink(task);
}

// ---- try_to_wake_up() -----------------------------------------------------------------------------------------

void machine::begin_wakeup(cpu_id cpu, pid task, wake_reason reason)
{
    frame& f = push(cpu, path::wakeup);
    f.pc = to_underlying(wakeup_pc::begin);
    f.task = task;
    f.flags = static_cast<std::uint8_t>(reason);
}

machine::result machine::step_wakeup(cpu_id cpu, frame& f)
{
    const pid task = f.task;
    task_state& p = state_.task(task);
    const auto reason = static_cast<wake_reason>(f.flags);
    switch (static_cast<wakeup_pc>(f.pc)) {
    case wakeup_pc::begin: {
        if (p.state == life::unborn) {
            create_task(task, cpu);
        } else if (p.queued != 0) {
            p.state = life::running; // ttwu_runnable(): it has not left its runqueue yet
            pop(cpu);
            return cost_kind::wakeup_select;
        } else if (p.state != life::sleeping) { // ttwu_state_match(): somebody else wakes it, or it has ended
            pop(cpu);
            return cost_kind::wakeup_select;
        } else if (p.on_cpu != 0) {
            wait_for_task(cpu, task);
            return std::nullopt;
        }
        const bool by_task = reason == wake_reason::task || reason == wake_reason::sync;
        emit(record_kind::sched_waking, cpu, reason, task, by_task ? state_.cpu(cpu).curr.value : 0U);
        p.state = life::running;
        f.pc = to_underlying(wakeup_pc::select);
        return cost_kind::wakeup_select;
    }
    case wakeup_pc::select: {
        const cpu_choice choice = select_cpu(cpu, task, reason == wake_reason::sync);
        if (choice.direct) {
            p.slice = config_.slice_dfl;
            p.ddsp_local = 1;
        }
        p.cpu = choice.cpu; // set_task_cpu(); nobody else can touch a task that is being woken
        f.target = choice.cpu;
        f.arg = static_cast<std::uint32_t>(choice.path);
        f.pc = to_underlying(wakeup_pc::lock);
        return cost_kind::none;
    }
    case wakeup_pc::lock:
        if (!acquire(cpu, rq_lock(f.target))) {
            return std::nullopt;
        }
        activate(task, true);
        f.pc = to_underlying(wakeup_pc::woken);
        begin_enqueue(cpu, task, enqueue_reason::wakeup);
        return cost_kind::wakeup_activate;
    case wakeup_pc::woken: {
        const cpu_id target = f.target;
        const auto way = static_cast<wake_path>(f.arg);
        const auto kind = reason == wake_reason::fork ? record_kind::sched_wakeup_new : record_kind::sched_wakeup;
        emit(kind, cpu, way, task, target.value);
        if (curr_class(target) < sched_class::ext) {
            resched_curr(cpu, target); // wakeup_preempt(): SCX tasks never preempt each other
        }
        release(cpu, rq_lock(target));
        task_changed(task);
        pop(cpu);
        return cost_kind::none;
    }
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// Nobody else touches a task that is being woken. A reschedule request is seen by a CPU that is about to leave the
/// kernel, so it must not come early.
bool machine::wakeup_is_left_mover(cpu_id cpu, const frame& f) const
{
    switch (static_cast<wakeup_pc>(f.pc)) {
    case wakeup_pc::select:
        return is_pinning_[state_.task(f.task).affinity] != 0 || traits_.select_cpu_prev;
    case wakeup_pc::woken:
        return (curr_class(f.target) >= sched_class::ext || state_.cpu(f.target).need_resched != 0) &&
               (f.target == cpu || !is_last_work(state_.cpu(cpu)));
    case wakeup_pc::begin:
    case wakeup_pc::lock:
        return false;
    }
    SIM_CHECK(false);
    return false;
}

} // namespace pairsim
