// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/timeline.h"

#include <algorithm>
#include <array>

#include "sim/check.h"

namespace pairsim {

using k = record_kind;

// ---- who waits ----------------------------------------------------------------------------------------------------

waiting_tasks::waiting_tasks(const observed_run& run)
    : masks_(&run.what.work.cpumasks), nr_cpus_(run.nr_cpus()), anywhere_in_(run.what.work.cgroups.size()),
      restricted_(run.nr_cpus()), restricted_in_(run.nr_cpus() * run.what.work.cgroups.size())
{
    for (const auto& mask : *masks_) {
        is_restricted_.push_back(static_cast<char>(mask.weight() < nr_cpus_));
    }
}

bool waiting_tasks::change(const observed_task& task, bool waits)
{
    const std::uint32_t step = waits ? 1U : 0U - 1U;
    const auto turns = [&](std::uint32_t& n) {
        n += step;
        return n == (waits ? 1U : 0U);
    };
    if (task.mask >= is_restricted_.size() || is_restricted_[task.mask] == 0) {
        const bool any = turns(anywhere_);
        return turns(anywhere_in_[task.cgroup.value]) || any;
    }
    bool changed = false;
    for (std::size_t i = 0; i < nr_cpus_; ++i) {
        if ((*masks_)[task.mask].test(cpu_id{static_cast<std::uint16_t>(i)})) {
            changed = turns(restricted_[i]) || changed;
            changed = turns(restricted_in_[i * anywhere_in_.size() + task.cgroup.value]) || changed;
        }
    }
    return changed;
}

std::optional<idle_cause> waiting_tasks::cause(const observed_state& state, cpu_id cpu) const
{
    if (anywhere_ == 0 && restricted_[cpu.value] == 0) {
        return std::nullopt;
    }
    const auto i = state.pair_of(cpu);
    const auto cgid = i != observed_state::no_pair ? state.pair(i).cgid : no_cgroup;
    const bool own = cgid != no_cgroup && (anywhere_in_[cgid.value] != 0 ||
                                           restricted_in_[cpu.value * anywhere_in_.size() + cgid.value] != 0);
    return cause_of_idle(state, cpu, own);
}

// ---- queues -------------------------------------------------------------------------------------------------------

std::vector<std::uint32_t> queue_history::at(std::size_t nr_records) const
{
    const auto pushed =
        std::partition_point(pushes.begin(), pushes.end(), [&](const push& p) { return p.record < nr_records; });
    const auto popped = std::partition_point(pops.begin(), pops.end(), [&](auto r) { return r < nr_records; });
    std::vector<std::uint32_t> queued;
    for (auto i = pushes.begin() + (popped - pops.begin()); i < pushed; ++i) {
        queued.push_back(i->value);
    }
    return queued;
}

namespace {

void note_queue(queue_history& q, bool push, std::uint32_t record, std::uint32_t value)
{
    if (push) {
        q.pushes.push_back({record, value});
        return;
    }
    q.is_exact = q.is_exact && q.pops.size() < q.pushes.size() && q.pushes[q.pops.size()].value == value;
    q.pops.push_back(record);
}

// ---- spans --------------------------------------------------------------------------------------------------------

/// Follows the records and writes the timeline.
class timeline_maker {
public:
    timeline_maker(const observed_run& run, timeline& into)
        : run_(run), into_(into), state_(run.nr_cpus(), run.what.work.tasks.size(), run.pairs), waiting_(run)
    {
        into_.cpus.assign(run.nr_cpus(), {cpu_span{}});
        into_.pairs.resize(run.pairs.pairs.size());
        into_.cgroup_queues.resize(run.what.work.cgroups.size());
    }

    void on(const trace_record& r, std::uint32_t index)
    {
        const std::array touched = {r.task, r.kind == k::sched_switch ? pid{r.a} : idle_pid};
        const bool is_about_tasks = r.kind == k::sched_switch || r.kind == k::sched_wakeup ||
                                    r.kind == k::sched_wakeup_new || r.kind == k::task_new || r.kind == k::task_exit ||
                                    r.kind == k::task_affinity || r.kind == k::task_move;
        bool waits_changed = is_about_tasks && change_waiting(touched, false);
        const cpu_id ran_on = r.kind == k::task_move ? state_.task(r.task).cpu : no_cpu;
        state_.apply(r);
        waits_changed = (is_about_tasks && change_waiting(touched, true)) || waits_changed;
        note_pair(r, index);
        note_queues(r, index);
        if (waits_changed) {
            update_idle(r.at);
        }
        if (const auto i = state_.touched_pair(r); i != observed_state::no_pair) {
            update(state_.pair(i).cpus[0], r.at);
            update(state_.pair(i).cpus[1], r.at);
        } else if (r.kind == k::sched_switch) {
            update(r.cpu, r.at);
        } else if (ran_on != no_cpu) {
            update(ran_on, r.at);
        }
    }

