// SPDX-License-Identifier: GPL-2.0-only
//
// Studies whose true answer is known: do their intervals hold it?
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/small_study.h"
#include "tools/study/statistics.h"
#include "tools/study/study_runner.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// One CPU with one queue and no costs, served first come, first served.
json one_cpu(const char* tasks, const char* duration, const char* slice)
{
    json document = small_study();
    document["scenario"]["machine"] = {{"cpus", 1}, {"hz", 1000}, {"costs", "none"}};
    document["scenario"]["scheduler"] = {{"name", "fifo"}};
    document["scenario"]["tasks"] = json::parse(tasks);
    document["scenario"]["duration"] = duration;
    document["warmup"] = "60ms";
    document["factors"] = {{{"pointer", "/scheduler/slice"}, {"values", {slice}}}};
    return document;
}

} // namespace

TEST_CASE("a 95 % interval holds the true utilisation of a queue at least 93 times in 100", "[statistics]")
{
    // Four customers that think for 2 ms and are served for 1 ms, both exponential: M/M/1//4. The server is idle with
    // probability 1 / sum of 4! / (4 - k)! * (1 / 2)^k, k = 0 to 4: 1 / (1 + 2 + 3 + 3 + 1.5).
    constexpr double utilisation = 1 - 1 / 10.5;
    const scratch_folder folder;
    const study s = load(folder, one_cpu(R"([{"name": "customer", "count": 4, "phases": [{"repeat": {"phases": [
        {"run": {"dist": "exponential", "mean": "1ms"}}, {"sleep": {"dist": "exponential", "mean": "2ms"}}]}}]}])",
                                         "220ms", "10s"));
    const std::size_t busy = *s.metric_index("busy");
    scenario queue = scenario_of(s, s.points[0], 0); // nothing but its draws depends on the seed
    constexpr std::uint32_t repetitions = 100;
    constexpr std::uint32_t replications = 5;
    std::uint32_t covered = 0;
    double sum = 0;
    for (std::uint32_t i = 0; i < repetitions; ++i) {
        std::vector<double> sample;
        for (std::uint32_t r = 0; r < replications; ++r) {
            queue.seed = s.seed_of(i * replications + r);
            sample.push_back(*measure(s.metrics, run_scenario(queue).result)[busy]);
        }
        const mean_estimate e = estimate_mean(sample, s.confidence);
        covered += e.ci->low <= utilisation && utilisation <= e.ci->high ? 1U : 0U;
        sum += e.mean;
    }
    CHECK(covered >= 93);
    CHECK(covered < 100); // an interval that always holds it is too wide
    CHECK(std::fabs(sum / repetitions - utilisation) < 0.003);
}

TEST_CASE("a deterministic rotation has the turns and waits that arithmetic says, without any spread", "[statistics]")
{
    const scratch_folder folder;
    json document = one_cpu(R"([{"name": "hog", "count": 3, "phases": [{"run": "forever"}]}])", "670ms", "20ms");
    document["warmup"] = "70ms"; // 600 ms, which begin and end between two switches
    const study s = load(folder, document);
    std::vector<std::vector<double>> samples(s.metrics.size());
    for (std::uint32_t r = 0; r < 4; ++r) {
        const run_record record = run_once(s, {0, r});
        for (std::size_t m = 0; m < s.metrics.size(); ++m) {
            if (record.values[m]) {
                samples[m].push_back(*record.values[m]);
            }
        }
    }
    const auto interval_of = [&](const char* name) {
        return *estimate_mean(samples[*s.metric_index(name)], s.confidence).ci;
    };
    for (const auto& [name, truth] : {std::pair("throughput", 1.0), std::pair("switches_per_s", 50.0),
                                      std::pair("longest_wait_ns", 40e6), std::pair("forced_idle", 0.0)}) {
        INFO(name);
        CHECK(nearly(interval_of(name).low, truth));
        CHECK(nearly(interval_of(name).high, truth));
    }
}
