// SPDX-License-Identifier: GPL-2.0-only
//
// How a CPU gets its next task: balance_one(), finish_dispatch(), consume_dispatch_q(), put_prev_task_scx().
#include "sim/schedule.h"
#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

constexpr auto pc(schedule_pc p)
{
    return static_cast<std::uint8_t>(p);
}

/// Lists the tasks of a DSQ from its head.
std::vector<pid> tasks_on(scripted_machine& m, const dsq& queue)
{
    std::vector<pid> tasks;
    for (pid p = queue.first; p != idle_pid; p = m.task(p).dsq_next) {
        tasks.push_back(p);
    }
    return tasks;
}

/// Three CPUs that each run a task of their own, and one task that waits in the scheduler's FIFO with cpu1 as its CPU.
struct three_busy_cpus {
    explicit three_busy_cpus(kernel_profile profile = kernel_profile::knew) : world(3, profile)
    {
        group = world.add_cgroup("C1");
        for (const cpu_id c : {cpu0, cpu1, cpu2}) {
            running.push_back(world.add_hog(group, {.cpu = c}));
        }
        queued = world.add_hog(group, {.cpu = cpu1});
        spare = world.add_hog(group, {.cpu = cpu2});
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
        for (const pid p : running) {
            m->fork(p);
        }
        m->fork(queued);
        ops.forget_calls();
    }

    /// Queues one more task, on the runqueue of @p c.
    pid add_queued(cpu_id c) const
    {
        m->get().timer_expired(c, spare);
        m->task(spare).cpu = c;
        m->settle();
        REQUIRE(m->task(spare).cpu == c);
        return spare;
    }

    /// The next ops.dispatch inserts these instead of the FIFO's head.
    void next_dispatch_inserts(std::vector<pid> tasks, bool to_local = false)
    {
        ops.on_op = [this, tasks, to_local](const puppet_sched::call& c, kfuncs& k) {
            if (c.which != op_kind::dispatch) {
                return false;
            }
            for (const pid p : tasks) {
                k.dsq_insert(p, to_local, ops.slice);
            }
            ops.on_op = nullptr;
            return true;
        };
    }
    /// The task on @p c has used up its slice and the CPU looks for another.
    void expire(cpu_id c)
    {
        m->task(m->curr(c)).slice = nanoseconds{0};
        m->cpu(c).need_resched = 1;
    }

    test_world world;
    puppet_sched ops;
    cgroup_id group;
    std::vector<pid> running;
    pid queued, spare;
    std::unique_ptr<scripted_machine> m;
};

} // namespace

TEST_CASE("a task dequeued while a remote CPU waits for its runqueue stays where the dequeue put it",
          "[consume_remote_task]")
{
    three_busy_cpus t;
    scripted_machine& m = *t.m;
    m.block(cpu0);
    REQUIRE(m.run_to(cpu0, path::schedule, pc(schedule_pc::lock_source)));
    REQUIRE(m.task(t.queued).holding_cpu == cpu0);
    REQUIRE(m.state().lock(cpu0.value).owner == no_cpu); // its own runqueue is unlocked meanwhile

    m.get().begin_move(cpu2, t.queued, root_cgroup);
    SECTION("before the remote CPU asks for the lock")
    {
        REQUIRE(m.step(cpu2).what == step_result::kind::stepped); // has the lock, has dequeued
    }
    SECTION("while the remote CPU waits for the lock")
    {
        m.tick(cpu1);
        m.step(cpu1);
        m.step(cpu1); // the tick holds the lock until its step has ended
        REQUIRE(m.step(cpu2).what == step_result::kind::blocked);
        REQUIRE(m.step(cpu0).what == step_result::kind::blocked);
    }
    m.settle();
    CHECK(m.curr(cpu0) == t.queued); // found again through the FIFO
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 2);
    for (const cpu_id c : {cpu0, cpu1, cpu2}) {
        CHECK(m.state().lock(c.value).owner == no_cpu);
    }
}

namespace {

/// cpu0 is about to put `waiting`, whose CPU is cpu2, on the global DSQ and waits for that DSQ's lock, which cpu1 has.
void let_dispatch_wait(three_busy_cpus& t, pid waiting)
{
    t.m->block(cpu1);
    REQUIRE(t.m->run_to(cpu1, path::schedule, pc(schedule_pc::consume)));
    t.m->block(cpu0);
    t.next_dispatch_inserts({t.queued, waiting});
    REQUIRE(t.m->run_to(cpu0, path::schedule, pc(schedule_pc::flush)));
    t.m->step(cpu0);                                             // the first one is on the DSQ
    REQUIRE(t.m->step(cpu1).what == step_result::kind::blocked); // looks for a task there
    REQUIRE(t.m->step(cpu0).what == step_result::kind::blocked); // comes after it with the second
    REQUIRE(t.m->task(waiting).ops == ops_state::dispatching);
}

} // namespace

