// SPDX-License-Identifier: GPL-2.0-only
//
// Ends of a scheduler: the watchdog, errors, cgroups that cannot be created; and how cgroups go.
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// A higher class holds cpu0 for ever; one task may run only there.
struct starved_task {
    explicit starved_task(nanoseconds runnable_at) : world(2)
    {
        world.use_scheduler(ops);
        world.add_higher(cpu0, 0ns, a_long_time);
        task = world.add_task(root_cgroup, {run(1ms), exit_task()},
                              {.at = runnable_at, .cpu = cpu0, .affinity = world.add_mask({cpu0})});
    }

    test_world world;
    puppet_sched ops;
    pid task;
};

} // namespace

TEST_CASE("a task that waits for more than 30 s is found by the next look of the watchdog", "[check_rq_for_timeouts]")
{
    struct row {
        nanoseconds runnable;
        nanoseconds found;
    };
    const auto r = GENERATE(row{0s, 45s}, row{1s, 45s}, row{15s - 1ns, 45s}, row{15s, 60s}, row{15s + 1ns, 60s});
    starved_task t(r.runnable);
    t.world.run_to(100s);
    const exit_info& info = t.world.sim().exit();
    CHECK(info.kind == exit_kind::error_stall);
    CHECK(info.at == sim_time{r.found});
    CHECK(info.arg0 == t.task.value);
    CHECK(nanoseconds{static_cast<std::int64_t>(info.arg1)} == r.found - r.runnable);
    CHECK(t.world.sim().ended());
}

TEST_CASE("the watchdog looks twice within its timeout", "[scx_watchdog_workfn]")
{
    starved_task t(1s);
    t.world.config.watchdog_timeout = 4s;
    t.world.run_to(100s);
    CHECK(t.world.sim().exit().at == sim_time{6s}); // at 2 s and at 4 s it has not waited for 4 s
}

TEST_CASE("moves and changes of affinity do not make a waiting task younger", "[set_task_runnable]")
{
    starved_task t(1s);
    const cgroup_id other = t.world.add_cgroup("other");
    t.world.add_outside({sim_time{20s}, cpu1, phase::op::move, t.task.value, other.value});
    t.world.add_outside({sim_time{40s}, cpu1, phase::op::set_affinity, t.task.value, 1});
    t.world.run_to(44s);
    CHECK(t.world.task(t.task).runnable_at == sim_time{1s});
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 3);
    t.world.run_to(46s);
    CHECK(t.world.sim().exit().kind == exit_kind::error_stall);
}

TEST_CASE("a task that runs now and then is never stalled", "[check_rq_for_timeouts]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    const auto only_cpu0 = w.add_mask({cpu0});
    for (int n = 0; n < 3; ++n) {
        w.add_hog(root_cgroup, {.at = 0ns, .cpu = cpu0, .affinity = only_cpu0});
    }
    w.run_to(100s);
    CHECK(w.sim().exit().kind == exit_kind::none);
}

TEST_CASE("a task that runs without a break is never stalled", "[check_rq_for_timeouts]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    const pid hog = w.add_hog(root_cgroup);
    w.run_to(100s);
    CHECK(w.task(hog).runnable_at == sim_time{});
    CHECK(w.sim().exit().kind == exit_kind::none);
}

TEST_CASE("the first error wins and its scheduler is called until it is disabled", "[scx_bpf_error]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    w.set_cost(cost_kind::disable, 40us);
    ops.on_op = [](const puppet_sched::call& c, kfuncs& k) {
        if (c.which == op_kind::enqueue) {
            k.error(c.task.value, 7, 8);
        }
        return false;
    };
    const cgroup_id parent = w.add_cgroup("parent");
    const cgroup_id child = w.add_cgroup("parent/child");
    const auto only_cpu0 = w.add_mask({cpu0});
    w.add_hog(child, {.at = 1ms, .affinity = only_cpu0});
    w.add_hog(child, {.at = 1ms + 20us, .affinity = only_cpu0});
    w.add_hog(child, {.at = 2ms, .affinity = only_cpu0});
    w.run_to(3ms);
    const exit_info& info = w.sim().exit();
    CHECK(info.kind == exit_kind::error_bpf);
    CHECK(info.code == 1);
    CHECK(info.arg0 == 7);
    CHECK(info.arg1 == 8);
    CHECK(info.at == sim_time{1ms});
    CHECK(ops.nr_calls(op_kind::enqueue) == 2); // the third comes too late
    CHECK(w.trace().count(record_kind::scx_error) == 1);

    const auto exits = ops.calls(op_kind::cgroup_exit); // children first, the root last
    REQUIRE(exits.size() == 3);
    CHECK(exits[0].arg == child.value);
    CHECK(exits[1].arg == parent.value);
    CHECK(exits[2].arg == root_cgroup.value);
    const auto ended = w.trace().find(record_kind::scx_exit);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].at == sim_time{1ms + 40us});
}

