// SPDX-License-Identifier: GPL-2.0-only
//
// The numbers that a study keeps of each run: those that have a name, and any number of the report by JSON pointer.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/io/runner.h"

namespace pairsim {

enum class better : std::uint8_t { higher, lower, neither };

struct metric {
    std::string name;
    std::string unit; ///< "" for a plain number, "share", "ns", "1/s"
    better direction = better::neither;
    std::string pointer; ///< into the report; empty: one of standard_metrics()
};

/// Definitions: docs/reference/study-format.md.
std::span<const metric> standard_metrics();

/// One value for each of @p wanted. Nothing where the run has none (no wake-up, no adoption).
std::vector<std::optional<double>> measure(std::span<const metric> wanted, const run_result& run);

} // namespace pairsim
