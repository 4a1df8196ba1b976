// SPDX-License-Identifier: GPL-2.0-only
//
// A whole trace in memory, a kernel's or one of pairsim, for those who must look at it more than once. Memory grows
// with the trace: 32 bytes for each switch and each wake-up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/io/own_trace.h"
#include "tools/io/recorded_trace.h"

namespace pairsim {

struct recorded_run {
    std::string where;                            ///< the trace's name in messages
    std::vector<trace_record> records;            ///< switches, wake-ups, arrivals of higher classes
    std::vector<recorded_trace::seen_task> tasks; ///< [n]: pid n + 1 of the records
    std::vector<std::string> cgroups;
    std::uint32_t nr_cpus = 0; ///< one more than the highest that a switch names; of our own traces, all
    sim_time start{};
    sim_time end{};
    std::optional<trace_world> own; ///< what the trace says of itself, if pairsim wrote it
};

/// Reads @p path ("-": standard input) once. @p rules and @p options are for kernel traces. Throws input_error.
recorded_run read_run(const std::string& path, const cgroup_rules& rules, const recorded_options& options);

} // namespace pairsim
