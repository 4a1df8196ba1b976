// SPDX-License-Identifier: GPL-2.0-only
//
// Slices and ticks: task_tick_scx(), update_curr_scx(), yield_task_scx().
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// Two CPU hogs that share cpu0; a schedule() costs 1 us, so that no slice begins exactly at a tick.
struct two_hogs_on_one_cpu {
    explicit two_hogs_on_one_cpu(std::uint32_t hz, nanoseconds schedule_cost = 1us) : world(2)
    {
        world.config.hz = hz;
        world.set_cost(cost_kind::schedule, schedule_cost);
        world.use_scheduler(ops);
        mask = world.add_mask({cpu0});
    }
    pid add(std::vector<phase> program, nanoseconds at)
    {
        return world.add_task(root_cgroup, std::move(program), {at, cpu0, mask});
    }
    pid add_hog(nanoseconds at) { return add({run(a_long_time), again()}, at); }

    /// Instants at which cpu0 switched.
    std::vector<nanoseconds> switches() const
    {
        std::vector<nanoseconds> at;
        for (const auto& r : world.trace().find(record_kind::sched_switch, {.cpu = cpu0})) {
            at.push_back(r.at.time_since_epoch());
        }
        return at;
    }

    test_world world;
    puppet_sched ops;
    std::uint32_t mask;
};

} // namespace

TEST_CASE("two hogs take turns of a slice and a tick", "[task_tick_scx]")
{
    struct row {
        std::uint32_t hz;
        nanoseconds period;
    };
    const auto [hz, period] = GENERATE(row{100, 30ms}, row{250, 24ms}, row{1000, 21ms});
    two_hogs_on_one_cpu t(hz);
    t.add_hog(0ns);
    t.add_hog(0ns);
    t.world.run_to(1s);
    const auto at = t.switches();
    REQUIRE(at.size() > 30);
    CHECK(at[0] == 1us);
    for (std::size_t i = 1; i < at.size(); ++i) {
        CHECK(at[i] - at[i - 1] == period);
    }
}

TEST_CASE("a slice that began between ticks ends at the first tick after it is used up", "[task_tick_scx]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    const nanoseconds begin = GENERATE(0ns, 1ns, 1'500'000ns, 3'999'999ns, 4'000'000ns);
    t.add_hog(begin);
    t.add_hog(begin);
    t.world.run_to(60ms);
    const auto at = t.switches();
    REQUIRE(at.size() >= 2);
    CHECK(at[0] == begin);
    // Used up exactly at a tick: that tick sees it.
    const nanoseconds used_up = begin + 20ms;
    CHECK(at[1] == (used_up + 4ms - 1ns) / 4ms * 4ms);
}

TEST_CASE("a lone hog keeps its CPU and gets a fresh slice each time", "[task_tick_scx]")
{
    two_hogs_on_one_cpu t(250);
    t.add_hog(0ns);
    t.world.run_to(241ms);
    CHECK(t.switches().size() == 1);
    CHECK(t.world.trace().count(record_kind::keep_prev, {.reason = as_reason(keep_reason::refilled)}) == 10);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 1 + 10);
}

TEST_CASE("a task that blocks and comes back has a fresh slice only if it was dispatched anew", "[update_curr_scx]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    const pid task = t.add({run(5ms), sleep(1ms), run(a_long_time), again()}, 0ns);
    t.world.run_to(4ms);
    CHECK(t.world.task(task).slice == 16ms);
    t.world.run_to(7ms);
    CHECK(t.world.task(task).slice == 20ms);
    t.world.run_to(24ms); // 18 ms of it
    CHECK(t.world.trace().count(record_kind::slice_end) == 0);
    t.world.run_to(28ms);
    CHECK(t.world.trace().count(record_kind::slice_end) == 1);
}

TEST_CASE("a task that yields gives its slice away", "[yield_task_scx]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    t.add({run(3ms), yield(), run(a_long_time), again()}, 0ns);
    t.add_hog(0ns);
    t.world.run_to(20ms);
    CHECK(t.world.lane(cpu0, 1ms, 6ms) == "aaabbb");
    const auto enqueued = t.ops.calls(op_kind::enqueue);
    REQUIRE(enqueued.size() == 3);
    CHECK(enqueued[2].arg == static_cast<std::uint32_t>(enqueue_reason::put_prev));
}

TEST_CASE("a task that yields alone goes on", "[yield_task_scx]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    const pid task = t.add({run(3ms), yield(), run(a_long_time), again()}, 0ns);
    t.world.run_to(3ms);
    CHECK(t.world.cpu(cpu0).curr == task);
    CHECK(t.world.task(task).slice == 20ms);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1); // its fork
}

TEST_CASE("ticks stand on each CPU's own grid and an idle CPU has none", "[sched_tick]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    w.config.tick_offset = {0ns, 1ms};
    const auto m0 = w.add_mask({cpu0});
    const auto m1 = w.add_mask({cpu1});
    w.add_task(root_cgroup, {run(a_long_time)}, {.at = 100us, .cpu = cpu0, .affinity = m0});
    w.add_task(root_cgroup, {run(a_long_time)}, {.at = 100us, .cpu = cpu1, .affinity = m1});
    w.add_task(root_cgroup, {run(1ms), sleep(50ms), again()}, {.at = 100us, .cpu = cpu1, .affinity = m1});
    w.run_to(100ms);
    for (const auto& r : w.trace().find(record_kind::slice_end)) {
        CHECK(r.at.time_since_epoch() % 4ms == (r.cpu == cpu0 ? 0ms : 1ms));
    }
    CHECK(w.trace().count(record_kind::slice_end, {.cpu = cpu0}) == 4);
}

TEST_CASE("jitter delays ticks without moving their grid", "[sched_tick]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    t.world.config.tick_jitter = duration_dist::uniform(1us, 3us);
    t.add_hog(0ns);
    t.add_hog(0ns);
    t.world.run_to(2s);
    const auto at = t.switches();
    REQUIRE(at.size() > 50);
    for (std::size_t i = 1; i < at.size(); ++i) {
        const nanoseconds late = at[i] % 4ms;
        CHECK(late >= 1us);
        CHECK(late <= 3us);
    }
}

TEST_CASE("lost time stretches a task's work, delays its ticks and is charged to its slice", "[update_curr_scx]")
{
    two_hogs_on_one_cpu t(250, 0ns);
    const pid task = t.add({run(10ms), exit_task()}, 0ns);
    t.world.work.lost_time.push_back(
        {.cpu = cpu0, .first = sim_time{2ms}, .length = duration_dist::constant(7ms), .interval = {}, .count = 1});
    t.world.run_to(9ms); // the ticks of 4 ms and 8 ms come now
    CHECK(t.world.task(task).slice == 11ms);
    t.world.run_to(30ms);
    const auto ended = t.world.trace().find(record_kind::task_exit, {.task = task});
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].at == sim_time{17ms});
}
