// SPDX-License-Identifier: GPL-2.0-only
//
// Costs that are found by simulating and correcting: each cost's distribution moves, quantile by quantile, until the
// latency that shows it is distributed as the recorded one. It knows neither what is simulated nor what was recorded.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tools/io/strict_json.h"
#include "tools/validate/latencies.h"

namespace pairsim {

/// Which cost is corrected so that which latency agrees. Each latency is the sum of several costs; the one that is
/// corrected is the one that nothing else shows.
struct fitted_cost {
    latency shown;
    const char* cost;                ///< its key in a machine file
    double start_ns;                 ///< constant, before the first correction
    double share = 1.0;              ///< of the difference that goes to this cost
    std::uint32_t only_at = 0;       ///< the one quantile that is compared, for a cost that is constant; 0: all of them
    std::uint32_t last_at = 970'000; ///< the last quantile that is compared: beyond it is what is modelled elsewhere
};

class cost_fit {
public:
    cost_fit(std::vector<fitted_cost> costs, latency_samples recorded);

    const std::vector<fitted_cost>& costs() const { return costs_; }
    /// True if so many samples of it were recorded that something can be fitted to them.
    bool shows(latency l) const { return recorded_[l].size() >= fewest_samples; }
    const latency_samples& recorded() const { return recorded_; } ///< sorted

    /// Moves all costs towards what was recorded, by part @p step of the difference, where @p simulated (sorted) has
    /// enough samples. Appends to @p line the medians, simulated and recorded.
    void correct(const latency_samples& simulated, std::string& line, double step = first_step);
    /// Cost @p i as a distribution of a machine file.
    json distribution(std::size_t i) const;
    /// A table of what is left: quantiles of each latency, recorded and simulated (sorted).
    std::string residuals(const latency_samples& simulated) const;

    static constexpr std::size_t fewest_samples = 30;
    static constexpr double first_step = 0.7;
    /// Each round simulates other runs: later steps are smaller, so that their noise averages out.
    static double step(std::uint32_t round) { return first_step * std::min(1.0, 4 / (round + 1.0)); }

private:
    static constexpr std::array<std::uint32_t, 10> table_points{0,       50'000,  150'000, 300'000, 500'000,
                                                                700'000, 850'000, 930'000, 970'000, 1'000'000};
    using table = std::array<double, table_points.size()>; ///< ns at table_points

    std::vector<fitted_cost> costs_;
    latency_samples recorded_;
    std::vector<table> tables_;
};

void sort_samples(latency_samples& samples);

/// The median of a cost as machine files have it.
std::int64_t median_ns(const json& cost);

} // namespace pairsim
