// SPDX-License-Identifier: GPL-2.0-only
#include "sim/duration_dist.h"

#include <algorithm>
#include <bit>

#include "sim/check.h"

namespace pairsim {
namespace {

__extension__ using uint128 = unsigned __int128;

/// floor(bits * n / 2^64): a uniform draw from [0, n) for uniform bits.
std::uint64_t scale(std::uint64_t bits, std::uint64_t n)
{
    return static_cast<std::uint64_t>((uint128{bits} * n) >> 64U);
}

constexpr unsigned fraction_bits = 24;

/// -log2(u) for u = (bits + 1) / 2^64, in units of 2^-24: the integer part counts leading zeros, each further bit
/// comes from squaring the mantissa.
std::uint64_t minus_log2(std::uint64_t bits)
{
    if (bits == ~std::uint64_t{0}) {
        return 0;
    }
    const std::uint64_t u = bits + 1;
    const auto zeros = static_cast<unsigned>(std::countl_zero(u));
    std::uint64_t mantissa = u << zeros; // in [2^63, 2^64): a number in [1, 2)
    std::uint64_t fraction = 0;
    for (unsigned i = 0; i < fraction_bits; ++i) {
        const auto square = static_cast<uint128>(mantissa) * mantissa;
        const auto high = static_cast<std::uint64_t>(square >> 64U);
        const std::uint64_t two_or_more = high >> 63U; // half of the time: no branch could be foretold
        fraction = (fraction << 1U) | two_or_more;
        const std::uint64_t next_bit = static_cast<std::uint64_t>(square) >> 63U & (two_or_more - 1U);
        mantissa = high << (1U - two_or_more) | next_bit;
    }
    return ((std::uint64_t{zeros} + 1U) << fraction_bits) - fraction;
}

nanoseconds sample_exponential(const duration_dist& dist, std::uint64_t bits)
{
    constexpr std::uint64_t ln2 = 11629080; // ln(2) * 2^24
    const auto ln = static_cast<std::uint64_t>((uint128{minus_log2(bits)} * ln2) >> fraction_bits);
    const auto drawn = (uint128{ln} * static_cast<std::uint64_t>(dist.low.count())) >> fraction_bits;
    const auto cut = static_cast<uint128>(dist.high.count());
    return nanoseconds{static_cast<std::int64_t>(std::min(drawn, cut))};
}

nanoseconds sample_quantiles(const duration_dist& dist, std::uint64_t bits)
{
    // 2^-32 resolution: a probability is p = q / 2^32, a point's is per_million / 10^6.
    const std::uint64_t scaled = scale(bits, std::uint64_t{1'000'000} << 32U);
    const auto whole = static_cast<std::uint32_t>(scaled >> 32U);
    const auto above = std::upper_bound(dist.points.begin(), dist.points.end(), whole,
                                        [](std::uint32_t p, const quantile_point& q) { return p < q.per_million; });
    SIM_CHECK(above != dist.points.begin() && above != dist.points.end());
    const auto& lo = *(above - 1);
    const auto& hi = *above;
    const auto span = static_cast<std::uint64_t>((hi.value - lo.value).count());
    const std::uint64_t width = std::uint64_t{hi.per_million - lo.per_million} << 32U;
    const std::uint64_t offset = scaled - (std::uint64_t{lo.per_million} << 32U);
    return lo.value +
           nanoseconds{static_cast<std::int64_t>(static_cast<std::uint64_t>(uint128{span} * offset / width))};
}

} // namespace

nanoseconds sample(const duration_dist& dist, std::uint64_t bits)
{
    using shape = duration_dist::shape;
    switch (dist.kind) {
    case shape::constant:
        return dist.low;
    case shape::uniform:
        return dist.low + nanoseconds{static_cast<std::int64_t>(
                              scale(bits, static_cast<std::uint64_t>((dist.high - dist.low).count()) + 1))};
    case shape::exponential:
        return sample_exponential(dist, bits);
    case shape::quantiles:
        return sample_quantiles(dist, bits);
    }
    SIM_CHECK(false);
    return {};
}

} // namespace pairsim
