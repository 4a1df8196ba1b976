// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/scripted_machine.h"

#include "sim/check.h"

namespace pairsim::test {
namespace {

constexpr std::size_t max_steps = 100'000; // a script that needs more has a CPU that never comes to rest

} // namespace

scripted_machine::scripted_machine(const machine_config& config, const workload& work, const sched_ops& ops)
    : work_(work), machine_(config, work, ops, *this), blocked_(config.nr_cpus()), stepping_(config.nr_cpus())
{
    machine_.set_tracing(true);
    for (std::size_t i = 0; i < work.cgroups.size(); ++i) {
        machine_.cgroup_init(cgroup_id{static_cast<std::uint32_t>(i)});
    }
}

step_result scripted_machine::step(cpu_id c)
{
    const step_result done = machine_.step(c);
    blocked_[c.value] = done.what == step_result::kind::blocked;
    stepping_[c.value] = done.what == step_result::kind::stepped;
    machine_.check_invariants();
    return done;
}

step_result::kind scripted_machine::run(cpu_id c)
{
    for (std::size_t n = 0; n < max_steps; ++n) {
        const auto what = step(c).what;
        if (what != step_result::kind::stepped) {
            return what;
        }
    }
    SIM_CHECK(false);
    return {};
}

bool scripted_machine::run_to(cpu_id c, path kind, std::uint8_t pc)
{
    for (std::size_t n = 0; n < max_steps; ++n) {
        const cpu_state& s = cpu(c);
        if (s.depth > 0 && s.frames[s.depth - 1U].kind == kind && s.frames[s.depth - 1U].pc == pc) {
            return true;
        }
        if (step(c).what != step_result::kind::stepped) {
            return false;
        }
    }
    SIM_CHECK(false);
    return false;
}

/// A CPU that spins with interrupts on can take an interrupt.
bool scripted_machine::can_step(cpu_id c)
{
    constexpr std::uint8_t spins_with_interrupts_on = 2;
    const cpu_state& s = cpu(c);
    if (!blocked_[c.value]) {
        return stepping_[c.value] || machine_.has_kernel_work(c); // a step's lock is held until the next step
    }
    const bool interrupt = s.pending != irq_none || s.wake_first != idle_pid;
    return s.waiting_for == no_lock && s.in_kick_wait == spins_with_interrupts_on && interrupt;
}

void scripted_machine::settle()
{
    const auto nr_cpus = static_cast<std::uint16_t>(machine_.config().nr_cpus());
    for (std::size_t n = 0; n < max_steps; ++n) {
        deliver_ipis();
        bool any = false;
        for (std::uint16_t i = 0; i < nr_cpus; ++i) {
            if (can_step(cpu_id{i})) {
                step(cpu_id{i});
                any = true;
            }
        }
        if (!any) {
            return;
        }
    }
    SIM_CHECK(false);
}

void scripted_machine::deliver_ipis()
{
    for (const cpu_id target : ipis_) {
        machine_.raise(target, irq_ipi);
    }
    ipis_.clear();
}

void scripted_machine::tick(cpu_id c)
{
    machine_.raise(c, irq_tick);
}

void scripted_machine::fork(pid task)
{
    machine_.timer_expired(work_.tasks[task.value - 1].fork_cpu, task);
    settle();
}

void scripted_machine::stopper_needed(cpu_id c, pid task)
{
    to_migrate_.push_back(task);
    machine_.higher_arrives(c, sched_class::stop, nanoseconds{1});
}

} // namespace pairsim::test
