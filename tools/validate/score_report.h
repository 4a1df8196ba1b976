// SPDX-License-Identifier: GPL-2.0-only
//
// Scores for people, for programs, and for the reference page.
#pragma once

#include <string>
#include <vector>

#include "tools/io/strict_json.h"
#include "tools/validate/score.h"

namespace pairsim {

struct total_score {
    std::size_t agree = 0;
    std::size_t cells = 0;
    double share() const { return cells == 0 ? 0.0 : static_cast<double>(agree) / static_cast<double>(cells); }
};
total_score total_of(const std::vector<case_score>& scores);

/// What most likely makes a number of this name differ, for a reader who looks for the reason.
std::string likely_cause(const cell& c);

std::string score_text(const std::vector<case_score>& scores);
json score_json(const std::vector<case_score>& scores, std::uint32_t seeds, const std::string& machine);
std::string score_markdown(const std::vector<case_score>& scores, std::uint32_t seeds);

} // namespace pairsim
