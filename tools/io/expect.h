// SPDX-License-Identifier: GPL-2.0-only
//
// Compares what a scenario expects of its outcome with the report of its run.
#pragma once

#include <string>
#include <vector>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// Something that the report does not fulfil.
struct unmet_expectation {
    std::string sentence; ///< what was expected and what was found
    std::string pointer;  ///< where the scenario expects it
    std::string claim;    ///< id of the claim that is violated and should not be, or not in this way; else empty
};

/// Empty: all is as expected. @p report is that of report_json().
std::vector<unmet_expectation> check_expectations(const expectation& expect, const json& report);

} // namespace pairsim
