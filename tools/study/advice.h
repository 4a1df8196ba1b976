// SPDX-License-Identifier: GPL-2.0-only
//
// What the results of a study say, in words: whether the factor matters, and which range of it to choose, why.
// The rules: docs/explanation/study-statistics.md.
#pragma once

#include <string>
#include <vector>

#include "tools/study/summary.h"

namespace pairsim {

/// What is advised for one group of points.
struct advice {
    std::string verdict;              ///< does the factor matter here: one sentence; empty if it cannot be told
    std::vector<std::size_t> chosen;  ///< points, in order; empty: none can be recommended
    std::string range;                ///< "20ms to 48.3ms"; empty as above
    std::vector<std::string> reasons; ///< sentences
};

advice advise(const result_set& results, const study_summary& summary, const point_group& group);

} // namespace pairsim
