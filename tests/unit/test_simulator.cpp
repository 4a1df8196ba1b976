// SPDX-License-Identifier: GPL-2.0-only
//
// The simulator as a driver: programs, speeds, sources of disturbance, the clock.
#include "sim/digest.h"
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// When @p task ended.
sim_time end_of(const test_world& w, pid task)
{
    const auto ended = w.trace().find(record_kind::task_exit, {.task = task});
    REQUIRE(ended.size() == 1);
    return ended[0].at;
}

} // namespace

TEST_CASE("a loop repeats as often as it says, and anew when an outer loop comes back", "[simulator]")
{
    test_world w(2);
    // 2 x (run 1 ms, 3 x (run 10 us, sleep 100 us)), where "n times" counts the jumps back
    const pid task =
        w.add_task(root_cgroup, {run(1ms), run(10us), sleep(100us), again(1, 2), again(0, 1), exit_task()});
    w.run_to(100ms);
    CHECK(end_of(w, task) == sim_time{2 * (1ms + 3 * 110us)});
}

TEST_CASE("phases without work take no time", "[simulator]")
{
    test_world w(2);
    const pid task = w.add_task(root_cgroup, {run(0ns), run(1ms), run(0ns), again(0, 3), exit_task()});
    w.run_to(100ms);
    CHECK(end_of(w, task) == sim_time{4ms});
}

TEST_CASE("a program that never uses time ends the run without progress", "[simulator]")
{
    test_world w(2);
    w.add_task(root_cgroup, {run(0ns), again()}, {.at = 1ms});
    w.run_to(2ms);
    CHECK(w.sim().exit().kind == exit_kind::no_progress);
    CHECK(w.sim().now() == sim_time{1ms});
}

TEST_CASE("a sleep is longer by the timer's slack", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::timer_slack, 50us);
    const pid task = w.add_task(root_cgroup, {run(1ms), sleep(2ms), run(1ms), exit_task()});
    w.run_to(100ms);
    CHECK(end_of(w, task) == sim_time{4ms + 50us});
}

TEST_CASE("an aligned sleep ends at the next multiple after it, as the timer wheel's do", "[simulator]")
{
    test_world w(2);
    phase aligned = sleep(100ms);
    aligned.align = 64ms;
    const pid task = w.add_task(root_cgroup, {run(1ms), aligned, run(1ms), exit_task()});
    w.run_to(1s);
    CHECK(end_of(w, task) == sim_time{128ms + 1ms}); // 101 ms, rounded up
}

TEST_CASE("a host is late with a timer while a CPU is busy, but not once all are idle", "[simulator]")
{
    test_world w(2);
    w.config.late_timer = duration_dist::constant(1ms);
    const nanoseconds hog_ends = GENERATE(3500us, 10ms); // the timer is due at 3 ms
    const pid sleeper = w.add_task(root_cgroup, {run(1ms), sleep(2ms), run(1ms), exit_task()});
    w.add_task(root_cgroup, {run(hog_ends), exit_task()}, {.cpu = cpu1});
    w.run_to(100ms);
    CHECK(end_of(w, sleeper) == sim_time{std::min<nanoseconds>(4ms, hog_ends) + 1ms});
}

TEST_CASE("a host is on time with timers of an idle machine and with coarse ones", "[simulator]")
{
    test_world w(2);
    w.config.late_timer = duration_dist::constant(1ms);
    const bool alone = GENERATE(true, false);
    phase coarse = sleep(2ms);
    coarse.align = alone ? 0ms : 4ms;
    const pid sleeper = w.add_task(root_cgroup, {run(1ms), coarse, run(1ms), exit_task()});
    if (!alone) {
        w.add_hog(root_cgroup, {.cpu = cpu1});
    }
    w.run_to(100ms);
    CHECK(end_of(w, sleeper) == sim_time{(alone ? 3ms : 4ms) + 1ms});
}

TEST_CASE("a timer's periods count from the task's start, and one that comes too late begins anew, or catches up",
          "[simulator]")
{
    const auto timer = [](bool catch_up) {
        return phase{.kind = phase::op::timer, .catch_up = catch_up, .duration = duration_dist::constant(10ms)};
    };
    test_world w(4);
    const pid in_time = w.add_task(root_cgroup, {run(1ms), timer(false), again(0, 2), exit_task()}, {.at = 2ms});
    const pid anew = w.add_task(root_cgroup, {run(25ms), timer(false), run(1ms), timer(false), exit_task()});
    const pid catches_up =
        w.add_task(root_cgroup, {run(25ms), timer(true), run(1ms), timer(true), run(1ms), timer(true), exit_task()});
    w.run_to(100ms);
    CHECK(end_of(w, in_time) == sim_time{2ms + 30ms});
    CHECK(end_of(w, anew) == sim_time{25ms + 10ms});
    CHECK(end_of(w, catches_up) == sim_time{30ms});
}

