// SPDX-License-Identifier: GPL-2.0-only
//
// The life of one task, every nanosecond of it: where it ran, where it slept, and why it waited. The causes of a wait:
// docs/reference/explain.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/view/observed_run.h"

namespace pairsim {

enum class life_state : std::uint8_t {
    runs,   ///< on `cpu`
    sleeps, ///< not runnable
    waits,  ///< runnable
};
inline constexpr std::size_t nr_life_states = 3;

/// Why a task waits. The first that applies, in this order; the four in the middle are those of idle_cause, of the
/// first idle CPU that may run the task.
enum class wait_cause : std::uint8_t {
    behind_higher, ///< it is in the local DSQ of a CPU that a higher class holds
    on_its_way,    ///< it is in a DSQ, or its CPU is about to switch to it
    preempted_partner,
    drain,
    other_cgroup,
    wait_for_tick,
    own_cgroup_runs, ///< all its CPUs are busy, one with a task of its cgroup
    others_run,      ///< all its CPUs are busy with other cgroups or higher classes
};
inline constexpr std::size_t nr_wait_causes = 8;

std::string_view wait_cause_name(wait_cause cause);
std::string_view wait_cause_in_words(wait_cause cause);

struct life_span {
    sim_time from{};
    sim_time to{};
    life_state state = life_state::sleeps;
    std::optional<wait_cause> cause{}; ///< of a wait
    cpu_id cpu = no_cpu;               ///< where it runs; of some causes: the CPU meant
    cgroup_id cgroup = no_cgroup;      ///< its own, then

    std::int64_t length_ns() const { return (to - from).count(); }
};

struct task_life {
    pid task{};
    bool has_begun = false;
    sim_time begin{}; ///< task_new, or 0 if the trace began later
    sim_time end{};   ///< its last switch, or the end of the run
    bool has_ended = false;
    std::vector<life_span> spans; ///< without gaps, from begin to end

    std::int64_t length_ns() const { return (end - begin).count(); }
    std::array<std::int64_t, nr_life_states> by_state_ns() const;
    std::array<std::int64_t, nr_wait_causes> by_cause_ns() const;
};

task_life life_of(const observed_run& run, pid task);

} // namespace pairsim