TEST_CASE("a move waits for a task that is on its way to a DSQ", "[ops_dequeue]")
{
    three_busy_cpus t;
    const pid waiting = t.add_queued(cpu2);
    let_dispatch_wait(t, waiting);
    t.m->get().begin_move(cpu2, waiting, root_cgroup);
    CHECK(t.m->run(cpu2) == step_result::kind::blocked);
    CHECK(t.m->task(waiting).cgroup == t.group);
    t.m->settle();
    CHECK(t.m->task(waiting).cgroup == root_cgroup);
    CHECK(t.m->trace().count(record_kind::dsq_insert, {.task = waiting, .reason = as_reason(insert_result::global)}) >=
          1);
    CHECK(t.m->curr(cpu1) == t.queued);
    CHECK(t.m->curr(cpu0) == waiting);
}

TEST_CASE("a task that must leave its CPU waits until it has reached its DSQ", "[move_queued_task]")
{
    three_busy_cpus t;
    const auto not_cpu2 = t.world.add_mask({cpu0, cpu1});
    const pid waiting = t.add_queued(cpu2);
    constexpr std::uint8_t at_leave = 2;
    t.m->get().begin_set_affinity(cpu2, waiting, not_cpu2);
    REQUIRE(t.m->run_to(cpu2, path::set_affinity, at_leave));
    let_dispatch_wait(t, waiting);
    CHECK(t.m->run(cpu2) == step_result::kind::blocked);
    t.m->settle();
    CHECK_FALSE(t.m->blocked(cpu2));
    CHECK(t.m->task(waiting).cpu != cpu2);
    CHECK(t.m->curr(cpu0) == waiting);
}

TEST_CASE("a CPU that waited for a DSQ's lock and finds the DSQ empty gives the lock back", "[consume_dispatch_q]")
{
    three_busy_cpus t;
    t.m->block(cpu1);
    t.m->block(cpu2);
    REQUIRE(t.m->run_to(cpu1, path::schedule, pc(schedule_pc::consume)));
    REQUIRE(t.m->run_to(cpu2, path::schedule, pc(schedule_pc::consume)));
    t.m->block(cpu0);
    t.next_dispatch_inserts({t.queued});
    REQUIRE(t.m->run_to(cpu0, path::schedule, pc(schedule_pc::flush)));
    t.m->step(cpu0);
    REQUIRE(t.m->step(cpu1).what == step_result::kind::blocked);
    REQUIRE(t.m->step(cpu2).what == step_result::kind::blocked);
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.queued); // first come
    CHECK(t.m->curr(cpu2) == idle_pid);
    CHECK(t.m->state().lock(3).owner == no_cpu); // the locks of three runqueues come before the DSQ's
}

TEST_CASE("a previous task that has slice left goes on and the scheduler is not asked", "[balance_one]")
{
    three_busy_cpus t;
    t.m->cpu(cpu0).need_resched = 1;
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.running[0]);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
    CHECK(t.m->trace().count(record_kind::keep_prev, {.reason = as_reason(keep_reason::slice_left)}) == 1);
    CHECK(t.m->cpu(cpu0).need_resched == 0);
}

TEST_CASE("a task on the local DSQ runs without a look at the global DSQ or the scheduler", "[balance_one]")
{
    three_busy_cpus t;
    const pid second = t.running[1];
    t.m->block(cpu1);
    t.next_dispatch_inserts({});
    t.m->run(cpu1); // idle; nothing was inserted
    t.m->get().timer_expired(cpu2, second);
    t.m->run(cpu2); // direct: to cpu1's local DSQ
    REQUIRE(t.m->task(second).on_dsq == dsq_kind::local);
    t.ops.forget_calls();
    t.m->settle();
    CHECK(t.m->curr(cpu1) == second);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a task on the global DSQ is consumed before ops.dispatch is called", "[balance_one]")
{
    three_busy_cpus t;
    const pid first = t.running[0];
    t.m->block(cpu0);
    t.next_dispatch_inserts({t.queued});
    REQUIRE(t.m->run_to(cpu0, path::schedule, pc(schedule_pc::flush)));
    t.m->step(cpu0); // the entry is on the global DSQ
    t.m->step(cpu0); // whose lock is free again
    t.ops.forget_calls();
    t.m->block(cpu2);
    t.m->run(cpu2);
    CHECK(t.m->curr(cpu2) == t.queued);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);

    t.m->run(cpu0); // its task was taken: it asks again, and finds the entry of the FIFO stale
    CHECK(t.m->curr(cpu0) == idle_pid);
    CHECK(t.m->task(first).queued == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) >= 1);
}