TEST_CASE("a sleep's system call is work of its task", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::syscall, 30us);
    const pid task = w.add_task(root_cgroup, {run(1ms), sleep(2ms), run(1ms), exit_task()});
    w.run_to(100ms);
    CHECK(end_of(w, task) == sim_time{4ms + 30us});
}

TEST_CASE("somebody outside can wake a task", "[simulator]")
{
    test_world w(2);
    phase wait;
    wait.kind = phase::op::wait;
    w.work.nr_channels = 1;
    const pid task = w.add_task(root_cgroup, {wait, run(1ms), exit_task()});
    w.work.outside.push_back({.at = sim_time{5ms}, .cpu = cpu_id{1}, .kind = phase::op::wake, .target = 0, .arg = 0});
    w.run_to(100ms);
    CHECK(end_of(w, task) == sim_time{6ms});
}

TEST_CASE("time that a host takes for want of a CPU is not taken while one idles", "[simulator]")
{
    const bool second_hog = GENERATE(false, true);
    test_world w(2);
    const pid task = w.add_task(root_cgroup, {run(10ms), exit_task()});
    if (second_hog) {
        w.add_task(root_cgroup, {run(100ms), exit_task()});
    }
    lost_time_source theft;
    theft.first = sim_time{5ms};
    theft.length = duration_dist::constant(2ms);
    theft.only_if_all_busy = true;
    w.work.lost_time.push_back(theft);
    w.run_to(50ms);
    CHECK(end_of(w, task) == sim_time{second_hog ? 12ms : 10ms});
}

