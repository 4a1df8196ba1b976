// SPDX-License-Identifier: GPL-2.0-only
//
// Wake-ups: where a woken task goes and whether the scheduler hears of it; try_to_wake_up(), do_enqueue_task().
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

// Positions of the path `wakeup`.
constexpr std::uint8_t at_select = 1;
constexpr std::uint8_t at_lock = 2;
// Position of the path `enqueue` when ops.enqueue has returned.
constexpr std::uint8_t op_has_returned = 1;

/// Three CPUs; each test says who runs where.
struct wake_world {
    explicit wake_world(kernel_profile profile) : world(3, profile)
    {
        only_cpu1 = world.add_mask({cpu1});
        not_cpu0 = world.add_mask({cpu1, cpu2});
        for (const cpu_id c : {cpu0, cpu1, cpu2}) {
            hogs.push_back(world.add_hog(root_cgroup, {.cpu = c}));
        }
        waker = hogs[0];
        woken = world.add_hog(root_cgroup, {.cpu = cpu1});
        pinned = world.add_hog(root_cgroup, {.cpu = cpu1, .affinity = only_cpu1});
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
    }

    /// Hogs run on the first @p nr CPUs.
    void occupy(std::size_t nr)
    {
        for (std::size_t i = 0; i < nr; ++i) {
            m->fork(hogs[i]);
        }
        ops.forget_calls();
    }
    void timer_wakes(pid task, cpu_id c) const { m->get().timer_expired(c, task); }
    /// The task that runs on @p c wakes @p task.
    void task_wakes(pid task, cpu_id c, bool sync) const
    {
        m->get().begin_wakeup(c, task, sync ? wake_reason::sync : wake_reason::task);
    }
    /// How the last wake-up ended.
    trace_record last_wakeup() const
    {
        const auto found = m->trace().find(record_kind::sched_wakeup);
        const auto forked = m->trace().find(record_kind::sched_wakeup_new);
        REQUIRE(found.size() + forked.size() > 0);
        return found.empty() || (!forked.empty() && forked.back().at > found.back().at) ? forked.back() : found.back();
    }
    wake_path path_of_last_wakeup() const { return static_cast<wake_path>(last_wakeup().reason); }

    test_world world;
    puppet_sched ops;
    std::uint32_t only_cpu1, not_cpu0;
    std::vector<pid> hogs;
    pid waker, woken, pinned;
    std::unique_ptr<scripted_machine> m;
};

/// The same, and `woken` has run on cpu1 and sleeps.
struct sleeper_world : wake_world {
    explicit sleeper_world(kernel_profile profile) : wake_world(profile)
    {
        m->fork(hogs[0]);
        m->fork(woken);
        REQUIRE(m->curr(cpu1) == woken);
        m->block(cpu1);
        m->settle();
        ops.forget_calls();
    }
};

} // namespace

TEST_CASE("a woken task for which an idle CPU is found goes there without the scheduler", "[select_task_rq_scx]")
{
    sleeper_world t(GENERATE(from_range(all_profiles)));
    t.m->task(t.woken).slice = 3ms;
    t.timer_wakes(t.woken, cpu0);
    t.m->run(cpu0);
    CHECK(t.path_of_last_wakeup() == wake_path::direct);
    CHECK(t.m->task(t.woken).slice == 20ms);
    CHECK(t.m->task(t.woken).on_dsq == dsq_kind::local);
    CHECK(t.m->task(t.woken).ops == ops_state::none);
    CHECK(t.m->ipis() == std::vector<cpu_id>{cpu1});
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.woken);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a sync wake-up in 6.12 goes to the waker's own local DSQ if any CPU is idle", "[select_task_rq_scx]")
{
    sleeper_world t(kernel_profile::k612);
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::direct_sync);
    CHECK(t.m->curr(cpu0) == t.waker); // not preempted
    CHECK(t.m->cpu(cpu0).local.first == t.woken);
    CHECK(t.m->curr(cpu1) == idle_pid);
    CHECK(test_cpu(t.m->state().idle_cpus(), cpu1)); // no idle bit is claimed
    t.m->block(cpu0);
    t.m->settle();
    CHECK(t.m->curr(cpu0) == t.woken);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a sync wake-up in mainline prefers an idle previous CPU", "[scx_select_cpu_dfl]")
{
    sleeper_world t(kernel_profile::knew);
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::direct);
    CHECK(t.m->curr(cpu1) == t.woken);
}

TEST_CASE("a sync wake-up in mainline takes the waker's CPU if the previous one is busy", "[scx_select_cpu_dfl]")
{
    sleeper_world t(kernel_profile::knew);
    t.m->fork(t.hogs[1]);
    REQUIRE(t.m->curr(cpu1) == t.hogs[1]);
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::direct_sync);
    CHECK(t.m->cpu(cpu0).local.first == t.woken);
}

