// SPDX-License-Identifier: GPL-2.0-only
//
// Measured cases, simulated and scored.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/validate/host_machine.h"
#include "tools/validate/measured_case.h"
#include "tools/validate/score.h"

namespace pairsim {

/// The score of each case, over @p seeds simulated runs of it; on all cores, the same for any number of them.
std::vector<case_score> validate_cases(const std::vector<measured_case>& cases, const host_machine& host,
                                       std::uint32_t seeds);

} // namespace pairsim