TEST_CASE("two busy CPUs of a core slow each other down", "[simulator]")
{
    test_world w(4);
    puppet_sched ops; // scx_pair would let one of them wait
    w.use_scheduler(ops);
    w.config.smt_active = true;
    w.config.smt_speed_permille = 500;
    for (unsigned i = 0; i < 4; ++i) {
        w.config.cpus[i].core = static_cast<std::uint16_t>(i % 2);
    }
    const auto m0 = w.add_mask({cpu0});
    const auto m1 = w.add_mask({cpu1});
    const auto m2 = w.add_mask({cpu2}); // cpu0's sibling
    const pid slowed = w.add_task(root_cgroup, {run(10ms), exit_task()}, {.cpu = cpu0, .affinity = m0});
    const pid alone = w.add_task(root_cgroup, {run(10ms), exit_task()}, {.cpu = cpu1, .affinity = m1});
    const pid late = w.add_task(root_cgroup, {run(2ms), exit_task()}, {.at = 5'500us, .cpu = cpu2, .affinity = m2});
    w.run_to(100ms);
    CHECK(end_of(w, alone) == sim_time{10ms});
    CHECK(end_of(w, late) == sim_time{9'500us}); // 2 ms of work at half speed
    CHECK(end_of(w, slowed) == sim_time{12ms});  // 5.5 ms alone, 2 of work in 4 ms, 2.5 ms alone
}

TEST_CASE("a source of higher work arrives as often as it says", "[simulator]")
{
    test_world w(2);
    w.work.higher.push_back({.cpu = cpu1,
                             .cls = sched_class::dl,
                             .first = sim_time{2ms},
                             .length = duration_dist::constant(1ms),
                             .interval = duration_dist::constant(5ms),
                             .count = 3});
    w.run_to(40ms);
    CHECK(w.trace().count(record_kind::higher_arrive) == 3);
    CHECK(w.lane(cpu1, 1ms, 20ms) == "__#____#____#_______");
}

TEST_CASE("lost time stops a CPU in the middle of a step as well", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::schedule, 100us);
    w.work.lost_time.push_back({.cpu = cpu0,
                                .first = sim_time{1ms + 50us},
                                .length = duration_dist::constant(2ms),
                                .interval = {},
                                .count = 1});
    const pid task = w.add_task(root_cgroup, {run(1ms), exit_task()}, {.at = 1ms, .cpu = cpu0});
    w.run_to(40ms);
    const auto on = w.trace().find(record_kind::sched_switch, {.task = task});
    REQUIRE(on.size() == 1);
    CHECK(on[0].at == sim_time{3ms + 100us});
    CHECK(end_of(w, task) == sim_time{4ms + 100us});
}

TEST_CASE("a CPU that was waiting for a lock goes on when its lost time is over", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::tick, 100us); // holds the runqueue's lock
    const pid task = w.add_hog(root_cgroup, {.cpu = cpu0});
    w.add_outside({sim_time{12ms + 10us}, cpu1, phase::op::move, task.value, root_cgroup.value});
    w.work.lost_time.push_back({.cpu = cpu1,
                                .first = sim_time{12ms + 50us},
                                .length = duration_dist::constant(1ms),
                                .interval = {},
                                .count = 1});
    w.run_to(20ms);
    CHECK(w.trace().find(record_kind::task_move).at(0).at == sim_time{13ms + 50us});
}

TEST_CASE("a CPU's time is its task's work, the kernel's paths, and what was lost", "[simulator]")
{
    const nanoseconds stolen = GENERATE(0ns, 10ms);
    test_world w(2);
    w.use_typical_costs();
    w.add_hog(root_cgroup);
    if (stolen != 0ns) {
        w.work.lost_time.push_back({.cpu = cpu0,
                                    .first = sim_time{50ms},
                                    .length = duration_dist::constant(stolen),
                                    .interval = {},
                                    .count = 1});
    }
    w.run_to(55ms); // in the middle of what is lost, if something is
    CHECK(w.sim().kernel_time(cpu0) + nanoseconds{w.sim().useful_work_ns()} ==
          55ms - std::min<nanoseconds>(stolen, 5ms));
    w.run_to(100ms);
    const nanoseconds kernel = w.sim().kernel_time(cpu0);
    CHECK(kernel + nanoseconds{w.sim().useful_work_ns()} == 100ms - stolen);
    CHECK(kernel > 20us); // 24 ticks or more
    CHECK(w.sim().kernel_time(cpu1) == 0ns);
}

TEST_CASE("lost times of one source do not overlap", "[simulator]")
{
    test_world w(2);
    w.work.lost_time.push_back({.cpu = cpu0,
                                .first = sim_time{1ms},
                                .length = duration_dist::constant(2ms),
                                .interval = duration_dist::constant(1ms),
                                .count = 3});
    const pid task = w.add_task(root_cgroup, {run(2ms), exit_task()}, {.cpu = cpu0});
    w.run_to(20ms);
    const auto lost = w.trace().find(record_kind::lost_time);
    REQUIRE(lost.size() == 3);
    CHECK(lost[1].at == sim_time{3ms});
    CHECK(lost[2].at == sim_time{5ms});
    CHECK(end_of(w, task) == sim_time{8ms});
}

TEST_CASE("CPUs whose steps end at one instant go on in the order in which the steps began", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::schedule, 1us);
    w.add_hog(root_cgroup, {.cpu = cpu0, .affinity = w.add_mask({cpu0})});
    w.add_hog(root_cgroup, {.cpu = cpu1, .affinity = w.add_mask({cpu1})});
    puppet_sched ops;
    w.use_scheduler(ops);
    w.run_to(1ms);
    const auto switched = w.trace().find(record_kind::sched_switch);
    REQUIRE(switched.size() == 2);
    CHECK(switched[0].at == switched[1].at);
    CHECK(switched[0].cpu == cpu0);
}

TEST_CASE("a step that ends after the end of the run is not done", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::schedule, 100us);
    w.add_hog(root_cgroup, {.at = 1ms});
    w.run_to(1ms + 50us);
    CHECK(w.sim().now() == sim_time{1ms + 50us});
    CHECK(w.trace().count(record_kind::sched_switch) == 0);
    w.run_to(1ms + 100us);
    CHECK(w.trace().count(record_kind::sched_switch) == 1);
}