TEST_CASE("a CPU takes the first task of the global DSQ that may run there and leaves the others in order",
          "[consume_dispatch_q]")
{
    three_busy_cpus t(GENERATE(kernel_profile::k612, kernel_profile::knew));
    test_world& w = t.world;
    const auto only_cpu1 = w.add_mask({cpu1});
    const auto not_cpu0 = w.add_mask({cpu1, cpu2});
    const pid a = w.add_hog(t.group, {.cpu = cpu1, .affinity = only_cpu1});
    const pid b = w.add_hog(t.group, {.cpu = cpu2, .affinity = not_cpu0});
    const pid c = w.add_hog(t.group, {.cpu = cpu1});
    const pid d = w.add_hog(t.group, {.cpu = cpu1});
    puppet_sched& ops = t.ops;
    t.m = std::make_unique<scripted_machine>(w.config, w.work, ops);
    for (const pid p : {t.running[0], t.running[1], t.running[2], a, b, c, d}) {
        t.m->fork(p);
    }
    t.next_dispatch_inserts({a, b, c, d});
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == c);
    CHECK(t.m->task(c).cpu == cpu0);
    CHECK(tasks_on(*t.m, t.m->state().global_dsq(node_id{0})) == std::vector<pid>{a, b, d});
    CHECK(t.m->ipis().empty()); // nobody is told that tasks wait there

    t.m->block(cpu2);
    t.m->run(cpu2);
    CHECK(t.m->curr(cpu2) == b);
}

TEST_CASE("a task whose CPU this is is consumed without a look at its affinity", "[consume_dispatch_q]")
{
    three_busy_cpus t;
    const auto only_cpu2 = t.world.add_mask({cpu2});
    t.next_dispatch_inserts({t.queued});
    t.m->block(cpu1);
    REQUIRE(t.m->run_to(cpu1, path::schedule, pc(schedule_pc::flush)));
    t.m->task(t.queued).affinity = only_cpu2;
    t.m->run(cpu1);
    CHECK(t.m->curr(cpu1) == t.queued);
}

TEST_CASE("a consumed task changes its CPU without a call of the scheduler", "[consume_remote_task]")
{
    three_busy_cpus t;
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.queued);
    CHECK(t.m->task(t.queued).cpu == cpu0);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 1);
    const auto consumed = t.m->trace().find(record_kind::consume);
    REQUIRE(consumed.size() == 1);
    CHECK(consumed[0].a == cpu1.value);
}

TEST_CASE("tasks go to the global DSQ of their own CPU's node and are consumed only there", "[find_global_dsq]")
{
    test_world w(2);
    w.config.cpus[1].node = node_id{1};
    w.config.cpus[1].llc = 1;
    const pid here = w.add_hog(root_cgroup, {.cpu = cpu0});
    const pid there = w.add_hog(root_cgroup, {.cpu = cpu1});
    const pid queued = w.add_hog(root_cgroup, {.cpu = cpu1});
    puppet_sched ops;
    scripted_machine m(w.config, w.work, ops);
    for (const pid p : {here, there, queued}) {
        m.fork(p);
    }
    ops.forget_calls();
    m.block(cpu0);
    m.run(cpu0);
    CHECK(m.curr(cpu0) == idle_pid);
    CHECK(ops.nr_calls(op_kind::dispatch) == 2); // an insert, nothing to take, and again
    CHECK(tasks_on(m, m.state().global_dsq(node_id{1})) == std::vector<pid>{queued});
    CHECK(m.ipis().empty());

    m.block(cpu1);
    m.run(cpu1);
    CHECK(m.curr(cpu1) == queued);
    CHECK(ops.nr_calls(op_kind::dispatch) == 2);
}

