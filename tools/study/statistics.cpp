// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "sim/check.h"

namespace pairsim {
namespace {

double mean_of(std::span<const double> sample)
{
    return std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
}

/// Sum of squared distances from the mean.
double squares_of(std::span<const double> sample)
{
    const double mean = mean_of(sample);
    return std::accumulate(sample.begin(), sample.end(), 0.0,
                           [&](double sum, double x) { return sum + (x - mean) * (x - mean); });
}

std::vector<double> sorted(std::span<const double> sample)
{
    std::vector<double> values(sample.begin(), sample.end());
    std::ranges::sort(values);
    return values;
}

double quantile_of_sorted(const std::vector<double>& values, double p)
{
    const double position = p * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (values[above] - values[below]) * (position - static_cast<double>(below));
}

} // namespace

mean_estimate estimate_mean(std::span<const double> sample, double confidence)
{
    mean_estimate e;
    e.n = sample.size();
    if (sample.empty()) {
        return e;
    }
    e.mean = mean_of(sample);
    if (sample.size() < 2) {
        return e;
    }
    const double n = static_cast<double>(sample.size());
    e.sd = std::sqrt(squares_of(sample) / (n - 1));
    const boost::math::students_t t(n - 1);
    const double half = boost::math::quantile(t, 0.5 + confidence / 2) * e.sd / std::sqrt(n);
    e.ci = interval{e.mean - half, e.mean + half};
    return e;
}

quantile_estimate estimate_quantile(std::span<const double> sample, double p, double confidence)
{
    SIM_CHECK(!sample.empty());
    const std::vector<double> values = sorted(sample);
    quantile_estimate e{.value = quantile_of_sorted(values, p), .ci = {}};
    // The number of values below the quantile is binomial. Take as little as possible from each tail.
    const boost::math::binomial below(static_cast<double>(values.size()), p);
    const double tail = (1 - confidence) / 2;
    std::size_t low = 0; // values[low - 1] <= the quantile, unless fewer than `low` values are below it
    while (low < values.size() && boost::math::cdf(below, static_cast<double>(low)) <= tail) {
        ++low;
    }
    std::size_t high = values.size(); // the quantile < values[high], unless more than `high` values are below it
    while (high > 0 && boost::math::cdf(boost::math::complement(below, static_cast<double>(high - 1))) <= tail) {
        --high;
    }
    if (low >= 1 && high < values.size()) {
        e.ci = interval{values[low - 1], values[high]};
    }
    return e;
}

mean_estimate estimate_difference(std::span<const double> a, std::span<const double> b, double confidence)
{
    SIM_CHECK(a.size() == b.size());
    std::vector<double> differences(a.size());
    std::ranges::transform(a, b, differences.begin(), std::minus<>());
    return estimate_mean(differences, confidence);
}

std::vector<std::size_t> outliers(std::span<const double> sample)
{
    constexpr double to_sd = 0.6745; // the median absolute deviation of a normal distribution is 0.6745 sd
    constexpr double limit = 3.5;
    std::vector<std::size_t> found;
    if (sample.size() < 3) {
        return found;
    }
    const double median = quantile_of_sorted(sorted(sample), 0.5);
    std::vector<double> deviations;
    std::ranges::transform(sample, std::back_inserter(deviations), [&](double x) { return std::fabs(x - median); });
    const double mad = quantile_of_sorted(sorted(deviations), 0.5);
    for (std::size_t i = 0; i < sample.size() && mad > 0; ++i) {
        if (to_sd * deviations[i] / mad > limit) {
            found.push_back(i);
        }
    }
    return found;
}

std::optional<std::size_t> mser5(std::span<const double> series)
{
    constexpr std::size_t batch = 5;
    constexpr std::size_t least_rest = 5; // fewer batches may be alike by chance (Hoad, Robinson and Davies 2010)
    std::vector<double> means;
    for (std::size_t i = 0; i + batch <= series.size(); i += batch) {
        means.push_back(mean_of(series.subspan(i, batch)));
    }
    if (means.size() < 2 * least_rest) {
        return std::nullopt;
    }
    double least = std::numeric_limits<double>::infinity();
    std::size_t best = 0;
    for (std::size_t cut = 0; cut + least_rest <= means.size(); ++cut) {
        const auto rest = std::span(means).subspan(cut);
        const double n = static_cast<double>(rest.size());
        const double error = squares_of(rest) / (n * n);
        if (error < least) {
            least = error;
            best = cut;
        }
    }
    return best > means.size() / 2 ? std::nullopt : std::optional(best * batch);
}

} // namespace pairsim
