// SPDX-License-Identifier: GPL-2.0-only
//
// Catch2 for every test: version 3 where it is installed, else version 2 (Debian 12). Tests include this file and
// never Catch2 itself.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace pairsim::test {

/// Matches a string that contains @p part. Version 3 has renamed the matcher.
inline auto contains(const std::string& part)
{
#if __has_include(<catch2/catch_test_macros.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Matchers::Contains(part);
#endif
}

/// @p a and @p b differ by rounding alone.
inline bool nearly(double a, double b)
{
    return std::fabs(a - b) <= 1e-7 * std::max(std::fabs(a), std::fabs(b)) + 1e-12;
}

} // namespace pairsim::test
