// SPDX-License-Identifier: GPL-2.0-only
//
// Machines that are fitted to traces: of a machine whose costs are known, they must come out again.
#include "tools/validate/calibrate.h"

#include <chrono>
#include <cmath>

#include "sim/simulator.h"
#include "tests/support/catch.h"
#include "tools/io/input_error.h"
#include "tools/io/json_cursor.h"
#include "tools/io/runner.h"
#include "tools/validate/cost_fit.h"
#include "tools/validate/tick_fit.h"

using namespace pairsim;
using namespace std::chrono_literals;
using pairsim::test::contains;

namespace {

/// The records of a run, as a reader of its trace has them.
class record_keeper final : public trace_sink {
public:
    std::vector<trace_record> records;
    void on_records(std::span<const trace_record> more) override
    {
        records.insert(records.end(), more.begin(), more.end());
    }
};

recorded_run record(const scenario& what)
{
    record_keeper keeper;
    run_scenario(what, {.until = std::nullopt, .sinks = {&keeper}, .analyse = false, .on_stats = {}});
    recorded_run run;
    run.where = "a run";
    run.records = std::move(keeper.records);
    for (const auto& c : what.work.cgroups) {
        run.cgroups.push_back(c.name);
    }
    for (const auto& t : what.work.tasks) {
        run.tasks.push_back({static_cast<std::uint32_t>(run.tasks.size() + 1), t.name, t.cgroup.value});
    }
    run.nr_cpus = static_cast<std::uint32_t>(what.machine.nr_cpus());
    run.end = sim_time{what.duration};
    return run;
}

calibrate_options options_for(const std::vector<pair_map::pair>& pairs)
{
    calibrate_options o;
    o.base = load_host_machine("x86-64");
    o.pairs = pairs;
    o.settings = {parse_setting("/scheduler/batch_duration=60ms")};
    o.rounds = 10;
    o.seeds = 1;
    return o;
}

double median_us(const json& machine, const char* cost)
{
    return static_cast<double>(median_ns(machine.at("costs").at(cost))) / 1e3;
}

/// Ends of slices on one CPU, each @p apart from the one before.
std::vector<slice_end> ends_every(nanoseconds first, nanoseconds apart, int n)
{
    std::vector<slice_end> ends;
    for (int i = 0; i < n; ++i) {
        ends.push_back({0, (first + i * apart).count()});
    }
    return ends;
}

} // namespace

TEST_CASE("a machine's costs come back from its trace", "[calibrate]")
{
    const scenario what = load_scenario(PAIRSIM_SOURCE_DIR "/tests/calibrate/known-costs.json");
    const auto made = calibrate(record(what), options_for(pairs_of(what).pairs));
    INFO(made.text);
    const json& m = made.machine;

    CHECK(m.at("hz") == 250);
    const std::vector<nanoseconds> offsets{0us, 300us, 1100us, 2500us};
    for (std::size_t cpu = 0; cpu < offsets.size(); ++cpu) {
        const input_document document{"offset", m.at("tick_offset").at(cpu), nullptr};
        const auto offset = json_cursor(document).duration().value();
        CHECK(std::chrono::abs(offset - offsets[cpu]) < 1us);
    }
    CHECK(std::fabs(median_us(m, "wakeup_activate") - 5) < 0.3);
    CHECK(std::fabs(median_us(m, "idle_loop") - 6) < 0.3);
    // A trace shows sums: the way of a kick to a busy CPU, and that of a wake-up to an idle one.
    CHECK(std::fabs(median_us(m, "ipi_latency") + median_us(m, "preempt_latency") - 12) < 0.8);
    CHECK(std::fabs(median_us(m, "ipi_latency") + median_us(m, "idle_exit") - 28) < 1);
    // What the trace does not show is the base's.
    CHECK(m.at("costs").at("context_switch") == options_for({}).base.machine.at("costs").at("context_switch"));
    CHECK_THAT(made.text, contains("context_switch"));
}

TEST_CASE("a trace of hogs alone leaves the wake-up path as the base has it, and says so", "[calibrate]")
{
    const scenario what =
        load_scenario(PAIRSIM_SOURCE_DIR "/tests/calibrate/known-costs.json",
                      std::vector{parse_setting("/duration=2s"), parse_setting("/tasks/3/phases=[{\"exit\": true}]")});
    auto options = options_for(pairs_of(what).pairs);
    options.rounds = 1;
    const auto made = calibrate(record(what), options);
    CHECK(made.machine.at("costs").at("idle_exit") == options.base.machine.at("costs").at("idle_exit"));
    CHECK_THAT(made.text, contains("idle_exit        left as it is"));
}

TEST_CASE("calibrate refuses pairs that no stride makes, and a trace that shows nothing", "[calibrate]")
{
    const scenario what = load_scenario(PAIRSIM_SOURCE_DIR "/tests/calibrate/known-costs.json",
                                        std::vector{parse_setting("/duration=20ms")});
    const auto pair = [](std::uint16_t a, std::uint16_t b) { return pair_map::pair{cpu_id{a}, cpu_id{b}}; };
    CHECK_THROWS_WITH(calibrate(record(what), options_for({pair(0, 1)})), contains("no stride of scx_pair"));
    CHECK_THROWS_WITH(calibrate(record(what), options_for({})), contains("does not say which CPUs are pairs"));
    CHECK_THROWS_WITH(calibrate(record(what), options_for({pair(0, 2), pair(1, 3)})), contains("shows nothing"));
}

TEST_CASE("the tick rate is the lowest whose ticks explain the ends of slices", "[calibrate]")
{
    CHECK(find_hz(ends_every(7ms, 24ms, 50), 1) == 250U);
    CHECK(find_hz(ends_every(7ms, 21ms, 50), 1) == 1000U);
    CHECK(find_hz(ends_every(7ms, 30ms, 50), 1) == 100U);
    CHECK(find_hz(ends_every(7ms, 23'333'333ns, 50), 1) == 300U);
    CHECK_FALSE(find_hz(ends_every(7ms, 20'777'777ns, 50), 1)); // spread over every tick
    CHECK_FALSE(find_hz(ends_every(7ms, 24ms, 9), 1));          // too few
}

TEST_CASE("tick offsets count from the CPU after the longest time without a tick", "[calibrate]")
{
    const auto offsets = tick_offsets({3'900'000, 100'000, std::nullopt, 3'950'000}, 250);
    CHECK(offsets == std::vector<std::int64_t>{0, 200'000, 0, 50'000});
}

TEST_CASE("a kick among the ends of slices is no late tick", "[calibrate]")
{
    auto ends = ends_every(2ms, 24ms, 40);
    for (std::size_t i = 0; i < ends.size(); ++i) {
        ends[i].at_ns += static_cast<std::int64_t>(i % 4) * 1000; // jitter of 3 us
    }
    ends.push_back({0, ends.back().at_ns + 25'500'000});
    latency_samples samples;
    collect_lateness(ends, 1, 250, samples);
    CHECK(samples[latency::tick_late].size() == 40);
    CHECK(*std::ranges::max_element(samples[latency::tick_late]) <= 3000);
}
