// SPDX-License-Identifier: GPL-2.0-only
//
// Statistics over replications: what is claimed of a mean, a quantile, a difference, and when a run is warm.
// Definitions and sources: docs/explanation/study-statistics.md.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace pairsim {

struct interval {
    double low = 0;
    double high = 0;
};

/// Mean of a sample with its confidence interval by Student's t.
struct mean_estimate {
    std::size_t n = 0;
    double mean = 0;
    double sd = 0;              ///< sample standard deviation; 0 for n < 2
    std::optional<interval> ci; ///< none for n < 2: one run says nothing of its spread
};
mean_estimate estimate_mean(std::span<const double> sample, double confidence);

/// A quantile of the distribution that a sample comes from, with an interval between two order statistics: whatever
/// that distribution is, it covers the quantile with at least the confidence. None if the sample is too small.
struct quantile_estimate {
    double value = 0; ///< of the sample: linear between order statistics (Hyndman and Fan's type 7)
    std::optional<interval> ci;
};
/// @p sample is not empty; 0 < @p p < 1.
quantile_estimate estimate_quantile(std::span<const double> sample, double p, double confidence);

/// Mean of a[i] - b[i]: the two were drawn with common random numbers, so that what chance did to both cancels.
mean_estimate estimate_difference(std::span<const double> a, std::span<const double> b, double confidence);

/// Indices of values that are far from the others: modified z-score above 3.5 (Iglewicz and Hoaglin 1993).
std::vector<std::size_t> outliers(std::span<const double> sample);

/// How many values at the beginning of @p series belong to the warm-up: MSER-5 (White, Cobb and Spratt 2000), the
/// truncation that minimises the standard error of the rest, in batches of five. Nothing if it lies in the second
/// half: then the series has not been seen to settle.
std::optional<std::size_t> mser5(std::span<const double> series);

} // namespace pairsim
