// SPDX-License-Identifier: GPL-2.0-only
//
// Files of the repository that are part of the program: tools/cmake/embed.cmake makes the definitions at build time.
#pragma once

#include <string_view>

namespace pairsim::embedded {

extern const std::string_view exploration_schema; ///< scenarios/exploration.schema.json
extern const std::string_view scenario_schema;    ///< scenarios/scenario.schema.json
extern const std::string_view report_schema;      ///< scenarios/report.schema.json
extern const std::string_view study_schema;       ///< scenarios/study.schema.json
extern const std::string_view qemu_tcg_machine;   ///< scenarios/machines/qemu-tcg.json
extern const std::string_view x86_64_machine;     ///< scenarios/machines/x86-64.json
extern const std::string_view chart_js;           ///< Chart.js, of Debian's libjs-chart.js
extern const std::string_view study_page_css;     ///< tools/study/page/
extern const std::string_view study_page_html;    ///< tools/study/page/
extern const std::string_view study_page_js;      ///< tools/study/page/

} // namespace pairsim::embedded
