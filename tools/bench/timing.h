// SPDX-License-Identifier: GPL-2.0-only
//
// How times are measured: user CPU time, so that other processes count little; the candidates take turns, so that a
// change of the machine's speed meets them all; of the rounds the fastest counts, which others disturbed least.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pairsim::bench {

struct candidate {
    std::string name;
    /// Does the work once and returns how much it was (events, simulated seconds, ...).
    std::function<double()> work;
};

struct timing {
    std::string name;
    double per_second = 0; ///< work a user second, in the fastest round
    double spread = 0;     ///< (slowest time - fastest time) / fastest time
};

/// User CPU time of this process, in seconds.
double user_seconds();

/// Measures each candidate in each of @p rounds rounds.
std::vector<timing> measure(std::span<const candidate> candidates, int rounds = 5);

} // namespace pairsim::bench
