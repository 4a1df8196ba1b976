// SPDX-License-Identifier: GPL-2.0-only
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "sim/duration_dist.h"
#include "sim/random.h"
#include "tests/support/printers.h"
#include "tests/support/programs.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

duration_dist three_parts()
{
    duration_dist d;
    d.kind = duration_dist::shape::quantiles;
    d.points = {{0, 100ns}, {500'000, 200ns}, {990'000, 5000ns}, {1'000'000, 100'000ns}};
    return d;
}

struct row {
    std::uint64_t bits;
    std::int64_t uniform;     ///< of 1 us to 1 s
    std::int64_t exponential; ///< of mean 1 s
    std::int64_t quantiles;   ///< of three_parts()
};

const row rows[] = {
    {0x0000000000000000U, 1000, 44361419677, 100},    {0x0000000000000001U, 1000, 43668272495, 100},
    {0x000000000000ffffU, 1000, 33271064758, 100},    {0x0000000100000000U, 1000, 22180709838, 100},
    {0x123456789abcdef0U, 71112040, 2643511652, 114}, {0x4000000000000000U, 250000750, 1386294364, 150},
    {0x8000000000000000U, 500000500, 693147182, 200}, {0xc000000000000000U, 750000250, 287682056, 2648},
    {0xfedcba9876543210U, 995555560, 4454314, 57777}, {0xfffffffffffffffeU, 1000000000, 0, 99999},
    {0xffffffffffffffffU, 1000000000, 0, 99999},
};

constexpr std::uint64_t all_bits = ~std::uint64_t{0};

/// The definition of an exponential draw: each bit of the logarithm comes from a squaring.
std::uint64_t minus_log2_by_squaring(std::uint64_t bits)
{
    __extension__ using uint128 = unsigned __int128;
    const std::uint64_t u = bits + 1;
    const auto zeros = static_cast<unsigned>(std::countl_zero(u));
    std::uint64_t mantissa = u << zeros;
    std::uint64_t log = std::uint64_t{zeros} + 1;
    for (int i = 0; i < 24; ++i) {
        const auto square = static_cast<uint128>(mantissa) * mantissa;
        const bool two_or_more = (square >> 127U) != 0;
        log = 2 * log - (two_or_more ? 1 : 0);
        mantissa = static_cast<std::uint64_t>(square >> (two_or_more ? 64U : 63U));
    }
    return log;
}

} // namespace

TEST_CASE("a draw for a given word is the same on every platform", "[duration_dist]")
{
    const auto uniform = duration_dist::uniform(1us, 1s);
    const auto exponential = duration_dist::exponential(1s);
    const auto quantiles = three_parts();
    for (const row& r : rows) {
        CAPTURE(r.bits);
        CHECK(sample(uniform, r.bits).count() == r.uniform);
        CHECK(sample(exponential, r.bits).count() == r.exponential);
        CHECK(sample(quantiles, r.bits).count() == r.quantiles);
    }
}

TEST_CASE("an exponential draw is minus the logarithm of its word to seven digits", "[duration_dist]")
{
    const auto exponential = duration_dist::exponential(1s);
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        const auto bits = random_draw(1, random_purpose::unseed, 0, n);
        const double u = (static_cast<double>(bits) + 1) / 18446744073709551616.0;
        const double error = static_cast<double>(sample(exponential, bits).count()) + std::log(u) * 1e9;
        if (std::abs(error) > 200) {
            CAPTURE(bits, error);
            REQUIRE(std::abs(error) <= 200);
        }
    }
}

TEST_CASE("an exponential draw is to the last bit what the squarings give", "[duration_dist]")
{
    // With this mean a draw is the logarithm itself, in units of 2^-24, times ln 2.
    const auto logarithm = duration_dist::exponential(nanoseconds{1 << 24});
    const auto expected = [](std::uint64_t bits) {
        constexpr std::uint64_t ln2 = 11629080;
        return static_cast<std::int64_t>(minus_log2_by_squaring(bits) * ln2 >> 24U);
    };
    std::vector<std::uint64_t> words;
    for (std::uint64_t n = 0; n < 100'000; ++n) {
        words.push_back(random_draw(2, random_purpose::unseed, 0, n));
    }
    for (std::uint64_t k = 0; k < 1U << 24U; k += 77'777) { // words next to a carry of the last bit
        const auto carry = static_cast<std::uint64_t>(std::exp2(static_cast<long double>(k) / (1 << 24)) *
                                                      static_cast<long double>(std::uint64_t{1} << 63U));
        for (std::uint64_t distance = 0; distance < 50'000; distance += 499) {
            words.push_back(carry + distance);
            words.push_back(carry - distance);
        }
    }
    for (const std::uint64_t bits : words) {
        if (bits != all_bits && sample(logarithm, bits).count() != expected(bits)) {
            CAPTURE(bits);
            REQUIRE(sample(logarithm, bits).count() == expected(bits));
        }
    }
}

