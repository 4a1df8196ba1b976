// SPDX-License-Identifier: GPL-2.0-only
//
// Files of the repository that are part of the program: tools/cmake/embed.cmake makes the definitions at build time.
#pragma once

#include <string_view>

namespace pairsim::embedded {

extern const std::string_view exploration_schema; ///< scenarios/exploration.schema.json
extern const std::string_view scenario_schema; ///< scenarios/scenario.schema.json
extern const std::string_view report_schema;   ///< scenarios/report.schema.json
extern const std::string_view x86_64_machine;  ///< scenarios/machines/x86-64.json

} // namespace pairsim::embedded
