// SPDX-License-Identifier: GPL-2.0-only
//
// The simulator's timer interrupts: one by one, or only those that change something.
#include "sim/ticks.h"

#include <algorithm>

#include "sim/simulator.h"

namespace pairsim {

std::uint64_t tick_grid::first_from(sim_time t) const
{
    const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_ns(t) - offset_));
    constexpr auto ns = static_cast<std::uint64_t>(second.count());
    std::uint64_t k = since / ns * hz_ + since % ns * hz_ / ns;
    while (at(k) < t) {
        ++k;
    }
    return k;
}

// ---- one by one -----------------------------------------------------------------------------------------------------

/// Ticks lie on the CPU's grid; an idle CPU has none (NO_HZ_IDLE).
void simulator::arm_next_tick(cpu_id cpu)
{
    const tick_grid grid(config_.hz, config_.tick_offset[cpu.value]);
    const std::uint64_t k = grid.first_from(now_ + nanoseconds{1});
    const nanoseconds jitter = draw(config_.tick_jitter, random_purpose::tick_jitter, cpu.value, k);
    queue_.arm(timer_of(cpu, tick_timer), grid.at(k) + jitter, event_phase::tick);
}

void simulator::on_tick(cpu_id cpu)
{
    if (skips_ticks_) {
        on_ticks(group_of(cpu));
    } else if (machine_.state().cpu(cpu).curr != idle_pid) {
        arm_next_tick(cpu);
        machine_.raise(cpu, irq_tick);
        poke(cpu);
    } else {
        run_of(cpu).ticks = false;
    }
}

/// The CPU leaves idle.
void simulator::begin_ticks(cpu_id cpu)
{
    run_of(cpu).ticks = true;
    if (!skips_ticks_) {
        arm_next_tick(cpu);
        return;
    }
    tick_group& g = group_of(cpu);
    if (open_tick(g, now_) == now_) {
        g.cpus.insert(g.cpus.begin() + static_cast<std::ptrdiff_t>(g.passed++), cpu);
        arm_ticks(g, now_);
    } else {
        g.cpus.push_back(cpu);
    }
}

// ---- only those that change something -------------------------------------------------------------------------------

/// True if every kernel path is over at the instant at which it began, so that at a tick all CPUs are in their base (or
/// wait for a kick), no lock is held, and no IPI is on its way.
bool simulator::may_skip_ticks() const
{
    constexpr cost_kind of_no_path[] = {cost_kind::cgroup_switch, cost_kind::timer_slack, cost_kind::cgroup_offline,
                                        cost_kind::disable, cost_kind::syscall};
    for (std::size_t i = 0; i < nr_cost_kinds; ++i) {
        const auto kind = static_cast<cost_kind>(i);
        const bool of_path = std::ranges::find(of_no_path, kind) == std::end(of_no_path);
        if (of_path && !free_.has(kind)) {
            return false;
        }
    }
    return config_.tick_jitter.is_zero() && work_.lost_time.empty();
}

void simulator::make_tick_groups()
{
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        const nanoseconds offset = config_.tick_offset[i];
        const auto first =
            static_cast<std::size_t>(std::ranges::find(config_.tick_offset, offset) - config_.tick_offset.begin());
        if (first == i) {
            const timer_id timer = timer_of(cpu_id{static_cast<std::uint16_t>(i)}, tick_timer);
            tick_groups_.push_back({.grid = tick_grid(config_.hz, offset), .timer = timer});
        }
        cpus_[i].tick_group =
            first == i ? static_cast<std::uint32_t>(tick_groups_.size() - 1) : cpus_[first].tick_group;
    }
    needs_tick_from_.assign(config_.nr_cpus(), sim_time{});
}

/// The first instant that is not over for the ticks of @p g, at @p t or later.
sim_time simulator::open_tick(const tick_group& g, sim_time t) const
{
    t = std::max(t, now_);
    const std::uint64_t k = g.grid.first_from(t);
    const bool is_over = g.grid.at(k) == now_ && (ticks_are_over_ || g.done == now_);
    return g.grid.at(is_over ? k + 1 : k);
}

void simulator::arm_ticks(const tick_group& g, sim_time needed_from)
{
    const sim_time armed = queue_.deadline(g.timer);
    if (armed <= std::max(needed_from, now_)) {
        return;
    }
    if (const sim_time at = open_tick(g, needed_from); at < armed) {
        queue_.arm(g.timer, at, event_phase::tick);
    }
}

/// The CPU is in its base, or blocked, with a new situation: from when on it needs its ticks.
void simulator::follow_ticks(cpu_id cpu)
{
    const cpu_run& r = run_of(cpu);
    if (!skips_ticks_ || !r.ticks) {
        return;
    }
    const pid curr = machine_.state().cpu(cpu).curr;
    sim_time from = now_; // an idle CPU's next tick is its last
    if (r.mode == cpu_mode::base && is_task(curr)) {
        const task_state& p = machine_.state().task(curr);
        from = p.exec_start + p.slice;
    } else if (r.mode == cpu_mode::base && is_higher(curr)) {
        from = never;
    }
    needs_tick_from_[cpu.value] = from;
    if (from != never) {
        arm_ticks(group_of(cpu), from);
    }
}

/// The ticks of an instant, up to the first that is simulated. The rest come after what it brings about.
void simulator::on_ticks(tick_group& g)
{
    while (g.passed < g.cpus.size()) {
        const cpu_id cpu = g.cpus[g.passed];
        if (needs_tick_from_[cpu.value] > now_) {
            ++g.passed;
        } else if (machine_.state().cpu(cpu).curr == idle_pid) {
            g.cpus.erase(g.cpus.begin() + static_cast<std::ptrdiff_t>(g.passed));
            run_of(cpu).ticks = false;
        } else {
            ++g.passed;
            queue_.arm(g.timer, now_, event_phase::tick);
            machine_.raise(cpu, irq_tick);
            poke(cpu);
            return;
        }
    }
    g.passed = 0;
    g.done = now_;
    sim_time from = never;
    for (const cpu_id cpu : g.cpus) {
        from = std::min(from, needs_tick_from_[cpu.value]);
    }
    if (from != never) {
        arm_ticks(g, from);
    }
}

/// Charges the slice of the task on @p cpu with the ticks that were skipped.
void simulator::charge_skipped_ticks(cpu_id cpu)
{
    if (!skips_ticks_ || !run_of(cpu).ticks) {
        return;
    }
    const tick_group& g = group_of(cpu);
    const std::uint64_t next = g.grid.first_from(now_);
    const auto passed = std::span(g.cpus).first(g.passed);
    const bool had_it =
        g.grid.at(next) == now_ && (open_tick(g, now_) != now_ || std::ranges::find(passed, cpu) != passed.end());
    if (had_it || next > 0) {
        machine_.charge_slice(cpu, g.grid.at(had_it ? next : next - 1));
    }
}

} // namespace pairsim
