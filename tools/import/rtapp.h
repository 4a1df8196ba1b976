// SPDX-License-Identifier: GPL-2.0-only
//
// rt-app workloads (JSON) as scenarios. What a scenario cannot say is refused by name and place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/io/strict_json.h"

namespace pairsim {

struct import_options {
    std::string name;                    ///< of the scenario
    std::optional<std::uint32_t> cpus;   ///< nothing: as many as the workload names, an even number
    std::optional<std::string> duration; ///< nothing: the workload's
};

struct imported {
    json scenario;
    std::vector<std::string> warnings; ///< what was left out without harm to the schedule
};

/// Throws input_error with all problems.
imported import_rtapp(const std::string& path, const import_options& options);

/// The same of a file's text; @p where names it in messages.
imported import_rtapp_text(const std::string& text, const std::string& where, const import_options& options);

} // namespace pairsim
