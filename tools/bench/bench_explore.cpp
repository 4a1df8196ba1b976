// SPDX-License-Identifier: GPL-2.0-only
#include <ctime>
#include <string>

#include <fmt/format.h>

#include "tools/bench/benchmarks.h"
#include "tools/explore/search.h"
#include "tools/io/runner.h"

namespace pairsim::bench {
namespace {

constexpr std::uint64_t nr_states = 3'000'000;

double cpu_seconds()
{
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; // of all threads
}

void measure(const char* file, bool partial_order, unsigned threads)
{
    exploration what = load_exploration(std::string(PAIRSIM_SOURCE_DIR) + "/scenarios/explore/" + file);
    what.reduce = {.partial_order = partial_order, .symmetry = false};
    what.bounds.states = nr_states;
    const auto ops = make_scheduler(what.base);
    property_set asked = 0;
    for (const property p : what.claims) {
        asked |= bit_of(p);
    }
    const double before = cpu_seconds();
    const search_result r = search(what, *ops, asked, {.threads = threads});
    const double used = cpu_seconds() - before;
    const auto n = static_cast<double>(r.visited.size());
    fmt::print("{:30} {:>9} {:7} {:9} {:10.0f} {:14.0f} {:12.1f}\n", file, partial_order ? "on" : "off", threads,
               r.visited.size(), n / r.seconds, n / used, static_cast<double>(r.visited.memory_bytes()) / n);
}

} // namespace

void explore()
{
    fmt::print("explore: the first {} states\n", nr_states);
    fmt::print("{:30} {:>9} {:>7} {:>9} {:>10} {:>14} {:>12}\n", "exploration", "reduction", "threads", "states",
               "states/s", "states/CPU s", "bytes/state");
    for (const char* file : {"large/fixed.json", "large/strict.json"}) {
        measure(file, false, 1);
        measure(file, false, 2);
        measure(file, true, 1);
    }
}

} // namespace pairsim::bench
