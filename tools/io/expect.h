// SPDX-License-Identifier: GPL-2.0-only
//
// Compares what a scenario expects of its outcome with the report of its run.
#pragma once

#include <string>
#include <vector>

#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

/// What the report does not fulfil, one sentence each: what was expected and what was found. Empty: all is as
/// expected. @p report is that of report_json().
std::vector<std::string> check_expectations(const expectation& expect, const json& report);

} // namespace pairsim
