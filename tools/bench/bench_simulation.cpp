// SPDX-License-Identifier: GPL-2.0-only
//
// Whole runs, as `pairsim run` does them: digest, metrics and claims on. Beside each: the bare loop, which moves the
// clock and the queue through the load's slices, sleeps and pieces of work and does nothing else.
#include <stdexcept>

#include <fmt/format.h>

#include "sim/event_queue.h"
#include "sim/random.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/loads.h"
#include "tools/bench/timing.h"
#include "tools/io/runner.h"

namespace pairsim::bench {
namespace {

/// The least that a simulator of the load could do: CPU n ends a slice each 20 ms, or takes the next task; half of the
/// tasks of a mix work and sleep, whatever the CPUs do.
double bare_loop(const load& l, nanoseconds simulated)
{
    constexpr nanoseconds slice = std::chrono::milliseconds{20};
    const auto nr_cpus = static_cast<timer_id>(l.nr_cpus);
    const auto nr_sleepers = l.kind == load_kind::mix ? nr_cpus : 0;
    const duration_dist work = duration_dist::exponential(std::chrono::microseconds{500});
    const duration_dist sleep = duration_dist::exponential(std::chrono::milliseconds{2});
    std::vector<std::uint64_t> nr_phases(nr_sleepers);
    event_queue queue(nr_cpus + nr_sleepers);
    for (timer_id i = 0; i < nr_cpus + nr_sleepers; ++i) {
        queue.arm(i, at_ns(i), event_phase::user);
    }
    const sim_time end{simulated};
    while (queue.next_time() <= end) {
        const sim_time now = queue.next_time();
        const timer_id timer = queue.next();
        queue.pop();
        if (timer < nr_cpus) {
            queue.arm(timer, now + slice, event_phase::tick);
            continue;
        }
        const std::uint64_t n = nr_phases[timer - nr_cpus]++;
        const std::uint64_t bits = random_draw(1, random_purpose::phase_duration, timer, n);
        queue.arm(timer, now + sample(n % 2 == 0 ? work : sleep, bits), event_phase::timer);
    }
    return std::chrono::duration<double>(simulated).count();
}

struct run_figures {
    std::uint64_t switches = 0;
    double simulated = 0;
};

run_figures run(const scenario& s)
{
    const run_outcome out = run_scenario(s);
    return {out.result.metrics.machine.switches, std::chrono::duration<double>(out.result.simulated).count()};
}

void measure_load(const load& l, nanoseconds simulated)
{
    const scenario s = scenario_of(l, simulated);
    run_figures figures;
    const candidate candidates[] = {
        {"run",
         [&] {
             figures = run(s);
             return figures.simulated;
         }},
        {"bare loop", [&] { return bare_loop(l, simulated); }},
    };
    const auto t = measure(candidates);
    const double switches = static_cast<double>(figures.switches) / figures.simulated * t[0].per_second;
    fmt::print("| {} | {:.1f} | {:.0f} | {:.2f} | {:.0f} | {:.0f} % | {:.0f} | {:.1f} |\n", name_of(l), t[0].per_second,
               t[0].per_second * static_cast<double>(l.nr_cpus), switches / 1e6, 1e9 / switches, 100 * t[0].spread,
               t[1].per_second, t[1].per_second / t[0].per_second);
}

} // namespace

void simulation()
{
    using namespace std::chrono_literals;
    fmt::print("## Runs\n\nDigest, metrics and claims on, no trace.\n\n"
               "| load | simulated s a s | CPU s a s | million switches/s | ns a switch | spread | bare loop | "
               "bare loop / run |\n"
               "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (const bool costs : {false, true}) {
        for (const std::size_t nr_cpus : {8, 64, 1024}) {
            const nanoseconds simulated = 64s * 16 / static_cast<int>(nr_cpus);
            measure_load({.kind = load_kind::hogs, .nr_cpus = nr_cpus, .costs = costs}, simulated);
            measure_load({.kind = load_kind::mix, .nr_cpus = nr_cpus, .costs = costs}, simulated / 4);
        }
    }
    fmt::print("\n");
}

static load named(std::string_view name)
{
    if (name != "hogs" && name != "mix" && name != "costs") {
        throw std::invalid_argument(fmt::format("there is no load {}: hogs, mix or costs", name));
    }
    return {.kind = name == "hogs" ? load_kind::hogs : load_kind::mix, .costs = name == "costs"};
}

void run_once(std::string_view name, nanoseconds simulated)
{
    run(scenario_of(named(name), simulated));
}

void print_load(std::string_view name, nanoseconds simulated)
{
    fmt::print("{}\n", document_of(named(name), simulated).dump());
}

} // namespace pairsim::bench