TEST_CASE("cgroups are initialised from the root down when the scheduler is enabled", "[scx_cgroup_init]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    w.add_cgroup("a");
    w.add_cgroup("a/b");
    w.add_cgroup("late");
    w.work.cgroups.back().create_at = sim_time{5ms};
    w.run_to(4ms);
    CHECK(ops.nr_calls(op_kind::cgroup_init) == 3);
    w.run_to(5ms);
    const auto inits = ops.calls(op_kind::cgroup_init);
    REQUIRE(inits.size() == 4);
    for (std::uint32_t i = 0; i < 4; ++i) {
        CHECK(inits[i].arg == i);
    }
}

TEST_CASE("more cgroups than MAX_CGRPS end the scheduler at enable", "[pair_cgroup_init]")
{
    test_world w(2);
    w.options.max_cgrps = 2;
    w.add_cgroup("a");
    w.add_cgroup("b");
    w.run_to(1ms);
    CHECK(w.sim().ended());
    CHECK(w.sim().exit().kind == exit_kind::error);
}

TEST_CASE("more cgroups than MAX_CGRPS at run time cannot be created", "[pair_cgroup_init]")
{
    test_world w(2);
    w.options.max_cgrps = 2;
    w.add_cgroup("a");
    const cgroup_id late = w.add_cgroup("b");
    w.work.cgroups.back().create_at = sim_time{1ms};
    w.add_hog(late, {.at = 2ms});
    w.run_to(3ms);
    CHECK_FALSE(w.sim().ended());
    REQUIRE(w.sim().warnings().size() == 2);
    CHECK(w.sim().warnings()[0] == "cgroup \"b\" was not created: EBUSY");
    CHECK(w.sim().warnings()[1] == "task \"task1\" was not forked: its cgroup does not exist");
}

// ---- removal ------------------------------------------------------------------------------------------------------

TEST_CASE("a cgroup goes a while after its removal is due and its last task has ended", "[scx_tg_offline]")
{
    test_world w(2);
    w.set_cost(cost_kind::cgroup_offline, 15ms);
    const cgroup_id empty = w.add_cgroup("empty");
    const cgroup_id busy = w.add_cgroup("busy");
    w.work.cgroups[empty.value].remove_at = sim_time{10ms};
    w.work.cgroups[busy.value].remove_at = sim_time{10ms};
    w.add_task(busy, {run(50ms), exit_task()});
    w.run_to(100ms);
    const auto exits = w.trace().find(record_kind::cgroup_exit);
    REQUIRE(exits.size() == 2);
    CHECK(exits[0].at == sim_time{25ms});
    CHECK(exits[0].a == empty.value);
    CHECK(exits[1].at == sim_time{65ms});
    CHECK(exits[1].a == busy.value);
}

TEST_CASE("a cgroup goes once its tasks have moved out, and no task may move in meanwhile", "[scx_tg_offline]")
{
    test_world w(2);
    w.set_cost(cost_kind::cgroup_offline, 15ms);
    const cgroup_id left = w.add_cgroup("left");
    w.work.cgroups[left.value].remove_at = sim_time{10ms};
    const pid task = w.add_task(left, {run(20ms), move_to(root_cgroup), run(5ms), move_to(left), run(a_long_time)});
    w.run_to(100ms);
    const auto exits = w.trace().find(record_kind::cgroup_exit);
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].at == sim_time{35ms});
    CHECK(w.task(task).cgroup == root_cgroup);
}

TEST_CASE("a cgroup goes although two moves of its task were under way at once", "[scx_tg_offline]")
{
    test_world w(4);
    w.set_cost(cost_kind::tick, 100us); // holds the lock of cpu0's runqueue: both movers wait for it
    const cgroup_id from = w.add_cgroup("from");
    const cgroup_id a = w.add_cgroup("a");
    const cgroup_id b = w.add_cgroup("b");
    w.work.cgroups[from.value].remove_at = sim_time{50ms};
    w.work.cgroups[a.value].remove_at = sim_time{50ms};
    const pid task = w.add_hog(from, {.cpu = cpu0});
    w.add_outside({sim_time{12ms + 10us}, cpu1, phase::op::move, task.value, a.value});
    w.add_outside({sim_time{12ms + 20us}, cpu2, phase::op::move, task.value, b.value});
    w.run_to(100ms);
    CHECK(w.task(task).cgroup == b);
    CHECK(w.trace().count(record_kind::cgroup_exit) == 2);
}

TEST_CASE("a cgroup goes although its task has ended while it was being moved", "[scx_tg_offline]")
{
    test_world w(4);
    w.set_cost(cost_kind::tick, 100us);
    w.set_cost(cost_kind::lock_handover, 100ns);
    const cgroup_id from = w.add_cgroup("from");
    const cgroup_id to = w.add_cgroup("to");
    w.work.cgroups[from.value].remove_at = sim_time{50ms};
    w.work.cgroups[to.value].remove_at = sim_time{50ms};
    const pid task = w.add_task(from, {run(12ms - 200us), exit_task()}, {.cpu = cpu0}); // ends with the tick of 12 ms
    w.add_outside({sim_time{12ms + 10us}, cpu1, phase::op::move, task.value, to.value});
    w.run_to(100ms);
    REQUIRE(w.trace().find(record_kind::task_exit).at(0).at == sim_time{12ms + 100us});
    CHECK(w.trace().count(record_kind::cgroup_exit) == 2);
}
