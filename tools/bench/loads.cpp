// SPDX-License-Identifier: GPL-2.0-only
#include "tools/bench/loads.h"

#include <fmt/format.h>

#include "tools/io/scenario_loader.h"

namespace pairsim::bench {

std::string name_of(const load& l)
{
    return fmt::format("{}, {} CPUs{}", l.kind == load_kind::hogs ? "hogs" : "mix", l.nr_cpus,
                       l.costs ? ", costs" : "");
}

json document_of(const load& l, nanoseconds simulated)
{
    const std::size_t nr_cgroups = l.nr_cpus / 2 + 3;
    json cgroups = json::array();
    for (std::size_t i = 0; i < nr_cgroups; ++i) {
        cgroups.push_back(fmt::format("c{}", i));
    }
    const json hog = json::parse(R"([{"run": "forever"}])");
    const json sleeper = json::parse(R"([{"repeat": {"phases": [{"run": {"dist": "exponential", "mean": "500us"}},
                                                                {"sleep": {"dist": "exponential", "mean": "2ms"}}]}}])");
    json tasks = json::array();
    for (std::size_t i = 0; i < l.nr_cpus * l.tasks_per_cpu; ++i) {
        const bool sleeps = l.kind == load_kind::mix && i % 2 == 1;
        tasks.push_back(
            {{"name", fmt::format("t{}", i)}, {"cgroup", cgroups[i % nr_cgroups]}, {"phases", sleeps ? sleeper : hog}});
    }
    json machine = {{"cpus", l.nr_cpus}, {"hz", 1000}, {"costs", l.costs ? "x86-64" : "none"}};
    if (l.costs) {
        machine["tick_jitter"] = json::parse(R"({"dist": "uniform", "low": "0", "high": "4us"})");
    }
    return {{"schema", "pairsim.scenario/1"},
            {"name", name_of(l)},
            {"description", "A load of the benchmarks."},
            {"duration", fmt::format("{}ns", simulated.count())},
            {"machine", machine},
            {"scheduler", {{"slice", "20ms"}, {"batch_duration", "5ms"}}},
            {"cgroups", cgroups},
            {"tasks", tasks}};
}

scenario scenario_of(const load& l, nanoseconds simulated)
{
    return read_scenario(document_of(l, simulated), "benchmark");
}

} // namespace pairsim::bench
