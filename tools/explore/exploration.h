// SPDX-License-Identifier: GPL-2.0-only
//
// An exploration as its file says it, validated: a small machine, what its tasks and its surroundings may do, which
// claims are asked about, and when to give up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// What the explorer can be asked. The first four are claims of model/claims.h as far as a single state can break
/// them; the others are about what can still happen.
enum class property : std::uint8_t {
    exclusive,
    no_run_beside_preemptor,
    no_abort,
    no_lost_task,
    no_deadlock,   ///< no state without a next one while kernel code is being run or a task waits
    no_lockup,     ///< a CPU that waits for a kick with interrupts off can always come back
    no_starvation, ///< no fair cycle in which a task is runnable and never runs
    no_livelock,   ///< no fair cycle in which a pair drains and never adopts
};
inline constexpr std::size_t nr_properties = 8;

struct property_info {
    property which;
    std::string_view id;
    std::string_view sentence;
    bool needs_graph; ///< decided on the whole graph of states, after the search
};
std::span<const property_info> all_properties();
const property_info& info_of(property p);

/// How often something may happen: `any`, or that many times.
using allowance = std::uint8_t;
inline constexpr allowance any_number = 255;

/// What one task may do besides using its CPU.
struct task_abilities {
    allowance sleep = 0; ///< block; its timer may go off at any time
    allowance wait = 0;  ///< block until another task wakes it
    allowance yield = 0;
    allowance exit = 0;
    bool fork_anywhere = false; ///< on any CPU, not only on the one of its spec
    struct move {
        cgroup_id to{};
        allowance times = 0;
    };
    std::vector<move> moves; ///< by a process outside of the workload, from any CPU
    struct wake {
        pid task{};
        bool sync = false;
        allowance times = 0;
    };
    std::vector<wake> wakes; ///< wake-ups of a blocked task
};

struct higher_arrivals {
    cpu_id cpu{};
    sched_class cls = sched_class::rt;
    allowance times = any_number;
};

/// When two CPUs count as running tasks at the same time.
enum class overlap_rule : std::uint8_t {
    code,   ///< both execute code of their tasks: time inside the kernel does not count
    traced, ///< by sched_switch, as in a trace: a CPU inside schedule() still has its previous task
};

struct search_bounds {
    std::uint64_t states = 50'000'000;
    std::uint32_t depth = 100'000;
    std::uint64_t memory_bytes = std::uint64_t{4} << 30U;
    nanoseconds time = std::chrono::minutes{10};
};

struct reductions {
    bool partial_order = true; ///< left movers are one with the step before
    bool symmetry = true;      ///< one of the states that differ in names only stands for all
};

/// What the file says must come out: the property holds, or is violated, by a named cause if given.
struct expected_verdict {
    property which{};
    bool holds = true;
    std::string cause;
};

struct exploration {
    std::string file; ///< as the user named it
    scenario base;    ///< machine, scheduler, cgroups and tasks; the tasks' phases mean nothing
    std::vector<task_abilities> tasks;
    allowance slice_end = any_number;
    allowance batch_expiry = any_number;
    std::vector<higher_arrivals> higher;
    std::vector<cgroup_id> removable;
    std::vector<property> claims;
    std::array<std::vector<std::string>, nr_properties> except; ///< causes that do not count, by property
    overlap_rule overlap = overlap_rule::code;
    reductions reduce;
    search_bounds bounds;
    std::vector<expected_verdict> expect;
    json document; ///< what it was read from
};

/// Loads the exploration in @p path ("-": standard input). Throws input_error with all problems.
exploration load_exploration(const std::string& path);

} // namespace pairsim
