// SPDX-License-Identifier: GPL-2.0-only
#include "tools/bench/timing.h"

#include <algorithm>

#include <sys/resource.h>

namespace pairsim::bench {

double user_seconds()
{
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_utime.tv_sec) + 1e-6 * static_cast<double>(used.ru_utime.tv_usec);
}

std::vector<timing> measure(std::span<const candidate> candidates, int rounds)
{
    std::vector<std::vector<double>> seconds_per_unit(candidates.size());
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const double before = user_seconds();
            const double amount = candidates[i].work();
            seconds_per_unit[i].push_back((user_seconds() - before) / amount);
        }
    }
    std::vector<timing> result;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const auto [fastest, slowest] = std::ranges::minmax(seconds_per_unit[i]);
        result.push_back({candidates[i].name, 1 / fastest, slowest / fastest - 1});
    }
    return result;
}

} // namespace pairsim::bench
