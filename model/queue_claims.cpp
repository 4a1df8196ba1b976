// SPDX-License-Identifier: GPL-2.0-only
#include "model/queue_claims.h"

#include <algorithm>

namespace pairsim {

using k = record_kind;

claim_limits default_limits(const machine_config& machine)
{
    const nanoseconds tick{1'000'000'000 / machine.hz};
    return {.drain = machine.slice_dfl + 2 * tick, .starvation = machine.watchdog_timeout, .idle = tick};
}

/// Why a cgroup with queued tasks is not on top_q.
static cause_id why_uncovered(bool push_failed)
{
    return push_failed ? cause_id::s21 : cause_id::s10;
}

// ---- top-q-covers -------------------------------------------------------------------------------------------------

void top_q_claim::before(const trace_record& r)
{
    const bool known = r.kind != k::pair_top_q_empty && r.a < queues_.nr_cgroups();
    was_uncovered_ = known ? queues_.cgroup(cgroup_id{r.a}).uncovered_since : never;
    push_had_failed_ = known && queues_.cgroup(cgroup_id{r.a}).push_failed;
    in_hand_ = r.kind == k::pair_top_q_empty ? queues_.in_other_hand(r.cpu) : no_cgroup;
}

void top_q_claim::after(const trace_record& r, findings_log& log)
{
    if (in_hand_ != no_cgroup) {
        finding f{.claim = claim_id::top_q_covers, .cause = cause_id::s15, .start = r.at, .end = r.at};
        f.cpus = {r.cpu, queues_.cgroup(in_hand_).hand};
        f.cgroups[0] = in_hand_;
        log.add(f);
    }
    if (was_uncovered_ != never && queues_.cgroup(cgroup_id{r.a}).uncovered_since == never) {
        close(cgroup_id{r.a}, was_uncovered_, r.at, push_had_failed_, log);
    }
}

void top_q_claim::close(cgroup_id c, sim_time since, sim_time t, bool push_failed, findings_log& log)
{
    if (t - since <= on_its_way) {
        return;
    }
    finding f{.claim = claim_id::top_q_covers, .cause = why_uncovered(push_failed), .start = since, .end = t};
    f.cgroups[0] = c;
    log.add_of_one_stretch(f);
}

void top_q_claim::finish(sim_time end, findings_log& log)
{
    for (std::size_t i = 0; i < queues_.nr_cgroups(); ++i) {
        const cgroup_id c{static_cast<std::uint32_t>(i)};
        if (const sim_time since = queues_.cgroup(c).uncovered_since; since != never) {
            close(c, since, end, queues_.cgroup(c).push_failed, log);
        }
    }
}

// ---- drain-bounded ------------------------------------------------------------------------------------------------

void drain_claim::before(const trace_record& r, std::uint32_t pair)
{
    found_ = violation(pair, r.at);
}

void drain_claim::after(const trace_record& r, std::uint32_t pair, findings_log& log)
{
    if (r.kind == k::cgrp_q_push || r.kind == k::cgrp_q_pop) {
        follow_work(r.at, log);
    } else if (pair != observed_state::no_pair) {
        follow_pair(pair, r.at, log);
    }
}

void drain_claim::follow_pair(std::uint32_t pair, sim_time t, findings_log& log)
{
    if (!drains(state_.pair(pair))) {
        since_[pair] = never;
        add(found_, log);
    } else if (since_[pair] == never) {
        since_[pair] = t;
    }
}

bool drain_claim::drains(const observed_pair& p) const
{
    if (!p.draining() || pair_bits::preempted(p.bits) != 0) {
        return false;
    }
    const observed_cpu& first = state_.cpu(p.cpus[0]);
    const observed_cpu& second = state_.cpu(p.cpus[1]);
    const bool idle = first.current == idle_pid && second.current == idle_pid;
    return !idle && !first.preempted && !second.preempted;
}

void drain_claim::follow_work(sim_time t, findings_log& log)
{
    const bool has_work = queues_.queued() > 0;
    if (has_work && work_since_ == never) {
        work_since_ = t;
    } else if (!has_work && work_since_ != never) {
        if (t - work_since_ > limit_) {
            finish(t, log);
        }
        work_since_ = never;
    }
}

/// The CPU that runs on while the pair drains, and why; nothing if none does.
std::optional<breach> drain_claim::culprit(const observed_pair& p) const
{
    std::optional<breach> found;
    for (int side = 0; side < 2; ++side) {
        const observed_cpu& c = state_.cpu(p.cpus[side]);
        if (!c.runs_task()) {
            continue;
        }
        if (c.came.how == arrival::way::direct_sync) {
            return breach{side, cause_id::s12};
        }
        if (c.kept != 0) {
            return breach{side, cause_id::i2};
        }
        if (c.stop_erased) {
            return breach{side, cause_id::i15};
        }
        found = breach{side, cause_id::s17};
    }
    return found;
}

/// What is wrong if @p pair drains up to @p t, and what kept it from adopting at last.
std::optional<finding> drain_claim::violation(std::uint32_t pair, sim_time t) const
{
    if (since_[pair] == never || work_since_ == never) {
        return std::nullopt;
    }
    const sim_time from = std::max(since_[pair], work_since_) + limit_;
    if (from >= t) {
        return std::nullopt;
    }
    const auto why = culprit(state_.pair(pair));
    finding f = why ? about(state_, state_.pair(pair), *why, from) : finding{.start = from};
    f.claim = claim_id::drain_bounded;
    f.end = t;
    return f;
}

void drain_claim::add(const std::optional<finding>& f, findings_log& log)
{
    if (f) {
        log.add_of_one_stretch(*f);
    }
}

void drain_claim::finish(sim_time end, findings_log& log)
{
    for (std::size_t i = 0; i < since_.size(); ++i) {
        add(violation(static_cast<std::uint32_t>(i), end), log);
    }
}

// ---- no-starvation ------------------------------------------------------------------------------------------------

cause_id starvation_claim::cause_of(pid p, sim_time t) const
{
    const observed_place& at = queues_.place(p);
    switch (at.where) {
    case waiting_place::none:
    case waiting_place::hand:
        return cause_id::unknown;
    case waiting_place::local_dsq:
        return is_higher(state_.cpu(at.cpu).current) ? cause_id::s14 : cause_id::unknown;
    case waiting_place::global_dsq:
        return cause_id::s13;
    case waiting_place::fifo:
        break;
    }
    if (queues_.cgroup(at.fifo).uncovered_since != never) {
        return why_uncovered(queues_.cgroup(at.fifo).push_failed);
    }
    const bool nobody_looks = t - last_adoption_ > limit_ / 2;
    if (!nobody_looks && queues_.top_q_len() > 2 * std::int64_t{queues_.cgroups_on_top_q()}) {
        return cause_id::s11;
    }
    for (std::size_t i = 0; i < state_.nr_cpus(); ++i) {
        const auto& c = state_.cpu(cpu_id{static_cast<std::uint16_t>(i)});
        if (is_higher(c.current)) {
            return cause_id::s14;
        }
        if (c.runs_task() && c.came.how == arrival::way::direct_sync) {
            return cause_id::s12;
        }
    }
    return cause_id::unknown;
}

void starvation_claim::before(const trace_record& r, findings_log& log)
{
    if (r.kind == k::scx_error || r.kind == k::scx_exit) {
        if (!ended_) {
            finish(r.at, log);
            ended_ = true;
        }
        return;
    }
    last_adoption_ = r.kind == k::pair_adopt ? r.at : last_adoption_;
    const bool asks = r.kind == k::sched_switch || r.kind == k::cgrp_q_pop || r.kind == k::consume;
    if (!asks || ended_ || !is_task(r.task) || r.task.value > state_.nr_tasks()) {
        return;
    }
    const observed_task& task = state_.task(r.task);
    if (task.state != observed_task_state::waiting || r.at - task.since <= limit_) {
        return;
    }
    if (r.kind != k::sched_switch) {
        if (r.task.value < why_.size() && why_[r.task.value] == cause_id::unknown) {
            why_[r.task.value] = cause_of(r.task, r.at);
        }
        return;
    }
    close(r.task, r.at, log);
}

void starvation_claim::close(pid p, sim_time t, findings_log& log)
{
    const observed_task& task = state_.task(p);
    finding f{.claim = claim_id::no_starvation, .start = task.since + limit_, .end = t};
    f.tasks[0] = p;
    f.cgroups[0] = task.cgroup;
    const cause_id known = p.value < why_.size() ? why_[p.value] : cause_id::unknown;
    f.cause = known != cause_id::unknown ? known : cause_of(p, t);
    if (p.value < why_.size()) {
        why_[p.value] = cause_id::unknown;
    }
    log.add_of_one_stretch(f);
}

void starvation_claim::finish(sim_time end, findings_log& log)
{
    for (std::size_t i = 1; i <= state_.nr_tasks() && !ended_; ++i) {
        const pid p{static_cast<std::uint32_t>(i)};
        const observed_task& task = state_.task(p);
        if (task.state == observed_task_state::waiting && end - task.since > limit_) {
            close(p, end, log);
        }
    }
}

// ---- work-conserving ----------------------------------------------------------------------------------------------

work_claim::work_claim(const observed_state& state, const observed_queues& queues, const workload& work,
                       nanoseconds limit)
    : state_(state), queues_(queues), work_(work), limit_(limit), mask_(state.nr_tasks() + 1),
      restricted_(state.nr_pairs()), idle_since_(state.nr_pairs(), sim_time{}), in_hand_(state.nr_pairs())
{
}

bool work_claim::may_run_on(std::uint32_t mask, std::uint32_t pair) const
{
    if (mask >= work_.cpumasks.size()) {
        return true;
    }
    const auto& cpus = state_.pair(pair).cpus;
    return work_.cpumasks[mask].test(cpus[0]) || work_.cpumasks[mask].test(cpus[1]);
}

/// When the work began that @p pair could do; never: there is none.
sim_time work_claim::work_since(std::uint32_t pair) const
{
    return std::min(anywhere_.since, restricted_[pair].since);
}

void work_claim::come(pid p, sim_time t)
{
    const std::uint32_t mask = state_.task(p).mask;
    mask_[p.value] = mask;
    if (mask == 0) {
        anywhere_.since = anywhere_.n++ == 0 ? t : anywhere_.since;
        return;
    }
    for (std::uint32_t i = 0; i < restricted_.size(); ++i) {
        if (may_run_on(mask, i)) {
            restricted_[i].since = restricted_[i].n++ == 0 ? t : restricted_[i].since;
        }
    }
}

void work_claim::leave(pid p, sim_time t, findings_log& log)
{
    const std::uint32_t mask = mask_[p.value]; // its affinity may have changed meanwhile
    if (mask == 0) {
        if (anywhere_.n == 0 || --anywhere_.n != 0) {
            return;
        }
        const sim_time since = anywhere_.since;
        for (std::uint32_t i = 0; i < restricted_.size() && t - since > limit_; ++i) {
            if (restricted_[i].n == 0) {
                close(i, t, p, was_, log);
            } else {
                restricted_[i].since = std::min(restricted_[i].since, since);
            }
        }
        anywhere_.since = never;
        return;
    }
    for (std::uint32_t i = 0; i < restricted_.size(); ++i) {
        if (may_run_on(mask, i) && restricted_[i].n != 0 && --restricted_[i].n == 0) {
            if (anywhere_.n == 0) {
                close(i, t, p, was_, log);
            }
            restricted_[i].since = never;
        }
    }
}

void work_claim::close(std::uint32_t pair, sim_time t, pid task, const observed_place& place, findings_log& log)
{
    const sim_time work = work_since(pair);
    if (idle_since_[pair] == never || work == never) {
        return;
    }
    const sim_time from = std::max(idle_since_[pair], work) + limit_;
    if (t <= from) {
        return;
    }
    const observed_pair& p = state_.pair(pair);
    finding f{.claim = claim_id::work_conserving, .start = from, .end = t, .cpus = {p.cpus[0], p.cpus[1]}};
    f.tasks[0] = task;
    f.cgroups[0] = is_task(task) ? state_.task(task).cgroup : no_cgroup;
    if (place.where == waiting_place::global_dsq) {
        f.cause = cause_id::s13;
    } else if (place.where == waiting_place::fifo && queues_.cgroup(place.fifo).uncovered_since != never) {
        f.cause = why_uncovered(queues_.cgroup(place.fifo).push_failed);
    } else {
        f.cause = in_hand_[pair] != 0 ? cause_id::s15 : cause_id::s16;
    }
    log.add_of_one_stretch(f);
}

/// The pair's own end: the task that has waited longest stands for all.
void work_claim::close_with_any(std::uint32_t pair, sim_time t, findings_log& log)
{
    const sim_time work = work_since(pair);
    if (idle_since_[pair] == never || work == never || t - std::max(idle_since_[pair], work) <= limit_) {
        return;
    }
    pid longest = idle_pid;
    for (std::size_t i = 1; i <= state_.nr_tasks(); ++i) {
        const pid p{static_cast<std::uint32_t>(i)};
        const bool older = longest == idle_pid || queues_.place(p).since < queues_.place(longest).since;
        if (counts(queues_.place(p)) && may_run_on(state_.task(p).mask, pair) && older) {
            longest = p;
        }
    }
    close(pair, t, longest, queues_.place(longest), log);
}

void work_claim::follow_pair(std::uint32_t pair, sim_time t, findings_log& log)
{
    const observed_pair& p = state_.pair(pair);
    const bool idle = state_.cpu(p.cpus[0]).current == idle_pid && state_.cpu(p.cpus[1]).current == idle_pid &&
                      pair_bits::preempted(p.bits) == 0;
    if (idle && idle_since_[pair] == never) {
        idle_since_[pair] = t;
    } else if (!idle && idle_since_[pair] != never) {
        close_with_any(pair, t, log);
        idle_since_[pair] = never;
    }
}

void work_claim::before(const trace_record& r)
{
    if (observed_queues::of_places.has(r.kind)) {
        was_ = queues_.place(r.task);
    }
}

void work_claim::after(const trace_record& r, std::uint32_t pair, findings_log& log)
{
    if (ended_) {
        return;
    }
    if (r.kind == k::scx_error || r.kind == k::scx_exit) {
        finish(r.at, log);
        ended_ = true;
        return;
    }
    if (observed_queues::of_places.has(r.kind) && is_task(r.task) && r.task.value <= state_.nr_tasks() &&
        counts(was_) != counts(queues_.place(r.task))) {
        if (counts(was_)) {
            leave(r.task, r.at, log);
        } else {
            come(r.task, r.at);
        }
    }
    if (pair == observed_state::no_pair) {
        return;
    }
    if (r.kind == k::pair_top_q_empty) {
        in_hand_[pair] = queues_.in_other_hand(r.cpu) != no_cgroup ? 1 : 0;
    } else if (r.kind == k::pair_adopt || r.kind == k::pair_run) {
        in_hand_[pair] = 0;
    }
    follow_pair(pair, r.at, log);
}

void work_claim::finish(sim_time end, findings_log& log)
{
    for (std::uint32_t i = 0; i < restricted_.size() && !ended_; ++i) {
        close_with_any(i, end, log);
    }
}

// ---- counters-add-up ----------------------------------------------------------------------------------------------

void counters_claim::finish(const final_counters& counters, sim_time end, findings_log& log) const
{
    if (counters.op_cut_short) {
        return;
    }
    const auto n = [&](pair_counter c) { return counters.n[static_cast<std::size_t>(c)]; };
    const auto seen = [&](k kind) { return seen_[static_cast<std::size_t>(kind)]; };
    using c = pair_counter;
    const bool add_up =
        n(c::nr_exps) == n(c::nr_exp_waits) + n(c::nr_exp_empty) + n(c::nr_cgrp_next) + n(c::nr_cgrp_coll) &&
        n(c::nr_total) - n(c::nr_dispatched) - n(c::nr_missing) == counters.queued &&
        seen(k::cgrp_q_push) - seen(k::cgrp_q_pop) == counters.queued && n(c::nr_exp_waits) == seen(k::pair_wait) &&
        n(c::nr_exp_empty) == seen(k::pair_top_q_empty) && n(c::nr_cgrp_next) == seen(k::pair_adopt) &&
        n(c::nr_cgrp_coll) == seen(k::pair_coll) && n(c::nr_cgrp_empty) == seen(k::pair_cgrp_empty) &&
        n(c::nr_missing) == seen(k::pair_missing) && n(c::nr_preemptions) == seen(k::pair_release);
    if (!add_up) {
        log.add({.claim = claim_id::counters_add_up, .cause = cause_id::miscount, .start = end, .end = end});
    }
}

} // namespace pairsim
