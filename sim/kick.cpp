// SPDX-License-Identifier: GPL-2.0-only
//
// Kicks: the request, the irq_work that serves it, and the wait of SCX_KICK_WAIT in its three forms.
// Source: kernel/sched/ext.c, scx_bpf_kick_cpu(), kick_cpus_irq_workfn(), kick_sync_wait_bal_cb().
#include <algorithm>
#include <bit>

#include "sim/check.h"
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

using mask = machine_state::kick_mask;

enum class kick_pc : std::uint8_t {
    targets, ///< one target a step
    wait,    ///< W0 and W1: spin in the handler
};

constexpr std::uint8_t waits_irqs_off = 1;
constexpr std::uint8_t waits_irqs_on = 2;

/// The lowest CPU of a mask; no_cpu if it is empty.
cpu_id first_cpu(std::span<const std::uint64_t> bits)
{
    for (std::size_t word = 0; word < bits.size(); ++word) {
        if (bits[word] != 0) {
            return cpu_id{static_cast<std::uint16_t>(word * 64 + static_cast<unsigned>(std::countr_zero(bits[word])))};
        }
    }
    return no_cpu;
}

} // namespace

/// Nothing happens to the target yet: the irq_work runs when this CPU has enabled interrupts.
void machine::request_kick(cpu_id cpu, cpu_id target, std::uint8_t flags)
{
    cpu_state& c = state_.cpu(cpu);
    if ((flags & kick_idle) != 0) {
        set_cpu(state_.kicks(cpu, mask::kick_if_idle), target);
    } else {
        set_cpu(state_.kicks(cpu, mask::kick), target);
    }
    if ((flags & kick_preempt) != 0) {
        set_cpu(state_.kicks(cpu, mask::preempt), target);
    }
    if ((flags & kick_wait) != 0) {
        set_cpu(state_.kicks(cpu, mask::wait), target);
    }
    c.kicking = 1;
    raise(cpu, irq_kick);
}

/// Source: kick_cpus_irq_workfn().
machine::result machine::step_kick(cpu_id cpu, frame& f)
{
    if (static_cast<kick_pc>(f.pc) == kick_pc::wait) {
        return spin_for_kicks(cpu);
    }
    cpu_id target = first_cpu(state_.kicks(cpu, mask::kick));
    if (target == no_cpu) {
        target = first_cpu(state_.kicks(cpu, mask::kick_if_idle));
    }
    if (target != no_cpu) {
        if (!acquire_for_step(cpu, rq_lock(target))) {
            return std::nullopt;
        }
        kick_one(cpu, target);
        return cost_kind::kick_handler;
    }
    cpu_state& c = state_.cpu(cpu);
    c.kicking = 0;
    if (first_cpu(state_.kicks(cpu, mask::wait)) == no_cpu) {
        pop(cpu);
        return cost_kind::irq_exit;
    }
    if (config_.profile == kernel_profile::knew) { // the wait is executed after the next SCX pick
        c.kick_sync_pending = 1;
        resched_curr(cpu, cpu);
        pop(cpu);
        return cost_kind::irq_exit;
    }
    f.pc = to_underlying(kick_pc::wait);
    return cost_kind::none;
}

/// The end of the handler, if it does not leave the kernel.
bool machine::kick_is_left_mover(cpu_id cpu, const frame& f) const
{
    const auto none = [&](mask which) { return first_cpu(state_.kicks(cpu, which)) == no_cpu; };
    return static_cast<kick_pc>(f.pc) == kick_pc::targets && none(mask::kick) && none(mask::kick_if_idle) &&
           (!none(mask::wait) || !is_last_work(state_.cpu(cpu)));
}

