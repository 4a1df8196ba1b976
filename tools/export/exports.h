// SPDX-License-Identifier: GPL-2.0-only
//
// Runs in the formats of other tools. What each format shows, and what it cannot: docs/reference/exports.md.
#pragma once

#include <string>

#include "tools/view/moment.h"

namespace pairsim {

/// Perfetto's native protobuf (a file of TracePackets): scheduling events, names, pair tracks, counters, kicks as
/// flows, violations. Tasks have their pids, cgroups are processes.
std::string perfetto_trace(const story& s);

/// Chrome's JSON trace events, which Perfetto reads too: the same lanes without the scheduling tables.
std::string chrome_trace(const story& s);

/// The machine's topology and its pairs in the DOT language. Of a trace, only the pairs.
std::string machine_dot(const observed_run& run);

} // namespace pairsim
