// SPDX-License-Identifier: GPL-2.0-only
//
// A duration that is fixed or random. Draws use integers only, so that they are the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/time.h"

namespace pairsim {

/// A point of a quantile function: with probability `per_million` / 10^6 a draw is at most `value`.
struct quantile_point {
    std::uint32_t per_million = 0;
    nanoseconds value{};
    friend bool operator==(const quantile_point&, const quantile_point&) = default;
};

/// A distribution of durations; all values lie in [0, max_duration].
struct duration_dist {
    enum class shape : std::uint8_t {
        constant,    ///< always `low`
        uniform,     ///< every whole nanosecond in [low, high]
        exponential, ///< mean `low`, cut at `high` (a draw above it is `high`)
        quantiles,   ///< linear between `points`, which begin at 0 and end at 1000000
    };

    shape kind = shape::constant;
    nanoseconds low{};
    nanoseconds high{};
    std::vector<quantile_point> points;

    static duration_dist constant(nanoseconds d) { return {shape::constant, d, d, {}}; }
    static duration_dist uniform(nanoseconds lo, nanoseconds hi) { return {shape::uniform, lo, hi, {}}; }
    static duration_dist exponential(nanoseconds mean, nanoseconds cut = max_duration)
    {
        return {shape::exponential, mean, cut, {}};
    }

    bool is_constant() const { return kind == shape::constant; }
    bool is_zero() const { return is_constant() && low == nanoseconds{0}; }
    friend bool operator==(const duration_dist&, const duration_dist&) = default;
};

/// The draw for the random word @p bits (uniform over all 64-bit values).
nanoseconds sample(const duration_dist& dist, std::uint64_t bits);

} // namespace pairsim