TEST_CASE("an insert of a task that is not queued is ignored but refills its slice", "[finish_dispatch]")
{
    three_busy_cpus t;
    const pid running = t.running[1];
    const pid sleeping = t.running[2];
    t.m->block(cpu2);
    t.next_dispatch_inserts({});
    t.m->run(cpu2);
    t.m->task(running).slice = 5ms;
    t.m->task(sleeping).slice = 6ms;

    const pid stale = GENERATE_COPY(running, sleeping);
    t.next_dispatch_inserts({stale});
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->trace().count(record_kind::dsq_insert, {.task = stale, .reason = as_reason(insert_result::ignored)}) ==
          1);
    CHECK(t.m->task(running).slice == (stale == running ? 20ms : 5ms));
    CHECK(t.m->task(sleeping).slice == (stale == sleeping ? 20ms : 6ms));
    CHECK(t.m->curr(cpu0) == t.queued); // an ignored insert counts: the scheduler is asked again
    CHECK(t.ops.calls(op_kind::dispatch).back().cpu == cpu0);
}

TEST_CASE("an insert is ignored if the task was enqueued anew before the flush", "[finish_dispatch]")
{
    three_busy_cpus t;
    t.m->block(cpu0);
    REQUIRE(t.m->run_to(cpu0, path::schedule, pc(schedule_pc::flush)));
    const auto qseq = t.m->task(t.queued).qseq;
    t.m->get().begin_move(cpu2, t.queued, root_cgroup);
    t.m->run(cpu2);
    REQUIRE(t.m->task(t.queued).qseq == qseq + 1);
    t.m->run(cpu0);
    CHECK(t.m->trace().count(record_kind::dsq_insert, {.reason = as_reason(insert_result::ignored)}) == 1);
    CHECK(t.m->trace().count(record_kind::dsq_insert, {.reason = as_reason(insert_result::global)}) == 1);
    CHECK(t.m->curr(cpu0) == t.queued);
}

TEST_CASE("a dispatcher waits for an enqueue that is still under way", "[finish_dispatch]")
{
    three_busy_cpus t;
    const pid sleeper = t.running[2];
    t.m->block(cpu2);
    t.m->run(cpu2); // now runs the queued task
    REQUIRE(t.m->curr(cpu2) == t.queued);
    constexpr std::uint8_t op_has_returned = 1;
    t.m->get().timer_expired(cpu2, sleeper);
    REQUIRE(t.m->run_to(cpu2, path::enqueue, op_has_returned)); // its pid is in the FIFO already
    REQUIRE(t.m->task(sleeper).ops == ops_state::queueing);
    REQUIRE(t.ops.fifo().front() == sleeper);

    t.m->block(cpu0);
    CHECK(t.m->run(cpu0) == step_result::kind::blocked);
    CHECK(t.m->cpu(cpu0).waiting_for == (spin_on_task | sleeper.value));
    t.m->settle();
    CHECK(t.m->curr(cpu0) == sleeper);
}

TEST_CASE("a dispatcher that waits for an enqueue goes on as soon as that has ended", "[finish_dispatch]")
{
    three_busy_cpus t;
    constexpr std::uint8_t op_has_returned = 1;
    t.m->get().begin_move(cpu2, t.queued, root_cgroup);
    REQUIRE(t.m->run_to(cpu2, path::enqueue, op_has_returned));
    t.m->block(cpu0);
    REQUIRE(t.m->run(cpu0) == step_result::kind::blocked);
    t.m->step(cpu2); // QUEUEING -> QUEUED
    CHECK_FALSE(t.m->blocked(cpu0));
    t.m->settle();
    CHECK(t.m->curr(cpu0) == t.queued);
}

TEST_CASE("a stale entry of the previous task lets it go on after one dispatch", "[balance_one]")
{
    three_busy_cpus t(GENERATE(kernel_profile::k612, kernel_profile::k619, kernel_profile::knew));
    t.expire(cpu0);
    t.next_dispatch_inserts({t.running[0]});
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.running[0]);
    CHECK(t.m->task(t.running[0]).slice == 20ms);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 1);
    CHECK(t.m->trace().count(record_kind::keep_prev, {.reason = as_reason(keep_reason::slice_left)}) == 1);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
}

TEST_CASE("a previous task without slice goes on with a fresh one if there is nothing else", "[balance_one]")
{
    three_busy_cpus t(GENERATE(kernel_profile::k612, kernel_profile::k619, kernel_profile::knew));
    t.next_dispatch_inserts({});
    t.expire(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.running[0]);
    CHECK(t.m->task(t.running[0]).slice == 20ms);
    CHECK(t.m->trace().count(record_kind::keep_prev, {.reason = as_reason(keep_reason::refilled)}) == 1);
    CHECK(t.m->trace().count(record_kind::sched_switch, {.cpu = cpu0}) == 1); // only its first
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
}

