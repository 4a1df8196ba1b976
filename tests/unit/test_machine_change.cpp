// SPDX-License-Identifier: GPL-2.0-only
//
// Changes of a task behind the scheduler's back: cgroup moves, affinity, stale entries, exits.
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

/// Three CPUs run a hog each; `queued` waits in the FIFO on cpu1's runqueue.
struct change_world {
    explicit change_world(kernel_profile profile = kernel_profile::knew) : world(3, profile)
    {
        other = world.add_cgroup("other");
        only_cpu1 = world.add_mask({cpu1});
        not_cpu1 = world.add_mask({cpu0, cpu2});
        for (const cpu_id c : {cpu0, cpu1, cpu2}) {
            hogs.push_back(world.add_hog(root_cgroup, {.cpu = c}));
        }
        queued = world.add_hog(root_cgroup, {.cpu = cpu1});
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
        for (const pid p : hogs) {
            m->fork(p);
        }
        m->fork(queued);
        ops.forget_calls();
    }

    void move(pid task, cpu_id by = cpu0) const
    {
        m->get().begin_move(by, task, other);
        m->run(by);
    }
    void set_affinity(pid task, std::uint32_t mask, cpu_id by = cpu0) const
    {
        m->get().begin_set_affinity(by, task, mask);
        m->run(by);
    }
    /// The stopper of @p c gets the CPU and does its work.
    void run_stopper(cpu_id c) const
    {
        m->run(c);
        REQUIRE(m->curr(c) == higher_pid(sched_class::stop));
        m->get().begin_stopper(c, m->to_migrate().back());
        m->run(c);
        m->get().higher_done(c, sched_class::stop);
        m->settle();
    }
    move_state found(record_kind kind) const { return static_cast<move_state>(m->trace().find(kind).back().reason); }

    test_world world;
    puppet_sched ops;
    cgroup_id other;
    std::uint32_t only_cpu1, not_cpu1;
    std::vector<pid> hogs;
    pid queued;
    std::unique_ptr<scripted_machine> m;
};

} // namespace

TEST_CASE("a move of a queued task enqueues it again and leaves its old entry behind", "[sched_move_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.move(t.queued);
    CHECK(t.found(record_kind::task_move) == move_state::queued);
    CHECK(t.m->task(t.queued).cgroup == t.other);
    REQUIRE(t.ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(t.ops.calls(op_kind::enqueue)[0].arg == static_cast<std::uint32_t>(enqueue_reason::restore));
    CHECK(t.ops.fifo() == std::deque<pid>{t.queued, t.queued});
    CHECK(t.m->task(t.queued).qseq == 2);
    CHECK(t.m->task(t.queued).runnable_at == sim_time{});
    CHECK(t.m->ipis().empty());
}

TEST_CASE("a move of a running task lets it go on with its slice", "[sched_move_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->pass(5ms);
    t.move(t.hogs[1]);
    CHECK(t.found(record_kind::task_move) == move_state::running);
    CHECK(t.m->ipis() == std::vector<cpu_id>{cpu1}); // resched
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.hogs[1]);
    CHECK(t.m->task(t.hogs[1]).slice == 15ms);
    CHECK(t.m->task(t.hogs[1]).cgroup == t.other);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a move of a sleeping task is only noted", "[sched_move_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->block(cpu2);
    t.m->settle();
    t.ops.forget_calls();
    t.move(t.hogs[2]);
    CHECK(t.found(record_kind::task_move) == move_state::blocked);
    CHECK(t.m->task(t.hogs[2]).cgroup == t.other);
    CHECK(t.m->ipis().empty());
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
}

TEST_CASE("a task that moves leaves its DSQ and is enqueued", "[sched_move_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    const bool local = GENERATE(true, false);
    if (local) {
        t.m->higher_arrives(cpu1);
        t.m->settle();
    } else {
        t.m->block(cpu2);
        REQUIRE(t.m->run_to(cpu2, path::schedule, static_cast<std::uint8_t>(schedule_pc::flush)));
        t.m->step(cpu2);
        t.m->step(cpu2);
    }
    const pid task = local ? t.hogs[1] : t.queued;
    REQUIRE(t.m->task(task).on_dsq == (local ? dsq_kind::local : dsq_kind::global));
    t.ops.forget_calls();
    t.move(task);
    CHECK(t.m->task(task).on_dsq == dsq_kind::none);
    CHECK(t.m->task(task).ops == ops_state::queued);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1);
    t.m->settle();
    CHECK(t.m->curr(cpu2) == (local ? t.hogs[2] : t.queued)); // found again through its entries
}

TEST_CASE("a change of a queued task's affinity leaves a duplicate", "[set_cpus_allowed_ptr]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.set_affinity(t.queued, t.only_cpu1);
    CHECK(t.found(record_kind::task_affinity) == move_state::queued);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(t.ops.fifo() == std::deque<pid>{t.queued, t.queued});
    CHECK(t.m->task(t.queued).cpu == cpu1);
    CHECK(t.m->task(t.queued).runnable_at == sim_time{});
}

