// SPDX-License-Identifier: GPL-2.0-only
#include "model/cause_finder.h"

namespace pairsim {

finding about(const observed_state& state, const observed_pair& pair, const breach& b, sim_time t)
{
    const auto& at_fault = state.cpu(pair.cpus[b.side]);
    const auto& partner = state.cpu(pair.cpus[1 - b.side]);
    return {.cause = b.cause,
            .start = t,
            .end = t,
            .cpus = {pair.cpus[b.side], pair.cpus[1 - b.side]},
            .tasks = {at_fault.current, partner.current},
            .cgroups = {at_fault.cgroup, partner.cgroup}};
}

int cause_finder::intruder(const observed_pair& pair) const
{
    const auto& first = state_->cpu(pair.cpus[0]);
    const auto& second = state_->cpu(pair.cpus[1]);
    const bool first_is_wrong = first.cgroup != pair.cgid;
    if (first_is_wrong != (second.cgroup != pair.cgid)) {
        return first_is_wrong ? 0 : 1;
    }
    return first.since > second.since ? 0 : 1;
}

cause_id cause_finder::of_two_cgroups(const observed_pair& pair, int side) const
{
    if (!isolates_) {
        return cause_id::no_isolation;
    }
    const cpu_id id = pair.cpus[side];
    const auto& cpu = state_->cpu(id);
    const auto& partner = state_->cpu(pair.cpus[1 - side]);
    if (cpu.moved && cpu.kept == 0) {
        return cause_id::i9;
    }
    if (pair.adopted > cpu.since && cpu.kept < pair.adopted) { // it was here before the pair moved on
        if (cpu.kick != kick_stage::none || pair.adopting) {   // its kick, or its own switch, is under way
            return cpu.came.how == arrival::way::preempted ? cause_id::i8 : cause_id::i3;
        }
        if (cpu.kicked < pair.adopted && pair.adopter != id) {
            return cause_id::i14;
        }
    }
    if (cpu.kept != 0 && (cpu.kick == kick_stage::none || pair.adopted < cpu.since)) {
        const bool both = partner.kept != 0 || partner.came.how == arrival::way::direct;
        return both && cpu.kept_top_q_empty ? cause_id::i2a : cause_id::i2;
    }
    if (cpu.kept != 0) {
        return cause_id::i3;
    }
    return cpu.stop_erased ? cause_id::i15 : of_arrival(pair, id);
}

cause_id cause_finder::of_run_beside(const observed_pair& pair, int held) const
{
    if (!isolates_) {
        return cause_id::no_isolation;
    }
    const auto& preempted = state_->cpu(pair.cpus[held]);
    const cpu_id id = pair.cpus[1 - held];
    const auto& cpu = state_->cpu(id);
    if (!preempted.released) {
        return preempted.preempted_from_idle ? cause_id::r1 : cause_id::unknown;
    }
    if (cpu.kicked > preempted.release && cpu.kick != kick_stage::none) {
        return cause_id::r5;
    }
    if (cpu.kicked > preempted.release && cpu.kept > cpu.kicked) {
        return cause_id::r3; // however it came, it was told to stop and kept
    }
    if (cpu.since > preempted.release) {
        const bool is_marked = preempted.marked > preempted.release;
        const bool saw_nobody_preempted = !is_marked || cpu.went_on < preempted.marked;
        const bool past_its_check =
            cpu.came.popped != 0 && saw_nobody_preempted && cpu.came.inserted > preempted.release;
        if (past_its_check || (pair.adopted > preempted.release && pair.adopter == id)) {
            return cause_id::r4;
        }
        if (cpu.kept != 0) {
            return cause_id::r3;
        }
        const bool in_flight = cpu.came.inserted != 0 && cpu.came.inserted < preempted.release;
        return in_flight ? cause_id::r5 : of_arrival(pair, id);
    }
    if (cpu.kicked < preempted.release) {
        return cause_id::r2;
    }
    if (cpu.kept > cpu.kicked) {
        return cause_id::r3;
    }
    return cpu.stop_erased ? cause_id::i15 : cause_id::unknown;
}

cause_id cause_finder::of_arrival(const observed_pair& pair, cpu_id id) const
{
    const auto& cpu = state_->cpu(id);
    const auto& came = cpu.came;
    switch (came.how) {
    case arrival::way::direct:
        return cause_id::i1;
    case arrival::way::direct_sync:
        return cause_id::i7;
    case arrival::way::exiting:
        return cause_id::i12;
    case arrival::way::preempted:
        return cause_id::i8;
    case arrival::way::dispatched_global:
    case arrival::way::dispatched_local:
        break;
    case arrival::way::unknown:
    case arrival::way::queued:
    case arrival::way::migration_disabled:
        return cause_id::unknown;
    }
    if (came.popped_from != no_cgroup && came.popped_from != cpu.cgroup) {
        return cause_id::i10;
    }
    if (cpu.last_higher > came.seq) {
        return cause_id::i8;
    }
    if (came.how == arrival::way::dispatched_local) {
        return cause_id::unknown;
    }
    const auto mask = state_->task(cpu.current).mask;
    if (mask < work_->cpumasks.size() && !work_->cpumasks[mask].test(came.by)) {
        return cause_id::i6;
    }
    if (machine_->cpus[came.by.value].node != came.node) {
        return cause_id::i5;
    }
    const bool by_own_pair = state_->pair_of(came.by) == state_->pair_of(id);
    return by_own_pair && pair.adopted < came.inserted ? cause_id::unknown : cause_id::i4;
}

} // namespace pairsim
