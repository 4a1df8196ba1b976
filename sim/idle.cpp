// SPDX-License-Identifier: GPL-2.0-only
//
// The idle masks and the choice of a CPU for a waking task. Source: kernel/sched/ext.c (K612) and ext_idle.c (KNEW),
// scx_select_cpu_dfl(); kernel/sched/core.c, select_task_rq().
#include <algorithm>
#include <bit>

#include "sim/check.h"
#include "sim/machine.h"

namespace pairsim {

/// Source: update_idle(): the core's CPUs are in the smt mask while all of them are idle.
void machine::set_idle(cpu_id cpu, bool idle)
{
    auto cpus = state_.idle_cpus();
    auto cores = state_.idle_cores();
    const auto& siblings = topo_.core_cpus[topo_.place[cpu.value].core];
    if (!idle) {
        clear_cpu(cpus, cpu);
        std::ranges::for_each(siblings, [&](cpu_id s) { clear_cpu(cores, s); });
        return;
    }
    set_cpu(cpus, cpu);
    if (std::ranges::all_of(siblings, [&](cpu_id s) { return test_cpu(cpus, s); })) {
        std::ranges::for_each(siblings, [&](cpu_id s) { set_cpu(cores, s); });
    }
}

/// Source: test_and_clear_cpu_idle().
bool machine::claim_idle(cpu_id cpu)
{
    auto cores = state_.idle_cores();
    for (const cpu_id s : topo_.core_cpus[topo_.place[cpu.value].core]) {
        clear_cpu(cores, s);
    }
    if (!test_cpu(state_.idle_cpus(), cpu)) {
        return false;
    }
    clear_cpu(state_.idle_cpus(), cpu);
    return true;
}

bool machine::any_idle()
{
    return std::ranges::any_of(state_.idle_cpus(), [](std::uint64_t word) { return word != 0; });
}

/// Claims the next idle CPU that the task may use, round-robin after the waking CPU's last choice; no_cpu if there
/// is none. @p whole_core: only CPUs whose whole core is idle. Source: scx_pick_idle_cpu(),
/// cpumask_any_and_distribute().
cpu_id machine::pick_idle(cpu_id waker, pid task, bool whole_core, const cpumask* within)
{
    const auto idle = whole_core ? state_.idle_cores() : state_.idle_cpus();
    const auto allowed = work_.cpumasks[state_.task(task).affinity].words();
    const auto nr_cpus = static_cast<std::uint32_t>(config_.nr_cpus());
    cpu_state& c = state_.cpu(waker);
    const auto candidates = [&](std::size_t word) {
        return idle[word] & allowed[word] & (within != nullptr ? within->words()[word] : ~std::uint64_t{0});
    };
    const auto search = [&](std::uint32_t from) -> std::uint32_t {
        for (std::size_t word = from / 64; word < idle.size(); ++word) {
            std::uint64_t bits = candidates(word);
            if (word == from / 64) {
                bits &= ~std::uint64_t{0} << (from % 64);
            }
            if (bits != 0) {
                return static_cast<std::uint32_t>(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
            }
        }
        return nr_cpus;
    };
    std::uint32_t found = c.idle_cursor + 1 < nr_cpus ? search(c.idle_cursor + 1) : nr_cpus;
    if (found == nr_cpus) {
        found = search(0);
    }
    if (found == nr_cpus) {
        return no_cpu;
    }
    c.idle_cursor = found;
    const cpu_id cpu{static_cast<std::uint16_t>(found)};
    return claim_idle(cpu) ? cpu : no_cpu;
}

/// KNEW looks near the previous CPU first: its last-level cache, then its node, where the machine has several.
cpu_id machine::pick_idle_nearby(cpu_id waker, pid task, bool whole_core)
{
    if (config_.profile == kernel_profile::knew) {
        const cpu_place& home = topo_.place[state_.task(task).cpu.value];
        cpu_id found = no_cpu;
        if (topo_.llc_mask.size() > 1) {
            found = pick_idle(waker, task, whole_core, &topo_.llc_mask[home.llc]);
        }
        if (found == no_cpu && topo_.node_mask.size() > 1 && topo_.node_mask.size() != topo_.llc_mask.size()) {
            found = pick_idle(waker, task, whole_core, &topo_.node_mask[home.node.value]);
        }
        if (found != no_cpu) {
            return found;
        }
    }
    return pick_idle(waker, task, whole_core, nullptr);
}

/// Steps 2 to 4 of scx_select_cpu_dfl(): everything but sync wake-ups.
cpu_id machine::select_idle_cpu(cpu_id waker, pid task)
{
    const cpu_id prev = state_.task(task).cpu;
    const bool knew = config_.profile == kernel_profile::knew;
    const bool prev_usable = !knew || task_allowed(task, prev); // K612 does not ask
    if (config_.smt_active) {
        if (prev_usable && test_cpu(state_.idle_cores(), prev) && claim_idle(prev)) {
            return prev;
        }
        if (const cpu_id found = pick_idle_nearby(waker, task, true); found != no_cpu) {
            return found;
        }
    }
    if (prev_usable && claim_idle(prev)) {
        return prev;
    }
    if (knew && config_.smt_active) {
        const cpu_id sibling = topo_.sibling[prev.value];
        if (sibling != prev && task_allowed(task, sibling) && claim_idle(sibling)) {
            return sibling;
        }
    }
    return pick_idle_nearby(waker, task, false);
}

/// Source: select_task_rq(), select_task_rq_scx(), scx_select_cpu_dfl().
machine::cpu_choice machine::select_cpu(cpu_id waker, pid task, bool sync)
{
    const task_state& p = state_.task(task);
    const cpumask& allowed = work_.cpumasks[p.affinity];
    if (is_pinning_[p.affinity] != 0) { // not asked: no direct dispatch
        return {fallback_cpu(task), false, wake_path::queued};
    }
    if (traits_.select_cpu_prev) {
        return {fallback_cpu(task), false, wake_path::queued};
    }
    if (sync) {
        const bool near = topo_.place[p.cpu.value].llc == topo_.place[waker.value].llc;
        if (config_.profile == kernel_profile::knew && near && allowed.test(p.cpu) && claim_idle(p.cpu)) {
            return {p.cpu, true, wake_path::direct};
        }
        if (any_idle() && state_.cpu(waker).local.nr == 0 && allowed.test(waker)) {
            return {waker, true, wake_path::direct_sync};
        }
    }
    const cpu_id found = select_idle_cpu(waker, task);
    if (found == no_cpu) {
        return {fallback_cpu(task), false, wake_path::queued};
    }
    return {allowed.test(found) ? found : fallback_cpu(task), true, wake_path::direct};
}

/// The task's own CPU if it may run there, else the first allowed CPU of that node, else any allowed.
/// Source: select_fallback_rq().
cpu_id machine::fallback_cpu(pid task) const
{
    const cpu_id prev = state_.task(task).cpu;
    if (task_allowed(task, prev)) {
        return prev;
    }
    const node_id home = topo_.place[prev.value].node;
    cpu_id first = no_cpu;
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        if (!task_allowed(task, cpu)) {
            continue;
        }
        if (topo_.place[i].node == home) {
            return cpu;
        }
        first = first == no_cpu ? cpu : first;
    }
    SIM_CHECK(first != no_cpu);
    return first;
}

} // namespace pairsim
