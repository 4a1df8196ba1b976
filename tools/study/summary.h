// SPDX-License-Identifier: GPL-2.0-only
//
// What the results of a study say, as numbers: estimates for each point, differences from the baseline, the Pareto
// front. advice.h has the words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/study/result_store.h"
#include "tools/study/statistics.h"

namespace pairsim {

struct metric_summary {
    mean_estimate mean; ///< n: the runs that have a value
    std::optional<quantile_estimate> median;
    double min = 0;
    double max = 0;
    std::vector<std::uint64_t> outlier_seeds;
    std::optional<mean_estimate> difference; ///< from the baseline, over the seeds that both have
};

struct point_summary {
    std::uint32_t nr_runs = 0;
    std::map<std::string, std::uint32_t> ended; ///< runs in which the modelled scheduler ended, by how
    std::vector<metric_summary> metrics;        ///< of study::metrics
    bool on_front = false; ///< nothing in its group has both more throughput and a lower p99 of wake-up latency
};

/// Points that differ in the factor on the x axis alone, in the order of its values.
struct point_group {
    std::string name; ///< the other factors, as in "hogs=4"; empty if there are none
    std::vector<std::size_t> points;
};

struct study_summary {
    std::size_t x_factor = 0; ///< index in study::factors
    std::vector<point_summary> points;
    std::vector<point_group> groups;
};

study_summary summarise(const result_set& results);

/// Differences a - b of metric @p metric at two points, paired by seed. Nothing if fewer than two seeds have both.
std::optional<mean_estimate> paired_difference(const result_set& results, std::size_t a, std::size_t b,
                                               std::size_t metric);

/// A value of factor @p factor as a number, if it is a duration (in ns) or a number.
std::optional<double> number_of_label(const std::string& label, bool& is_duration);

/// @p value for people: "22.1 ms", "97.3 %", "1.20e+03".
std::string in_words(double value, const std::string& unit);

} // namespace pairsim
