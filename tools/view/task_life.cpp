// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/task_life.h"

#include "tools/view/timeline.h"

namespace pairsim {

using k = record_kind;

std::string_view wait_cause_name(wait_cause cause)
{
    constexpr std::string_view names[] = {"behind_higher", "on_its_way",    "preempted_partner", "drain",
                                          "other_cgroup",  "wait_for_tick", "own_cgroup_runs",   "others_run"};
    static_assert(std::size(names) == nr_wait_causes);
    return names[static_cast<std::size_t>(cause)];
}

std::string_view wait_cause_in_words(wait_cause cause)
{
    constexpr std::string_view words[] = {
        "in the local DSQ of a CPU that a higher class holds",  "dispatched, on its way to a CPU",
        "beside an idle CPU: a higher class holds its partner", "beside an idle CPU whose pair drains",
        "beside an idle CPU whose pair has another cgroup",     "beside an idle CPU that nobody has told",
        "its CPUs are busy, one with its own cgroup",           "its CPUs are busy with others",
    };
    static_assert(std::size(words) == nr_wait_causes);
    return words[static_cast<std::size_t>(cause)];
}

std::array<std::int64_t, nr_life_states> task_life::by_state_ns() const
{
    std::array<std::int64_t, nr_life_states> sums{};
    for (const auto& s : spans) {
        sums[static_cast<std::size_t>(s.state)] += s.length_ns();
    }
    return sums;
}

std::array<std::int64_t, nr_wait_causes> task_life::by_cause_ns() const
{
    std::array<std::int64_t, nr_wait_causes> sums{};
    for (const auto& s : spans) {
        if (s.cause) {
            sums[static_cast<std::size_t>(*s.cause)] += s.length_ns();
        }
    }
    return sums;
}

namespace {

class life_maker {
public:
    life_maker(const observed_run& run, pid task)
        : run_(run), state_(run.nr_cpus(), run.what.work.tasks.size(), run.pairs), waiting_(run)
    {
        life_.task = task;
    }

    void on(const trace_record& r)
    {
        const pid touched[] = {r.task, r.kind == k::sched_switch ? pid{r.a} : idle_pid};
        const bool is_about_tasks = is_about_tasks_of(r.kind);
        count_waiting(is_about_tasks, touched, false);
        state_.apply(r);
        count_waiting(is_about_tasks, touched, true);
        follow_way(r);
        if (r.kind == k::task_new && r.task == life_.task) {
            life_.has_begun = true;
            life_.begin = r.at;
            life_.spans.push_back({.from = r.at, .to = r.at});
        }
        if (life_.has_begun && !life_.has_ended) {
            update(r.at);
        }
    }

    task_life finish(sim_time end)
    {
        if (!life_.has_ended) {
            life_.end = end;
        }
        if (!life_.has_ended) {
            close(end);
        }
        return life_;
    }

private:
    static bool is_about_tasks_of(record_kind kind)
    {
        return kind == k::sched_switch || kind == k::sched_wakeup || kind == k::sched_wakeup_new ||
               kind == k::task_new || kind == k::task_exit || kind == k::task_affinity || kind == k::task_move;
    }

    void count_waiting(bool is_about_tasks, const pid (&touched)[2], bool after)
    {
        for (const pid p : touched) {
            if (is_about_tasks && is_task(p) && state_.task(p).state == observed_task_state::waiting) {
                waiting_.change(state_.task(p), after);
            }
        }
    }

    /// Remembers to which CPU the task is on its way.
    void follow_way(const trace_record& r)
    {
        if (r.task != life_.task) {
            return;
        }
        if (r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new || r.kind == k::local_insert) {
            target_ = cpu_id{static_cast<std::uint16_t>(r.a)};
        } else if (r.kind == k::consume || r.kind == k::dsq_insert) {
            target_ = r.cpu;
        }
    }

    bool may_run_on(const observed_task& task, cpu_id cpu) const
    {
        const auto& masks = run_.what.work.cpumasks;
        return task.mask >= masks.size() || masks[task.mask].test(cpu);
    }

    life_span wait_now(const observed_task& task) const
    {
        life_span now{.state = life_state::waits, .cgroup = task.cgroup};
        if (task.came.how != arrival::way::queued && task.came.how != arrival::way::unknown) {
            const bool held = target_ != no_cpu && is_higher(state_.cpu(target_).current);
            now.cause = held ? wait_cause::behind_higher : wait_cause::on_its_way;
            now.cpu = target_;
            return now;
        }
        now.cause = wait_cause::others_run;
        for (std::size_t i = 0; i < run_.nr_cpus(); ++i) {
            const cpu_id cpu{static_cast<std::uint16_t>(i)};
            if (!may_run_on(task, cpu)) {
                continue;
            }
            const auto& c = state_.cpu(cpu);
            const auto idle = c.current == idle_pid ? waiting_.cause(state_, cpu) : std::nullopt;
            if (idle) {
                constexpr auto first = static_cast<std::uint8_t>(wait_cause::preempted_partner);
                now.cause = static_cast<wait_cause>(first + static_cast<std::uint8_t>(*idle));
                now.cpu = cpu;
                return now;
            }
            if (c.runs_task() && c.cgroup == task.cgroup) {
                now.cause = wait_cause::own_cgroup_runs;
            }
        }
        return now;
    }

    void update(sim_time t)
    {
        const auto& task = state_.task(life_.task);
        life_span now{.cgroup = task.cgroup};
        switch (task.state) {
        case observed_task_state::absent:
            life_.has_ended = true;
            life_.end = t;
            close(t);
            return;
        case observed_task_state::blocked:
            break;
        case observed_task_state::running:
            now.state = life_state::runs;
            now.cpu = task.cpu;
            break;
        case observed_task_state::waiting:
            now = wait_now(task);
            break;
        }
        if (goes_on(now)) {
            return;
        }
        close(t);
        if (!goes_on(now)) {
            now.from = now.to = t;
            life_.spans.push_back(now);
        }
    }

    bool goes_on(const life_span& now) const
    {
        if (life_.spans.empty()) {
            return false;
        }
        const life_span& open = life_.spans.back();
        return open.state == now.state && open.cause == now.cause && open.cpu == now.cpu && open.cgroup == now.cgroup;
    }

    /// Ends the open span; one without length is dropped.
    void close(sim_time t)
    {
        if (life_.spans.empty()) {
            return;
        }
        life_.spans.back().to = t;
        if (life_.spans.back().length_ns() == 0) {
            life_.spans.pop_back();
        }
    }

    const observed_run& run_;
    observed_state state_;
    waiting_tasks waiting_;
    task_life life_;
    cpu_id target_ = no_cpu;
};

} // namespace

task_life life_of(const observed_run& run, pid task)
{
    life_maker maker(run, task);
    for (const auto& r : run.records) {
        maker.on(r);
    }
    return maker.finish(run.end);
}

} // namespace pairsim
