// SPDX-License-Identifier: GPL-2.0-only
//
// A kernel's trace as a scenario: each task runs and sleeps as long as it was seen to, in the same order; higher
// classes come when they came.
#pragma once

#include "tools/import/rtapp.h"
#include "tools/io/recorded_trace.h"

namespace pairsim {

/// Throws input_error. Memory grows with the phases that the trace holds.
imported import_recorded(const std::string& path, const cgroup_rules& rules, const recorded_options& recorded,
                         const import_options& options);

} // namespace pairsim
