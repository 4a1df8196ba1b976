// SPDX-License-Identifier: GPL-2.0-only
#include "sim/simulator.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"

namespace pairsim {
namespace {

constexpr std::size_t record_batch = 4096;
constexpr int ebusy = -16;

cpu_id cpu_at(std::size_t i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

pid pid_at(std::size_t i)
{
    return pid{static_cast<std::uint32_t>(i + 1)};
}

cost_set free_costs(const cost_model& costs)
{
    cost_set free;
    for (std::size_t i = 0; i < nr_cost_kinds; ++i) {
        if (costs[i].is_zero()) {
            free.add(static_cast<cost_kind>(i));
        }
    }
    return free;
}

} // namespace

simulator::simulator(const machine_config& config, const workload& work, const sched_ops& ops, std::uint64_t seed)
    : config_(config), work_(work), seed_(seed),
      first_task_timer_(static_cast<timer_id>(config.nr_cpus() * nr_cpu_timers)),
      first_higher_timer_(static_cast<timer_id>(first_task_timer_ + work.tasks.size())),
      first_lost_timer_(static_cast<timer_id>(first_higher_timer_ + work.higher.size())),
      first_cgroup_timer_(static_cast<timer_id>(first_lost_timer_ + work.lost_time.size())),
      outside_timer_(static_cast<timer_id>(first_cgroup_timer_ + work.cgroups.size())),
      watchdog_timer_(outside_timer_ + 1), disable_timer_(outside_timer_ + 2), nr_timers_(outside_timer_ + 3),
      queue_(nr_timers_), machine_(config, work, ops, *this), cpus_(config.nr_cpus()), tasks_(work.tasks.size()),
      channels_(work.nr_channels), higher_(work.higher.size()), lost_(work.lost_time.size()),
      live_tasks_(work.cgroups.size()), cgroup_online_(work.cgroups.size()), removal_begun_(work.cgroups.size()),
      free_(free_costs(config.costs)), skips_ticks_(may_skip_ticks())
{
    if (skips_ticks_) {
        make_tick_groups();
    }
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        tasks_[i].jumps.resize(work.tasks[i].program.size());
    }
    if (!config.cold_cache_curve.empty()) {
        for (cpu_run& r : cpus_) {
            r.left_at.assign(work.cgroups.size(), never);
        }
    }
}

void simulator::add_sink(trace_sink& sink)
{
    sinks_.push_back(&sink);
    records_.resize(record_batch);
    machine_.set_tracing(true);
}

/// Source of the order: scx_ops_enable() calls cgroup_init from the root down, before any task is switched over.
void simulator::arm_initial_timers()
{
    for (std::size_t i = 0; i < work_.cgroups.size() && !ended_; ++i) {
        if (work_.cgroups[i].create_at <= sim_time{}) {
            on_cgroup(i);
        } else {
            queue_.arm(first_cgroup_timer_ + static_cast<timer_id>(i), work_.cgroups[i].create_at,
                       event_phase::outside);
        }
    }
    if (ended_) {
        return;
    }
    for (std::size_t i = 0; i < work_.tasks.size(); ++i) {
        run_of(pid_at(i)).timer_cpu = work_.tasks[i].fork_cpu;
        queue_.arm(timer_of(pid_at(i)), work_.tasks[i].start, event_phase::timer);
    }
    for (std::size_t i = 0; i < work_.higher.size(); ++i) {
        if (work_.higher[i].count > 0) {
            queue_.arm(first_higher_timer_ + static_cast<timer_id>(i), work_.higher[i].first, event_phase::higher);
        }
    }
    for (std::size_t i = 0; i < work_.lost_time.size(); ++i) {
        if (work_.lost_time[i].count > 0) {
            queue_.arm(first_lost_timer_ + static_cast<timer_id>(i), work_.lost_time[i].first, event_phase::lost_time);
        }
    }
    if (!work_.outside.empty()) {
        queue_.arm(outside_timer_, work_.outside.front().at, event_phase::outside);
    }
    queue_.arm(watchdog_timer_, sim_time{config_.watchdog_timeout / 2}, event_phase::watchdog);
}

trace_record& simulator::next_record()
{
    if (nr_records_ == record_batch) {
        flush();
    }
    return records_[nr_records_++];
}

void simulator::flush()
{
    for (trace_sink* sink : sinks_) {
        sink->on_records(std::span(records_).first(nr_records_));
    }
    nr_records_ = 0;
}

void simulator::run_until(sim_time until)
{
    until_ = until;
    if (nr_events_ == 0 && !ended_) {
        arm_initial_timers();
    }
    while (!ended_ && queue_.next_time() <= until_) {
        SIM_CHECK(queue_.next_time() >= now_);
        if (queue_.next_time() > now_) {
            now_ = queue_.next_time();
            machine_.set_now(now_);
            instant_steps_left_ = max_instant_steps;
            ticks_are_over_ = false;
        }
        const timer_id timer = queue_.next();
        queue_.pop();
        ++nr_events_;
        handle(timer);
        if (check_always_) {
            machine_.check_invariants();
        }
    }
    if (!ended_) {
        now_ = until_;
        machine_.set_now(now_);
        ticks_are_over_ = true;
    }
    for (std::size_t i = 0; i < cpus_.size(); ++i) {
        slice_changes(cpu_at(i)); // whoever looks at the state now sees what each tick would have left
    }
}

void simulator::handle(timer_id timer)
{
    ticks_are_over_ = ticks_are_over_ || timer >= first_task_timer_;
    if (timer < first_task_timer_) {
        handle_cpu_timer(cpu_at(timer / nr_cpu_timers), static_cast<cpu_timer>(timer % nr_cpu_timers));
    } else if (timer < first_higher_timer_) {
        on_task_timer(pid{timer - first_task_timer_ + 1});
    } else {
        handle_other_timer(timer);
    }
}

/// A sleep ends, or the task is forked.
void simulator::on_task_timer(pid task)
{
    if (host_is_late(task)) {
        return;
    }
    const cpu_id cpu = run_of(task).timer_cpu;
    const task_spec& spec = work_.tasks[task.value - 1];
    if (machine_.state().task(task).state == life::unborn) {
        if (cgroup_online_[spec.cgroup.value] == 0 || removal_begun_[spec.cgroup.value] != 0) {
            warnings_.push_back(fmt::format("task \"{}\" was not forked: its cgroup does not exist", spec.name));
            return;
        }
        run_of(task).cgroup = spec.cgroup;
        ++live_tasks_[spec.cgroup.value];
    }
    machine_.timer_expired(cpu, task);
    poke(cpu);
}

/// A virtual machine's timers are served by a thread of its host, which competes with the CPUs that are busy. Coarse
/// timers go off in a tick, which is on time.
bool simulator::host_is_late(pid task)
{
    task_run& t = run_of(task);
    if (t.late) {
        t.late = false;
        std::erase(late_, task);
        return false;
    }
    const bool is_fork = machine_.state().task(task).state == life::unborn;
    const bool may_be = !is_fork && !t.coarse && !(config_.late_timer == duration_dist{}) && nr_busy_cpus() > 0;
    const nanoseconds late =
        may_be ? draw(config_.late_timer, random_purpose::late_timer, task.value, t.nr_late++) : nanoseconds{0};
    if (late == nanoseconds{0}) {
        return false;
    }
    t.late = true;
    late_.push_back(task);
    queue_.arm(timer_of(task), now_ + late, event_phase::timer);
    return true;
}

void simulator::serve_late_timers(cpu_id idle)
{
    if (late_.empty() || nr_busy_cpus() > 0) {
        return;
    }
    for (const pid task : late_) {
        const timer_id timer = timer_of(task);
        const sim_time at = now_ + cost(idle, cost_kind::ipi_latency);
        if (at < queue_.deadline(timer)) {
            queue_.arm(timer, at, event_phase::timer);
        }
    }
}

void simulator::handle_cpu_timer(cpu_id cpu, cpu_timer which)
{
    switch (which) {
    case step_timer:
        run_cpu(cpu);
        return;
    case tick_timer:
        on_tick(cpu);
        return;
    case user_timer:
        ticks_are_over_ = true;
        if (run_of(cpu).mode == cpu_mode::base) { // else: it left its base before the piece of work was done
            poke(cpu);
        }
        return;
    case ipi_timer:
        machine_.raise(cpu, irq_ipi);
        poke(cpu);
        return;
    case lockup_timer:
        ticks_are_over_ = true;
        on_lockup(cpu);
        return;
    case nr_cpu_timers:
        break;
    }
    SIM_CHECK(false);
}

void simulator::handle_other_timer(timer_id timer)
{
    if (timer < first_lost_timer_) {
        on_higher(timer - first_higher_timer_);
    } else if (timer < first_cgroup_timer_) {
        on_lost_time(timer - first_lost_timer_);
    } else if (timer < outside_timer_) {
        on_cgroup(timer - first_cgroup_timer_);
    } else if (timer == outside_timer_) {
        on_outside(next_outside_++);
    } else if (timer == watchdog_timer_) {
        on_watchdog();
    } else {
        on_disable();
    }
}

// ---- events of CPUs -------------------------------------------------------------------------------------------

/// The hard-lockup detector: the CPU has not taken an interrupt for too long.
void simulator::on_lockup(cpu_id cpu)
{
    constexpr std::uint8_t irqs_off = 1;
    if (machine_.state().cpu(cpu).in_kick_wait != irqs_off) {
        return;
    }
    machine_.fail(exit_kind::hard_lockup, 0, cpu.value, 0, cpu);
    if (!sinks_.empty()) {
        next_record() = {.at = now_, .cpu = cpu, .kind = record_kind::hard_lockup};
    }
    end_run();
}

void simulator::on_higher(std::size_t source)
{
    const higher_source& s = work_.higher[source];
    const auto entity = static_cast<std::uint32_t>(source);
    const std::uint64_t n = higher_[source].nr_arrivals++;
    const nanoseconds length = draw(s.length, random_purpose::higher_length, entity, n);
    if (higher_[source].nr_arrivals < s.count) {
        const nanoseconds gap = draw(s.interval, random_purpose::higher_interval, entity, n);
        queue_.arm(first_higher_timer_ + entity, now_ + gap, event_phase::higher);
    }
    if (length == nanoseconds{0}) {
        return;
    }
    if (run_of(s.cpu).mode == cpu_mode::base) {
        leave_base(s.cpu);
    }
    run_of(s.cpu).higher_left[static_cast<std::size_t>(s.cls)] += length;
    machine_.higher_arrives(s.cpu, s.cls, length);
    poke(s.cpu);
}

void simulator::on_lost_time(std::size_t source)
{
    const lost_time_source& s = work_.lost_time[source];
    const auto entity = static_cast<std::uint32_t>(source);
    const std::uint64_t n = lost_[source].nr_arrivals++;
    const nanoseconds length = draw(s.length, random_purpose::lost_length, entity, n);
    if (lost_[source].nr_arrivals < s.count) {
        const nanoseconds gap = draw(s.interval, random_purpose::lost_interval, entity, n);
        queue_.arm(first_lost_timer_ + entity, now_ + std::max(gap, length), event_phase::lost_time);
    }
    if (s.only_if_all_busy && nr_busy_cpus() != config_.nr_cpus()) {
        return;
    }
    if (!sinks_.empty()) {
        next_record() = {.at = now_, .cpu = s.cpu, .kind = record_kind::lost_time, .value = length.count()};
    }
    cpu_run& r = run_of(s.cpu);
    const sim_time thaw = std::max(r.frozen_until, now_ + length);
    r.lost += thaw - std::max(r.frozen_until, now_);
    r.frozen_until = thaw;
    const timer_id step = timer_of(s.cpu, step_timer);
    if (r.mode == cpu_mode::base) {
        leave_base(s.cpu);
        r.mode = cpu_mode::stepping;
        queue_.arm(step, r.frozen_until, event_phase::kernel_step);
    } else if (queue_.armed(step) && queue_.deadline(step) == now_) {
        machine_.end_step(s.cpu); // the step is over: its lock is free, and the next step waits for the CPU
        queue_.arm(step, r.frozen_until, event_phase::kernel_step);
    } else if (queue_.armed(step)) {
        queue_.arm(step, queue_.deadline(step) + length, event_phase::kernel_step);
    }
}

std::size_t simulator::nr_busy_cpus() const
{
    std::size_t n = 0;
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        n += machine_.state().cpu(cpu_at(i)).curr != idle_pid ? 1U : 0U;
    }
    return n;
}

