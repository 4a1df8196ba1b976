// SPDX-License-Identifier: GPL-2.0-only
#include <vector>

#include "sim/random.h"
#include "tests/support/catch.h"
#include "tools/study/statistics.h"

using namespace pairsim;

TEST_CASE("the interval of a mean is Student's t times the standard error", "[statistics]")
{
    const std::vector<double> sample{1, 2, 3, 4, 5};
    const auto e = estimate_mean(sample, 0.95);
    CHECK(e.mean == 3);
    CHECK(test::nearly(e.sd, 1.5811388301));
    REQUIRE(e.ci);
    CHECK(test::nearly(e.ci->low, 3 - 1.9632432));  // t(0.975; 4) = 2.7764451, printed in every table
    CHECK(test::nearly(e.ci->high, 3 + 1.9632432)); // times sd / sqrt(5)
    CHECK_FALSE(estimate_mean(std::vector<double>{7}, 0.95).ci);
    CHECK(estimate_mean(std::vector<double>{7}, 0.95).mean == 7);
    CHECK(estimate_mean(std::vector<double>{}, 0.95).n == 0);
}

TEST_CASE("the interval of a median lies between the order statistics of the textbooks", "[statistics]")
{
    std::vector<double> sample; // 1 to n, so that an order statistic is its rank
    const auto ranks = [&](int n) {
        sample.clear();
        for (int i = n; i >= 1; --i) {
            sample.push_back(i);
        }
        return estimate_quantile(sample, 0.5, 0.95);
    };
    CHECK_FALSE(ranks(5).ci); // 1 - 2 / 2^5 < 0.95
    REQUIRE(ranks(6).ci);
    CHECK((ranks(6).ci->low == 1 && ranks(6).ci->high == 6));
    CHECK((ranks(10).ci->low == 2 && ranks(10).ci->high == 9));
    CHECK((ranks(20).ci->low == 6 && ranks(20).ci->high == 15));
    CHECK(ranks(10).value == 5.5);
}

TEST_CASE("a paired difference is free of what both have in common", "[statistics]")
{
    const std::vector<double> a{10, 200, 3000};
    const std::vector<double> b{9, 199, 2999};
    const auto d = estimate_difference(a, b, 0.95);
    CHECK(d.mean == 1);
    CHECK(d.sd == 0);
}

TEST_CASE("outliers are named by their modified z-score", "[statistics]")
{
    CHECK(outliers(std::vector<double>{1, 2, 3, 2, 1, 100}) == std::vector<std::size_t>{5});
    CHECK(outliers(std::vector<double>{1, 2, 3, 2, 1}).empty());
    CHECK(outliers(std::vector<double>{1, 1, 1, 1}).empty());
    CHECK(outliers(std::vector<double>{1, 9}).empty());
}

TEST_CASE("MSER-5 cuts a transient off and leaves a steady series alone", "[statistics]")
{
    std::vector<double> series;
    const auto noise = [](std::size_t i) {
        return static_cast<double>(random_draw(1, random_purpose::unseed, 0, i) >> 11U) / 9007199254740992.0;
    };
    for (std::size_t i = 0; i < 500; ++i) {
        series.push_back(noise(i));
    }
    const auto steady = mser5(series);
    REQUIRE(steady);
    CHECK(*steady < 250);
    for (std::size_t i = 0; i < 60; ++i) {
        series[i] += 20.0 - static_cast<double>(i) / 3;
    }
    const auto cut = mser5(series);
    REQUIRE(cut);
    CHECK(*cut >= 50);
    CHECK(*cut <= 100);
    std::vector<double> never;
    for (std::size_t i = 0; i < 500; ++i) {
        never.push_back(static_cast<double>(i * i));
    }
    CHECK_FALSE(mser5(never));
    CHECK_FALSE(mser5(std::vector<double>{1, 2, 3}));
}
