// SPDX-License-Identifier: GPL-2.0-only
#include "sim/duration_dist.h"

#include <algorithm>
#include <array>
#include <bit>

#include "sim/check.h"

namespace pairsim {
namespace {

__extension__ using uint128 = unsigned __int128;
__extension__ using int128 = __int128;

/// floor(bits * n / 2^64): a uniform draw from [0, n) for uniform bits.
std::uint64_t scale(std::uint64_t bits, std::uint64_t n)
{
    return static_cast<std::uint64_t>((uint128{bits} * n) >> 64U);
}

constexpr unsigned fraction_bits = 24;

/// The first @p bits bits of the fraction of log2(mantissa / 2^63), for a mantissa of at least 2^63: each bit comes
/// from a squaring. By this a draw is defined.
constexpr std::uint64_t log2_by_squaring(std::uint64_t mantissa, unsigned bits)
{
    std::uint64_t fraction = 0;
    for (unsigned i = 0; i < bits; ++i) {
        const auto square = static_cast<uint128>(mantissa) * mantissa;
        const bool two_or_more = (square >> 127U) != 0;
        fraction = (fraction << 1U) | static_cast<std::uint64_t>(two_or_more);
        mantissa = static_cast<std::uint64_t>(square >> (two_or_more ? 64U : 63U));
    }
    return fraction;
}

/// One of 256 intervals of mantissas.
struct log2_interval {
    std::uint64_t reciprocal = 0; ///< of its middle, in units of 2^-63
    std::uint64_t log2 = 0;       ///< of the middle, in units of 2^-56
};

constexpr unsigned table_bits = 56;

constexpr auto log2_table = [] {
    std::array<log2_interval, 256> table;
    for (std::uint64_t i = 0; i < table.size(); ++i) {
        const auto reciprocal = static_cast<std::uint64_t>((uint128{1} << 72U) / (513 + 2 * i));
        table[i] = {reciprocal, (std::uint64_t{1} << table_bits) - log2_by_squaring(reciprocal << 1U, table_bits)};
    }
    return table;
}();

/// log2_by_squaring(mantissa, fraction_bits): from a table and a series, which are right to 2^-45, unless the bits
/// after those that are asked for lie so near to a carry that only the squarings can tell.
std::uint64_t log2_fraction(std::uint64_t mantissa)
{
    constexpr unsigned series_bits = 62;
    const auto times = [](std::int64_t a, std::int64_t b) {
        return static_cast<std::int64_t>((int128{a} * b) >> series_bits);
    };
    // 1 / (k ln 2) for k from 1 to 4, in units of 2^-62
    constexpr std::int64_t c1 = 6653256548922161245, c2 = c1 / 2, c3 = c1 / 3, c4 = c1 / 4;

    const log2_interval& near = log2_table[mantissa >> 55U & 0xffU];
    const auto ratio = static_cast<std::uint64_t>((uint128{mantissa} * near.reciprocal) >> 64U);
    const auto r = static_cast<std::int64_t>(ratio) - (std::int64_t{1} << series_bits); // below 2^-9
    const std::int64_t rest = times(r, c1 - times(r, c2 - times(r, c3 - times(r, c4))));
    const std::uint64_t log2 = near.log2 + static_cast<std::uint64_t>(rest >> (series_bits - table_bits));

    constexpr std::uint64_t unit = std::uint64_t{1} << (table_bits - fraction_bits);
    constexpr std::uint64_t doubt = std::uint64_t{1} << (table_bits - 44);
    const std::uint64_t after = log2 % unit;
    const bool sure = after > doubt && after < unit - doubt;
    return sure ? log2 / unit : log2_by_squaring(mantissa, fraction_bits);
}

/// -log2(u) for u = (bits + 1) / 2^64, in units of 2^-24: the integer part counts leading zeros.
std::uint64_t minus_log2(std::uint64_t bits)
{
    if (bits == ~std::uint64_t{0}) {
        return 0;
    }
    const std::uint64_t u = bits + 1;
    const auto zeros = static_cast<unsigned>(std::countl_zero(u));
    return ((std::uint64_t{zeros} + 1U) << fraction_bits) - log2_fraction(u << zeros);
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
    const std::uint32_t width = hi.per_million - lo.per_million;
    const std::uint64_t offset = scaled - (std::uint64_t{lo.per_million} << 32U); // below width * 2^32
    const uint128 rise = (uint128{span} * offset) >> 32U;
    const auto low_half = static_cast<std::uint64_t>(rise);
    const bool is_short = rise == low_half; // a division of 128 bits takes several times as long
    return lo.value + nanoseconds{static_cast<std::int64_t>(is_short ? low_half / width
                                                                     : static_cast<std::uint64_t>(rise / width))};
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
