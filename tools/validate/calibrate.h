// SPDX-License-Identifier: GPL-2.0-only
//
// A machine file fitted to a trace of the user's machine: the same correction as for measured cases, with the tasks as
// the trace shows them in place of a case's. What the trace cannot show is left as a base machine has it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/pair_map.h"
#include "tools/io/recorded_run.h"
#include "tools/io/scenario_loader.h"
#include "tools/validate/host_machine.h"

namespace pairsim {

struct calibrate_options {
    std::string name = "calibrated";                  ///< of the machine
    host_machine base;                                ///< where everything comes from that the trace does not show
    std::vector<pair_map::pair> pairs;                ///< empty: those of the trace, if it is one of ours
    std::optional<std::uint32_t> hz;                  ///< nothing: as slice ends show it
    std::vector<setting> settings;                    ///< of the scenario that is simulated: how scx_pair was started
    std::uint32_t rounds = 16;                        ///< of simulating and correcting
    std::uint32_t seeds = 2;                          ///< simulated runs in a round
    std::function<void(const std::string&)> progress; ///< told a line after each round
};

struct calibration {
    json machine;     ///< the machine file
    std::string text; ///< what was fitted to what, what is left, and what the trace does not show
};

/// Throws input_error if @p run cannot have been scx_pair's on these pairs, or shows nothing that could be fitted.
calibration calibrate(const recorded_run& run, const calibrate_options& options);

} // namespace pairsim
