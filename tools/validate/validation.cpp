// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/validation.h"

#include "tools/io/parallel.h"
#include "tools/validate/case_run.h"

namespace pairsim {

std::vector<case_score> validate_cases(const std::vector<measured_case>& cases, const host_machine& host,
                                       std::uint32_t seeds)
{
    std::vector<std::vector<run_numbers>> simulated(cases.size(), std::vector<run_numbers>(seeds));
    for_each_in_parallel(cases.size() * seeds, [&](std::size_t i) {
        const std::size_t n = i / seeds;
        const auto seed = static_cast<std::uint32_t>(i % seeds);
        simulated[n][seed] = run_case(cases[n], host, seed + 1).seen;
    });
    std::vector<case_score> scores;
    for (std::size_t n = 0; n < cases.size(); ++n) {
        scores.push_back(score_case(cases[n], simulated[n]));
    }
    return scores;
}

} // namespace pairsim
