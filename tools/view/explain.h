// SPDX-License-Identifier: GPL-2.0-only
//
// `pairsim explain`: why a task waited, why CPUs idled, what led to a violation. Text for a terminal, and JSON with the
// same content (docs/reference/explain.md).
#pragma once

#include <cstddef>
#include <string>

#include "tools/view/moment.h"
#include "tools/view/task_life.h"

namespace pairsim {

/// The life of a task: sums by state and cause that add up to its length, then each stretch; at most @p rows stretches
/// (0: all).
std::string life_text(const story& s, const task_life& life, std::size_t rows);
json life_json(const story& s, const task_life& life);

/// The longest spans of idle time beside waiting tasks, and all idle time by cause.
std::string idle_text(const story& s, std::size_t rows);
json idle_json(const story& s, std::size_t rows);

/// Finding number @p number, from 1; it exists. What happened, why, a picture, and the decisions around it.
std::string violation_text(const story& s, std::size_t number);
json violation_json(const story& s, std::size_t number);

/// One line for each finding.
std::string violations_text(const story& s, std::size_t rows);
json violations_json(const story& s, std::size_t rows);

} // namespace pairsim
