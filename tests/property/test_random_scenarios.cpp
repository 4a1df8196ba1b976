// SPDX-License-Identifier: GPL-2.0-only
//
// A few hundred random scenarios, with sanitizers: no rule of ours is broken, the counters of scx_pair agree with its
// queues, no task is lost, and a run in pieces is the run in one go. `pairsim fuzz` goes on from here.
#include <map>
#include <string>

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
