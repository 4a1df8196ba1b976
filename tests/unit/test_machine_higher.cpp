// SPDX-License-Identifier: GPL-2.0-only
//
// Higher classes: when ops.cpu_release and ops.cpu_acquire are called, and what becomes of the task that gave way.
#include <memory>

#include "sim/schedule.h"
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

const auto all_profiles = {kernel_profile::k612, kernel_profile::k619, kernel_profile::knew};

/// cpu0 and cpu1 run a hog each, a third task waits in the FIFO.
struct higher_world {
    explicit higher_world(kernel_profile profile) : world(2, profile)
    {
        hog0 = world.add_hog(root_cgroup, {.cpu = cpu0});
        hog1 = world.add_hog(root_cgroup, {.cpu = cpu1});
        queued = world.add_hog(root_cgroup, {.cpu = cpu0});
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
        for (const pid p : {hog0, hog1, queued}) {
            m->fork(p);
        }
        ops.forget_calls();
    }

    /// The higher class is runnable on @p c, which has not scheduled yet.
    void wake_higher(cpu_id c, sched_class cls = sched_class::rt) const
    {
        m->higher_arrives(c, cls);
        m->step(c);
        m->step(c);
        REQUIRE(m->cpu(c).higher_runnable != 0);
    }
    void take(cpu_id c, sched_class cls = sched_class::rt) const
    {
        m->higher_arrives(c, cls);
        m->run(c);
        REQUIRE(m->curr(c) == higher_pid(cls));
    }
    void end(cpu_id c, sched_class cls = sched_class::rt) const
    {
        m->get().higher_done(c, cls);
        m->run(c);
    }

    test_world world;
    puppet_sched ops;
    pid hog0, hog1, queued;
    std::unique_ptr<scripted_machine> m;
};

} // namespace

TEST_CASE("a task that gives way with slice left waits at the head of its local DSQ", "[put_prev_task_scx]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    t.m->pass(5ms);
    bool queued_before_release = false;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs&) {
        queued_before_release = c.which == op_kind::cpu_release && t.m->task(t.hog0).on_dsq == dsq_kind::local;
        return false;
    };
    t.take(cpu0);
    CHECK(queued_before_release);
    CHECK(t.ops.nr_calls(op_kind::cpu_release) == 1);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
    CHECK(t.m->cpu(cpu0).local.first == t.hog0);
    CHECK(t.m->task(t.hog0).slice == 15ms);
    CHECK(t.m->trace().count(record_kind::local_insert, {.reason = as_reason(wake_path::preempted)}) == 1);
}

TEST_CASE("a task that gives way stands before what waits in its local DSQ already", "[put_prev_task_scx]")
{
    higher_world t(kernel_profile::k612);
    t.m->block(cpu1);
    t.m->run(cpu1); // runs `queued` now
    t.m->block(cpu1);
    t.m->run(cpu1);
    REQUIRE(t.m->curr(cpu1) == idle_pid);
    t.m->get().begin_wakeup(cpu0, t.queued, wake_reason::sync); // to cpu0's own local DSQ
    t.m->run(cpu0);
    REQUIRE(t.m->cpu(cpu0).local.first == t.queued);
    t.take(cpu0);
    CHECK(t.m->cpu(cpu0).local.first == t.hog0);
    CHECK(t.m->cpu(cpu0).local.last == t.queued);
    CHECK(t.m->task(t.queued).dsq_prev == t.hog0);
    t.end(cpu0);
    CHECK(t.m->curr(cpu0) == t.hog0);
}

TEST_CASE("a task that gives way without slice is enqueued before the CPU is released", "[put_prev_task_scx]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    higher_world t(profile);
    t.wake_higher(cpu0);
    t.m->task(t.hog0).slice = 0ms;
    std::vector<op_kind> order;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs&) {
        order.push_back(c.which);
        return false;
    };
    t.m->run(cpu0);
    if (profile == kernel_profile::k612) { // balances first: the queued task is in the local DSQ now
        CHECK(order == std::vector<op_kind>{op_kind::dispatch, op_kind::enqueue, op_kind::cpu_release});
        CHECK(t.m->cpu(cpu0).local.first == t.queued);
    } else {
        CHECK(order == std::vector<op_kind>{op_kind::enqueue, op_kind::cpu_release});
        CHECK(t.m->cpu(cpu0).local.nr == 0);
    }
    CHECK(t.ops.fifo().back() == t.hog0);
}

TEST_CASE("a CPU whose task blocks just before a higher class runs is released too", "[switch_class]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    higher_world t(profile);
    t.wake_higher(cpu0);
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.ops.nr_calls(op_kind::cpu_release) == 1);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == (profile == kernel_profile::k612 ? 1 : 0));
}

