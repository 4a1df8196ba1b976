// SPDX-License-Identifier: GPL-2.0-only
//
// A trace as a scenario: each task runs and sleeps as long as it was seen to, in the same order; higher
// classes come when they came.
#pragma once

#include "tools/import/rtapp.h"
#include "tools/io/recorded_run.h"

namespace pairsim {

/// Throws input_error.
imported import_run(const recorded_run& run, const import_options& options);

} // namespace pairsim