TEST_CASE("a queued task that must leave its CPU is enqueued there and once more where it goes", "[affine_move_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    const bool to_idle_cpu = GENERATE(true, false);
    if (to_idle_cpu) { // which finds nothing when it goes idle
        t.ops.on_op = [](const puppet_sched::call& c, kfuncs&) { return c.which == op_kind::dispatch; };
        t.m->block(cpu0);
        t.m->settle();
        t.ops.on_op = nullptr;
        t.ops.forget_calls();
    }
    t.set_affinity(t.queued, t.not_cpu1, cpu2);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 2);
    CHECK(t.ops.fifo().size() == 3);
    CHECK(t.m->task(t.queued).cpu == cpu0);
    CHECK(t.m->task(t.queued).migrating == 0);
    CHECK(t.m->ipis().size() == (to_idle_cpu ? 1 : 0)); // wakeup_preempt()
    t.m->settle();
    CHECK(t.m->curr(cpu0) == (to_idle_cpu ? t.queued : t.hogs[0]));
}

TEST_CASE("a queued task that may stay is enqueued again without a look at its CPU", "[set_cpus_allowed_ptr]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.ops.on_op = [](const puppet_sched::call& c, kfuncs&) { return c.which == op_kind::dispatch; };
    t.m->block(cpu1);
    t.m->settle();
    REQUIRE(t.m->curr(cpu1) == idle_pid);
    t.set_affinity(t.queued, t.only_cpu1);
    CHECK(t.m->ipis().empty());
}

TEST_CASE("an exiting task is enqueued on its local DSQ without the scheduler", "[do_enqueue_task]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->task(t.queued).state = life::dead; // as a task that is preempted between exit_signals() and its end
    t.m->task(t.queued).slice = 3ms;
    t.set_affinity(t.queued, t.only_cpu1);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.m->cpu(cpu1).local.first == t.queued);
    CHECK(t.m->task(t.queued).slice == 20ms);
}

TEST_CASE("a change of a running task's affinity is not seen by the scheduler", "[set_cpus_allowed_ptr]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.set_affinity(t.hogs[1], t.only_cpu1);
    t.m->settle();
    CHECK(t.found(record_kind::task_affinity) == move_state::running);
    CHECK(t.m->curr(cpu1) == t.hogs[1]);
    CHECK(t.m->to_migrate().empty());
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a running task that must leave its CPU is moved by the stopper", "[migration_cpu_stop]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.set_affinity(t.hogs[1], t.not_cpu1);
    REQUIRE(t.m->to_migrate() == std::vector<pid>{t.hogs[1]});
    t.run_stopper(cpu1);
    CHECK(t.m->task(t.hogs[1]).cpu == cpu0);
    CHECK(t.m->task(t.hogs[1]).ops == ops_state::queued);
    CHECK(t.ops.nr_calls(op_kind::cpu_release) == 1); // a full episode of a higher class
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 1);
    CHECK(t.m->curr(cpu1) == t.queued);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 1);
}

TEST_CASE("the stopper leaves a task alone that has gone to sleep or may stay again", "[migration_cpu_stop]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    const bool sleeps = GENERATE(true, false);
    t.set_affinity(t.hogs[1], t.not_cpu1);
    if (sleeps) {
        t.m->step(cpu1); // takes the interrupt
        t.m->step(cpu1);
        t.m->block(cpu1);
    } else {
        t.set_affinity(t.hogs[1], 0);
    }
    t.run_stopper(cpu1);
    CHECK(t.m->task(t.hogs[1]).cpu == cpu1);
    CHECK(t.m->task(t.hogs[1]).queued == (sleeps ? 0 : 1));
    CHECK(t.m->curr(cpu1) == (sleeps ? t.queued : t.hogs[1]));
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
}

TEST_CASE("a task goes where it may run when it wakes up", "[select_task_rq]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->block(cpu1);
    t.m->settle(); // cpu1 runs `queued`
    t.set_affinity(t.hogs[1], t.not_cpu1);
    t.m->get().timer_expired(cpu1, t.hogs[1]);
    t.m->settle();
    CHECK(t.m->task(t.hogs[1]).cpu == cpu0);
    CHECK(t.m->task(t.hogs[1]).ops == ops_state::queued);
}

TEST_CASE("a change waits for a task that is on its way to another runqueue", "[task_rq_lock]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->block(cpu2);
    REQUIRE(t.m->run_to(cpu2, path::schedule, static_cast<std::uint8_t>(schedule_pc::relock)));
    REQUIRE(t.m->task(t.queued).migrating == 1);
    t.m->get().begin_move(cpu0, t.queued, t.other);
    CHECK(t.m->run(cpu0) == step_result::kind::blocked);
    t.m->settle();
    CHECK(t.m->task(t.queued).cgroup == t.other);
    CHECK(t.m->task(t.queued).cpu == cpu2);
}

