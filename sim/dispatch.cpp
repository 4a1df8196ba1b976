// SPDX-License-Identifier: GPL-2.0-only
//
// Balance: how a CPU gets its next SCX task. Local DSQ, global DSQ, ops.dispatch, global DSQ again, previous task;
// and the DSQs themselves. Source: kernel/sched/ext.c, balance_one().
#include "sim/check.h"
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {

using pc = schedule_pc;

/// The beginning of balance_one(): a CPU that a higher class had is sched_ext's again.
machine::result machine::begin_balance(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    c.in_balance = 1;
    if (config_.repaired_kick_wait) {
        scheduling_point(cpu);
    }
    f.pc = to_underlying(pc::after_acquire);
    if (c.cpu_released == 0) {
        return cost_kind::none;
    }
    c.cpu_released = 0;
    emit(record_kind::cpu_acquire, cpu, 0, idle_pid);
    if (!traits_.has_cpu_acquire_release) {
        return cost_kind::none;
    }
    return call_op(cpu, op_kind::cpu_acquire, idle_pid, 0);
}

/// balance_one() ends early if the previous task has slice left, or the local DSQ a task.
void machine::keep_or_consume(cpu_id cpu, frame& f)
{
    auto& l = f.locals<schedule_locals>();
    update_curr(cpu);
    if (is_task(l.prev) && state_.task(l.prev).queued != 0 && state_.task(l.prev).slice > nanoseconds{0}) {
        l.keep = 1;
    }
    f.pc = to_underlying(l.keep != 0 || state_.cpu(cpu).local.nr != 0 ? pc::pick : pc::consume);
}

machine::result machine::call_dispatch(cpu_id cpu, frame& f)
{
    auto& l = f.locals<schedule_locals>();
    const pid prev = is_task(l.prev) ? l.prev : idle_pid;
    emit(record_kind::dispatch, cpu, 0, prev, l.nr_loops);
    l.nr_flushed = 0;
    f.pc = to_underlying(pc::flush);
    return call_op(cpu, op_kind::dispatch, prev, 0);
}

// ---- ops.dispatch's inserts ---------------------------------------------------------------------------------------

/// Source: scx_bpf_dsq_insert() called from ops.dispatch.
void machine::buffer_insert(cpu_id cpu, pid task, bool to_local, nanoseconds slice)
{
    cpu_state& c = state_.cpu(cpu);
    SIM_CHECK(c.nr_buffered < traits_.dispatch_max_batch);
    task_state& p = state_.task(task);
    if (p.on_cpu != 0) {
        driver_.slice_changes(p.cpu);
    }
    p.slice = slice; // at once, whoever runs it and wherever
    buffered_insert& entry = state_.insert_buffer(cpu)[c.nr_buffered++];
    entry = {.task = task,
             .qseq = p.qseq,
             .to_local = static_cast<std::uint8_t>(to_local),
             .was_none = static_cast<std::uint8_t>(p.ops == ops_state::none)};
}

/// Moves one buffered entry to its DSQ, or finds that it is stale. Source: finish_dispatch().
machine::result machine::flush_buffer(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    auto& l = f.locals<schedule_locals>();
    if (l.nr_flushed == c.nr_buffered) {
        after_flush(cpu, f);
        return cost_kind::none;
    }
    buffered_insert& entry = state_.insert_buffer(cpu)[l.nr_flushed];
    const pid task = entry.task;
    task_state& p = state_.task(task);
    const bool stale = entry.claimed == 0 && (entry.was_none != 0 || p.ops == ops_state::none ||
                                              p.ops == ops_state::dispatching || p.qseq != entry.qseq);
    if (!stale && p.ops == ops_state::queueing) {
        wait_for_task(cpu, task); // its enqueuer is still at it
        return std::nullopt;
    }
    const node_id node = topo_.place[p.cpu.value].node;
    auto outcome = insert_result::ignored;
    if (!stale) {
        p.ops = ops_state::dispatching;
        entry.claimed = 1;
        outcome = entry.to_local != 0 ? insert_result::local : insert_result::global;
        if (outcome == insert_result::global && !acquire_for_step(cpu, dsq_lock(node))) {
            return std::nullopt;
        }
    }
    emit(record_kind::dsq_insert, cpu, outcome, task, node.value);
    entry = buffered_insert{};
    ++l.nr_flushed;
    if (!stale) {
        p.ops = ops_state::none;
        task_changed(task);
    }
    if (outcome == insert_result::global) {
        global_insert(task);
    } else if (outcome == insert_result::local && p.cpu == cpu) {
        local_insert(cpu, task, false);
    } else if (outcome == insert_result::local) { // dispatch_to_local_dsq(): from another runqueue
        p.holding_cpu = cpu;
        l.moving = task;
        l.from_flush = 1;
        f.target = p.cpu;
        f.pc = to_underlying(pc::lock_source);
        release(cpu, rq_lock(cpu));
    }
    return cost_kind::dsq_insert;
}

/// What balance_one() does after each ops.dispatch.
void machine::after_flush(cpu_id cpu, frame& f)
{
    cpu_state& c = state_.cpu(cpu);
    auto& l = f.locals<schedule_locals>();
    l.nr_buffered = c.nr_buffered;
    c.nr_buffered = 0;
    const bool prev_queued =
        is_task(l.prev) &&
        (config_.profile == kernel_profile::k612 ? l.prev_was_queued != 0 : state_.task(l.prev).queued != 0);
    if (prev_queued && state_.task(l.prev).slice > nanoseconds{0}) {
        l.keep = 1; // ops.dispatch has refilled prev's slice: it inserted a stale entry of prev itself
        f.pc = to_underlying(pc::pick);
    } else if (c.local.nr != 0) {
        f.pc = to_underlying(pc::pick);
    } else {
        l.after_dispatch = 1;
        f.pc = to_underlying(pc::consume);
    }
}

// ---- the global DSQ -----------------------------------------------------------------------------------------------

/// Takes the first task that may run here. A task that was last here moves at once; for another the runqueue's lock
/// is dropped, its own is taken, and ours again. Source: consume_dispatch_q() on the node's global DSQ.
machine::result machine::consume_global(cpu_id cpu, frame& f)
{
    const node_id node = topo_.place[cpu.value].node;
    const dsq& queue = state_.global_dsq(node);
    const bool granted = state_.lock(dsq_lock(node)).owner == cpu; // after a wait the list is scanned, empty or not
    if (queue.nr == 0 && !granted) {                               // looked at without the lock, as the kernel does
        after_consume(cpu, f);
        return cost_kind::none;
    }
    if (!acquire_for_step(cpu, dsq_lock(node))) {
        return std::nullopt;
    }
    for (pid task = queue.first; task != idle_pid; task = state_.task(task).dsq_next) {
        task_state& p = state_.task(task);
        if (p.cpu == cpu) {
            unlink(task);
            local_insert(cpu, task, false);
            emit(record_kind::consume, cpu, 0, task, cpu.value, node.value);
            f.pc = to_underlying(pc::pick);
            return cost_kind::consume_local;
        }
        if (task_allowed(task, cpu)) {
            unlink(task);
            p.holding_cpu = cpu;
            auto& l = f.locals<schedule_locals>();
            l.moving = task;
            f.target = p.cpu;
            f.pc = to_underlying(pc::lock_source);
            release(cpu, rq_lock(cpu));
            return cost_kind::consume_remote;
        }
    }
    after_consume(cpu, f);
    return cost_kind::consume_local;
}

/// Source: consume_remote_task(), unlink_dsq_and_lock_src_rq(), move_remote_task_to_local_dsq().
machine::result machine::lock_source(cpu_id cpu, frame& f)
{
    if (!acquire_for_step(cpu, rq_lock(f.target))) {
        return std::nullopt;
    }
    auto& l = f.locals<schedule_locals>();
    task_state& p = state_.task(l.moving);
    l.raced = static_cast<std::uint8_t>(p.holding_cpu != cpu);
    if (l.raced == 0) {
        emit(record_kind::consume, cpu, 0, l.moving, p.cpu.value, topo_.place[cpu.value].node.value);
        p.migrating = 1;
        p.cpu = cpu;
        p.holding_cpu = no_cpu;
    }
    f.pc = to_underlying(pc::relock);
    return cost_kind::consume_remote;
}

machine::result machine::relock_after_consume(cpu_id cpu, frame& f)
{
    if (!acquire(cpu, rq_lock(cpu))) {
        return std::nullopt;
    }
    auto& l = f.locals<schedule_locals>();
    const pid task = l.moving;
    const bool raced = l.raced != 0;
    const bool from_flush = l.from_flush != 0;
    f.target = no_cpu;
    l.moving = idle_pid;
    l.raced = 0;
    l.from_flush = 0;
    if (!raced) {
        state_.task(task).migrating = 0;
        local_insert(cpu, task, false);
        task_changed(task);
    }
    if (from_flush) {
        f.pc = to_underlying(pc::flush);
    } else {
        f.pc = to_underlying(raced ? pc::consume : pc::pick); // raced: dequeued meanwhile, so scan again
    }
    return cost_kind::none;
}

/// consume_global_dsq() has found nothing: go on in balance_one().
void machine::after_consume(cpu_id cpu, frame& f)
{
    auto& l = f.locals<schedule_locals>();
    if (l.after_dispatch == 0) {
        f.pc = to_underlying(pc::dispatch);
        return;
    }
    l.after_dispatch = 0;
    ++l.nr_loops;
    if (l.nr_loops == config_.dsp_max_loops) {
        request_kick(cpu, cpu, kick_none); // the loop must end; come back soon
    } else if (l.nr_buffered > 0) {
        f.pc = to_underlying(pc::dispatch);
        return;
    }
    const bool prev_queued = is_task(l.prev) && state_.task(l.prev).queued != 0;
    if (prev_queued && !traits_.enq_last) {
        l.keep = 1;
    }
    f.pc = to_underlying(pc::pick);
}

// ---- DSQs ---------------------------------------------------------------------------------------------------------

bool machine::task_allowed(pid task, cpu_id cpu) const
{
    return work_.cpumasks[state_.task(task).affinity].test(cpu);
}

/// Puts a task on the local DSQ of @p target. Kernel: dispatch_enqueue() to a local DSQ, local_dsq_post_enq().
void machine::local_insert(cpu_id target, pid task, bool at_head)
{
    task_state& p = state_.task(task);
    dsq& queue = state_.cpu(target).local;
    SIM_CHECK(p.on_dsq == dsq_kind::none && p.cpu == target);
    p.on_dsq = dsq_kind::local;
    pid& before = at_head ? queue.first : queue.last;
    const pid neighbour = before;
    before = task;
    if (at_head) {
        p.dsq_next = neighbour;
    } else {
        p.dsq_prev = neighbour;
    }
    if (neighbour == idle_pid) {
        (at_head ? queue.last : queue.first) = task;
    } else {
        (at_head ? state_.task(neighbour).dsq_prev : state_.task(neighbour).dsq_next) = task;
    }
    ++queue.nr;
}

/// Appends a task to the global DSQ of the node of its CPU.
void machine::global_insert(pid task)
{
    task_state& p = state_.task(task);
    dsq& queue = state_.global_dsq(topo_.place[p.cpu.value].node);
    SIM_CHECK(p.on_dsq == dsq_kind::none);
    p.on_dsq = dsq_kind::global;
    p.dsq_prev = queue.last;
    (queue.last == idle_pid ? queue.first : state_.task(queue.last).dsq_next) = task;
    queue.last = task;
    ++queue.nr;
}

/// Takes a task off whichever DSQ it is on. Kernel: dispatch_dequeue(), task_unlink_from_dsq().
void machine::unlink(pid task)
{
    task_state& p = state_.task(task);
    if (p.on_dsq == dsq_kind::none) {
        return;
    }
    dsq& queue =
        p.on_dsq == dsq_kind::local ? state_.cpu(p.cpu).local : state_.global_dsq(topo_.place[p.cpu.value].node);
    (p.dsq_prev == idle_pid ? queue.first : state_.task(p.dsq_prev).dsq_next) = p.dsq_next;
    (p.dsq_next == idle_pid ? queue.last : state_.task(p.dsq_next).dsq_prev) = p.dsq_prev;
    p.dsq_next = p.dsq_prev = idle_pid;
    p.on_dsq = dsq_kind::none;
    --queue.nr;
}

} // namespace pairsim
