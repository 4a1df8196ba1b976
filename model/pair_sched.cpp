// SPDX-License-Identifier: GPL-2.0-only
#include "model/pair_sched.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"
#include "sim/machine_state.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

using counter = pair_counter;

constexpr int ebusy = -16;
constexpr int enoent = -2;

enum class enqueue_pc : std::uint8_t {
    lookup,   ///< nr_total, cgrp_q_idx_hash
    push,     ///< into the cgroup's FIFO
    count,    ///< fetch_add(cgrp_q_len)
    push_top, ///< the length was 0: put the cgroup on top_q
};

struct enqueue_locals {
    std::uint32_t q = 0;
    std::array<std::uint32_t, 7> unused{};
};

enum class dispatch_pc : std::uint8_t {
    begin,     ///< try_dispatch(): clock, pair_ctx lookup
    first,     ///< first section under the pair's lock
    wait_kick, ///< it must wait: kick the partner
    pop_top,   ///< next candidate from top_q
    check_top, ///< does it have queued tasks?
    push_top,  ///< it stays on top_q
    choose,    ///< second section: adopt it, unless the partner was faster
    lookup,    ///< cgrp_q_idx_hash of the pair's cgroup
    take_len,  ///< cmpxchg(cgrp_q_len, -1)
    empty,     ///< section of cgrp_empty
    pop,       ///< pid from the cgroup's FIFO
    insert,    ///< bpf_task_from_pid(), scx_bpf_dsq_insert()
    kick,      ///< the pair has adopted a cgroup: kick the partner
};

struct dispatch_locals {
    nanoseconds now{};
    cgroup_id cgroup{};
    std::uint32_t q = 0;
    pid task{};
    std::uint32_t nr_tries = 0;
    std::uint8_t kick_pair = 0;
    std::uint8_t unused0 = 0;
    std::uint16_t unused1 = 0;
    std::uint32_t unused2 = 0;
};

op_step next(frame& call, dispatch_pc pc, cost_kind cost)
{
    call.pc = to_underlying(pc);
    return op_step::more(cost);
}

} // namespace

pair_sched::pair_sched(pair_map map, const pair_config& config, nanoseconds slice_dfl, std::size_t nr_cgroups)
    : map_(std::move(map)), config_(config), slice_dfl_(slice_dfl)
{
    const auto n = static_cast<std::uint32_t>(nr_cgroups);
    layout_ = pair_maps::layout({.nr_ctxs = map_.ctx_entries,
                                 .nr_cgroups = n,
                                 .nr_q = std::min(n, config.max_cgrps),
                                 .max_queued = config.max_queued,
                                 .max_cgrps = config.max_cgrps,
                                 .max_top_q = config.top_q_capacity()});
}

sched_ops::traits pair_sched::describe() const
{
    const bool by_ops = config_.revision == pair_revision::ops;
    return {.has_cpu_acquire_release = by_ops,
            .has_sched_switch = !by_ops,
            .select_cpu_prev = config_.variants.select_cpu_prev,
            .enq_last = config_.variants.enq_last,
            .dispatch_max_batch = 1, // one successful try_dispatch() inserts one task
            .nr_locks = map_.pair_id.size() + layout_.nr_q + 1,
            .state_bytes = layout_.bytes};
}

void pair_sched::init_state(std::byte* state) const
{
    pair_maps::init(layout_, state);
}

pair_maps pair_sched::maps(machine_state& state) const
{
    return {layout_, state.sched()};
}

op_step pair_sched::step(frame& call, kfuncs& k) const
{
    switch (call.which) {
    case op_kind::enqueue:
        return step_enqueue(call, k);
    case op_kind::dispatch:
        return step_dispatch(call, k);
    case op_kind::cpu_acquire:
        return step_cpu_acquire(call, k);
    case op_kind::cpu_release:
        return step_cpu_release(call, k);
    case op_kind::sched_switch:
        return step_sched_switch(call, k);
    case op_kind::cgroup_init:
        return step_cgroup_init(call, k);
    case op_kind::cgroup_exit:
        return step_cgroup_exit(call, k);
    case op_kind::exit: // pair_exit(): UEI_RECORD; the machine keeps the record
        return op_step::done();
    }
    SIM_CHECK(false);
    return op_step::done();
}

