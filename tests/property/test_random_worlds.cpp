// SPDX-License-Identifier: GPL-2.0-only
//
// Thousands of random worlds: no rule of ours is broken, the counters of scx_pair agree with its queues, no task is
// lost, and the same seed gives the same run.
#include <map>
#include <string>

#include "sim/check.h"
#include "tests/property/world_run.h"
#include "tests/support/printers.h"
#include "tests/support/programs.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

struct outcome {
    std::string broken; ///< a rule; empty: all is well
    std::string digest;
    exit_kind exit = exit_kind::none;
    unsigned nr_quiet = 0;
};

/// Goes on from @p t to the next instant of rest, at most 100 us, checking the rules on the way.
std::string check_near(world_run& run, nanoseconds t)
{
    for (const nanoseconds end = t + 100us; t < end; t += 1500ns) {
        run.run_to(t);
        if (run.sim().ended()) {
            return {};
        }
        if (auto rule = run.broken_rule(); !rule.empty()) {
            return rule;
        }
        if (run.is_quiet()) {
            return {};
        }
    }
    return {};
}

outcome run_world(std::uint64_t seed, bool check_each_event)
{
    set_check_context("make_random_world(" + std::to_string(seed) + ") in tests/property");
    const random_world w = make_random_world(seed);
    world_run run(w, seed, check_each_event);
    constexpr int nr_stops = 12;
    outcome result;
    for (int n = 1; n <= nr_stops && !run.sim().ended() && result.broken.empty(); ++n) {
        result.broken = check_near(run, w.length * n / nr_stops);
    }
    result.exit = run.sim().exit().kind;
    result.nr_quiet = run.nr_quiet();
    result.digest = run.digest();
    if (result.exit == exit_kind::no_progress && !w.free_of_cost) {
        result.broken = "only a world without costs may stand still";
    }
    set_check_context({});
    return result;
}

/// Runs the worlds of [@p first, @p first + @p nr): every tenth with all checks after each event, every tenth twice.
void run_worlds(std::uint64_t first, std::uint64_t nr)
{
    std::map<exit_kind, unsigned> exits;
    unsigned nr_quiet = 0;
    for (std::uint64_t seed = first; seed < first + nr; ++seed) {
        const outcome result = run_world(seed, seed % 10 == 0);
        ++exits[result.exit];
        nr_quiet += result.nr_quiet;
        if (!result.broken.empty()) {
            CAPTURE(seed, result.broken);
            FAIL("a rule is broken in the world of this seed");
        }
        if (seed % 10 == 5 && run_world(seed, false).digest != result.digest) {
            CAPTURE(seed);
            FAIL("two runs of this seed differ");
        }
    }
    // The worlds are of use only if most of them live on and come to rest now and then.
    CHECK(exits[exit_kind::none] > nr / 2);
    CHECK(nr_quiet > nr * 4);
    CHECK(exits[exit_kind::no_progress] < nr / 100 + 1);
    CAPTURE(exits[exit_kind::error], exits[exit_kind::error_bpf], exits[exit_kind::hard_lockup]);
    CHECK(exits[exit_kind::error] + exits[exit_kind::error_bpf] + exits[exit_kind::hard_lockup] > 0);
}

} // namespace

TEST_CASE("random worlds keep all rules: first part", "[simulator]")
{
    run_worlds(0, 2500);
}

TEST_CASE("random worlds keep all rules: second part", "[simulator]")
{
    run_worlds(2500, 2500);
}

TEST_CASE("random worlds keep all rules: third part", "[simulator]")
{
    run_worlds(5000, 2500);
}

TEST_CASE("random worlds keep all rules: fourth part", "[simulator]")
{
    run_worlds(7500, 2500);
}
