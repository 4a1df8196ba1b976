// SPDX-License-Identifier: GPL-2.0-only
//
// The ids of the simulated kernel's objects. An id is an index into an array of the machine's state, not a pointer,
// so that a state can be copied, compared and hashed. Ids of different objects do not mix.
#pragma once

#include <compare>
#include <cstdint>

namespace pairsim {

template <class Tag, class Rep>
struct strong_id {
    Rep value{};
    friend constexpr auto operator<=>(strong_id, strong_id) = default;
};

using cpu_id = strong_id<struct cpu_tag, std::uint16_t>;
/// Kernel: p->pid. Task n of a workload has pid n + 1; pid 0 is the idle task of whichever CPU shows it.
using pid = strong_id<struct task_tag, std::uint32_t>;
/// Index of a cgroup in the workload; 0 is the root cgroup. Kernel: cgrp->kn->id is this number plus one.
using cgroup_id = strong_id<struct cgroup_tag, std::uint32_t>;
using node_id = strong_id<struct node_tag, std::uint16_t>;

inline constexpr cpu_id no_cpu{0xffff};
inline constexpr pid idle_pid{0};
inline constexpr cgroup_id root_cgroup{0};
inline constexpr cgroup_id no_cgroup{0xffffffff};

/// Scheduling classes, low to high. `rt`, `dl` and `stop` are the *higher* classes: above sched_ext.
enum class sched_class : std::uint8_t { idle, ext, rt, dl, stop };

/// The pid that traces show while a higher class holds a CPU: such work has no task of its own here.
constexpr pid higher_pid(sched_class c)
{
    return pid{0xffffff00U + static_cast<std::uint32_t>(c)};
}

constexpr bool is_higher(pid p)
{
    return p.value >= 0xffffff00U;
}

/// True for a task of the workload: neither idle nor a higher class.
constexpr bool is_task(pid p)
{
    return p != idle_pid && !is_higher(p);
}

/// The kernel's id of a cgroup (kernfs node id): the root is 1.
constexpr std::uint64_t kernel_cgid(cgroup_id c)
{
    return std::uint64_t{c.value} + 1;
}

} // namespace pairsim
