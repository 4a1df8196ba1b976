// SPDX-License-Identifier: GPL-2.0-only
//
// A few hundred random scenarios, with sanitizers: no rule of ours is broken, the counters of scx_pair agree with its
// queues, no task is lost, and a run in pieces is the run in one go. `pairsim fuzz` goes on from here.
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tools/fuzz/fuzz.h"
#include "tools/io/scenario_loader.h"

using namespace pairsim;

namespace {

/// Runs the scenarios of [@p first, @p first + @p nr): some of them with all checks after each event.
void run_seeds(std::uint64_t first, std::uint64_t nr)
{
    std::map<std::string, unsigned> exits;
    unsigned nr_quiet = 0;
    for (std::uint64_t seed = first; seed < first + nr; ++seed) {
        const trial_result result = run_trial(read_scenario(fuzz_document(seed, {}), "-"), checks_of_seed(seed));
        ++exits[result.exit];
        nr_quiet += result.nr_quiet;
        CAPTURE(seed, result.broken);
        REQUIRE(result.broken.empty());
    }
    // The scenarios are of use only if most of them live on and come to rest now and then.
    CHECK(exits["none"] > nr / 2);
    CHECK(nr_quiet > nr * 4);
    CHECK(exits["no_progress"] < nr / 100 + 1);
    CHECK(exits["error"] + exits["scx_bpf_error"] + exits["hard_lockup"] > 0);
}

/// A random scenario on a machine of which the kernel paths take no time; half of them tick on all CPUs at once.
scenario on_a_free_machine(std::uint64_t seed)
{
    std::vector<setting> settings = {
        parse_setting(R"(/machine/costs={"preset": "none", "cgroup_switch": "1us", "timer_slack": "50us"})"),
        parse_setting("/machine/tick_jitter=0ns"), parse_setting("/faults={}")};
    if (seed % 2 == 0) {
        settings.push_back(parse_setting(R"(/machine/tick_offset={"step": "0ns"})"));
    }
    return read_scenario(fuzz_document(seed, settings), "-");
}

/// PAIRSIM_WORLDS, for a long check by hand; else @p usual.
std::uint64_t worlds_asked_for(std::uint64_t usual)
{
    const char* asked = std::getenv("PAIRSIM_WORLDS");
    return asked != nullptr ? std::stoull(asked) : usual;
}

} // namespace

TEST_CASE("random scenarios keep all rules: first part", "[simulator]")
{
    run_seeds(0, 75);
}

TEST_CASE("random scenarios keep all rules: second part", "[simulator]")
{
    run_seeds(75, 75);
}

TEST_CASE("random scenarios keep all rules: third part", "[simulator]")
{
    run_seeds(150, 75);
}

TEST_CASE("random scenarios keep all rules: fourth part", "[simulator]")
{
    run_seeds(225, 75);
}

TEST_CASE("ticks that change nothing leave no trace", "[simulator]")
{
    const std::uint64_t nr_worlds = worlds_asked_for(150);
    std::uint64_t nr_events = 0;
    std::uint64_t nr_events_each = 0;
    for (std::uint64_t seed = 0; seed < nr_worlds; ++seed) {
        const scenario s = on_a_free_machine(seed);
        checked_run skipping(s, false);
        checked_run each(s, false);
        each.sim().simulate_each_tick();
        skipping.run_to(s.duration);
        each.run_to(s.duration);
        CAPTURE(seed);
        REQUIRE(skipping.digest() == each.digest());
        REQUIRE(skipping.sim().unseed() == each.sim().unseed());
        REQUIRE(skipping.sim().useful_work_ns() == each.sim().useful_work_ns());
        nr_events += skipping.sim().nr_events();
        nr_events_each += each.sim().nr_events();
    }
    CHECK(nr_events < nr_events_each);
}
