// SPDX-License-Identifier: GPL-2.0-only
//
// Kicks from their request to their effect, for formats that draw arrows.
#pragma once

#include <vector>

#include "tools/view/observed_run.h"

namespace pairsim {

struct kick_flight {
    sim_time requested{};
    sim_time serviced{}; ///< when the irq_work has acted on the target
    bool is_serviced = false;
    cpu_id from{};
    cpu_id to{};
};

/// All kicks in the order of their requests. One irq_work serves all requests for its target that are pending then.
std::vector<kick_flight> kicks_of(const observed_run& run);

} // namespace pairsim
