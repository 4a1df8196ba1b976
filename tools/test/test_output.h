// SPDX-License-Identifier: GPL-2.0-only
//
// Results of pairsim test for people and for CI systems: text, JUnit XML, GitHub annotations, JSON.
#pragma once

#include <span>
#include <string>

#include "tools/io/strict_json.h"
#include "tools/test/test_run.h"

namespace pairsim {

/// One line for a passed test; for another one also what is wrong, a picture, and the command that repeats it.
std::string test_text(const test_result& result);

/// The last line.
std::string test_summary(std::span<const test_result> results);

/// JUnit XML as CI systems read it: one suite a folder, one case a scenario, no times (the same bytes on each run).
std::string junit_xml(std::span<const test_result> results);

/// Workflow commands of GitHub Actions that put each unmet expectation at its line; empty for a passed test.
std::string github_annotations(const test_result& result);

/// `pairsim.test/1`.
json test_json(std::span<const test_result> results);

} // namespace pairsim