void pair_sched::kick_partner(kfuncs& k, std::uint8_t flags) const
{
    pair_maps maps(layout_, k.state());
    ++at(maps.counters(), counter::nr_kicks);
    k.kick_cpu(map_.pair_cpu[k.this_cpu().value], flags);
}

void pair_sched::emit_ctx(kfuncs& k, record_kind kind, const pair_ctx& ctx, std::int64_t value) const
{
    k.emit(kind, 0, pid{ctx.cgid.value}, map_.pair_id[k.this_cpu().value], to_bits(ctx), value);
}

// ---- pair_enqueue() -------------------------------------------------------------------------------------------

op_step pair_sched::step_enqueue(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cgroup_id cgroup = k.task_cgroup(call.task);
    auto& l = call.locals<enqueue_locals>();
    switch (static_cast<enqueue_pc>(call.pc)) {
    case enqueue_pc::lookup:
        ++at(maps.counters(), counter::nr_total);
        l.q = maps.q_idx(cgroup);
        if (l.q == no_q_idx) {
            k.error(to_underlying(pair_error::enqueue_no_q_idx), kernel_cgid(cgroup));
            return op_step::done(cost_kind::hash_lookup);
        }
        call.pc = to_underlying(enqueue_pc::push);
        return op_step::more(cost_kind::hash_lookup);
    case enqueue_pc::push:
        if (!lock_fifo(k, l.q)) {
            return op_step::blocked();
        }
        if (!maps.push(l.q, call.task)) {
            k.error(to_underlying(pair_error::queue_overflow), kernel_cgid(cgroup));
            return op_step::done(cost_kind::queue_map_op);
        }
        k.emit(record_kind::cgrp_q_push, 0, call.task, cgroup.value, 0, maps.nr_elements(l.q));
        call.pc = to_underlying(enqueue_pc::count);
        return op_step::more(cost_kind::queue_map_op);
    case enqueue_pc::count:
        if (maps.len(l.q)++ != 0) {
            return op_step::done(cost_kind::atomic_op);
        }
        call.pc = to_underlying(enqueue_pc::push_top);
        return op_step::more(cost_kind::atomic_op);
    case enqueue_pc::push_top:
        if (!lock_top_q(k)) {
            return op_step::blocked();
        }
        if (!maps.push_top(cgroup)) {
            k.error(to_underlying(pair_error::top_q_overflow), kernel_cgid(cgroup));
        } else {
            k.emit(record_kind::top_q_push, 0, idle_pid, cgroup.value, 0, maps.nr_top());
        }
        return op_step::done(cost_kind::queue_map_op);
    }
    SIM_CHECK(false);
    return op_step::done();
}

// ---- pair_dispatch(), try_dispatch() --------------------------------------------------------------------------

op_step pair_sched::step_dispatch(frame& call, kfuncs& k) const
{
    switch (static_cast<dispatch_pc>(call.pc)) {
    case dispatch_pc::begin:
    case dispatch_pc::first:
        return begin_try_dispatch(call, k);
    case dispatch_pc::wait_kick:
        kick_partner(k, kick_preempt);
        return op_step::done(cost_kind::kick_call);
    case dispatch_pc::pop_top:
    case dispatch_pc::check_top:
    case dispatch_pc::push_top:
        return search_top_q(call, k);
    case dispatch_pc::choose:
        return choose(call, k);
    case dispatch_pc::lookup:
    case dispatch_pc::take_len:
    case dispatch_pc::empty:
        return take_task(call, k);
    case dispatch_pc::pop:
    case dispatch_pc::insert:
        return insert_task(call, k);
    case dispatch_pc::kick:
        kick_partner(k, kick_preempt);
        return op_step::done(cost_kind::kick_call);
    }
    SIM_CHECK(false);
    return op_step::done();
}

