// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/properties.h"

#include <algorithm>

#include "model/observed_state.h"

namespace pairsim {
namespace {

cpu_id cpu_at(std::size_t i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

pid pid_at(std::size_t i)
{
    return pid{static_cast<std::uint32_t>(i + 1)};
}

/// The task that @p c runs, by the exploration's rule; idle_pid if none.
pid runs(const explored_world& world, cpu_id c)
{
    const bool counts = world.what().overlap == overlap_rule::traced || world.in_base(c);
    const pid curr = world.state().cpu(c).curr;
    return counts && is_task(curr) ? curr : idle_pid;
}

bool two_cgroups(const explored_world& world, const pair_map::pair& pair)
{
    const pid first = runs(world, pair.first);
    const pid second = runs(world, pair.second);
    return breaks_exclusive({first, is_task(first) ? world.state().task(first).cgroup : no_cgroup},
                            {second, is_task(second) ? world.state().task(second).cgroup : no_cgroup});
}

/// A CPU that executes code of a higher class is past its kick's wait.
bool beside_preemptor(const explored_world& world, const pair_map::pair& pair)
{
    const auto held = [&](cpu_id c) { return world.in_base(c) && is_higher(world.state().cpu(c).curr); };
    const auto executes = [&](cpu_id c) { return world.in_base(c) && is_task(world.state().cpu(c).curr); };
    return (held(pair.first) && executes(pair.second)) || (held(pair.second) && executes(pair.first));
}

bool all_in_base(const explored_world& world)
{
    const auto& in_kernel = world.around().in_kernel;
    return std::all_of(in_kernel.begin(), in_kernel.end(), [](std::uint8_t k) { return k == 0; });
}

/// With no kernel code under way, a runnable task runs, is on a DSQ, or is in the scheduler's hands and in a FIFO.
bool loses_a_task(explored_world& world)
{
    if (world.pair() == nullptr || !all_in_base(world)) {
        return false;
    }
    auto maps = world.pair()->maps(world.state());
    for (std::size_t i = 0; i < world.what().tasks.size(); ++i) {
        const task_state& p = world.state().task(pid_at(i));
        if (p.queued == 0 || p.on_cpu != 0 || p.on_dsq != dsq_kind::none) {
            continue;
        }
        bool found = false;
        for (std::uint32_t q = 0; q < world.what().base.work.cgroups.size() && !found; ++q) {
            found = p.ops == ops_state::queued && maps.holds(q, pid_at(i));
        }
        if (!found) {
            return true;
        }
    }
    return false;
}

} // namespace

property_set broken_in(explored_world& world, property_set asked)
{
    property_set broken = 0;
    const auto asks = [&](property p) { return (asked & bit_of(p)) != 0; };
    if (world.pair() != nullptr) {
        for (const auto& pair : world.pair()->pairs().pairs) {
            if (asks(property::exclusive) && two_cgroups(world, pair)) {
                broken |= bit_of(property::exclusive);
            }
            if (asks(property::no_run_beside_preemptor) && beside_preemptor(world, pair)) {
                broken |= bit_of(property::no_run_beside_preemptor);
            }
        }
    }
    if (asks(property::no_abort) && world.state().exit().kind != exit_kind::none) {
        broken |= bit_of(property::no_abort);
    }
    if (asks(property::no_lost_task) && loses_a_task(world)) {
        broken |= bit_of(property::no_lost_task);
    }
    return broken;
}

bool is_stuck(const explored_world& world)
{
    if (world.state().exit().kind != exit_kind::none) {
        return false; // an end of another kind
    }
    if (!all_in_base(world)) {
        return true;
    }
    for (std::size_t i = 0; i < world.nr_cpus(); ++i) {
        if (world.state().cpu(cpu_at(i)).curr != idle_pid) {
            return false; // only the exploration's allowances keep it from going on
        }
    }
    for (std::size_t i = 0; i < world.what().tasks.size(); ++i) {
        if (world.state().task(pid_at(i)).queued != 0) {
            return true;
        }
    }
    return false;
}

bool waits_to_run(const explored_world& world, pid task)
{
    const task_state& p = world.state().task(task);
    return p.queued != 0 && p.on_cpu == 0;
}

bool waits_with_irqs_off(const explored_world& world)
{
    constexpr std::uint8_t irqs_off = 1;
    const bool has_failed = world.state().exit().kind != exit_kind::none;
    for (std::size_t i = 0; i < world.nr_cpus() && !has_failed; ++i) {
        if (world.state().cpu(cpu_at(i)).in_kick_wait == irqs_off) {
            return true;
        }
    }
    return false;
}

} // namespace pairsim
