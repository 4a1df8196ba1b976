// SPDX-License-Identifier: GPL-2.0-only
//
// The report of a study: as text, as JSON (`pairsim.study-report/1`), and as a page that opens from disk.
#pragma once

#include <string>

#include "tools/study/summary.h"

namespace pairsim {

/// Numbers and words of a study: docs/reference/study-format.md.
json study_report_json(const result_set& results);

/// At most 120 columns; plots in characters.
std::string study_report_text(const result_set& results);

/// One HTML file with everything in it: style, chart library, data.
std::string study_report_page(const result_set& results);

} // namespace pairsim
