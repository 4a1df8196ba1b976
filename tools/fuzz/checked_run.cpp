// SPDX-License-Identifier: GPL-2.0-only
#include "tools/fuzz/checked_run.h"

#include "tools/io/runner.h"

namespace pairsim {
namespace {

cpu_id cpu_at(std::size_t i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

} // namespace

void fifo_entries::on_records(std::span<const trace_record> records)
{
    for (const trace_record& r : records) {
        if (r.kind == record_kind::cgrp_q_push) {
            ++nr_[r.task];
        } else if (r.kind == record_kind::cgrp_q_pop) {
            --nr_[r.task];
        }
    }
}

void trace_reader::on_records(std::span<const trace_record> records)
{
    for (const trace_record& r : records) {
        state_.apply(r);
    }
}

checked_run::checked_run(const scenario& what, bool check_each_event)
    : what_(what), ops_(make_scheduler(what)), pair_(dynamic_cast<const pair_sched*>(ops_.get())),
      sim_(what.machine, what.work, *ops_, what.seed),
      observed_(what.machine.nr_cpus(), what.work.tasks.size(), pairs_of(what)), reader_(observed_)
{
    sim_.add_sink(reader_);
    sim_.add_sink(entries_);
    sim_.add_sink(digest_);
    sim_.check_always(check_each_event);
}

void checked_run::run_to(nanoseconds t)
{
    sim_.run_until(sim_time{t});
    sim_.flush();
}

bool checked_run::is_quiet()
{
    for (std::size_t i = 0; i < nr_cpus(); ++i) {
        if (sim_.the_machine().has_kernel_work(cpu_at(i))) {
            return false;
        }
    }
    return true;
}

bool checked_run::op_in_progress()
{
    for (std::size_t i = 0; i < nr_cpus(); ++i) {
        const cpu_state& c = state().cpu(cpu_at(i));
        for (std::size_t n = 0; n < c.depth; ++n) {
            if (c.frames[n].kind == path::op) {
                return true;
            }
        }
    }
    return false;
}

std::string checked_run::broken_rule()
{
    std::string rule = pair_ != nullptr ? broken_queue_rule() : "";
    if (rule.empty()) {
        rule = broken_dsq_rule();
    }
    if (rule.empty()) {
        rule = broken_trace_rule();
    }
    if (rule.empty() && pair_ != nullptr && !op_in_progress()) {
        rule = broken_counter_rule();
    }
    if (rule.empty() && is_quiet()) {
        ++nr_quiet_;
        rule = broken_task_rule();
        if (rule.empty()) {
            rule = broken_lock_rule();
        }
    }
    return rule;
}

/// Holds between any two steps.
std::string checked_run::broken_queue_rule()
{
    auto maps = pair_->maps(state());
    for (std::uint32_t c = 0; c < what_.work.cgroups.size(); ++c) {
        const auto q = maps.q_idx(cgroup_id{c});
        if (q != no_q_idx && maps.nr_elements(q) < maps.len(q)) {
            return "a FIFO has at least as many elements as its length says";
        }
    }
    return {};
}

/// Holds between any two steps.
std::string checked_run::broken_dsq_rule()
{
    const topology& topo = sim_.the_machine().topo();
    for (std::size_t n = 0; n < topo.node_mask.size(); ++n) {
        const dsq& queue = state().global_dsq(node_id{static_cast<std::uint16_t>(n)});
        std::uint32_t nr = 0;
        pid before = idle_pid;
        for (pid p = queue.first; p != idle_pid; p = state().task(p).dsq_next) {
            const task_state& t = state().task(p);
            const auto home = topo.place[t.cpu.value].node.value;
            if (t.on_dsq != dsq_kind::global || t.dsq_prev != before || t.queued == 0 || home != n) {
                return "a task on a global DSQ is queued, linked and of that node";
            }
            before = p;
            ++nr;
        }
        if (nr != queue.nr || queue.last != before) {
            return "a global DSQ counts its tasks";
        }
    }
    return {};
}

/// Holds between any two steps: who follows the trace knows who runs where.
std::string checked_run::broken_trace_rule()
{
    for (std::size_t i = 0; i < nr_cpus(); ++i) {
        const observed_cpu& seen = observed_.cpu(cpu_at(i));
        const pid curr = state().cpu(cpu_at(i)).curr;
        if (seen.current != curr) {
            return "the trace says who runs on each CPU: CPU " + std::to_string(i);
        }
        if (is_task(curr) && seen.cgroup != state().task(curr).cgroup) {
            return "the trace says in which cgroup a running task is: CPU " + std::to_string(i);
        }
    }
    for (std::size_t i = 0; pair_ != nullptr && i < observed_.nr_pairs(); ++i) {
        const observed_pair& seen = observed_.pair(static_cast<std::uint32_t>(i));
        const auto id = pair_->pairs().pair_id[seen.cpus[0].value];
        if (id < pair_->pairs().ctx_entries && seen.cgid != no_cgroup &&
            seen.cgid != pair_->maps(state()).ctx(id).cgid) {
            return "the trace says which cgroup each pair has: pair " + std::to_string(i);
        }
    }
    return {};
}

/// Holds while no op is in progress.
std::string checked_run::broken_counter_rule()
{
    auto maps = pair_->maps(state());
    const auto n = [&](pair_counter c) { return at(maps.counters(), c); };
    if (n(pair_counter::nr_exps) != n(pair_counter::nr_exp_waits) + n(pair_counter::nr_exp_empty) +
                                        n(pair_counter::nr_cgrp_next) + n(pair_counter::nr_cgrp_coll)) {
        return "nr_exps = nr_exp_waits + nr_exp_empty + nr_cgrp_next + nr_cgrp_coll";
    }
    const auto queued = n(pair_counter::nr_total) - n(pair_counter::nr_dispatched) - n(pair_counter::nr_missing);
    const bool no_error = sim_.exit().kind == exit_kind::none; // an error drops what it was about to queue
    if (no_error && queued != maps.total_len()) {
        return "nr_total - nr_dispatched - nr_missing = sum of the lengths";
    }
    return {};
}

/// Holds while every CPU is in its base: each task is where it should be.
std::string checked_run::broken_task_rule()
{
    if (sim_.exit().kind != exit_kind::none) {
        return {};
    }
    for (std::size_t i = 0; i < what_.work.tasks.size(); ++i) {
        const pid p{static_cast<std::uint32_t>(i + 1)};
        const task_state& t = state().task(p);
        const bool runs = state().cpu(t.cpu).curr == p;
        const bool in_fifo = t.ops == ops_state::queued && (pair_ == nullptr || entries_.of(p) > 0);
        const int places = int{runs} + int{t.on_dsq != dsq_kind::none} + int{in_fifo};
        const bool runnable = t.state == life::running;
        if (runnable != (t.queued != 0) || places != int{runnable}) {
            return "a runnable task runs or is on one queue, another is nowhere: pid " + std::to_string(p.value);
        }
        if (t.holding_cpu != no_cpu || t.migrating != 0 || (t.on_cpu != 0) != runs) {
            return "no task is between two places: pid " + std::to_string(p.value);
        }
        const bool stopper_is_busy = state().cpu(t.cpu).curr == higher_pid(sched_class::stop); // may yet move it
        if (runnable && !stopper_is_busy && !what_.work.cpumasks[t.affinity].test(t.cpu)) {
            return "a runnable task is on a CPU that it may use: pid " + std::to_string(p.value);
        }
    }
    return {};
}

/// Holds while every CPU is in its base.
std::string checked_run::broken_lock_rule()
{
    const std::size_t nr_locks = nr_cpus() + sim_.the_machine().topo().node_mask.size();
    for (lock_id l = 0; l < nr_locks; ++l) {
        if (state().lock(l).owner != no_cpu) {
            return "no CPU in its base holds a lock: lock " + std::to_string(l);
        }
    }
    return {};
}

} // namespace pairsim