TEST_CASE("a CPU that waits with interrupts on takes them", "[simulator]")
{
    test_world w(2, kernel_profile::knew);
    puppet_sched ops;
    const auto only_cpu0 = w.add_mask({cpu0});
    w.add_hog(root_cgroup, {.cpu = cpu0});
    w.add_hog(root_cgroup, {.cpu = cpu1});
    const pid trigger = w.add_hog(root_cgroup, {.at = 1ms, .cpu = cpu0, .affinity = only_cpu0});
    const pid other = w.add_hog(root_cgroup, {.at = 3ms, .cpu = cpu0, .affinity = only_cpu0});
    w.work.lost_time.push_back({.cpu = cpu1, // which does not schedule meanwhile
                                .first = sim_time{500us},
                                .length = duration_dist::constant(9ms),
                                .interval = {},
                                .count = 1});
    ops.on_op = [&](const puppet_sched::call& c, kfuncs& k) {
        if (c.which == op_kind::enqueue && c.task == trigger) {
            k.kick_cpu(cpu1, kick_preempt | kick_wait);
        }
        return false;
    };
    w.use_scheduler(ops);
    w.run_to(20ms);
    CHECK(w.trace().find(record_kind::kick_wait_begin).at(0).at == sim_time{1ms});
    CHECK(w.trace().find(record_kind::kick_wait_end).at(0).at == sim_time{9'500us});
    CHECK(w.trace().find(record_kind::sched_waking, {.task = other}).at(0).at == sim_time{3ms});
}

TEST_CASE("what a process outside does waits until its CPU is out of the kernel", "[simulator]")
{
    test_world w(2);
    w.set_cost(cost_kind::schedule, 500us);
    const cgroup_id c1 = w.add_cgroup("C1");
    const pid task = w.add_hog(root_cgroup, {.cpu = cpu1});
    w.add_hog(root_cgroup, {.at = 2ms, .cpu = cpu0});
    w.add_outside({sim_time{2ms + 100us}, cpu0, phase::op::move, task.value, c1.value});
    w.run_to(10ms);
    const auto moved = w.trace().find(record_kind::task_move);
    REQUIRE(moved.size() == 1);
    CHECK(moved[0].at == sim_time{2ms + 500us});
    CHECK(moved[0].cpu == cpu0);
}

TEST_CASE("a change of a task that is not there (any more) does nothing", "[simulator]")
{
    test_world w(2);
    const cgroup_id c1 = w.add_cgroup("C1");
    const pid brief = w.add_task(root_cgroup, {run(1ms), exit_task()});
    const pid late = w.add_hog(root_cgroup, {.at = 20ms});
    w.add_outside({sim_time{5ms}, cpu0, phase::op::move, brief.value, c1.value});
    w.add_outside({sim_time{5ms}, cpu0, phase::op::set_affinity, late.value, 0});
    w.run_to(10ms);
    CHECK(w.trace().count(record_kind::task_move) == 0);
    CHECK(w.trace().count(record_kind::task_affinity) == 0);
}

TEST_CASE("the clock stands at the end of what was asked for, or at the end of the scheduler", "[simulator]")
{
    test_world w(2);
    w.run_to(7ms);
    CHECK(w.sim().now() == sim_time{7ms});
    w.run_to(7ms);
    CHECK(w.sim().now() == sim_time{7ms});
    CHECK_FALSE(w.sim().ended());
}

TEST_CASE("a run without a reader of its trace is the same run", "[simulator]")
{
    test_world w(4);
    w.use_typical_costs();
    for (int n = 0; n < 6; ++n) {
        w.add_task(root_cgroup, {run(3ms), sleep(1ms), yield(), again()}, {.at = n * 7us});
    }
    w.run_to(100ms);
    simulator silent(w.config, w.work, w.sched(), w.seed);
    silent.run_until(sim_time{100ms});
    CHECK(silent.the_machine().state() == w.state());
    CHECK(silent.nr_events() == w.sim().nr_events());
    CHECK(silent.unseed() == w.sim().unseed());
}

TEST_CASE("a digest depends on every record and on their order", "[trace_digest]")
{
    trace_record a{at_ns(1), cpu0, record_kind::kick, 2, pid{3}, 4, 5, -6};
    trace_record b = a;
    b.value = -7;
    const auto hex = [](std::initializer_list<trace_record> records) {
        trace_digest d;
        for (const trace_record& r : records) {
            d.on_records({&r, 1});
        }
        return d.hex();
    };
    CHECK(hex({a, b}) == hex({a, b}));
    CHECK(hex({a, b}) != hex({b, a}));
    CHECK(hex({a}) != hex({a, a}));
    CHECK(hex({}) == "99aa06d3014798d86001c324468d497f"); // XXH3-128 of nothing
    const auto bytes = canonical_bytes(a);
    const unsigned expected[] = {1, 0, 0, 0, 0, 0, 0, 0, 0,    0,   21,  2,   3,   0,   0,   0,
                                 4, 0, 0, 0, 5, 0, 0, 0, 0xfa, 255, 255, 255, 255, 255, 255, 255};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        CAPTURE(i);
        CHECK(std::to_integer<unsigned>(bytes[i]) ==
              (i == 10 ? static_cast<unsigned>(record_kind::kick) : expected[i]));
    }
}