/// The clock is read before the lock is taken: it may be older than what the partner writes.
op_step pair_sched::begin_try_dispatch(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    auto& l = call.locals<dispatch_locals>();
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::begin) {
        l.now = k.now();
        l.kick_pair = 0;
        if (!maps.has_ctx(map_.pair_id[cpu.value])) {
            k.error(to_underlying(pair_error::no_pair_ctx), cpu.value);
            call.result = enoent;
            return op_step::done(cost_kind::hash_lookup);
        }
        call.pc = to_underlying(dispatch_pc::first);
    }
    if (!lock_pair(k)) {
        return op_step::blocked();
    }
    return after_first_section(call, k);
}

op_step pair_sched::after_first_section(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    auto& l = call.locals<dispatch_locals>();
    pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
    const bool expired = ctx.started_at + config_.batch_duration < l.now;
    const auto begun = begin_dispatch(ctx, side_of(map_.in_pair_idx[cpu.value]), l.now, config_.batch_duration);
    ctx = begun.next;
    switch (begun.what) {
    case dispatch_begun::outcome::go_on:
        l.cgroup = ctx.cgid;
        emit_ctx(k, record_kind::pair_run, ctx, ctx.started_at.count());
        return next(call, dispatch_pc::lookup, cost_kind::bpf_lock);
    case dispatch_begun::outcome::wait:
        ++at(maps.counters(), counter::nr_exps);
        ++at(maps.counters(), counter::nr_exp_waits);
        emit_ctx(k, record_kind::pair_wait, ctx, static_cast<std::int64_t>(expired));
        if (!begun.kick_partner) {
            return op_step::done(cost_kind::bpf_lock);
        }
        return next(call, dispatch_pc::wait_kick, cost_kind::bpf_lock);
    case dispatch_begun::outcome::choose:
        ++at(maps.counters(), counter::nr_exps);
        return next(call, dispatch_pc::pop_top, cost_kind::bpf_lock);
    }
    SIM_CHECK(false);
    return op_step::done();
}

/// The loop over top_q: cgroups without queued tasks fall out, the first other one is put back and chosen.
op_step pair_sched::search_top_q(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    auto& l = call.locals<dispatch_locals>();
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::check_top) {
        const std::uint32_t q = maps.q_idx(l.cgroup);
        const bool has_tasks = q != no_q_idx && maps.len(q) != 0; // read without a lock
        return next(call, has_tasks ? dispatch_pc::push_top : dispatch_pc::pop_top, cost_kind::hash_lookup);
    }
    if (!lock_top_q(k)) {
        return op_step::blocked();
    }
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::push_top) {
        if (maps.push_top(l.cgroup)) { // scx_pair ignores a failure: the cgroup falls out of the rotation
            k.emit(record_kind::top_q_push, 0, idle_pid, l.cgroup.value, 0, maps.nr_top());
        }
        return next(call, dispatch_pc::choose, cost_kind::queue_map_op);
    }
    if (!maps.pop_top(l.cgroup)) {
        ++at(maps.counters(), counter::nr_exp_empty);
        emit_ctx(k, record_kind::pair_top_q_empty, maps.ctx(map_.pair_id[k.this_cpu().value]));
        return op_step::done(cost_kind::queue_map_op);
    }
    k.emit(record_kind::top_q_pop, 0, idle_pid, l.cgroup.value, 0, maps.nr_top());
    return next(call, dispatch_pc::check_top, cost_kind::queue_map_op);
}

op_step pair_sched::choose(frame& call, kfuncs& k) const
{
    if (!lock_pair(k)) {
        return op_step::blocked();
    }
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    auto& l = call.locals<dispatch_locals>();
    pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
    const auto chosen =
        choose_cgroup(ctx, side_of(map_.in_pair_idx[cpu.value]), l.cgroup, l.now, config_.variants.wait_for_partner);
    ctx = chosen.next;
    ++at(maps.counters(), chosen.adopted ? counter::nr_cgrp_next : counter::nr_cgrp_coll);
    emit_ctx(k, chosen.adopted ? record_kind::pair_adopt : record_kind::pair_coll, ctx, ctx.started_at.count());
    emit_ctx(k, record_kind::pair_run, ctx, ctx.started_at.count());
    l.kick_pair = static_cast<std::uint8_t>(chosen.adopted);
    l.cgroup = ctx.cgid;
    return next(call, dispatch_pc::lookup, cost_kind::bpf_lock);
}

