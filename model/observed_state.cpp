// SPDX-License-Identifier: GPL-2.0-only
#include "model/observed_state.h"

#include <array>
#include <iterator>

#include "sim/check.h"

namespace pairsim {

using k = record_kind;

namespace {

/// Which part of the state a kind of record changes.
enum class group : std::uint8_t { none, cpu, keep, kick, wait, higher, pair, task, move, way, top_q, slice };

struct membership {
    group of;
    record_subject subject;
    kind_set kinds;
};

constexpr membership memberships[] = {
    {group::cpu, record_subject::cpu, {k::sched_switch}},
    {group::keep, record_subject::cpu, {k::keep_prev}},
    {group::kick, record_subject::target, {k::kick, k::kick_serviced}},
    {group::wait, record_subject::cpu, {k::kick_wait_begin, k::kick_wait_end}},
    {group::higher, record_subject::cpu, {k::cpu_release, k::cpu_acquire}},
    {group::pair, record_subject::pair, pair_ctx_kinds},
    {group::task,
     record_subject::none,
     {k::sched_wakeup, k::sched_wakeup_new, k::task_new, k::task_exit, k::task_affinity}},
    {group::move, record_subject::running_task, {k::task_move}},
    {group::way, record_subject::none, {k::enqueue, k::dsq_insert, k::consume, k::local_insert, k::cgrp_q_pop}},
    {group::top_q, record_subject::none, {k::top_q_push, k::top_q_pop}},
    {group::slice, record_subject::none, {k::slice_end}},
};
static_assert(nr_record_kinds == 43, "say which part of the state the new kind changes, if any");

/// For each kind, what @p member of its membership says; @p otherwise for a kind that changes nothing.
template <class Value>
constexpr auto by_kind(Value membership::*member, Value otherwise)
{
    std::array<Value, nr_record_kinds> all{};
    all.fill(otherwise);
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        for (const membership& m : memberships) {
            if (m.kinds.has(static_cast<record_kind>(i))) {
                all[i] = m.*member;
            }
        }
    }
    return all;
}

constexpr auto groups_by_kind = by_kind(&membership::of, group::none);
constexpr auto subjects_by_kind = by_kind(&membership::subject, record_subject::none);

constexpr group group_of(record_kind kind)
{
    return groups_by_kind[static_cast<std::size_t>(kind)];
}

} // namespace

record_subject subject_of(record_kind kind)
{
    return subjects_by_kind[static_cast<std::size_t>(kind)];
}

observed_state::observed_state(std::size_t nr_cpus, std::size_t nr_tasks, const pair_map& pairs)
    : cpus_(nr_cpus), tasks_(nr_tasks + 1), pair_of_(nr_cpus, no_pair)
{
    for (const auto& p : pairs.pairs) {
        pair_of_[p.first.value] = pair_of_[p.second.value] = static_cast<std::uint32_t>(pairs_.size());
        pairs_.push_back({.cpus = {p.first, p.second}});
    }
}

std::size_t observed_state::index(pid p) const
{
    SIM_CHECK(p.value < tasks_.size());
    return p.value;
}

std::uint32_t observed_state::touched_pair(const trace_record& r) const
{
    switch (subject_of(r.kind)) {
    case record_subject::none:
        return no_pair;
    case record_subject::cpu:
        return pair_of(r.cpu);
    case record_subject::target:
    case record_subject::pair:
        return pair_of(cpu_id{static_cast<std::uint16_t>(r.a)});
    case record_subject::running_task:
        return pair_of(task(r.task).cpu);
    }
    return no_pair;
}

bool observed_state::breaks_exclusive(const observed_pair& p) const
{
    const observed_cpu& first = cpu(p.cpus[0]);
    const observed_cpu& second = cpu(p.cpus[1]);
    return pairsim::breaks_exclusive({first.current, first.cgroup}, {second.current, second.cgroup});
}

int observed_state::side_run_beside(const observed_pair& p) const
{
    for (int side = 0; side < 2; ++side) {
        const observed_cpu& held = cpu(p.cpus[side]);
        if (held.preempted && !held.in_kick_wait && cpu(p.cpus[1 - side]).runs_task()) {
            return side;
        }
    }
    return -1;
}

void observed_state::apply(const trace_record& r)
{
    ++seq_;
    switch (group_of(r.kind)) {
    case group::none:
        return;
    case group::cpu:
        return on_switch(r);
    case group::keep:
        return on_keep(r);
    case group::kick:
        return on_kick(r);
    case group::wait:
        cpus_[r.cpu.value].in_kick_wait = r.kind == k::kick_wait_begin;
        return;
    case group::higher:
        return on_class_change(r);
    case group::pair:
        return on_pair(r);
    case group::task:
    case group::move:
        return on_task(r);
    case group::way:
        return on_way(r);
    case group::top_q:
        top_q_len_ = r.value;
        return;
    case group::slice:
        cpus_[r.cpu.value].slice_ended = true;
        return;
    }
}

/// @p c has been through schedule().
void observed_state::scheduled(cpu_id c)
{
    observed_cpu& cpu = cpus_[c.value];
    cpu.slice_ended = false;
    if (cpu.kick == kick_stage::serviced) {
        cpu.kick = kick_stage::none;
    }
    if (const auto i = pair_of(c); i != no_pair && pairs_[i].adopter == c) {
        pairs_[i].adopting = false;
    }
}

