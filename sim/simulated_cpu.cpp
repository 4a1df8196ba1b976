// SPDX-License-Identifier: GPL-2.0-only
//
// The simulator's CPUs: how long their kernel code takes, what their base does meanwhile, and what the machine tells.
#include <algorithm>

#include "sim/schedule.h"
#include "sim/simulator.h"

namespace pairsim {
namespace {

constexpr nanoseconds stopper_length = std::chrono::microseconds{5};

} // namespace

/// Something new may make @p cpu act: let it, unless it is in kernel code and will see for itself.
void simulator::poke(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    if (r.mode == cpu_mode::base) {
        leave_base(cpu);
        run_cpu(cpu);
    } else if (r.mode == cpu_mode::blocked && machine_.state().cpu(cpu).waiting_for == no_lock) {
        run_cpu(cpu); // a kick wait with interrupts on takes the interrupt; one with interrupts off looks and waits on
    }
}

/// As poke(), for use while another CPU is in the middle of a step.
void simulator::poke_soon(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    if (r.mode == cpu_mode::base) {
        leave_base(cpu);
        r.mode = cpu_mode::stepping;
        queue_.arm(timer_of(cpu, step_timer), now_, event_phase::kernel_step);
    }
}

/// Runs kernel code of @p cpu until a step takes time that something else may need, or the CPU is in its base.
void simulator::run_cpu(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    const timer_id step = timer_of(cpu, step_timer);
    r.mode = cpu_mode::stepping;
    if (now_ < r.frozen_until) {
        queue_.arm(step, r.frozen_until, event_phase::kernel_step);
        return;
    }
    while (!ended_) {
        if (instant_steps_left_ == 0) {
            machine_.fail(exit_kind::no_progress, 0, cpu.value, 0, cpu);
            end_run();
            return;
        }
        const step_result done = machine_.steps(cpu, free_, instant_steps_left_);
        if (done.what == step_result::kind::blocked) {
            r.mode = cpu_mode::blocked;
            follow_ticks(cpu);
            return;
        }
        if (done.what == step_result::kind::base) {
            if (enter_base(cpu)) {
                return;
            }
            continue;
        }
        const nanoseconds duration = cost(cpu, done.cost);
        if (duration == nanoseconds{0}) {
            continue;
        }
        const sim_time end = now_ + duration;
        if (end >= queue_.next_time() || end > until_) {
            queue_.arm(step, end, event_phase::kernel_step);
            return;
        }
        now_ = end; // nothing happens before the step ends: no need to queue it
        machine_.set_now(now_);
        instant_steps_left_ = max_instant_steps;
    }
}

/// The CPU has left the kernel. True: it runs its base; false: the base has asked for kernel code at once.
bool simulator::enter_base(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    const pid curr = machine_.state().cpu(cpu).curr;
    if (!r.outside.empty()) {
        const outside_event& e = work_.outside[r.outside.front()];
        r.outside.erase(r.outside.begin());
        const bool in_kernel = e.kind == phase::op::wake ? !wake_channel(cpu, channels_[e.arg], false)
                                                         : change_task(cpu, idle_pid, e.kind, e.target, e.arg);
        return !in_kernel && enter_base(cpu);
    }
    if (is_higher(curr)) {
        return enter_higher(cpu, machine::class_of(curr));
    }
    if (is_task(curr)) {
        task_run& t = run_of(curr);
        if (t.work_left == 0 && !next_phase(cpu, curr)) {
            return false;
        }
        arm_user(cpu, now_ + nanoseconds{static_cast<std::int64_t>((t.work_left + r.speed - 1) / r.speed)});
    }
    r.mode = cpu_mode::base;
    r.base_since = now_;
    follow_ticks(cpu);
    return true;
}

bool simulator::enter_higher(cpu_id cpu, sched_class cls)
{
    cpu_run& r = run_of(cpu);
    const nanoseconds left = r.higher_left[static_cast<std::size_t>(cls)];
    if (left == nanoseconds{0}) {
        if (cls == sched_class::stop && !r.to_migrate.empty()) {
            machine_.begin_stopper(cpu, r.to_migrate.front());
            r.to_migrate.erase(r.to_migrate.begin());
        } else {
            machine_.higher_done(cpu, cls);
        }
        return false;
    }
    arm_user(cpu, now_ + left);
    r.mode = cpu_mode::base;
    r.base_since = now_;
    follow_ticks(cpu);
    return true;
}

/// Accounts for what the base has done since the CPU entered it.
void simulator::leave_base(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    const nanoseconds ran = now_ - r.base_since;
    r.base_since = now_;
    r.in_base += ran;
    const pid curr = machine_.state().cpu(cpu).curr;
    if (is_higher(curr)) {
        nanoseconds& left = r.higher_left[static_cast<std::size_t>(machine::class_of(curr))];
        left -= std::min(left, ran);
    } else if (is_task(curr)) {
        task_run& t = run_of(curr);
        const std::uint64_t done = std::min(t.work_left, static_cast<std::uint64_t>(ran.count()) * r.speed);
        const std::uint64_t cold = std::min(t.cold_left, done);
        t.work_left -= done;
        t.cold_left -= cold;
        useful_work_ += done - cold;
    }
    if (config_.profile != kernel_profile::knew) { // whose CPU may now spin on top of its task
        charge_skipped_ticks(cpu);
    }
}

void simulator::arm_user(cpu_id cpu, sim_time at)
{
    const timer_id timer = timer_of(cpu, user_timer);
    if (queue_.deadline(timer) != at) {
        queue_.arm(timer, at, event_phase::user);
    }
}

nanoseconds simulator::draw(const duration_dist& dist, random_purpose purpose, std::uint32_t entity, std::uint64_t n)
{
    if (dist.is_constant()) {
        return dist.low;
    }
    ++nr_draws_;
    return sample(dist, random_draw(seed_, purpose, entity, n));
}

nanoseconds simulator::draw_cost(cpu_id cpu, cost_kind kind)
{
    const auto index = static_cast<std::size_t>(kind);
    const auto purpose = static_cast<random_purpose>(to_underlying(random_purpose::cost) + index);
    return draw(config_.costs[index], purpose, cpu.value, run_of(cpu).nr_draws[index]++);
}

std::uint64_t simulator::unseed() const
{
    return random_draw(seed_, random_purpose::unseed, 0, nr_draws_);
}

/// The speed of a CPU depends on whether another CPU of its core is busy.
void simulator::update_speed(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    const topology& topo = machine_.topo();
    const auto& core = topo.core_cpus[topo.place[cpu.value].core];
    const bool busy_sibling =
        std::ranges::any_of(core, [&](cpu_id s) { return s != cpu && machine_.state().cpu(s).curr != idle_pid; });
    const std::uint32_t speed = busy_sibling ? config_.smt_speed_permille : full_speed;
    if (speed == r.speed) {
        return;
    }
    const bool in_base = r.mode == cpu_mode::base;
    if (in_base) {
        leave_base(cpu);
    }
    r.speed = speed;
    const pid curr = machine_.state().cpu(cpu).curr;
    if (in_base && is_task(curr)) {
        arm_user(cpu, now_ + nanoseconds{static_cast<std::int64_t>((run_of(curr).work_left + speed - 1) / speed)});
    }
}

// ---- what the machine tells -----------------------------------------------------------------------------------

void simulator::cpu_ready(cpu_id cpu)
{
    cpu_run& r = run_of(cpu);
    if (r.mode != cpu_mode::blocked || machine_.state().cpu(cpu).waiting_for != no_lock) {
        return;
    }
    r.mode = cpu_mode::stepping;
    queue_.arm(timer_of(cpu, step_timer), now_ + cost(cpu, cost_kind::lock_handover), event_phase::kernel_step);
}

void simulator::ipi_sent(cpu_id target)
{
    const timer_id timer = timer_of(target, ipi_timer);
    if (!queue_.armed(timer)) {
        queue_.arm(timer, now_ + cost(target, cost_kind::ipi_latency), event_phase::ipi);
    }
}

void simulator::switched(cpu_id cpu, pid prev, pid next)
{
    cpu_run& r = run_of(cpu);
    if (prev == idle_pid && !r.ticks) {
        begin_ticks(cpu);
    }
    if (!r.left_at.empty() && is_task(prev) && r.last_cgroup != no_cgroup) {
        r.left_at[r.last_cgroup.value] = now_;
    }
    if (is_task(next)) {
        warm_caches(cpu, next);
    } else if (next == idle_pid) {
        serve_late_timers(cpu);
    }
    if (config_.smt_speed_permille != full_speed && (prev == idle_pid || next == idle_pid)) {
        const topology& topo = machine_.topo();
        for (const cpu_id s : topo.core_cpus[topo.place[cpu.value].core]) {
            update_speed(s);
        }
    }
}

/// Caches that another cgroup has filled make the task's own code slower, not the kernel's: more work to do.
void simulator::warm_caches(cpu_id cpu, pid task)
{
    cgroup_id& last = run_of(cpu).last_cgroup;
    const cgroup_id cgroup = machine_.state().task(task).cgroup;
    if (last != cgroup && last != no_cgroup) {
        const auto work = static_cast<std::uint64_t>(cold_cache_work(cpu, cgroup).count()) * full_speed;
        run_of(task).work_left += work;
        run_of(task).cold_left += work;
    }
    last = cgroup;
}

/// A cost that is drawn, or one that grows with the time in which others had the CPU's caches.
nanoseconds simulator::cold_cache_work(cpu_id cpu, cgroup_id cgroup)
{
    const auto& curve = config_.cold_cache_curve;
    if (curve.empty()) {
        return cost(cpu, cost_kind::cgroup_switch);
    }
    const sim_time left = run_of(cpu).left_at[cgroup.value];
    if (left == never || now_ - left >= curve.back().away) {
        return curve.back().work;
    }
    const nanoseconds away = now_ - left;
    const auto after = std::ranges::find_if(curve, [&](const cold_cache_point& p) { return p.away > away; });
    if (after == curve.begin()) {
        return after->work;
    }
    __extension__ using wide = __int128;
    const auto before = after - 1;
    const wide rise = wide{(after->work - before->work).count()} * (away - before->away).count();
    return before->work + nanoseconds{static_cast<std::int64_t>(rise / (after->away - before->away).count())};
}

std::int64_t simulator::useful_work_ns() const
{
    std::uint64_t work = useful_work_;
    for (std::size_t i = 0; i < cpus_.size(); ++i) {
        const pid curr = machine_.state().cpu(cpu_id{static_cast<std::uint16_t>(i)}).curr;
        if (cpus_[i].mode == cpu_mode::base && is_task(curr)) { // what leave_base() has not yet seen
            const task_run& t = tasks_[curr.value - 1];
            const auto ran = static_cast<std::uint64_t>((now_ - std::min(now_, cpus_[i].base_since)).count());
            const std::uint64_t done = std::min(t.work_left, ran * cpus_[i].speed);
            work += done - std::min(t.cold_left, done);
        }
    }
    return static_cast<std::int64_t>(work / full_speed);
}

nanoseconds simulator::kernel_time(cpu_id cpu) const
{
    const cpu_run& r = cpus_[cpu.value];
    const nanoseconds base = r.in_base + (r.mode == cpu_mode::base ? now_ - r.base_since : nanoseconds{0});
    const nanoseconds lost = r.lost - std::max(r.frozen_until - now_, nanoseconds{0});
    return now_.time_since_epoch() - base - lost;
}

void simulator::scheduler_failed()
{
    queue_.arm(disable_timer_,
               now_ + draw(config_.costs[static_cast<std::size_t>(cost_kind::disable)], random_purpose::disable, 0, 0),
               event_phase::outside);
}

void simulator::kick_wait_began(cpu_id cpu, cpu_id /*target*/)
{
    queue_.arm(timer_of(cpu, lockup_timer), now_ + config_.hard_lockup_after, event_phase::watchdog);
}

void simulator::slice_changes(cpu_id cpu)
{
    if (run_of(cpu).mode == cpu_mode::base) {
        charge_skipped_ticks(cpu);
    }
}

void simulator::stopper_needed(cpu_id cpu, pid task)
{
    cpu_run& r = run_of(cpu);
    r.to_migrate.push_back(task);
    r.higher_left[static_cast<std::size_t>(sched_class::stop)] += stopper_length;
    machine_.higher_arrives(cpu, sched_class::stop, stopper_length);
    poke_soon(cpu);
}

} // namespace pairsim