/// try_dispatch() has returned -EAGAIN. A kick that was due is forgotten. Source: pair_dispatch(), bpf_repeat().
op_step pair_sched::try_again(frame& call, cost_kind cost) const
{
    auto& l = call.locals<dispatch_locals>();
    if (++l.nr_tries >= config_.bpf_max_loops) {
        return op_step::done(cost);
    }
    return next(call, dispatch_pc::begin, cost);
}

op_step pair_sched::take_task(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    const cpu_id cpu = k.this_cpu();
    auto& l = call.locals<dispatch_locals>();
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::lookup) {
        l.q = maps.q_idx(l.cgroup);
        if (l.q == no_q_idx) { // the cgroup has been removed: the scheduler gives up
            const bool none = l.cgroup == no_cgroup;
            k.error(to_underlying(pair_error::dispatch_no_q_idx), none ? 0 : kernel_cgid(l.cgroup));
            call.result = enoent;
            return op_step::done(cost_kind::hash_lookup);
        }
        return next(call, dispatch_pc::take_len, cost_kind::hash_lookup);
    }
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::take_len) {
        if (maps.len(l.q) != 0) {
            --maps.len(l.q);
            return next(call, dispatch_pc::pop, cost_kind::atomic_op);
        }
        ++at(maps.counters(), counter::nr_cgrp_empty);
        return next(call, dispatch_pc::empty, cost_kind::atomic_op);
    }
    if (!lock_pair(k)) {
        return op_step::blocked();
    }
    pair_ctx& ctx = maps.ctx(map_.pair_id[cpu.value]);
    ctx = cgroup_is_empty(ctx, side_of(map_.in_pair_idx[cpu.value]));
    emit_ctx(k, record_kind::pair_cgrp_empty, ctx);
    return try_again(call, cost_kind::bpf_lock);
}

op_step pair_sched::insert_task(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    auto& l = call.locals<dispatch_locals>();
    if (static_cast<dispatch_pc>(call.pc) == dispatch_pc::pop) {
        if (!lock_fifo(k, l.q)) {
            return op_step::blocked();
        }
        if (!maps.pop(l.q, l.task)) {
            k.error(to_underlying(pair_error::queue_empty), kernel_cgid(l.cgroup), l.q);
            call.result = enoent;
            return op_step::done(cost_kind::queue_map_op);
        }
        k.emit(record_kind::cgrp_q_pop, 0, l.task, l.cgroup.value, 0, maps.nr_elements(l.q));
        return next(call, dispatch_pc::insert, cost_kind::queue_map_op);
    }
    if (!k.task_exists(l.task)) {
        ++at(maps.counters(), counter::nr_missing);
        k.emit(record_kind::pair_missing, 0, l.task, map_.pair_id[k.this_cpu().value], 0, 0);
        return try_again(call, cost_kind::pid_lookup);
    }
    ++at(maps.counters(), counter::nr_dispatched);
    const bool local = config_.variants.local_dsq && k.task_may_run_on(l.task, k.this_cpu());
    k.dsq_insert(l.task, local, slice_dfl_);
    if (l.kick_pair == 0) {
        return op_step::done(cost_kind::pid_lookup);
    }
    return next(call, dispatch_pc::kick, cost_kind::pid_lookup);
}

// ---- cgroups --------------------------------------------------------------------------------------------------

/// Source: pair_cgroup_init().
op_step pair_sched::step_cgroup_init(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    call.result = maps.claim_q_idx(cgroup_id{call.arg}) ? 0 : ebusy;
    return op_step::done();
}

/// Source: pair_cgroup_exit().
op_step pair_sched::step_cgroup_exit(frame& call, kfuncs& k) const
{
    pair_maps maps(layout_, k.state());
    maps.release_q_idx(cgroup_id{call.arg});
    return op_step::done();
}

