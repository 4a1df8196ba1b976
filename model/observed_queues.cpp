// SPDX-License-Identifier: GPL-2.0-only
#include "model/observed_queues.h"

#include <algorithm>

namespace pairsim {

using k = record_kind;

const observed_place& observed_queues::place(pid p) const
{
    static const observed_place nowhere;
    return p.value < places_.size() ? places_[p.value] : nowhere;
}

void observed_queues::put(pid p, const observed_place& at)
{
    if (p.value < places_.size()) {
        places_[p.value] = at;
    }
}

void observed_queues::apply(const trace_record& r)
{
    if (of_places.has(r.kind)) {
        on_place(r);
    } else if (of_top_q.has(r.kind)) {
        on_top_q(r);
    } else if (of_decisions.has(r.kind)) {
        release_hand(r.cpu, r.at, r.kind != k::pair_top_q_empty);
    }
}

void observed_queues::on_place(const trace_record& r)
{
    const observed_place before = place(r.task);
    if (r.kind == k::cgrp_q_push || r.kind == k::cgrp_q_pop) {
        const cgroup_id c{r.a};
        if (c.value >= cgroups_.size()) {
            return;
        }
        queued_ += r.value - cgroups_[c.value].queued;
        cgroups_[c.value].queued = r.value;
        cover(c, r.at);
        if (r.kind == k::cgrp_q_push && before.where == waiting_place::hand) {
            put(r.task, {.where = waiting_place::fifo, .fifo = c, .since = r.at});
        } else if (r.kind == k::cgrp_q_pop && before.where == waiting_place::fifo) {
            put(r.task, {.where = waiting_place::hand, .fifo = c, .since = r.at});
        }
    } else if (r.kind == k::enqueue) {
        put(r.task, {.where = waiting_place::hand, .since = r.at});
    } else if (r.kind == k::dsq_insert) {
        if (static_cast<insert_result>(r.reason) == insert_result::global) {
            put(r.task,
                {.where = waiting_place::global_dsq, .node = node_id{static_cast<std::uint16_t>(r.a)}, .since = r.at});
        } else if (static_cast<insert_result>(r.reason) == insert_result::local) {
            put(r.task, {.where = waiting_place::local_dsq, .cpu = r.cpu, .since = r.at});
        }
    } else if (r.kind == k::consume) {
        put(r.task, {.where = waiting_place::local_dsq, .cpu = r.cpu, .since = r.at});
    } else if (r.kind == k::local_insert) {
        const cpu_id target{static_cast<std::uint16_t>(r.a)};
        put(r.task, {.where = waiting_place::local_dsq, .cpu = target, .since = r.at});
    } else if (is_task(r.task)) { // it runs, or is gone
        put(r.task, {});
    }
}

void observed_queues::on_top_q(const trace_record& r)
{
    top_q_len_ = r.value;
    if (r.a >= cgroups_.size()) {
        return;
    }
    const cgroup_id c{r.a};
    observed_cgroup_queue& q = cgroups_[c.value];
    if (r.kind == k::top_q_push) {
        cgroups_on_top_q_ += q.on_top_q++ == 0 ? 1U : 0U;
        q.push_failed = false;
        release_hand(r.cpu, r.at, false);
    } else {
        release_hand(r.cpu, r.at, false); // what it popped before has fallen out
        if (q.on_top_q != 0) {
            cgroups_on_top_q_ -= --q.on_top_q == 0 ? 1U : 0U;
        }
        if (!q.in_hand) {
            q.in_hand = true;
            q.hand = r.cpu;
            in_hands_.push_back(c);
        }
    }
    cover(c, r.at);
}

/// Notes whether @p c has queued tasks and is not on top_q.
void observed_queues::cover(cgroup_id c, sim_time t)
{
    observed_cgroup_queue& q = cgroups_[c.value];
    if (q.queued <= 0 || q.on_top_q != 0) {
        q.uncovered_since = never;
    } else if (q.uncovered_since == never) {
        q.uncovered_since = t;
    }
}

/// What @p cpu popped is on top_q again, or has no queued tasks, or is @p chosen though it could not be put back.
void observed_queues::release_hand(cpu_id cpu, sim_time t, bool chosen)
{
    const auto mine = [&](cgroup_id c) { return cgroups_[c.value].hand == cpu; };
    for (const cgroup_id c : in_hands_) {
        if (mine(c)) {
            cgroups_[c.value].in_hand = false;
            cgroups_[c.value].push_failed = chosen;
            cover(c, t);
        }
    }
    std::erase_if(in_hands_, mine);
}

cgroup_id observed_queues::in_other_hand(cpu_id cpu) const
{
    const auto found = std::find_if(in_hands_.begin(), in_hands_.end(), [&](cgroup_id c) {
        return cgroups_[c.value].hand != cpu && cgroups_[c.value].queued > 0;
    });
    return found == in_hands_.end() ? no_cgroup : *found;
}

} // namespace pairsim
