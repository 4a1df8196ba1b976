// SPDX-License-Identifier: GPL-2.0-only
#include "model/claims.h"

#include "model/pair_error.h"
#include "sim/objects.h"

namespace pairsim {

using k = record_kind;

// ---- violations that last -----------------------------------------------------------------------------------------

void violation_tracker::update(std::uint32_t pair, const std::optional<breach>& now, bool settled, sim_time t,
                               findings_log& log)
{
    open_violation& v = open_[pair];
    if (!v.is_open && !now) {
        return;
    }
    const observed_pair& p = state_.pair(pair);
    if (v.is_open && now) {
        const bool is_new = v.stretch.cause != now->cause || v.stretch.cpus[0] != p.cpus[now->side];
        if (!settled || !is_new) {
            return;
        }
    }
    if (v.is_open) {
        end_stretch(v, t, log);
    }
    if (!now) {
        v.whole.end = t;
        if (v.has_cause) {
            log.add(v.whole);
        }
        v.is_open = false;
        return;
    }
    v.stretch = about(state_, p, *now, t);
    v.stretch.claim = claim_;
    if (!v.is_open) {
        v.whole = v.stretch;
        v.is_open = true;
        v.has_cause = false;
    }
}

void violation_tracker::end_stretch(open_violation& v, sim_time t, findings_log& log)
{
    v.stretch.end = t;
    if (v.stretch.length_ns() == 0 && !log.options().count_instants) {
        return;
    }
    log.add_stretch(v.stretch);
    if (!v.has_cause) {
        v.has_cause = true;
        const sim_time start = v.whole.start;
        v.whole = v.stretch;
        v.whole.start = start;
    }
}

void violation_tracker::finish(sim_time end, findings_log& log)
{
    for (std::size_t i = 0; i < open_.size(); ++i) {
        update(static_cast<std::uint32_t>(i), std::nullopt, true, end, log);
    }
}

std::optional<breach> exclusive_claim::check(const observed_state& state, const observed_pair& pair) const
{
    if (!state.breaks_exclusive(pair)) {
        return std::nullopt;
    }
    const int side = finder_.intruder(pair);
    return breach{side, finder_.of_two_cgroups(pair, side)};
}

std::optional<breach> preemptor_claim::check(const observed_state& state, const observed_pair& pair) const
{
    const int held = state.side_run_beside(pair);
    if (held < 0) {
        return std::nullopt;
    }
    return breach{1 - held, finder_.of_run_beside(pair, held)};
}

// ---- no-abort -----------------------------------------------------------------------------------------------------

void abort_claim::on(const trace_record& r, findings_log& log)
{
    if (r.kind == k::cgroup_exit && r.a < cgroup_is_gone_.size()) {
        cgroup_is_gone_[r.a] = 1;
    } else if (r.kind == k::kick_wait_begin) {
        waits_for_no_task_[r.cpu.value] =
            static_cast<char>(!state_.cpu(cpu_id{static_cast<std::uint16_t>(r.a)}).runs_task());
    } else if (r.kind == k::scx_error) {
        const auto i = state_.pair_of(r.cpu);
        finding f{.claim = claim_id::no_abort, .cause = cause_of(r), .start = r.at, .end = r.at};
        f.cpus[0] = r.cpu;
        f.cgroups[0] = i != observed_state::no_pair ? state_.pair(i).cgid : no_cgroup;
        log.add(f);
    }
}

cause_id abort_claim::cause_of(const trace_record& r) const
{
    if (r.value == static_cast<std::int64_t>(exit_kind::error_stall)) {
        return cause_id::stall;
    }
    if (r.value == static_cast<std::int64_t>(exit_kind::hard_lockup)) {
        const std::size_t waiter = r.cpu.value;
        return waiter < waits_for_no_task_.size() && waits_for_no_task_[waiter] != 0 ? cause_id::s2 : cause_id::s1;
    }
    if (r.value == static_cast<std::int64_t>(exit_kind::error)) { // of ops.cgroup_init, when it is enabled
        return cause_id::s7;
    }
    if (r.value != static_cast<std::int64_t>(exit_kind::error_bpf)) {
        return cause_id::core_error;
    }
    return isolates_ ? cause_of_call(r) : cause_id::bpf_error;
}

/// Of an scx_bpf_error() of scx_pair.
cause_id abort_claim::cause_of_call(const trace_record& r) const
{
    switch (static_cast<pair_error>(r.reason)) {
    case pair_error::queue_overflow:
        return cause_id::s6;
    case pair_error::top_q_overflow:
        return cause_id::s5;
    case pair_error::no_pair_ctx:
        return cause_id::s8;
    case pair_error::dispatch_no_q_idx: {
        const auto i = state_.pair_of(r.cpu);
        const auto cgid = i != observed_state::no_pair ? state_.pair(i).cgid : no_cgroup;
        const bool is_gone = cgid.value < cgroup_is_gone_.size() && cgroup_is_gone_[cgid.value] != 0;
        return is_gone ? cause_id::s4 : cause_id::bpf_error;
    }
    case pair_error::enqueue_no_q_idx:
    case pair_error::no_q_arr:
    case pair_error::queue_empty:
        return cause_id::bpf_error;
    }
    return cause_id::bpf_error;
}

// ---- no-lost-task -------------------------------------------------------------------------------------------------

void lost_task_claim::on(const trace_record& r, findings_log& log)
{
    if (r.kind == k::scx_error || r.kind == k::scx_exit) {
        ended_ = true; // from now on the core's bypass has the tasks
        return;
    }
    if (ended_ || r.task.value >= tasks_.size()) {
        return;
    }
    entries& of = tasks_[r.task.value];
    of.changed = r.at;
    if (r.kind == k::enqueue) {
        of.in_hand = true;
    } else if (r.kind == k::cgrp_q_push) {
        ++of.queued;
    } else if (r.kind == k::cgrp_q_pop) {
        --of.queued;
    } else if (static_cast<insert_result>(r.reason) != insert_result::ignored) {
        of.in_hand = false;
    } else {
        log.add({.claim = claim_id::no_lost_task,
                 .cause = cause_id::stale,
                 .start = r.at,
                 .end = r.at,
                 .cpus = {r.cpu, no_cpu},
                 .tasks = {r.task, idle_pid},
                 .cgroups = {state_.task(r.task).cgroup, no_cgroup}});
    }
}

void lost_task_claim::finish(sim_time end, findings_log& log) const
{
    constexpr nanoseconds on_its_way = std::chrono::milliseconds{1}; // from enqueue to push, from pop to insert
    for (std::size_t i = 1; i < tasks_.size() && !ended_; ++i) {
        const pid p{static_cast<std::uint32_t>(i)};
        const auto& task = state_.task(p);
        const auto& of = tasks_[i];
        if (task.state == observed_task_state::waiting && of.in_hand && of.queued <= 0 &&
            end - of.changed > on_its_way) {
            log.add({.claim = claim_id::no_lost_task,
                     .cause = cause_id::lost,
                     .start = of.changed,
                     .end = of.changed,
                     .tasks = {p, idle_pid},
                     .cgroups = {task.cgroup, no_cgroup}});
        }
    }
}

// ---- all of them --------------------------------------------------------------------------------------------------

static nanoseconds or_default(nanoseconds stated, nanoseconds by_default)
{
    return stated != nanoseconds{0} ? stated : by_default;
}

claims::claims(const machine_config& machine, const workload& work, const pair_map& pairs, claims_options options)
    : state_(machine.nr_cpus(), work.tasks.size(), pairs), queues_(work.tasks.size(), work.cgroups.size()),
      watch_(options.watch), of_starvation_(if_watched(claim_id::no_starvation, starvation_claim::hears)),
      of_lost_tasks_(if_watched(claim_id::no_lost_task, lost_task_claim::hears)),
      of_queues_(if_watched(claim_id::top_q_covers,
                            observed_queues::hears | top_q_claim::hears | work_claim::hears | drain_claim::hears)),
      of_drains_(if_watched(claim_id::top_q_covers, drain_claim::hears)), log_(options),
      exclusive_(cause_finder(state_, machine, work, options.isolates)),
      preemptor_(cause_finder(state_, machine, work, options.isolates)), abort_(state_, work, options.isolates),
      lost_task_(state_, work.tasks.size()), top_q_(queues_),
      drain_(state_, queues_, or_default(options.limits.drain, default_limits(machine).drain)),
      starvation_(state_, queues_, or_default(options.limits.starvation, default_limits(machine).starvation)),
      work_(state_, queues_, work, or_default(options.limits.idle, default_limits(machine).idle)),
      exclusive_tracker_(claim_id::exclusive, state_), preemptor_tracker_(claim_id::no_run_beside_preemptor, state_)
{
}

kind_set claims::if_watched(claim_id claim, kind_set kinds) const
{
    return watch_.has(claim) ? kinds : kind_set{};
}

void claims::on_records(std::span<const trace_record> records)
{
    for (const auto& r : records) {
        on(r);
    }
}

void claims::on(const trace_record& r)
{
    counters_.on(r);
    if (of_starvation_.has(r.kind)) {
        starvation_.before(r, log_);
    }
    const auto pair = state_.touched_pair(r);
    if (pair != observed_state::no_pair && of_drains_.has(r.kind)) {
        drain_.before(r, pair);
    }
    state_.apply(r);
    if (pair != observed_state::no_pair) {
        on_pair(pair, r);
    }
    if (abort_claim::hears.has(r.kind)) {
        abort_.on(r, log_);
    }
    if (of_lost_tasks_.has(r.kind)) {
        lost_task_.on(r, log_);
    }
    if (of_queues_.has(r.kind)) {
        on_queues(r, pair);
    }
}

void claims::on_pair(std::uint32_t i, const trace_record& r)
{
    const observed_pair& pair = state_.pair(i);
    const bool may_begin = of_occupants.has(r.kind); // the others can only change why
    if (may_begin || exclusive_tracker_.is_open(i)) {
        exclusive_tracker_.update(i, exclusive_.check(state_, pair), !pair.adopting, r.at, log_);
    }
    if (may_begin || preemptor_tracker_.is_open(i)) {
        preemptor_tracker_.update(i, preemptor_.check(state_, pair), true, r.at, log_);
    }
}

void claims::on_queues(const trace_record& r, std::uint32_t pair)
{
    const bool of_top_q = top_q_claim::hears.has(r.kind);
    if (of_top_q) {
        top_q_.before(r);
    }
    work_.before(r);
    queues_.apply(r);
    if (of_top_q) {
        top_q_.after(r, log_);
    }
    if (work_claim::hears.has(r.kind)) {
        work_.after(r, pair, log_);
    }
    if (of_drains_.has(r.kind)) {
        drain_.after(r, pair, log_);
    }
}

claims_result claims::finish(sim_time end, const std::optional<final_counters>& counters)
{
    exclusive_tracker_.finish(end, log_);
    preemptor_tracker_.finish(end, log_);
    const auto watches = [&](claim_id c) { return watch_.has(c); };
    if (watches(claim_id::no_lost_task)) {
        lost_task_.finish(end, log_);
    }
    if (watches(claim_id::no_starvation)) {
        starvation_.finish(end, log_);
    }
    if (watches(claim_id::top_q_covers)) {
        top_q_.finish(end, log_);
        work_.finish(end, log_);
        drain_.finish(end, log_);
    }
    if (!counters) {
        watch_ = watch_.without(claim_id::counters_add_up);
    } else if (watches(claim_id::counters_add_up)) {
        counters_.finish(*counters, end, log_);
    }
    claims_result result = log_.finish();
    result.watched = watch_;
    return result;
}

} // namespace pairsim
