// SPDX-License-Identifier: GPL-2.0-only
//
// How long a scenario takes to settle: MSER-5 on what its CPUs do over time.
#pragma once

#include <optional>
#include <vector>

#include "tools/study/study.h"

namespace pairsim {

/// Cuts a run into equal parts and sums up, for each, the time in which CPUs ran tasks and the length of the waits
/// that ended there.
struct run_series {
    nanoseconds part{};
    std::vector<double> busy;    ///< share of all CPUs
    std::vector<double> waiting; ///< mean number of tasks that wait
};
run_series observe_run(const scenario& s, std::size_t nr_parts);

struct warmup_estimate {
    std::size_t point = 0;
    std::optional<nanoseconds> warmup; ///< nothing: it has not settled within half of the run
};

/// The warm-up of each point: the longer one of its two series, each the mean over @p replications (1 or more) runs.
std::vector<warmup_estimate> find_warmup(const study& s, std::uint32_t replications, unsigned threads);

} // namespace pairsim
