// SPDX-License-Identifier: GPL-2.0-only
//
// A measured case as a scenario, and one run of it measured as the real one was.
#pragma once

#include <cstdint>

#include "tools/validate/host_machine.h"
#include "tools/validate/measured_case.h"
#include "tools/validate/sched_log.h"

namespace pairsim {

/// The scenario of run @p seed of a case. What chance decided on the real machine (where the harness ran and where
/// each task had run last, the phase of the ticks, the host's theft, which follows the recorded run of number
/// @p seed) is drawn from the seed.
struct case_scenario {
    scenario what;
    sim_time window_begin{};
    sim_time window_end{};
};
case_scenario make_scenario(const measured_case& c, const host_machine& host, std::uint64_t seed);

struct case_outcome {
    run_numbers seen;
    sched_log log;
};
case_outcome run_case(const measured_case& c, const host_machine& host, std::uint64_t seed);

} // namespace pairsim