TEST_CASE("an episode of higher classes is released once and acquired once", "[switch_class]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    t.take(cpu0, sched_class::rt);
    t.take(cpu0, sched_class::stop);
    t.m->higher_arrives(cpu0, sched_class::dl);
    t.m->run(cpu0);
    t.end(cpu0, sched_class::stop);
    CHECK(t.m->curr(cpu0) == higher_pid(sched_class::dl));
    t.end(cpu0, sched_class::dl);
    CHECK(t.m->curr(cpu0) == higher_pid(sched_class::rt));
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 0);
    t.end(cpu0, sched_class::rt);
    CHECK(t.m->curr(cpu0) == t.hog0);
    REQUIRE(t.ops.nr_calls(op_kind::cpu_release) == 1);
    CHECK(t.ops.calls(op_kind::cpu_release)[0].arg == static_cast<std::uint32_t>(sched_class::rt));
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 1);

    t.take(cpu0);
    t.end(cpu0);
    CHECK(t.ops.nr_calls(op_kind::cpu_release) == 2);
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 2);
}

TEST_CASE("more work for a higher class that is runnable already is no second wake-up", "[try_to_wake_up]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    t.take(cpu0);
    t.m->higher_arrives(cpu0);
    CHECK_FALSE(t.m->get().has_kernel_work(cpu0));
}

TEST_CASE("the preempted task goes on with its rest after acquire and without a dispatch", "[balance_one]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    t.m->pass(5ms);
    t.take(cpu0);
    t.m->pass(3ms);
    t.end(cpu0);
    CHECK(t.m->curr(cpu0) == t.hog0);
    CHECK(t.m->task(t.hog0).slice == 15ms);
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 1);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("nobody takes a task from the local DSQ of a CPU that a higher class holds", "[consume_dispatch_q]")
{
    higher_world t(kernel_profile::knew);
    t.take(cpu0);
    for (int n = 0; n < 2; ++n) {
        t.m->block(cpu1);
        t.m->run(cpu1);
    }
    CHECK(t.m->curr(cpu1) == idle_pid);
    CHECK(t.m->cpu(cpu0).local.first == t.hog0);
}

TEST_CASE("acquire comes before dispatch, with or without an SCX task", "[balance_one]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    const bool work_left = GENERATE(true, false);
    t.wake_higher(cpu0);
    t.m->block(cpu0);
    t.m->run(cpu0);
    if (!work_left) {
        t.m->block(cpu1); // cpu1 takes the queued task
        t.m->run(cpu1);
    }
    std::vector<op_kind> order;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs&) {
        order.push_back(c.which);
        return false;
    };
    const bool waits_locally = t.m->cpu(cpu0).local.nr != 0; // K612 has dispatched before the episode
    t.end(cpu0);
    REQUIRE(!order.empty());
    CHECK(order[0] == op_kind::cpu_acquire);
    CHECK(order.size() == (waits_locally ? 1U : 2U));
    CHECK((t.m->curr(cpu0) == t.queued) == (work_left || waits_locally));
}

TEST_CASE("no release where a higher class takes an idle CPU, but 6.12 dispatches first", "[switch_class]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    test_world w(2, profile);
    const auto only_cpu0 = w.add_mask({cpu0});
    const pid task = w.add_hog(root_cgroup, {.cpu = cpu1, .affinity = only_cpu0});
    puppet_sched ops;
    scripted_machine m(w.config, w.work, ops);
    m.get().timer_expired(cpu1, task);
    m.run(cpu1);
    REQUIRE(ops.nr_calls(op_kind::enqueue) == 1);
    m.higher_arrives(cpu0); // before cpu0 has noticed the task
    m.run(cpu0);
    CHECK(is_higher(m.curr(cpu0)));
    CHECK(ops.nr_calls(op_kind::cpu_release) == 0);
    const bool k612 = profile == kernel_profile::k612;
    CHECK(ops.nr_calls(op_kind::dispatch) == (k612 ? 1 : 0));
    CHECK(m.cpu(cpu0).local.nr == (k612 ? 1 : 0));

    m.get().higher_done(cpu0, sched_class::rt);
    m.run(cpu0);
    CHECK(m.curr(cpu0) == task);
    CHECK(ops.nr_calls(op_kind::cpu_acquire) == 0);
    CHECK(ops.nr_calls(op_kind::dispatch) == 1);
}

TEST_CASE("an SCX task that goes idle is no release", "[switch_class]")
{
    higher_world t(GENERATE(from_range(all_profiles)));
    for (int n = 0; n < 2; ++n) {
        t.m->block(cpu0);
        t.m->run(cpu0);
    }
    CHECK(t.m->curr(cpu0) == idle_pid);
    CHECK(t.ops.nr_calls(op_kind::cpu_release) == 0);
}