    void finish(sim_time end)
    {
        for (auto& spans : into_.cpus) {
            spans.back().to = end;
            if (spans.size() > 1 && spans.back().length_ns() == 0) {
                spans.pop_back();
            }
        }
    }

private:
    bool change_waiting(const std::array<pid, 2>& touched, bool after)
    {
        bool changed = false;
        for (const pid p : touched) {
            if (is_task(p) && state_.task(p).state == observed_task_state::waiting) {
                changed = waiting_.change(state_.task(p), after) || changed;
            }
        }
        return changed;
    }

    void note_pair(const trace_record& r, std::uint32_t index)
    {
        if (subject_of(r.kind) != record_subject::pair) {
            return;
        }
        const auto i = state_.touched_pair(r);
        if (i == observed_state::no_pair) {
            return;
        }
        auto& versions = into_.pairs[i];
        pair_ctx ctx = versions.empty() ? pair_ctx{} : versions.back().ctx;
        const auto& seen = state_.pair(i);
        ctx.cgid = seen.cgid;
        ctx.active_mask = static_cast<sides>(pair_bits::active(seen.bits));
        ctx.preempted_mask = static_cast<sides>(pair_bits::preempted(seen.bits));
        ctx.draining = static_cast<std::uint8_t>(seen.draining());
        if (r.kind == k::pair_run || r.kind == k::pair_adopt) {
            ctx.started_at = nanoseconds{r.value};
        }
        versions.push_back({index, r.at, ctx});
    }

    void note_queues(const trace_record& r, std::uint32_t index)
    {
        const bool of_cgroup = r.kind == k::cgrp_q_push || r.kind == k::cgrp_q_pop;
        if (of_cgroup && r.a < into_.cgroup_queues.size()) {
            note_queue(into_.cgroup_queues[r.a], r.kind == k::cgrp_q_push, index, r.task.value);
        } else if (r.kind == k::top_q_push || r.kind == k::top_q_pop) {
            note_queue(into_.top_q, r.kind == k::top_q_push, index, r.a);
        }
    }

    /// Who waits is of interest to idle CPUs only.
    void update_idle(sim_time t)
    {
        for (std::size_t i = 0; i < run_.nr_cpus(); ++i) {
            const cpu_id cpu{static_cast<std::uint16_t>(i)};
            if (state_.cpu(cpu).current == idle_pid) {
                update(cpu, t);
            }
        }
    }

    void update(cpu_id cpu, sim_time t)
    {
        const auto& c = state_.cpu(cpu);
        cpu_span now{.from = t, .current = c.current, .cgroup = c.cgroup};
        if (c.current == idle_pid) {
            now.forced = waiting_.cause(state_, cpu);
        }
        auto& spans = into_.cpus[cpu.value];
        if (now.same_as(spans.back())) {
            return;
        }
        spans.back().to = t;
        if (spans.back().length_ns() == 0) {
            spans.pop_back();
            if (!spans.empty() && now.same_as(spans.back())) {
                return; // what was open before goes on
            }
        }
        spans.push_back(now);
    }

    const observed_run& run_;
    timeline& into_;
    observed_state state_;
    waiting_tasks waiting_;
};

} // namespace

const cpu_span& timeline::span_at(cpu_id cpu, sim_time t) const
{
    const auto& spans = cpus[cpu.value];
    const auto after = std::partition_point(spans.begin(), spans.end(), [&](const auto& s) { return s.from <= t; });
    SIM_CHECK(after != spans.begin());
    return *(after - 1);
}

pair_ctx timeline::ctx_at(std::size_t pair, std::size_t nr_records) const
{
    const auto& versions = pairs[pair];
    const auto after =
        std::partition_point(versions.begin(), versions.end(), [&](const auto& v) { return v.record < nr_records; });
    return after == versions.begin() ? pair_ctx{} : (after - 1)->ctx;
}

timeline make_timeline(const observed_run& run)
{
    timeline made;
    timeline_maker maker(run, made);
    for (std::size_t i = 0; i < run.records.size(); ++i) {
        maker.on(run.records[i], static_cast<std::uint32_t>(i));
    }
    maker.finish(run.end);
    return made;
}

std::size_t records_until(const observed_run& run, sim_time t)
{
    return static_cast<std::size_t>(
        std::partition_point(run.records.begin(), run.records.end(), [&](const trace_record& r) { return r.at <= t; }) -
        run.records.begin());
}

} // namespace pairsim