TEST_CASE("a sync wake-up does not go to a waker's CPU where work waits already", "[scx_select_cpu_dfl]")
{
    const auto profile = GENERATE(kernel_profile::k612, kernel_profile::knew);
    sleeper_world t(profile);
    t.m->fork(t.hogs[1]); // cpu1 is busy, cpu2 idle
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    REQUIRE(t.m->cpu(cpu0).local.nr == 1);
    t.m->get().timer_expired(cpu1, t.hogs[2]);
    t.m->settle(); // cpu2 is busy too
    REQUIRE(t.m->curr(cpu2) == t.hogs[2]);
    t.m->block(cpu1);
    t.m->settle(); // cpu1 is idle
    t.task_wakes(t.hogs[1], cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::direct);
    CHECK(t.m->curr(cpu1) == t.hogs[1]);
}

TEST_CASE("a sync wake-up is like any other if no CPU is idle", "[scx_select_cpu_dfl]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(3);
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::queued);
    CHECK(t.m->cpu(cpu0).local.nr == 0);
}

TEST_CASE("a sync wake-up does not go to a CPU that the task may not use", "[scx_select_cpu_dfl]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(2);
    t.world.work.tasks[t.woken.value - 1].affinity = t.not_cpu0;
    t.task_wakes(t.woken, cpu0, true);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::direct);
    CHECK(t.m->curr(cpu2) == t.woken);
}

TEST_CASE("a woken task goes to the scheduler if no CPU is idle, and preempts nobody", "[do_enqueue_task]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(3);
    t.timer_wakes(t.woken, cpu1);
    t.m->settle();
    CHECK(t.path_of_last_wakeup() == wake_path::queued);
    CHECK(t.last_wakeup().a == cpu1.value);
    REQUIRE(t.ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(t.ops.calls(op_kind::enqueue)[0].arg == static_cast<std::uint32_t>(enqueue_reason::wakeup));
    CHECK(t.m->task(t.woken).ops == ops_state::queued);
    CHECK(t.m->task(t.woken).qseq == 1);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(t.m->curr(cpu_id{static_cast<std::uint16_t>(i)}) == t.hogs[i]);
    }
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a task with one allowed CPU always goes to the scheduler and its CPU is told if idle", "[select_task_rq]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    const bool idle = GENERATE(true, false);
    t.occupy(idle ? 1 : 2);
    t.timer_wakes(t.pinned, cpu0);
    t.m->run(cpu0);
    CHECK(t.path_of_last_wakeup() == wake_path::queued);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(t.m->ipis().size() == (idle ? 1 : 0));
    CHECK(test_cpu(t.m->state().idle_cpus(), cpu1) == idle); // its idle bit is not claimed
    t.m->settle();
    CHECK(t.m->curr(cpu1) == (idle ? t.pinned : t.hogs[1]));
    CHECK(t.ops.nr_calls(op_kind::dispatch) == (idle ? 1 : 0));
}

TEST_CASE("a wake-up to a CPU that a higher class holds does not disturb it", "[wakeup_preempt]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(1);
    t.m->higher_arrives(cpu1);
    t.m->settle();
    t.timer_wakes(t.pinned, cpu0);
    t.m->run(cpu0);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(t.m->ipis().empty());
    CHECK(t.m->cpu(cpu1).need_resched == 0);
}

TEST_CASE("with ops.select_cpu of the variant no task is dispatched directly", "[select_task_rq_scx]")
{
    test_world w(2);
    puppet_sched ops;
    ops.flags.select_cpu_prev = true;
    const pid task = w.add_hog(root_cgroup, {.cpu = cpu1});
    scripted_machine m(w.config, w.work, ops);
    m.fork(task);
    CHECK(m.curr(cpu1) == task);
    CHECK(ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(ops.nr_calls(op_kind::dispatch) == 1);
}

TEST_CASE("an idle CPU claimed by a waker may pick other work before the woken task arrives", "[do_enqueue_task]")
{
    sleeper_world t(GENERATE(from_range(all_profiles)));
    t.timer_wakes(t.woken, cpu0);
    REQUIRE(t.m->run_to(cpu0, path::wakeup, at_lock)); // cpu1's idle bit is claimed
    REQUIRE_FALSE(test_cpu(t.m->state().idle_cpus(), cpu1));
    t.timer_wakes(t.pinned, cpu1);
    t.m->run(cpu1);
    REQUIRE(t.m->curr(cpu1) == t.pinned);
    t.ops.forget_calls();
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.pinned);
    CHECK(t.m->cpu(cpu1).local.first == t.woken); // behind the other for up to a slice
    t.m->block(cpu1);
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.woken);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a claimed CPU for which no task came is idle again after it was rescheduled", "[pick_task_idle]")
{
    sleeper_world t(GENERATE(from_range(all_profiles)));
    clear_cpu(t.m->state().idle_cpus(), cpu1);
    t.m->cpu(cpu1).need_resched = 1;
    t.m->settle();
    CHECK(t.m->curr(cpu1) == idle_pid);
    CHECK(test_cpu(t.m->state().idle_cpus(), cpu1));
}

