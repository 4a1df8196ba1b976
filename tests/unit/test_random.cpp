// SPDX-License-Identifier: GPL-2.0-only
#include <bit>
#include <cstdint>
#include <set>
#include <vector>

#include "sim/random.h"
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

TEST_CASE("a draw is the first two words of Philox4x32-10", "[random]")
{
    // The known answers that come with Random123 (kat_vectors).
    CHECK(random_draw(0, random_purpose{0}, 0, 0) == 0xe169c58d6627e8d5U);
    CHECK(random_draw(~std::uint64_t{0}, random_purpose{0xffffffffU}, 0xffffffffU, ~std::uint64_t{0}) ==
          0x41c83b0e408f276dU);
    CHECK(random_draw(0x299f31d0a4093822U, random_purpose{0x03707344U}, 0x13198a2eU, 0x85a308d3243f6a88U) ==
          0x94fdccebd16cfe09U);
}

TEST_CASE("draws of a stream are the same on every platform", "[random]")
{
    const auto draw = [](std::uint64_t n) { return random_draw(42, random_purpose::phase_duration, 7, n); };
    CHECK(draw(0) == 0xe55410cc67ee6f2cU);
    CHECK(draw(1) == 0x600f6196e5dde940U);
    CHECK(draw(2) == 0xf000aacd24ecfc6eU);
    CHECK(draw(3) == 0x7e42d578945bcadaU);
}

TEST_CASE("the number of a purpose is part of every trace's digest", "[random]")
{
    CHECK(static_cast<unsigned>(random_purpose::phase_duration) == 0);
    CHECK(static_cast<unsigned>(random_purpose::timer_slack) == 1);
    CHECK(static_cast<unsigned>(random_purpose::tick_jitter) == 2);
    CHECK(static_cast<unsigned>(random_purpose::higher_length) == 3);
    CHECK(static_cast<unsigned>(random_purpose::higher_interval) == 4);
    CHECK(static_cast<unsigned>(random_purpose::lost_length) == 5);
    CHECK(static_cast<unsigned>(random_purpose::lost_interval) == 6);
    CHECK(static_cast<unsigned>(random_purpose::cgroup_offline) == 7);
    CHECK(static_cast<unsigned>(random_purpose::disable) == 8);
    CHECK(static_cast<unsigned>(random_purpose::unseed) == 9);
    CHECK(static_cast<unsigned>(random_purpose::task_start) == 10);
    CHECK(static_cast<unsigned>(random_purpose::cost) == 64);
}

TEST_CASE("seed, purpose, entity and number all make a difference", "[random]")
{
    std::set<std::uint64_t> seen;
    for (std::uint64_t seed : {0U, 1U}) {
        for (std::uint32_t purpose : {0U, 1U, 64U}) {
            for (std::uint32_t entity : {0U, 1U, 2U}) {
                for (std::uint64_t n : {0U, 1U, 2U, 3U}) {
                    seen.insert(random_draw(seed, random_purpose{purpose}, entity, n));
                }
            }
        }
    }
    CHECK(seen.size() == 2 * 3 * 3 * 4);
    CHECK(random_draw(1, random_purpose{0}, 0, 0) != random_draw(std::uint64_t{1} << 32U, random_purpose{0}, 0, 0));
    CHECK(random_draw(1, random_purpose{0}, 0, 1) != random_draw(1, random_purpose{0}, 0, std::uint64_t{1} << 32U));
}

TEST_CASE("each bit of a draw is set about half of the time", "[random]")
{
    constexpr int nr_draws = 20'000;
    std::vector<int> set(64);
    for (std::uint64_t n = 0; n < nr_draws; ++n) {
        const auto bits = random_draw(5, random_purpose::tick_jitter, 3, n);
        for (std::size_t b = 0; b < 64; ++b) {
            set[b] += static_cast<int>((bits >> b) & 1U);
        }
    }
    for (const int count : set) {
        CHECK(count > nr_draws / 2 - 350); // five standard deviations
        CHECK(count < nr_draws / 2 + 350);
    }
}

// ---- streams of a run ---------------------------------------------------------------------------------------------

namespace {

/// Two tasks with random phases, each alone on its CPU; the first draws one more duration if asked to.
std::vector<sim_time> sleeps_of_second(bool first_draws_more)
{
    test_world w(2);
    puppet_sched ops; // scx_pair would couple the CPUs by its kicks
    w.use_scheduler(ops);
    const phase random_run{.kind = phase::op::run, .duration = duration_dist::uniform(1ms, 3ms)};
    const phase random_sleep{.kind = phase::op::sleep, .duration = duration_dist::exponential(2ms, 10ms)};
    std::vector<phase> first{random_run, random_sleep};
    if (first_draws_more) {
        first.push_back(random_run);
    }
    first.push_back(again());
    w.config.costs[static_cast<std::size_t>(cost_kind::context_switch)] = duration_dist::uniform(100ns, 200ns);
    w.add_task(root_cgroup, first, {.cpu = cpu0}); // wakes up on its own idle CPU
    const pid second = w.add_task(root_cgroup, {random_run, random_sleep, again()}, {.cpu = cpu1});
    w.run_to(1s);
    std::vector<sim_time> at;
    for (const auto& r : w.trace().find(record_kind::sched_switch, {.cpu = cpu1})) {
        if (r.b == static_cast<std::uint32_t>(prev_state::sleeping) && r.a == second.value) {
            at.push_back(r.at);
        }
    }
    return at;
}

} // namespace

TEST_CASE("one more draw of one task changes no draw of another", "[random]")
{
    const auto without = sleeps_of_second(false);
    CHECK(without.size() > 150);
    CHECK((without == sleeps_of_second(true)));
}

TEST_CASE("another seed gives another run, the same seed the same", "[simulator]")
{
    const auto digest_of = [](std::uint64_t seed) {
        test_world w(2);
        w.seed = seed;
        w.config.tick_jitter = duration_dist::uniform(0ns, 3us);
        w.add_hog(root_cgroup);
        w.run_to(100ms);
        return std::pair{w.trace().records(), w.sim().unseed()};
    };
    CHECK(digest_of(1) == digest_of(1));
    CHECK_FALSE(digest_of(1) == digest_of(2));
}
