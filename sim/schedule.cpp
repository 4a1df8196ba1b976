// SPDX-License-Identifier: GPL-2.0-only
//
// __schedule() on one CPU: lock the runqueue, put a blocking previous task off it, balance (dispatch.cpp), pick,
// put the previous task, set the next one, switch, unlock. Source: kernel/sched/core.c, kernel/sched/ext.c.
#include "sim/schedule.h"

#include <algorithm>
#include <bit>

#include "sim/check.h"
#include "sim/machine.h"

namespace pairsim {

using pc = schedule_pc;

void machine::begin_schedule(cpu_id cpu, std::uint8_t flags)
{
    frame& f = push(cpu, path::schedule);
    f.pc = to_underlying(pc::lock);
    f.flags = flags;
}

void machine::block_current(cpu_id cpu, life state)
{
    const pid task = state_.cpu(cpu).curr;
    state_.task(task).state = state;
    if (state == life::dead) {
        emit(record_kind::task_exit, cpu, 0, task);
    }
    begin_schedule(cpu, 0);
}

/// Source: do_sched_yield(), yield_task_scx().
void machine::yield_current(cpu_id cpu)
{
    begin_schedule(cpu, schedule_flag::yield);
}

void machine::higher_done(cpu_id cpu, sched_class cls)
{
    cpu_state& c = state_.cpu(cpu);
    SIM_CHECK(class_of(c.curr) == cls);
    c.higher_runnable = static_cast<std::uint8_t>(c.higher_runnable & ~(1U << static_cast<unsigned>(cls)));
    begin_schedule(cpu, 0);
}

machine::result machine::step_schedule(cpu_id cpu, frame& f)
{
    switch (static_cast<pc>(f.pc)) {
    case pc::lock:
        if (!acquire(cpu, rq_lock(cpu))) {
            return std::nullopt;
        }
        return deschedule_prev(cpu, f);
    case pc::balance:
        return begin_balance(cpu, f);
    case pc::after_acquire:
        keep_or_consume(cpu, f);
        return cost_kind::none;
    case pc::consume:
        return consume_global(cpu, f);
    case pc::lock_source:
        return lock_source(cpu, f);
    case pc::relock:
        return relock_after_consume(cpu, f);
    case pc::dispatch:
        return call_dispatch(cpu, f);
    case pc::flush:
        return flush_buffer(cpu, f);
    case pc::pick:
        pick_next(cpu, f);
        return cost_kind::pick;
    case pc::put_prev:
        return put_prev(cpu, f);
    case pc::switch_class:
        return switch_class(cpu, f);
    case pc::set_next:
        set_next(cpu, f);
        if (traits_.has_sched_switch) {
            const auto& l = f.locals<schedule_locals>();
            f.pc = to_underlying(pc::context_switch);
            return call_op(cpu, op_kind::sched_switch, l.next, l.prev.value);
        }
        return context_switch(cpu, f);
    case pc::context_switch:
        return context_switch(cpu, f);
    case pc::finish:
        return finish_switch(cpu, f);
    case pc::sync_wait:
        return step_sync_wait(cpu);
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// The runqueue's lock is held. It does not protect slices, which any dispatch may write, nor idle masks, which
/// wake-ups search, nor the sequence that a kick's wait watches, if one does: it cannot begin to before the lock is
/// free.
bool machine::schedule_is_left_mover(cpu_id cpu, const frame& f) const
{
    const cpu_state& c = state_.cpu(cpu);
    const auto& l = f.locals<schedule_locals>();
    const auto is_queued = [&](pid p) { return is_task(p) && state_.task(p).queued != 0; };
    const bool masks_are_read = !traits_.select_cpu_prev;
    switch (static_cast<pc>(f.pc)) {
    case pc::balance:
        return !config_.repaired_kick_wait || !is_waited_for(cpu);
    case pc::after_acquire:
        return l.prev_was_queued == 0;
    case pc::dispatch:
    case pc::context_switch:
    case pc::finish:
        return true;
    case pc::flush:
        return l.nr_flushed == c.nr_buffered && l.prev_was_queued == 0;
    case pc::pick:
        if (c.higher_runnable != 0 || l.keep != 0) {
            return c.higher_runnable != 0;
        }
        return c.local.nr != 0 ? !is_waited_for(cpu) : l.prev != idle_pid || !masks_are_read;
    case pc::put_prev:
        if (l.prev == idle_pid) {
            return !masks_are_read;
        }
        return is_higher(l.prev) || (!is_queued(l.prev) && (!config_.has_kick_sync() || !is_waited_for(cpu)));
    case pc::switch_class: {
        const bool leaves_scx = is_task(l.prev) && !is_task(l.next);
        return !leaves_scx || config_.profile != kernel_profile::k612 || !is_waited_for(cpu);
    }
    case pc::set_next:
        return l.next != idle_pid || !masks_are_read;
    case pc::lock:
    case pc::consume:
    case pc::lock_source:
    case pc::relock:
    case pc::sync_wait:
        return false;
    }
    SIM_CHECK(false);
    return false;
}

sched_class machine::highest_runnable(const cpu_state& cpu) const
{
    return cpu.higher_runnable == 0 ? sched_class::idle
                                    : static_cast<sched_class>(std::bit_width(cpu.higher_runnable) - 1);
}

/// The first thing under the lock: a previous task that wants to block leaves the runqueue, one that yields gives
/// its slice away. Then the profiles differ: K612 balances before it looks at the classes, the others pick first.
cost_kind machine::deschedule_prev(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    auto& l = f.locals<schedule_locals>();
    l.prev = c.curr;
    l.nr_loops = 0;
    if (is_task(c.curr)) {
        task_state& prev = state_.task(c.curr);
        update_curr(cpu);
        if (prev.state != life::running) {
            prev.queued = 0;
        } else if ((f.flags & schedule_flag::yield) != 0) {
            prev.slice = nanoseconds{0};
        }
        l.prev_was_queued = prev.queued;
    }

    const bool higher_waits = c.higher_runnable != 0;
    const bool balance =
        config_.profile == kernel_profile::k612 ? (!is_higher(c.curr) || !higher_waits) : !higher_waits;
    f.pc = to_underlying(balance ? pc::balance : pc::pick);
    return cost_kind::schedule;
}

/// Source: update_curr_scx().
void machine::charge_slice(cpu_id cpu, sim_time t)
{
    const cpu_state& c = state_.cpu(cpu);
    if (!is_task(c.curr)) {
        return;
    }
    task_state& p = state_.task(c.curr);
    if (t > p.exec_start) {
        p.slice = std::max(nanoseconds{0}, p.slice - (t - p.exec_start));
        p.exec_start = t;
    }
}

/// Source: resched_curr().
void machine::resched_curr(cpu_id from, cpu_id target)
{
    cpu_state& c = state_.cpu(target);
    if (c.need_resched != 0) {
        return;
    }
    c.need_resched = 1;
    if (target != from) {
        driver_.ipi_sent(target);
    }
}

/// Source: pick_next_task(), pick_task_scx().
void machine::pick_next(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    auto& l = f.locals<schedule_locals>();
    c.in_balance = 0;
    const auto refill = [&](pid p) {
        task_state& t = state_.task(p);
        const bool empty = t.slice == nanoseconds{0};
        if (empty) {
            t.slice = config_.slice_dfl;
        }
        return empty;
    };
    if (c.higher_runnable != 0) {
        l.next = higher_pid(highest_runnable(c));
        l.reason = to_underlying(pick_reason::higher);
    } else if (l.keep != 0) {
        l.next = l.prev;
        const bool refilled = refill(l.prev);
        emit(record_kind::keep_prev, cpu, refilled ? keep_reason::refilled : keep_reason::slice_left, l.prev, 0, 0,
             state_.task(l.prev).slice.count());
    } else if (c.local.first != idle_pid) {
        l.next = c.local.first;
        l.reason = to_underlying(pick_reason::local_dsq);
        refill(l.next);
    } else {
        l.next = idle_pid;
        l.reason = to_underlying(pick_reason::idle);
    }
    if (is_task(l.next) && config_.has_kick_sync()) {
        scheduling_point(cpu);
        l.sync_wait = c.kick_sync_pending;
        c.kick_sync_pending = 0;
    }
    if (l.next != l.prev) {
        f.pc = to_underlying(pc::put_prev);
        return;
    }
    if (l.next == idle_pid) {
        set_idle(cpu, true); // pick_task_idle() repairs a bit that a waker claimed for nothing
    }
    f.pc = to_underlying(pc::finish);
}

/// Source: put_prev_task_scx() up to switch_class(), put_prev_task_idle().
machine::result machine::put_prev(cpu_id cpu, frame& f)
{
    const auto& l = f.locals<schedule_locals>();
    f.pc = to_underlying(pc::switch_class);
    if (l.prev == idle_pid) {
        set_idle(cpu, false);
    }
    if (!is_task(l.prev)) {
        return cost_kind::none;
    }
    if (config_.has_kick_sync()) {
        scheduling_point(cpu);
    }
    update_curr(cpu);
    task_state& prev = state_.task(l.prev);
    if (prev.queued == 0) {
        return cost_kind::none;
    }
    if (prev.reset_runnable_at != 0) {
        prev.runnable_at = now_;
        prev.reset_runnable_at = 0;
    }
    if (prev.slice > nanoseconds{0}) {
        local_insert(cpu, l.prev, true); // only a higher class replaces a task that has slice left
        emit(record_kind::local_insert, cpu, wake_path::preempted, l.prev, cpu.value, 0, prev.slice.count());
        return cost_kind::none;
    }
    begin_enqueue(cpu, l.prev, l.next == idle_pid ? enqueue_reason::last : enqueue_reason::put_prev);
    return cost_kind::none;
}

/// Source: switch_class() (K612), switch_class() of put_prev_task_scx() in later kernels.
machine::result machine::switch_class(cpu_id cpu, frame& f)
{
    const auto& l = f.locals<schedule_locals>();
    f.pc = to_underlying(pc::set_next);
    if (!is_task(l.prev) || is_task(l.next)) {
        return cost_kind::none;
    }
    if (config_.profile == kernel_profile::k612) {
        scheduling_point(cpu);
    }
    cpu_state& c = state_.cpu(cpu);
    if (!is_higher(l.next) || c.cpu_released != 0) {
        return cost_kind::none;
    }
    c.cpu_released = 1;
    const sched_class cls = class_of(l.next);
    emit(record_kind::cpu_release, cpu, cls, idle_pid);
    if (!traits_.has_cpu_acquire_release) {
        return cost_kind::none;
    }
    return call_op(cpu, op_kind::cpu_release, idle_pid, static_cast<std::uint32_t>(cls));
}

/// Source: set_next_task_scx(), set_next_task_idle().
void machine::set_next(cpu_id cpu, frame& f)
{
    const auto& l = f.locals<schedule_locals>();
    if (l.next == idle_pid) {
        set_idle(cpu, true);
    }
    if (!is_task(l.next)) {
        return;
    }
    task_state& next = state_.task(l.next);
    SIM_CHECK(next.queued != 0 && next.on_dsq == dsq_kind::local && next.cpu == cpu);
    unlink(l.next);
    next.reset_runnable_at = 1;
    next.exec_start = now_;
    next.on_cpu = 1;
}

cost_kind machine::context_switch(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    auto& l = f.locals<schedule_locals>();
    c.need_resched = 0;
    c.curr = l.next;
    auto left = prev_state::runnable;
    if (is_task(l.prev) && state_.task(l.prev).queued == 0) {
        left = state_.task(l.prev).state == life::dead ? prev_state::dead : prev_state::sleeping;
    }
    const std::int64_t slice = is_task(l.next) ? state_.task(l.next).slice.count() : 0;
    emit(record_kind::sched_switch, cpu, static_cast<pick_reason>(l.reason), l.next, l.prev.value,
         static_cast<std::uint32_t>(left), slice);
    driver_.switched(cpu, l.prev, l.next);
    l.switched = 1;
    f.pc = to_underlying(pc::finish);
    return cost_kind::context_switch;
}

/// The end of __schedule(): finish_task_switch(), the runqueue's lock, and in profile KNEW the balance callback
/// that executes a pending kick's wait.
machine::result machine::finish_switch(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    const auto& l = f.locals<schedule_locals>();
    c.need_resched = l.switched != 0 ? c.need_resched : std::uint8_t{0};
    if (l.switched != 0 && is_task(l.prev)) {
        state_.task(l.prev).on_cpu = 0;
        task_changed(l.prev);
    }
    release(cpu, rq_lock(cpu));
    if (l.sync_wait == 0) {
        pop(cpu);
        return cost_kind::none;
    }
    f.pc = to_underlying(pc::sync_wait);
    return cost_kind::none;
}

} // namespace pairsim
