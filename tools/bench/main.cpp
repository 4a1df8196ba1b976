// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim_bench: measures speed and size, and prints them with what they were measured on. A benchmark is a function
// and a row of the table. Usage: pairsim_bench [NAME...]; without names: all. `pairsim_bench once LOAD MS` runs one
// load for MS simulated milliseconds, for a profiler.
#include <algorithm>
#include <exception>
#include <fstream>
#include <string>
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
    {"program", pairsim::bench::whole_program},
};

/// The processor's name as Linux gives it.
std::string processor()
{
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown";
}

} // namespace

int main(int argc, char** argv)
{
    try {
        if (const std::string_view command = argc == 4 ? argv[1] : ""; command == "once" || command == "load") {
            const std::chrono::milliseconds simulated{std::stoi(argv[3])};
            (command == "once" ? pairsim::bench::run_once : pairsim::bench::print_load)(argv[2], simulated);
            return 0;
        }
        for (int i = 1; i < argc; ++i) {
            if (std::ranges::find(benchmarks, std::string_view(argv[i]), &benchmark::name) == std::end(benchmarks)) {
                fmt::print(stderr, "pairsim_bench: there is no benchmark {}\n", argv[i]);
                return 2;
            }
        }
        fmt::print("Measured on: {}; compiler: {}. Times are user CPU time on one core.\n\n", processor(), __VERSION__);
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