TEST_CASE("a wake-up of a task that has not left its runqueue only makes it run on", "[ttwu_runnable]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(2);
    t.m->block(cpu1); // asks to block, has not got the lock yet
    t.task_wakes(t.hogs[1], cpu0, false);
    t.m->run(cpu0);
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.hogs[1]);
    CHECK(t.m->task(t.hogs[1]).state == life::running);
    CHECK(t.m->trace().count(record_kind::sched_waking, {.task = t.hogs[1]}) == 1); // its fork
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
}

TEST_CASE("a wake-up waits for a task that is still being switched out", "[try_to_wake_up]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(2);
    t.m->block(cpu1);
    REQUIRE(t.m->run_to(cpu1, path::schedule, static_cast<std::uint8_t>(schedule_pc::finish)));
    REQUIRE(t.m->task(t.hogs[1]).on_cpu == 1);
    t.task_wakes(t.hogs[1], cpu0, false);
    CHECK(t.m->run(cpu0) == step_result::kind::blocked);
    t.m->run(cpu1);
    CHECK(t.m->task(t.hogs[1]).on_cpu == 0);
    CHECK(t.m->task(t.hogs[1]).awaited == 0);
    CHECK_FALSE(t.m->blocked(cpu0));
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.hogs[1]);
}

TEST_CASE("the scheduler sees the pid while its state is still QUEUEING", "[do_enqueue_task]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(3);
    ops_state during = ops_state::none;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs&) {
        during = t.m->task(c.task).ops;
        return false;
    };
    t.timer_wakes(t.woken, cpu1);
    REQUIRE(t.m->run_to(cpu1, path::enqueue, op_has_returned));
    CHECK(during == ops_state::queueing);
    CHECK(t.m->task(t.woken).ops == ops_state::queueing);
    t.m->run(cpu1);
    CHECK(t.m->task(t.woken).ops == ops_state::queued);
}

TEST_CASE("each enqueue has a number of its own", "[do_enqueue_task]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(3);
    t.timer_wakes(t.woken, cpu1);
    t.m->settle();
    for (std::uint32_t n = 2; n < 5; ++n) {
        t.m->get().begin_move(cpu0, t.woken, root_cgroup);
        t.m->settle();
        CHECK(t.m->task(t.woken).qseq == n);
    }
}

TEST_CASE("a change of affinity waits for a wake-up that has already chosen a CPU", "[set_cpus_allowed_ptr]")
{
    wake_world t(GENERATE(from_range(all_profiles)));
    t.occupy(1);
    t.timer_wakes(t.woken, cpu0);
    const std::uint8_t position = GENERATE(at_select, at_lock);
    REQUIRE(t.m->run_to(cpu0, path::wakeup, position));
    t.m->task(t.woken).cpu = cpu2;
    t.m->get().begin_set_affinity(cpu2, t.woken, t.only_cpu1);
    CHECK(t.m->run(cpu2) == step_result::kind::blocked);
    CHECK(t.m->task(t.woken).affinity == 0);
    t.m->settle();
    CHECK_FALSE(t.m->blocked(cpu2));
    CHECK(t.m->task(t.woken).affinity == t.only_cpu1);
    const bool moved = t.m->task(t.woken).cpu == cpu1;
    CHECK((moved || t.m->to_migrate() == std::vector<pid>{t.woken}));
}

TEST_CASE("of tasks woken at one instant on one CPU the first to expire comes first", "[hrtimer_interrupt]")
{
    wake_world t(kernel_profile::knew);
    t.occupy(3);
    t.timer_wakes(t.pinned, cpu1);
    t.timer_wakes(t.woken, cpu1);
    t.m->settle();
    CHECK(t.ops.fifo() == std::deque<pid>{t.pinned, t.woken});
}

TEST_CASE("programs wake each other through channels that keep tokens", "[try_to_wake_up]")
{
    test_world w(2);
    puppet_sched ops;
    w.use_scheduler(ops);
    w.work.nr_channels = 2;
    const auto m0 = w.add_mask({cpu0});
    const auto m1 = w.add_mask({cpu1});
    // The producer puts two tokens before the consumer asks for one; the third the consumer has to wait for.
    w.add_task(root_cgroup, {wake(0), wake(0), run(10ms), wake(0), run(a_long_time)}, {.affinity = m0});
    const pid consumer = w.add_task(
        root_cgroup, {run(1ms), wait_for(0), run(1ms), wait_for(0), run(1ms), wait_for(0), run(1ms), exit_task()},
        {.affinity = m1});
    w.run_to(30ms);
    CHECK(w.lane(cpu1, 1ms, 13ms) == "bbb_______b__");
    CHECK(w.trace().count(record_kind::sched_waking, {.task = consumer, .reason = as_reason(wake_reason::task)}) == 1);
    CHECK(w.trace().find(record_kind::task_exit, {.task = consumer}).at(0).at == sim_time{11ms});
}
