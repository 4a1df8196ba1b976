// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim_bench: measures speed and size, and prints them with what they were measured on. A benchmark is a function
// and a row of the table. Usage: pairsim_bench [NAME...]; without names: all. `pairsim_bench once LOAD` runs one load
// once, for a profiler.
#include <algorithm>
#include <exception>
#include <string_view>

#include <fmt/format.h>

#include "tools/bench/benchmarks.h"

namespace {

struct benchmark {
    std::string_view name;
    void (*run)();
};

constexpr benchmark benchmarks[] = {
    {"queue", pairsim::bench::queue},
    {"simulation", pairsim::bench::simulation},
    {"explore", pairsim::bench::explore},
};

} // namespace

int main(int argc, char** argv)
{
    try {
        if (argc == 3 && std::string_view(argv[1]) == "once") {
            pairsim::bench::run_once(argv[2]);
            return 0;
        }
        for (int i = 1; i < argc; ++i) {
            if (std::ranges::find(benchmarks, std::string_view(argv[i]), &benchmark::name) == std::end(benchmarks)) {
                fmt::print(stderr, "pairsim_bench: there is no benchmark {}\n", argv[i]);
                return 2;
            }
        }
        for (const benchmark& b : benchmarks) {
            if (argc == 1 || std::find(argv + 1, argv + argc, b.name) != argv + argc) {
                b.run();
            }
        }
        return 0;
    } catch (const std::exception& e) {
        fmt::print(stderr, "pairsim_bench: {}\n", e.what());
        return 1;
    }
}