/// Look-ups of cgroups that stay, and kicks: these only set bits of the kicking CPU.
bool pair_sched::next_is_left_mover(const frame& call) const
{
    switch (call.which) {
    case op_kind::enqueue:
        return call.pc == to_underlying(enqueue_pc::lookup);
    case op_kind::dispatch: {
        const auto pc = static_cast<dispatch_pc>(call.pc);
        return pc == dispatch_pc::lookup || pc == dispatch_pc::wait_kick || pc == dispatch_pc::kick;
    }
    case op_kind::cpu_acquire:
    case op_kind::cpu_release:
    case op_kind::sched_switch:
        return call.pc != 0; // the section comes first, then the kick
    case op_kind::cgroup_init:
    case op_kind::cgroup_exit:
    case op_kind::exit:
        return false;
    }
    SIM_CHECK(false);
    return false;
}

/// scx_pair never reads its counters, and no one sees where in a queue map's memory the elements lie.
void pair_sched::canonicalise(std::byte* state) const
{
    pair_maps(layout_, state).canonicalise();
}

/// The bound of the retry loop is far above what any small machine can do; of a search of top_q only the present
/// candidate counts.
void pair_sched::canonicalise(frame& call) const
{
    if (call.which != op_kind::dispatch) {
        return;
    }
    auto& l = call.locals<dispatch_locals>();
    l.nr_tries = 0;
    switch (static_cast<dispatch_pc>(call.pc)) {
    case dispatch_pc::begin:
    case dispatch_pc::first:
    case dispatch_pc::wait_kick:
    case dispatch_pc::pop_top:
    case dispatch_pc::kick:
        l.cgroup = cgroup_id{};
        l.q = 0;
        l.task = pid{};
        break;
    case dispatch_pc::check_top:
    case dispatch_pc::push_top:
    case dispatch_pc::choose:
    case dispatch_pc::lookup:
        l.q = 0;
        l.task = pid{};
        break;
    case dispatch_pc::take_len:
    case dispatch_pc::empty:
    case dispatch_pc::pop:
        l.task = pid{};
        break;
    case dispatch_pc::insert:
        l.cgroup = cgroup_id{};
        l.q = 0;
        break;
    }
}

void pair_sched::relabel(std::byte* to, std::byte* from, const relabelling& r) const
{
    pair_maps renamed(layout_, to);
    pair_maps maps(layout_, from);
    renamed.relabel(maps, r);
    for (const pair_map::pair& pair : map_.pairs) {
        if (!maps.has_ctx(pair.first.value)) {
            continue;
        }
        const cpu_id name = r.of(pair.first);
        pair_ctx ctx = maps.ctx(pair.first.value);
        ctx.cgid = r.of(ctx.cgid);
        if (map_.in_pair_idx[name.value] != 0) {
            ctx = with_sides_exchanged(ctx);
        }
        renamed.ctx(map_.pair_id[name.value]) = ctx;
    }
}

void pair_sched::relabel(frame& call, const relabelling& r) const
{
    if (call.which == op_kind::enqueue) {
        auto& l = call.locals<enqueue_locals>();
        l.q = r.queues[l.q];
    } else if (call.which == op_kind::dispatch) {
        auto& l = call.locals<dispatch_locals>();
        l.cgroup = r.of(l.cgroup);
        l.q = r.queues[l.q];
        l.task = r.of(l.task);
    }
}

std::string pair_sched::error_text(const exit_info& info) const
{
    switch (static_cast<pair_error>(info.code)) {
    case pair_error::enqueue_no_q_idx:
    case pair_error::dispatch_no_q_idx:
        return fmt::format("failed to lookup q_idx for cgroup[{}]", info.arg0);
    case pair_error::no_q_arr:
        return fmt::format("failed to lookup q_arr for cgroup[{}] q_idx[{}]", info.arg0, info.arg1);
    case pair_error::queue_overflow:
        return fmt::format("cgroup[{}] queue overflow", info.arg0);
    case pair_error::top_q_overflow:
        return "top_q overflow";
    case pair_error::no_pair_ctx:
        return fmt::format("failed to lookup pairc and in_pair_mask for cpu[{}]", info.arg0);
    case pair_error::queue_empty:
        return fmt::format("cgq_map is empty for cgroup[{}] q_idx[{}]", info.arg0, info.arg1);
    }
    return "unknown error";
}

} // namespace pairsim