TEST_CASE("a constant does not look at its word", "[duration_dist]")
{
    const auto d = duration_dist::constant(7us);
    CHECK(d.is_constant());
    CHECK(sample(d, 0) == 7us);
    CHECK(sample(d, all_bits) == 7us);
    CHECK(sample(duration_dist{}, 12345) == 0ns);
    CHECK_FALSE(duration_dist::uniform(1ns, 1ns).is_constant());
}

TEST_CASE("a uniform draw reaches both of its bounds and nothing beyond", "[duration_dist]")
{
    const auto die = duration_dist::uniform(1ns, 6ns);
    std::uint64_t seen[8] = {};
    constexpr std::uint64_t nr_draws = 60'000;
    for (std::uint64_t n = 0; n < nr_draws; ++n) {
        const auto value = sample(die, random_draw(3, random_purpose::unseed, 0, n)).count();
        REQUIRE(value >= 1);
        REQUIRE(value <= 6);
        ++seen[value];
    }
    for (int i = 1; i <= 6; ++i) {
        CHECK(seen[i] > 9'500); // five standard deviations are 456
        CHECK(seen[i] < 10'500);
    }
    CHECK(sample(die, 0) == 1ns);
    CHECK(sample(die, all_bits) == 6ns);
    CHECK(sample(duration_dist::uniform(5ns, 5ns), all_bits) == 5ns);
    CHECK(sample(duration_dist::uniform(0ns, max_duration), all_bits) == max_duration);
}

TEST_CASE("exponential draws have their mean", "[duration_dist]")
{
    const auto d = duration_dist::exponential(10us);
    constexpr std::uint64_t nr_draws = 200'000;
    std::int64_t sum = 0;
    std::uint64_t above_mean = 0;
    for (std::uint64_t n = 0; n < nr_draws; ++n) {
        const auto value = sample(d, random_draw(9, random_purpose::unseed, 0, n)).count();
        sum += value;
        above_mean += value > 10'000 ? 1 : 0;
    }
    const double mean = static_cast<double>(sum) / static_cast<double>(nr_draws);
    CHECK(std::abs(mean - 10'000) < 115); // five standard deviations of the mean
    const double share = static_cast<double>(above_mean) / static_cast<double>(nr_draws);
    CHECK(std::abs(share - std::exp(-1.0)) < 0.006);
}

TEST_CASE("an exponential draw above the cut is the cut", "[duration_dist]")
{
    const auto d = duration_dist::exponential(10us, 25us);
    CHECK(sample(d, 0) == 25us);
    std::uint64_t nr_cut = 0;
    for (std::uint64_t n = 0; n < 20'000; ++n) {
        const auto value = sample(d, random_draw(9, random_purpose::unseed, 0, n));
        REQUIRE(value <= 25us);
        nr_cut += value == 25us ? 1 : 0;
    }
    CHECK(std::abs(static_cast<double>(nr_cut) / 20'000 - std::exp(-2.5)) < 0.01);
}

TEST_CASE("an exponential draw of the longest mean does not overflow", "[duration_dist]")
{
    CHECK(sample(duration_dist::exponential(max_duration), 0) == max_duration);
    CHECK(sample(duration_dist::exponential(max_duration), all_bits) == 0ns);
    CHECK(sample(duration_dist::exponential(0ns), 0) == 0ns);
}

TEST_CASE("quantiles begin and end at their points and are linear between", "[duration_dist]")
{
    const auto d = three_parts();
    CHECK(sample(d, 0) == 100ns);
    CHECK(sample(d, all_bits) >= 99'999ns);
    CHECK(sample(d, all_bits) <= 100'000ns);
    constexpr std::uint64_t half = std::uint64_t{1} << 63U;
    CHECK(sample(d, half) == 200ns);
    CHECK(sample(d, half / 2) == 150ns);
    nanoseconds before = 0ns;
    for (std::uint64_t i = 0; i < 1000; ++i) { // never decreasing
        const auto value = sample(d, i * (all_bits / 1000));
        REQUIRE(value >= before);
        before = value;
    }

    duration_dist longest;
    longest.kind = duration_dist::shape::quantiles;
    longest.points = {{0, 0ns}, {1'000'000, max_duration}};
    CHECK(sample(longest, half) == max_duration / 2);
    CHECK(sample(longest, half + half / 2) == max_duration / 4 * 3);
}

TEST_CASE("quantiles with steps have their probabilities", "[duration_dist]")
{
    duration_dist d; // 90 % zero, else 100 us
    d.kind = duration_dist::shape::quantiles;
    d.points = {{0, 0ns}, {900'000, 0ns}, {900'000, 100us}, {1'000'000, 100us}};
    std::uint64_t nr_long = 0;
    for (std::uint64_t n = 0; n < 50'000; ++n) {
        const auto value = sample(d, random_draw(11, random_purpose::unseed, 0, n));
        REQUIRE((value == 0ns || value == 100us));
        nr_long += value == 100us ? 1 : 0;
    }
    CHECK(nr_long > 4'650); // five standard deviations are 335
    CHECK(nr_long < 5'350);
}
