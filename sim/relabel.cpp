// SPDX-License-Identifier: GPL-2.0-only
//
// A machine's state under other names of its tasks, cgroups and CPUs: every place that holds one of these.
#include "sim/check.h"
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

void rename(dsq& queue, const relabelling& r)
{
    queue.first = r.of(queue.first);
    queue.last = r.of(queue.last);
}

} // namespace

void machine::relabel_frame(frame& f, const relabelling& r) const
{
    f.target = r.of(f.target);
    f.task = r.of(f.task);
    if (f.kind == path::schedule) {
        auto& l = f.locals<schedule_locals>();
        l.prev = r.of(l.prev);
        l.next = r.of(l.next);
        l.moving = r.of(l.moving);
    } else if (f.kind == path::change_group) {
        f.arg = r.of(cgroup_id{f.arg}).value;
    } else if (f.kind == path::op) {
        if (f.which == op_kind::sched_switch) {
            f.arg = r.of(pid{f.arg}).value;
        }
        ops_.relabel(f, r);
    }
}

void machine::relabel_cpu(cpu_id cpu, machine_state& from, const relabelling& r)
{
    const cpu_id name = r.of(cpu);
    cpu_state& c = state_.cpu(name);
    c = from.cpu(cpu);
    SIM_CHECK(c.waiting_for == no_lock && c.short_lock == no_lock && c.next_waiter == no_cpu);
    c.curr = r.of(c.curr);
    rename(c.local, r);
    c.wake_first = r.of(c.wake_first);
    c.wake_last = r.of(c.wake_last);
    for (std::size_t i = 0; i < c.depth; ++i) {
        relabel_frame(c.frames[i], r);
    }
    const auto inserts = from.insert_buffer(cpu);
    for (std::size_t i = 0; i < inserts.size(); ++i) {
        buffered_insert& entry = state_.insert_buffer(name)[i];
        entry = inserts[i];
        entry.task = r.of(entry.task);
    }
    using mask = machine_state::kick_mask;
    for (const mask which : {mask::kick, mask::kick_if_idle, mask::preempt, mask::wait}) {
        state_.kicks(name, which)[0] = r.of_cpus(from.kicks(cpu, which)[0]);
    }
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        const cpu_id target{static_cast<std::uint16_t>(i)};
        state_.seen_seq(name, r.of(target)) = from.seen_seq(cpu, target);
    }
    spinlock& l = state_.lock(rq_lock(name));
    l = from.lock(rq_lock(cpu));
    SIM_CHECK(l.first_waiter == no_cpu);
    l.owner = r.of(l.owner);
}

/// Short locks are free, as the clock stands still; so of the locks only those of runqueues bear names.
void machine::relabel(machine_state& from, const relabelling& r)
{
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        relabel_cpu(cpu_id{static_cast<std::uint16_t>(i)}, from, r);
    }
    for (std::size_t i = 0; i < work_.tasks.size(); ++i) {
        const pid task{static_cast<std::uint32_t>(i + 1)};
        task_state p = from.task(task);
        p.dsq_next = r.of(p.dsq_next);
        p.dsq_prev = r.of(p.dsq_prev);
        p.wake_next = r.of(p.wake_next);
        if (p.state != life::unborn) {
            p.cgroup = r.of(p.cgroup);
            p.cpu = r.of(p.cpu);
        }
        p.holding_cpu = r.of(p.holding_cpu);
        state_.task(r.of(task)) = p;
    }
    for (std::size_t i = 0; i < topo_.node_mask.size(); ++i) {
        const node_id node{static_cast<std::uint16_t>(i)};
        state_.global_dsq(node) = from.global_dsq(node);
        rename(state_.global_dsq(node), r);
    }
    state_.idle_cpus()[0] = r.of_cpus(from.idle_cpus()[0]);
    state_.idle_cores()[0] = r.of_cpus(from.idle_cores()[0]);
    ops_.relabel(state_.sched(), from.sched(), r);
}

} // namespace pairsim
