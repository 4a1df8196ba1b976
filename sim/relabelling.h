// SPDX-License-Identifier: GPL-2.0-only
//
// Other names for the objects of a state. Where the configuration does not tell two tasks, cgroups or CPUs apart,
// exchanging their names everywhere gives a state that goes on in the same way.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <numeric>

#include "sim/ids.h"

namespace pairsim {

struct relabelling {
    static constexpr std::size_t max_ids = 32;
    using names = std::array<std::uint8_t, max_ids>; ///< by index; a task's is its pid less one

    names cpus = same();
    names tasks = same();
    names cgroups = same(); ///< the root keeps its name
    names queues = same();  ///< of a scheduler, one a cgroup

    cpu_id of(cpu_id c) const { return c == no_cpu ? c : cpu_id{cpus[c.value]}; }
    pid of(pid p) const { return is_task(p) ? pid{tasks[p.value - 1] + 1U} : p; }
    cgroup_id of(cgroup_id g) const { return g == no_cgroup ? g : cgroup_id{cgroups[g.value]}; }
    /// A mask of at most 64 CPUs.
    std::uint64_t of_cpus(std::uint64_t mask) const
    {
        std::uint64_t renamed = 0;
        for (; mask != 0; mask &= mask - 1) {
            renamed |= std::uint64_t{1} << cpus[static_cast<unsigned>(std::countr_zero(mask))];
        }
        return renamed;
    }

    friend bool operator==(const relabelling&, const relabelling&) = default;

private:
    static constexpr names same()
    {
        names n{};
        std::iota(n.begin(), n.end(), std::uint8_t{0});
        return n;
    }
};

/// The names before @p then, by those after it: @p before says them by the names that @p then begins with.
inline relabelling after(const relabelling& then, const relabelling& before)
{
    relabelling all;
    for (std::size_t i = 0; i < relabelling::max_ids; ++i) {
        all.cpus[then.cpus[i]] = before.cpus[i];
        all.tasks[then.tasks[i]] = before.tasks[i];
        all.cgroups[then.cgroups[i]] = before.cgroups[i];
        all.queues[then.queues[i]] = before.queues[i];
    }
    return all;
}

} // namespace pairsim