TEST_CASE("a mover that waited for the lock of a runqueue that the task has left takes the right one", "[task_rq_lock]")
{
    change_world t(GENERATE(from_range(all_profiles)));
    t.m->tick(cpu1);
    t.m->step(cpu1);
    t.m->step(cpu1); // holds the lock of cpu1's runqueue until its next step
    t.m->block(cpu2);
    REQUIRE(t.m->run_to(cpu2, path::schedule, static_cast<std::uint8_t>(schedule_pc::lock_source)));
    REQUIRE(t.m->step(cpu2).what == step_result::kind::blocked); // first in the queue for it
    t.m->get().begin_move(cpu0, t.queued, t.other);
    REQUIRE(t.m->run(cpu0) == step_result::kind::blocked); // second
    t.m->settle();
    CHECK(t.m->curr(cpu2) == t.queued);
    CHECK(t.m->task(t.queued).cgroup == t.other);
    CHECK(t.m->trace().find(record_kind::task_move).back().reason == as_reason(move_state::running));
    for (const cpu_id c : {cpu0, cpu1, cpu2}) {
        CHECK(t.m->state().lock(c.value).owner == no_cpu);
    }
}

// ---- scx_pair's FIFOs ---------------------------------------------------------------------------------------------

namespace {

/// Two CPUs run hogs of C1, `extra` is queued in C1, nobody is in C2.
struct stale_world {
    stale_world() : world(2)
    {
        world.config.tick_offset = {0ns, 100us}; // no two CPUs dispatch at one instant
        c1 = world.add_cgroup("C1");
        c2 = world.add_cgroup("C2");
        for (int n = 0; n < 2; ++n) {
            world.add_hog(c1, {.at = 1us + n * 1us});
        }
    }
    pid add_extra(std::vector<phase> program) { return world.add_task(c1, std::move(program), {.at = 5us}); }
    std::uint64_t queue_surplus()
    {
        return world.counter(pair_counter::nr_total) - world.counter(pair_counter::nr_dispatched) -
               world.counter(pair_counter::nr_missing);
    }

    test_world world;
    cgroup_id c1, c2;
};

} // namespace

TEST_CASE("a task moved while it is queued stands in the FIFOs of both cgroups", "[pair_enqueue]")
{
    stale_world t;
    const pid extra = t.add_extra({run(a_long_time), again()});
    t.world.add_outside({sim_time{1ms}, cpu0, phase::op::move, extra.value, t.c2.value});
    t.world.run_to(2ms);
    CHECK(t.world.counter(pair_counter::nr_total) == 2);
    CHECK(t.world.maps().len(1) == 1); // the root has index 0
    CHECK(t.world.maps().len(2) == 1);
    CHECK(t.queue_surplus() == t.world.maps().total_len());
    t.world.run_to(100ms); // one of the two was popped while the task was queued, the other is stale
    CHECK(t.queue_surplus() == t.world.maps().total_len());
    CHECK(t.world.trace().count(record_kind::sched_switch, {.task = extra}) >= 1);
}

TEST_CASE("a stale entry may run a task under the wrong cgroup", "[try_dispatch]")
{
    stale_world t;
    const pid extra = t.add_extra({run(a_long_time), again()});
    t.world.add_outside({sim_time{1ms}, cpu0, phase::op::move, extra.value, t.c2.value});
    t.world.run_to(40ms);
    const auto inserted = t.world.trace().find(record_kind::dsq_insert, {.task = extra});
    REQUIRE(!inserted.empty());
    CHECK(inserted[0].reason == as_reason(insert_result::global));
    const auto runs = t.world.trace().find(record_kind::pair_run, {.to = inserted[0].at});
    CHECK(runs.back().task.value == t.c1.value); // the pair was on C1 when it took the task of C2
    CHECK(t.world.task(extra).cgroup == t.c2);
}

TEST_CASE("an entry of a task that has ended is missing", "[try_dispatch]")
{
    stale_world t;
    const pid extra = t.add_extra({run(1us), exit_task()});
    t.world.add_hog(t.c1, {.at = 6us}); // two more that each CPU takes before it comes to the duplicate
    t.world.add_hog(t.c1, {.at = 7us});
    t.world.add_outside({sim_time{1ms}, cpu0, phase::op::set_affinity, extra.value, 0});
    t.world.run_to(200ms);
    CHECK(t.world.task(extra).state == life::dead);
    CHECK(t.world.counter(pair_counter::nr_missing) == 1);
    CHECK(t.world.trace().count(record_kind::pair_missing, {.task = extra}) == 1);
    CHECK(t.queue_surplus() == t.world.maps().total_len());
}

TEST_CASE("an entry of a sleeping task is dispatched in vain", "[try_dispatch]")
{
    stale_world t;
    const pid extra = t.add_extra({run(1us), sleep(1s), run(a_long_time)});
    t.world.add_hog(t.c1, {.at = 6us});
    t.world.add_hog(t.c1, {.at = 7us});
    t.world.add_outside({sim_time{1ms}, cpu0, phase::op::set_affinity, extra.value, 0});
    t.world.run_to(200ms);
    CHECK(t.world.task(extra).state == life::sleeping);
    CHECK(t.world.counter(pair_counter::nr_missing) == 0);
    CHECK(t.world.trace().count(record_kind::dsq_insert,
                                {.task = extra, .reason = as_reason(insert_result::ignored)}) == 1);
    CHECK(t.world.task(extra).slice == 20ms);
}
