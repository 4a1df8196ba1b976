// SPDX-License-Identifier: GPL-2.0-only
//
// What tasks do: the simulator's interpreter of task programs.
#include <algorithm>

#include "sim/check.h"
#include "sim/simulator.h"

namespace pairsim {

/// Goes through the program of the task that runs on @p cpu until it has work to do (true) or has asked for kernel
/// code (false).
bool simulator::next_phase(cpu_id cpu, pid task)
{
    const auto& program = work_.tasks[task.value - 1].program;
    task_run& t = run_of(task);
    constexpr std::uint64_t max_idle_phases = 10'000'000; // a program that never uses time
    for (std::uint64_t n = 0; n < max_idle_phases; ++n) {
        SIM_CHECK(t.position < program.size());
        const phase& ph = program[t.position++];
        if (!run_phase(cpu, task, ph)) {
            return false;
        }
        if (t.work_left > 0) {
            return true;
        }
    }
    machine_.fail(exit_kind::no_progress, 0, task.value, 0, cpu);
    ended_ = true;
    return true;
}

/// Begins one phase. False: it needs kernel code.
bool simulator::run_phase(cpu_id cpu, pid task, const phase& ph)
{
    task_run& t = run_of(task);
    switch (ph.kind) {
    case phase::op::run: {
        const nanoseconds work = draw(ph.duration, random_purpose::phase_duration, stream_of(task), t.nr_durations++);
        t.work_left = static_cast<std::uint64_t>(work.count()) * full_speed;
        return true;
    }
    case phase::op::sleep:
        if (enters_syscall(cpu, t)) {
            return true;
        }
        sleep(cpu, task, ph);
        return false;
    case phase::op::timer:
        return enters_syscall(cpu, t) || !sleep_to_next_period(cpu, task, ph);
    case phase::op::yield:
        machine_.yield_current(cpu);
        return false;
    case phase::op::move:
    case phase::op::set_affinity:
        return !change_task(cpu, task, ph.kind, ph.target, ph.arg);
    case phase::op::wait:
        return wait_channel(cpu, task, channels_[ph.arg]);
    case phase::op::wake:
        return wake_channel(cpu, channels_[ph.arg], ph.sync);
    case phase::op::loop:
        jump(task, ph);
        return true;
    case phase::op::exit:
        machine_.block_current(cpu, life::dead);
        task_ends(task);
        return false;
    }
    SIM_CHECK(false);
    return false;
}

/// True: the task works on its system call first, and then comes to the same instruction again.
bool simulator::enters_syscall(cpu_id cpu, task_run& t)
{
    if (!t.in_syscall) {
        t.work_left = static_cast<std::uint64_t>(cost(cpu, cost_kind::syscall).count()) * full_speed;
    }
    t.in_syscall = t.work_left > 0;
    t.position -= t.in_syscall ? 1U : 0U;
    return t.in_syscall;
}

/// The end of a sleep. A coarse timer (kernel: the timer wheel) goes off in a tick.
sim_time simulator::wake_time(cpu_id cpu, nanoseconds length, nanoseconds align) const
{
    const sim_time exact = now_ + length;
    if (align == nanoseconds{0}) {
        return exact;
    }
    const nanoseconds offset = config_.tick_offset[cpu.value];
    const nanoseconds since_offset = std::max(nanoseconds{0}, exact.time_since_epoch() - offset);
    return sim_time{offset + (since_offset + align - nanoseconds{1}) / align * align};
}

/// Entity of a task's random durations.
std::uint32_t simulator::stream_of(pid task) const
{
    const pid like = work_.tasks[task.value - 1].draws_like;
    return like == idle_pid ? task.value : like.value;
}

void simulator::sleep(cpu_id cpu, pid task, const phase& ph)
{
    task_run& t = run_of(task);
    const nanoseconds length = draw(ph.duration, random_purpose::phase_duration, stream_of(task), t.nr_durations++);
    t.coarse = ph.align != nanoseconds{0};
    sleep_until(cpu, task, wake_time(cpu, length, ph.align));
}

/// False if the period is over already. Source of the meaning: rt-app's event "timer".
bool simulator::sleep_to_next_period(cpu_id cpu, pid task, const phase& ph)
{
    sim_time& period_at = run_of(task).period_at;
    period_at = std::max(period_at, work_.tasks[task.value - 1].start) + ph.duration.low;
    if (period_at <= now_) {
        period_at = ph.catch_up ? period_at : now_;
        return false;
    }
    run_of(task).coarse = false;
    sleep_until(cpu, task, period_at);
    return true;
}

void simulator::sleep_until(cpu_id cpu, pid task, sim_time end)
{
    task_run& t = run_of(task);
    const nanoseconds slack = draw(config_.costs[static_cast<std::size_t>(cost_kind::timer_slack)],
                                   random_purpose::timer_slack, task.value, t.nr_slacks++);
    t.timer_cpu = cpu;
    queue_.arm(timer_of(task), end + slack, event_phase::timer);
    machine_.block_current(cpu, life::sleeping);
}

bool simulator::wait_channel(cpu_id cpu, pid task, channel& ch)
{
    if (ch.tokens > 0) {
        --ch.tokens;
        return true;
    }
    ch.waiters.push_back(task);
    machine_.block_current(cpu, life::sleeping);
    return false;
}

bool simulator::wake_channel(cpu_id cpu, channel& ch, bool sync)
{
    if (ch.waiters.empty()) {
        ++ch.tokens;
        return true;
    }
    const pid woken = ch.waiters.front();
    ch.waiters.erase(ch.waiters.begin());
    machine_.begin_wakeup(cpu, woken, sync ? wake_reason::sync : wake_reason::task);
    return false;
}

/// Moves a task or changes its affinity. @p target 0: @p self. False if there is no such task (any more).
bool simulator::change_task(cpu_id cpu, pid self, phase::op kind, std::uint32_t target, std::uint32_t arg)
{
    const pid task = target == 0 ? self : pid{target};
    const life state = machine_.state().task(task).state;
    if (state == life::unborn || state == life::dead) {
        return false;
    }
    if (kind == phase::op::set_affinity) {
        machine_.begin_set_affinity(cpu, task, arg);
        return true;
    }
    const cgroup_id to{arg};
    if (cgroup_online_[to.value] == 0 || removal_begun_[to.value] != 0) {
        return false; // ENODEV
    }
    const cgroup_id from = run_of(task).cgroup;
    run_of(task).cgroup = to;
    --live_tasks_[from.value];
    ++live_tasks_[to.value];
    machine_.begin_move(cpu, task, to);
    try_remove_cgroup(from);
    return true;
}

void simulator::jump(pid task, const phase& ph)
{
    task_run& t = run_of(task);
    const std::uint32_t here = t.position - 1;
    if (ph.arg == repeat_forever) {
        t.position = ph.target;
    } else if (t.jumps[here] < ph.arg) {
        ++t.jumps[here];
        t.position = ph.target;
    } else {
        t.jumps[here] = 0; // an outer loop may come here again
    }
}

void simulator::task_ends(pid task)
{
    const cgroup_id cgroup = run_of(task).cgroup;
    --live_tasks_[cgroup.value];
    try_remove_cgroup(cgroup);
}

} // namespace pairsim
