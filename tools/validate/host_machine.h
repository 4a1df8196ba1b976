// SPDX-License-Identifier: GPL-2.0-only
//
// The machine on which cases were measured: a machine file, its background load included. What the cases' own runs
// say of the host (how much time it took away) comes in place of what the file says.
#pragma once

#include <string>
#include <vector>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

struct host_machine {
    std::string path; ///< for messages
    json machine;     ///< as in a scenario
};

/// Reads a machine file; "qemu-tcg" and "x86-64" are built in. Throws input_error.
host_machine load_host_machine(const std::string& path);

/// A scenario of as many CPUs as @p lost_shares has elements, on this machine, with the machine's background and
/// nothing else. @p lost_shares: for which part of the time the host takes each CPU away.
scenario empty_scenario(const host_machine& host, const std::vector<double>& lost_shares, std::uint64_t seed);

/// How long a CPU runs at a time where two share one of the host's; zero if the machine does not say.
nanoseconds host_turn(const host_machine& host);

} // namespace pairsim