void observed_state::on_switch(const trace_record& r)
{
    scheduled(r.cpu);
    observed_cpu& c = cpus_[r.cpu.value];
    if (const pid prev{r.a}; is_task(prev)) {
        observed_task& t = tasks_[index(prev)];
        constexpr observed_task_state after[] = {observed_task_state::waiting, observed_task_state::blocked,
                                                 observed_task_state::absent};
        t.state = after[r.b < 3 ? r.b : 0];
        t.cpu = no_cpu;
        t.since = r.at;
        t.woken = false;
    }
    const bool was_preempted = c.preempted;
    const bool was_idle = c.current == idle_pid;
    c.current = r.task;
    c.cgroup = no_cgroup;
    c.since = seq_;
    c.kept = 0;
    c.moved = c.stop_erased = c.kept_top_q_empty = false;
    c.preempted = is_higher(r.task);
    if (c.preempted) {
        c.last_higher = seq_;
        c.preempted_from_idle = was_preempted ? c.preempted_from_idle : was_idle;
    }
    if (is_task(r.task)) {
        observed_task& t = tasks_[index(r.task)];
        t.state = observed_task_state::running;
        t.cpu = r.cpu;
        t.since = r.at;
        t.woken = false;
        c.cgroup = t.cgroup;
        c.came = t.came;
    }
}

void observed_state::on_keep(const trace_record& r)
{
    observed_cpu& c = cpus_[r.cpu.value];
    if (static_cast<keep_reason>(r.reason) == keep_reason::refilled) {
        c.kept = seq_;
        c.kept_top_q_empty = top_q_len_ == 0;
    } else if (c.kick == kick_stage::serviced || c.slice_ended) {
        c.stop_erased = true;
    }
    scheduled(r.cpu);
}

void observed_state::on_kick(const trace_record& r)
{
    observed_cpu& target = cpus_[r.a];
    if (r.kind == k::kick) {
        if ((r.reason & kick_preempt) != 0) {
            target.kick = kick_stage::requested;
            target.kicked = seq_;
        }
    } else if (target.kick == kick_stage::requested) {
        const bool skipped = static_cast<kick_effect>(r.reason) == kick_effect::skipped;
        target.kick = skipped ? kick_stage::none : kick_stage::serviced;
    }
}

void observed_state::on_class_change(const trace_record& r)
{
    observed_cpu& c = cpus_[r.cpu.value];
    if (r.kind == k::cpu_release) {
        c.released = true;
        c.release = seq_;
        return;
    }
    c.released = c.preempted = false;
}

void observed_state::on_pair(const trace_record& r)
{
    const auto i = pair_of(cpu_id{static_cast<std::uint16_t>(r.a)});
    if (i == no_pair) {
        return;
    }
    observed_pair& p = pairs_[i];
    p.cgid = cgroup_id{r.task.value};
    p.bits = r.b;
    if (r.kind == k::pair_run) {
        cpus_[r.cpu.value].went_on = seq_;
    }
    if (r.kind == k::pair_release) {
        cpus_[r.cpu.value].marked = seq_;
    }
    if (r.kind == k::pair_adopt) {
        p.adopted = seq_;
        p.adopting = true;
        p.adopter = r.cpu;
    }
}

void observed_state::on_task(const trace_record& r)
{
    if (r.kind == k::task_new && r.task.value == tasks_.size()) {
        tasks_.emplace_back(); // of a recorded trace nobody knows beforehand how many there are
    }
    observed_task& t = tasks_[index(r.task)];
    const bool runs = t.state == observed_task_state::running;
    if (r.kind == k::task_new) {
        t = {.state = observed_task_state::blocked, .cgroup = cgroup_id{r.a}, .mask = r.b, .since = r.at};
    } else if (r.kind == k::task_exit) {
        t.state = runs ? t.state : observed_task_state::absent; // if it runs, it leaves with the next switch
    } else if (r.kind == k::task_affinity) {
        t.mask = r.a;
    } else if (r.kind == k::task_move) {
        t.cgroup = cgroup_id{r.b};
        if (runs) {
            observed_cpu& c = cpus_[t.cpu.value];
            c.cgroup = t.cgroup;
            c.moved = true;
            c.since = seq_;
            c.kept = 0;
        }
    } else if (!runs && t.state != observed_task_state::waiting) { // a wake-up
        t.state = observed_task_state::waiting;
        t.since = r.at;
        t.woken = true;
        on_way(r);
    }
}

/// Follows a task on its way to a CPU.
void observed_state::on_way(const trace_record& r)
{
    arrival& came = tasks_[index(r.task)].came;
    if (r.kind == k::enqueue) {
        // Who popped its entry before may be about to insert it.
        came = {.how = arrival::way::queued, .popped_from = came.popped_from, .popped = came.popped};
    } else if (r.kind == k::cgrp_q_pop) {
        came.popped_from = cgroup_id{r.a};
        came.popped = seq_;
    } else if (r.kind == k::dsq_insert) {
        const auto result = static_cast<insert_result>(r.reason);
        if (result != insert_result::ignored) {
            came.how =
                result == insert_result::local ? arrival::way::dispatched_local : arrival::way::dispatched_global;
            came.by = r.cpu;
            came.node = node_id{static_cast<std::uint16_t>(r.a)};
            came.inserted = came.seq = seq_;
        }
    } else if (r.kind == k::consume || static_cast<wake_path>(r.reason) == wake_path::consumed) {
        came.seq = seq_;
    } else if (static_cast<wake_path>(r.reason) != wake_path::queued) { // of a queued task, ops.enqueue has been seen
        using enum arrival::way;
        constexpr arrival::way ways[] = {queued, direct, direct_sync, exiting, migration_disabled, preempted};
        came = {.how = r.reason < std::size(ways) ? ways[r.reason] : unknown};
        came.seq = seq_;
    }
}

} // namespace pairsim