/// Source: kick_one_cpu(), kick_one_cpu_if_idle(). The target's runqueue is locked.
void machine::kick_one(cpu_id cpu, cpu_id target)
{
    const bool only_if_idle = !test_cpu(state_.kicks(cpu, mask::kick), target);
    const bool preempt = test_cpu(state_.kicks(cpu, mask::preempt), target);
    const bool wait = test_cpu(state_.kicks(cpu, mask::wait), target);
    clear_cpu(state_.kicks(cpu, mask::kick), target);
    clear_cpu(state_.kicks(cpu, mask::kick_if_idle), target);
    clear_cpu(state_.kicks(cpu, mask::preempt), target);

    const pid victim = state_.cpu(target).curr;
    const sched_class cls = class_of(victim);
    const bool k612 = config_.profile == kernel_profile::k612;
    const bool skip = only_if_idle ? cls != sched_class::idle : (!k612 && cls > sched_class::ext);
    if (skip || (wait && !k612 && cls != sched_class::ext)) {
        clear_cpu(state_.kicks(cpu, mask::wait), target);
    } else if (wait) {
        state_.seen_seq(cpu, target) = state_.cpu(target).pnt_seq;
    }
    auto effect = kick_effect::skipped;
    if (!skip) {
        effect = kick_effect::resched;
        if (preempt && cls == sched_class::ext) {
            state_.task(victim).slice = nanoseconds{0};
            effect = kick_effect::slice_zeroed;
        }
        resched_curr(cpu, target);
    }
    emit(record_kind::kick_serviced, cpu, effect, victim, target.value);
}

// ---- waits --------------------------------------------------------------------------------------------------------

/// The sequence that a kick's wait watches moves on. Called where the profile's kernel advances it.
void machine::scheduling_point(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    ++c.pnt_seq;
    if (c.sync_awaited == 0) {
        return;
    }
    c.sync_awaited = 0;
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) { // rare: only while some CPU waits for this one
        const cpu_id other{static_cast<std::uint16_t>(i)};
        if (state_.cpu(other).in_kick_wait != 0 && test_cpu(state_.kicks(other, mask::wait), cpu)) {
            driver_.cpu_ready(other);
        }
    }
}

/// Some CPU has kicked this one, or is about to, and waits for its sequence to move.
bool machine::is_waited_for(cpu_id cpu) const
{
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        if (test_cpu(state_.kicks(cpu_id{static_cast<std::uint16_t>(i)}, mask::wait), cpu)) {
            return true;
        }
    }
    return false;
}

/// Drops the targets that have passed a scheduling point, or that wait themselves with interrupts on (such a CPU
/// advances its sequence while it waits). True if none is left.
bool machine::kick_wait_over(cpu_id cpu)
{
    auto waits = state_.kicks(cpu, mask::wait);
    while (true) {
        const cpu_id target = first_cpu(waits);
        if (target == no_cpu) {
            return true;
        }
        cpu_state& t = state_.cpu(target);
        const bool passed =
            target == cpu || t.pnt_seq != state_.seen_seq(cpu, target) || t.in_kick_wait == waits_irqs_on;
        if (!passed) {
            t.sync_awaited = 1;
            return false;
        }
        clear_cpu(waits, target);
        if (state_.cpu(cpu).in_kick_wait != 0) {
            emit(record_kind::kick_wait_end, cpu, 0, idle_pid, target.value);
        }
    }
}

/// W0 and W1: the handler spins with interrupts off, on top of whatever this CPU runs.
machine::result machine::spin_for_kicks(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    if (kick_wait_over(cpu)) {
        c.in_kick_wait = 0;
        pop(cpu);
        return cost_kind::irq_exit;
    }
    if (c.in_kick_wait == 0) {
        c.in_kick_wait = waits_irqs_off;
        const cpu_id target = first_cpu(state_.kicks(cpu, mask::wait));
        emit(record_kind::kick_wait_begin, cpu, 0, idle_pid, target.value);
        driver_.kick_wait_began(cpu, target);
    }
    return std::nullopt;
}

/// W2: the balance callback waits without the runqueue's lock and with interrupts on.
machine::result machine::step_sync_wait(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    if (kick_wait_over(cpu)) {
        c.in_kick_wait = 0;
        pop(cpu);
        return cost_kind::none;
    }
    if (c.in_kick_wait == 0) {
        c.in_kick_wait = waits_irqs_on;
        emit(record_kind::kick_wait_begin, cpu, 0, idle_pid, first_cpu(state_.kicks(cpu, mask::wait)).value);
        scheduling_point(cpu); // others that wait for us need not
    }
    return std::nullopt;
}

} // namespace pairsim
