// SPDX-License-Identifier: GPL-2.0-only
//
// The parts of the scenario loader; only its own .cpp files include this. Each part reports its problems through the
// cursors and leaves a default where a value is missing or wrong, so that the next part can go on.
#pragma once

#include <filesystem>
#include <list>
#include <optional>

#include "tools/io/json_cursor.h"
#include "tools/io/scenario.h"

namespace pairsim {

/// What the parts share while one scenario is being read.
struct loading {
    problem_list problems;
    std::list<input_document> documents; ///< the scenario and its machine files; cursors point into them
    std::filesystem::path folder;        ///< of the scenario
    std::vector<json_cursor> background; ///< tasks that belong to the machine
    std::optional<json_cursor> host;     ///< what the machine's own host does to it
};

std::optional<duration_dist> read_distribution(const json_cursor& at);

/// Bounds of what @p dist draws.
nanoseconds shortest(const duration_dist& dist);
nanoseconds longest(const duration_dist& dist);
/// What @p dist draws on average; a cut is left out of account.
nanoseconds mean_of(const duration_dist& dist);

/// CPUs of a list, "0-3,5" or [0, 1, 2, 3, 5]; those that the machine has not are reported and left out.
/// @p nr_cpus 0: the machine is unknown, nothing is checked.
std::vector<cpu_id> read_cpus(const json_cursor& at, std::size_t nr_cpus);
std::optional<cpu_id> read_cpu(const json_cursor& at, std::size_t nr_cpus);

/// `{"step": duration}`, or nothing.
std::optional<nanoseconds> read_step(const json_cursor& at);

/// A text for people; control characters are reported.
std::optional<std::string> read_line(const json_cursor& at);

/// The machine; without CPUs if their number cannot be told.
machine_config read_machine(const json_cursor& at, loading& context);

/// cgroups, tasks, higher_class, faults and outside, and the machine's own background and host.
workload read_workload(const json_cursor& root, const loading& context, std::size_t nr_cpus, std::uint64_t seed);

expectation read_expectation(const json_cursor& at);

/// Complains about the text at @p at if it is no cause: one that no claim knows would only never be found.
void check_cause(const json_cursor& at);

/// Sets @p to to what @p from's member @p key says, if there is one and it is right.
void read_into(nanoseconds& to, const json_cursor& from, std::string_view key);
void read_into(duration_dist& to, const json_cursor& from, std::string_view key);
void read_into(bool& to, const json_cursor& from, std::string_view key);
void read_into(std::uint32_t& to, const json_cursor& from, std::string_view key, std::uint32_t low, std::uint32_t high);

/// read_into() for a duration that is an instant.
void read_into(sim_time& to, const json_cursor& from, std::string_view key);

} // namespace pairsim