void simulator::on_outside(std::size_t event)
{
    const outside_event& e = work_.outside[event];
    if (next_outside_ < work_.outside.size()) {
        queue_.arm(outside_timer_, work_.outside[next_outside_].at, event_phase::outside);
    }
    run_of(e.cpu).outside.push_back(static_cast<std::uint32_t>(event));
    poke_soon(e.cpu);
}

/// A cgroup is created, or its removal reaches ops.cgroup_exit. Source: scx_tg_online(), scx_tg_offline().
void simulator::on_cgroup(std::size_t index)
{
    const cgroup_id cgroup{static_cast<std::uint32_t>(index)};
    const cgroup_spec& spec = work_.cgroups[index];
    if (removal_begun_[index] != 0) {
        if (cgroup_online_[index] != 0 && now_ >= spec.remove_at) {
            cgroup_online_[index] = 0;
            machine_.cgroup_exit(cgroup);
        }
        return;
    }
    if (cgroup_online_[index] != 0) {
        try_remove_cgroup(cgroup);
        return;
    }
    if (machine_.cgroup_init(cgroup) != 0) {
        if (nr_events_ == 0) { // at enable: "ops.cgroup_init() failed (-16)"
            machine_.fail(exit_kind::error, static_cast<std::uint32_t>(-ebusy), cgroup.value, 0, no_cpu);
            end_run();
        } else {
            warnings_.push_back(fmt::format("cgroup \"{}\" was not created: EBUSY", spec.name));
        }
        return;
    }
    cgroup_online_[index] = 1;
    if (spec.remove_at != never) {
        queue_.arm(first_cgroup_timer_ + static_cast<timer_id>(index), spec.remove_at, event_phase::outside);
    }
}

