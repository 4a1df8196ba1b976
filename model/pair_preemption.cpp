// SPDX-License-Identifier: GPL-2.0-only
//
// How scx_pair hears of higher classes: pair_cpu_release() and pair_cpu_acquire(), or the sched_switch tracepoint.
#include "model/pair_sched.h"
#include "sim/machine_state.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

using counter = pair_counter;

enum class switch_pc : std::uint8_t { section, kick };

} // namespace

op_step pair_sched::step_cpu_release(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    if (static_cast<switch_pc>(call.pc) == switch_pc::section) {
        if (!maps.has_ctx(map_.pair_id[cpu.value])) {
            return op_step::done(cost_kind::hash_lookup);
        }
        if (!lock_pair(k)) {
            return op_step::blocked();
        }
        pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
        const auto released = release_side(ctx, side_of(map_.in_pair_idx[cpu.value]));
        ctx = released.next;
        ++at(maps.counters(), counter::nr_preemptions);
        emit_ctx(k, record_kind::pair_release, ctx);
        if (!released.kick_partner) {
            return op_step::done(cost_kind::bpf_lock);
        }
        call.pc = to_underlying(switch_pc::kick);
        return op_step::more(cost_kind::bpf_lock);
    }
    kick_partner(k, kick_preempt | kick_wait);
    return op_step::done(cost_kind::kick_call);
}

op_step pair_sched::step_cpu_acquire(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    if (static_cast<switch_pc>(call.pc) == switch_pc::section) {
        if (!maps.has_ctx(map_.pair_id[cpu.value])) {
            return op_step::done(cost_kind::hash_lookup);
        }
        if (!lock_pair(k)) {
            return op_step::blocked();
        }
        pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
        const auto acquired = acquire_side(ctx, side_of(map_.in_pair_idx[cpu.value]));
        ctx = acquired.next;
        emit_ctx(k, record_kind::pair_acquire, ctx);
        if (!acquired.kick_partner) {
            return op_step::done(cost_kind::bpf_lock);
        }
        call.pc = to_underlying(switch_pc::kick);
        return op_step::more(cost_kind::bpf_lock);
    }
    kick_partner(k, kick_preempt);
    return op_step::done(cost_kind::kick_call);
}

/// Revision `tracepoint`: the switch itself says when a higher class comes and goes.
/// Source: tp_btf/sched_switch program of the kernel tree's scx_pair.
op_step pair_sched::step_sched_switch(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    if (!maps.has_ctx(map_.pair_id[cpu.value])) {
        return op_step::done();
    }
    if (config_.variants.wait_for_partner) {
        return step_strict_switch(call, k);
    }
    const pid prev{call.arg};
    const sides side = side_of(map_.in_pair_idx[cpu.value]);
    // Only this CPU writes its own bit, so it may be read without the lock.
    const bool marked = (maps.ctx(map_.pair_id[cpu.value]).preempted_mask & side) != 0;
    const bool kick_is_due = static_cast<switch_pc>(call.pc) == switch_pc::kick;
    if (is_higher(call.task)) {
        const bool release = !marked && prev != idle_pid && !is_higher(prev);
        return release || kick_is_due ? step_cpu_release(call, k) : op_step::done();
    }
    return marked || kick_is_due ? step_cpu_acquire(call, k) : op_step::done();
}

/// Variant wait_for_partner, ours: one section keeps running_mask and preempted_mask, so that there is no instant at
/// which a CPU neither counts as preempted nor as running the task that it resumes.
op_step pair_sched::step_strict_switch(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    if (static_cast<switch_pc>(call.pc) == switch_pc::kick) {
        kick_partner(k, call.flags);
        return op_step::done(cost_kind::kick_call);
    }
    if (!lock_pair(k)) {
        return op_step::blocked();
    }
    const sides side = side_of(map_.in_pair_idx[cpu.value]);
    const auto to = is_higher(call.task)    ? switched_to::higher
                    : call.task == idle_pid ? switched_to::idle
                                            : switched_to::task;
    pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
    const bool marked = (ctx.preempted_mask & side) != 0;
    const auto switched = switch_side(ctx, side, to);
    ctx = switched.next;
    call.flags = switched.kick_partner ? kick_preempt : kick_none;
    if (to == switched_to::higher && !marked && is_task(pid{call.arg})) {
        const auto released = release_side(ctx, side);
        ctx = released.next;
        call.flags = released.kick_partner ? kick_preempt | kick_wait : kick_none;
        ++at(maps.counters(), counter::nr_preemptions);
        emit_ctx(k, record_kind::pair_release, ctx);
    } else if (to != switched_to::higher && marked) {
        const auto acquired = acquire_side(ctx, side);
        ctx = acquired.next;
        call.flags = acquired.kick_partner ? kick_preempt : kick_none;
        emit_ctx(k, record_kind::pair_acquire, ctx);
    }
    if (call.flags == kick_none) {
        return op_step::done(cost_kind::bpf_lock);
    }
    call.pc = to_underlying(switch_pc::kick);
    return op_step::more(cost_kind::bpf_lock);
}

} // namespace pairsim
