// SPDX-License-Identifier: GPL-2.0-only
//
// Fits a machine file to recorded runs. What is fitted to what: docs/how-to/validate.md. Nothing is fitted to a
// number of the score.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/io/strict_json.h"
#include "tools/validate/measured_case.h"

namespace pairsim {

struct fit_options {
    std::uint32_t rounds = 12; ///< of simulating and correcting
    std::uint32_t seeds = 3;   ///< of each case in a round
    std::string name = "fitted";
    std::string description = "Fitted to recorded runs; see docs/how-to/validate.md.";
    std::function<void(const std::string&)> progress; ///< told a line after each round
};

struct fit_result {
    json machine;          ///< the machine file that makes simulated latencies agree with the recorded ones
    std::string residuals; ///< a table of what is left: recorded and simulated quantiles of each latency
};

/// Fits a machine to @p cases.
fit_result fit_machine(const std::vector<measured_case>& cases, const fit_options& options);

} // namespace pairsim