TEST_CASE("with SCX_OPS_ENQ_LAST the last task is enqueued and the CPU idles", "[balance_one]")
{
    puppet_sched ops;
    ops.flags.enq_last = true;
    test_world w(2);
    const pid only = w.add_hog(root_cgroup);
    scripted_machine m(w.config, w.work, ops);
    m.fork(only);
    m.task(only).slice = nanoseconds{0};
    m.cpu(cpu0).need_resched = 1;
    m.run(cpu0);
    CHECK(m.curr(cpu0) == idle_pid);
    REQUIRE(ops.nr_calls(op_kind::enqueue) == 1);
    CHECK(ops.calls(op_kind::enqueue)[0].arg == static_cast<std::uint32_t>(enqueue_reason::last));
}

TEST_CASE("a previous task that is replaced is enqueued after its successor has been chosen", "[put_prev_task_scx]")
{
    three_busy_cpus t;
    t.expire(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.queued);
    const auto enqueued = t.ops.calls(op_kind::enqueue);
    REQUIRE(enqueued.size() == 1);
    CHECK(enqueued[0].task == t.running[0]);
    CHECK(enqueued[0].arg == static_cast<std::uint32_t>(enqueue_reason::put_prev));
    CHECK(t.ops.fifo() == std::deque<pid>{t.running[0]}); // empty when the successor was taken
    CHECK(t.m->task(t.running[0]).ops == ops_state::queued);
    CHECK(t.m->task(t.running[0]).on_cpu == 0);
}

TEST_CASE("a blocked previous task leaves the runqueue and is not enqueued", "[put_prev_task_scx]")
{
    three_busy_cpus t;
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->task(t.running[0]).queued == 0);
    CHECK(t.ops.nr_calls(op_kind::enqueue) == 0);
    const auto switched = t.m->trace().find(record_kind::sched_switch, {.cpu = cpu0}).back();
    CHECK(switched.b == static_cast<std::uint32_t>(prev_state::sleeping));
}

TEST_CASE("the scheduler is asked 32 times at most, then the CPU kicks itself", "[balance_one]")
{
    three_busy_cpus t(GENERATE(kernel_profile::k612, kernel_profile::knew));
    unsigned nr_stale = 0;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs& k) {
        if (c.which != op_kind::dispatch) {
            return false;
        }
        if (nr_stale < 40) {
            ++nr_stale;
            k.dsq_insert(t.running[1], false, t.ops.slice); // runs elsewhere: ignored
        }
        return true;
    };
    t.m->block(cpu0);
    t.m->run(cpu0);
    const auto asked = t.m->trace().find(record_kind::dispatch, {.cpu = cpu0});
    REQUIRE(asked.size() == 41);
    CHECK(asked[31].a == 31);
    CHECK(asked[32].a == 0); // a new schedule(), which the kick has caused
    const auto kicks = t.m->trace().find(record_kind::kick_serviced, {.cpu = cpu0});
    REQUIRE(kicks.size() == 1);
    CHECK(kicks[0].a == cpu0.value);
    CHECK(t.m->curr(cpu0) == idle_pid);
}

TEST_CASE("a task picked from the local DSQ without slice gets a fresh one", "[pick_task_scx]")
{
    three_busy_cpus t;
    t.next_dispatch_inserts({t.queued});
    t.m->block(cpu1);
    REQUIRE(t.m->run_to(cpu1, path::schedule, pc(schedule_pc::pick)));
    t.m->task(t.queued).slice = nanoseconds{0}; // what a kick's PREEMPT can do only to a running task
    t.m->run(cpu1);
    CHECK(t.m->task(t.queued).slice == 20ms);
}

TEST_CASE("a dispatch to the local DSQ moves a task from another runqueue", "[dispatch_to_local_dsq]")
{
    three_busy_cpus t;
    t.next_dispatch_inserts({t.queued}, true);
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.queued);
    CHECK(t.m->task(t.queued).cpu == cpu0);
    CHECK(t.m->state().global_dsq(node_id{0}).nr == 0);
    CHECK(t.m->trace().count(record_kind::dsq_insert, {.reason = as_reason(insert_result::local)}) == 1);
}