TEST_CASE("work of higher classes is done in order of class and takes its time", "[pick_next_task]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    w.add_hog(root_cgroup, {.cpu = cpu0});
    w.add_higher(cpu0, 10ms, 6ms, sched_class::rt);
    w.add_higher(cpu0, 12ms, 2ms, sched_class::dl);
    w.add_higher(cpu0, 15ms, 1ms, sched_class::rt); // while rt still runs: more of the same episode
    w.run_to(30ms);
    const auto at = [&](nanoseconds t) { return w.trace().running(cpu0, sim_time{t}); };
    CHECK(at(9ms) == pid{1});
    CHECK(at(10ms) == higher_pid(sched_class::rt));
    CHECK(at(12ms) == higher_pid(sched_class::dl));
    CHECK(at(14ms) == higher_pid(sched_class::rt));
    CHECK(at(18'999'999ns) == higher_pid(sched_class::rt));
    CHECK(at(19ms) == pid{1});
    CHECK(ops.nr_calls(op_kind::cpu_release) == 1);
    CHECK(ops.nr_calls(op_kind::cpu_acquire) == 1);
}

// ---- scx_pair at the boundary -------------------------------------------------------------------------------------

TEST_CASE("a pair drains while a higher class holds one of its CPUs and goes on afterwards", "[pair_cpu_release]")
{
    test_world w(2, kernel_profile::knew);
    w.use_typical_costs();
    w.config.tick_offset = {0ns, 50us};
    const cgroup_id c1 = w.add_cgroup("C1");
    for (int n = 0; n < 4; ++n) {
        w.add_hog(c1, {.at = n * 1us, .cpu = cpu0});
    }
    w.add_higher(cpu0, 100ms, 50ms);
    w.run_to(99ms);
    CHECK(w.ctx(cpu0).active_mask == 3);
    w.run_to(101ms);
    CHECK(w.ctx(cpu0).preempted_mask == 1);
    CHECK(w.ctx(cpu0).active_mask == 0); // cpu1 was kicked, had to wait and keeps its task (R3)
    CHECK(w.ctx(cpu0).draining == 1);
    CHECK(w.counter(pair_counter::nr_preemptions) == 1);
    CHECK(is_task(w.cpu(cpu1).curr));
    w.run_to(149ms);
    CHECK(w.ctx(cpu0).preempted_mask == 1);
    CHECK(w.trace().count(record_kind::pair_adopt, {.from = sim_time{101ms}}) == 0);
    w.run_to(151ms);
    CHECK(w.ctx(cpu0).preempted_mask == 0);
    CHECK(w.trace().count(record_kind::pair_adopt, {.from = sim_time{150ms}}) >= 1);
}

TEST_CASE("a preempted CPU in 6.12 hangs until its partner leaves SCX", "[pair_cpu_release]")
{
    test_world w(2, kernel_profile::k612);
    w.use_typical_costs();
    w.config.tick_offset = {0ns, 50us};
    const cgroup_id c1 = w.add_cgroup("C1");
    for (int n = 0; n < 4; ++n) {
        w.add_hog(c1, {.at = n * 1us, .cpu = cpu0});
    }
    w.add_higher(cpu0, 100ms, 1ms);
    w.run_to(20s);
    CHECK(w.sim().exit().kind == exit_kind::hard_lockup);
    CHECK(w.sim().exit().cpu == cpu0);
}

TEST_CASE("revision tracepoint marks and clears a preempted CPU at the switch itself", "[sched_switch]")
{
    test_world w(2, kernel_profile::knew);
    w.options.revision = pair_revision::tracepoint;
    w.use_typical_costs();
    w.config.tick_offset = {0ns, 50us};
    const cgroup_id c1 = w.add_cgroup("C1");
    for (int n = 0; n < 4; ++n) {
        w.add_hog(c1, {.at = n * 1us, .cpu = cpu0});
    }
    w.add_higher(cpu0, 100ms, 1ms);
    w.add_higher(cpu0, 100'500us, 1ms, sched_class::dl); // nested: no second release
    w.run_to(101ms);
    CHECK(w.ctx(cpu0).preempted_mask == 1);
    CHECK(w.counter(pair_counter::nr_preemptions) == 1);
    w.run_to(110ms);
    CHECK(w.ctx(cpu0).preempted_mask == 0);
    CHECK(w.counter(pair_counter::nr_preemptions) == 1);
    CHECK(w.trace().count(record_kind::pair_acquire) == 1);
}