/// rmdir succeeds once no task is left; ops.cgroup_exit follows after an RCU grace period and a work item.
void simulator::try_remove_cgroup(cgroup_id cgroup)
{
    const auto index = cgroup.value;
    const bool due = work_.cgroups[index].remove_at <= now_;
    if (!due || live_tasks_[index] != 0 || cgroup_online_[index] == 0 || removal_begun_[index] != 0) {
        return;
    }
    removal_begun_[index] = 1;
    const nanoseconds delay = draw(config_.costs[static_cast<std::size_t>(cost_kind::cgroup_offline)],
                                   random_purpose::cgroup_offline, index, 0);
    queue_.arm(first_cgroup_timer_ + index, now_ + delay, event_phase::outside);
}

/// Source: scx_watchdog_workfn(). The work item itself costs nothing here and is never late.
void simulator::on_watchdog()
{
    queue_.arm(watchdog_timer_, now_ + config_.watchdog_timeout / 2, event_phase::watchdog);
    if (const auto stalled = machine_.find_stalled_task()) {
        const auto waited = now_ - machine_.state().task(*stalled).runnable_at;
        machine_.fail(exit_kind::error_stall, 0, stalled->value, static_cast<std::uint64_t>(waited.count()), no_cpu);
    }
}

/// The helper thread has disabled the scheduler: cgroups from the leaves up, then ops.exit.
void simulator::on_disable()
{
    for (std::size_t i = work_.cgroups.size(); i-- > 0;) {
        if (cgroup_online_[i] != 0) {
            machine_.cgroup_exit(cgroup_id{static_cast<std::uint32_t>(i)});
        }
    }
    machine_.scheduler_exit();
    end_run();
}

void simulator::end_run()
{
    ended_ = true;
}

} // namespace pairsim
