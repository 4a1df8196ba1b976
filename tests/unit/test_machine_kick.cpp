// SPDX-License-Identifier: GPL-2.0-only
//
// Kicks: scx_bpf_kick_cpu(), kick_cpus_irq_workfn(), and the three forms of SCX_KICK_WAIT.
#include <memory>

#include "tests/support/printers.h"
#include "tests/support/puppet_sched.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

enum class victim { idle, task, higher };

/// cpu0 runs a hog and kicks; cpu1 runs a hog, a higher class or nothing and is kicked.
struct kick_world {
    explicit kick_world(kernel_profile p, victim kind = victim::task, bool repaired = false) : profile(p), world(2, p)
    {
        world.config.repaired_kick_wait = repaired;
        hog0 = world.add_hog(root_cgroup, {.cpu = cpu0});
        hog1 = world.add_hog(root_cgroup, {.cpu = cpu1});
        queued = world.add_hog(root_cgroup, {.cpu = cpu1});
        m = std::make_unique<scripted_machine>(world.config, world.work, ops);
        m->fork(hog0);
        m->fork(hog1);
        if (kind == victim::idle) {
            m->block(cpu1);
        } else if (kind == victim::higher) {
            m->higher_arrives(cpu1);
        }
        m->settle();
        ops.forget_calls();
    }

    void request(cpu_id from, cpu_id target, int flags) const
    {
        kfuncs(m->get(), from).kick_cpu(target, static_cast<std::uint8_t>(flags));
    }
    /// Requests a kick and lets @p from serve it; says whether it is done or spins.
    step_result::kind kick(cpu_id from, cpu_id target, int flags) const
    {
        request(from, target, flags);
        return m->run(from);
    }
    /// The record of the last kick that was served.
    trace_record served() const { return m->trace().find(record_kind::kick_serviced).back(); }
    kick_effect effect() const { return static_cast<kick_effect>(served().reason); }
    bool waits(cpu_id c) const { return m->cpu(c).in_kick_wait != 0; }

    // What lets cpu1 pass, or not pass, a scheduling point.
    void keep_previous() const
    {
        m->task(m->curr(cpu1)).slice = nanoseconds{0};
        m->cpu(cpu1).need_resched = 1;
        m->run(cpu1);
    }
    void switch_to_another_task() const
    {
        m->get().timer_expired(cpu1, queued);
        m->run(cpu1);
        keep_previous();
        REQUIRE(m->curr(cpu1) == queued);
    }
    void go_idle() const
    {
        m->block(cpu1);
        m->run(cpu1);
        REQUIRE(m->curr(cpu1) == idle_pid);
    }
    void give_way_to_higher() const
    {
        m->higher_arrives(cpu1);
        m->run(cpu1);
        REQUIRE(is_higher(m->curr(cpu1)));
    }
    void higher_ends(cpu_id c) const
    {
        m->get().higher_done(c, sched_class::rt);
        m->run(c);
    }

    kernel_profile profile;
    test_world world;
    puppet_sched ops;
    pid hog0, hog1, queued;
    std::unique_ptr<scripted_machine> m;
};

const auto all_profiles = {kernel_profile::k612, kernel_profile::k619, kernel_profile::knew};

} // namespace

TEST_CASE("a kick does nothing to its target before its irq_work runs", "[scx_bpf_kick_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.request(cpu0, cpu1, kick_preempt);
    CHECK(t.m->task(t.hog1).slice == 20ms);
    CHECK(t.m->cpu(cpu1).need_resched == 0);
    CHECK(t.m->ipis().empty());
    t.m->run(cpu0);
    CHECK(t.m->task(t.hog1).slice == 0ms);
    CHECK(t.m->cpu(cpu1).need_resched == 1);
    CHECK(t.m->ipis() == std::vector<cpu_id>{cpu1});
}

TEST_CASE("a kick costs the self-IPI, a handler for its target, and the way out", "[kick_cpus_irq_workfn]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.request(cpu0, cpu1, kick_preempt);
    std::vector<cost_kind> costs;
    for (step_result s = t.m->step(cpu0); s.what == step_result::kind::stepped; s = t.m->step(cpu0)) {
        costs.push_back(s.cost);
    }
    CHECK(costs == std::vector{cost_kind::irq_work, cost_kind::kick_handler, cost_kind::irq_exit});
}

TEST_CASE("a kick with PREEMPT takes the slice of the SCX task that runs on its target", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.kick(cpu0, cpu1, kick_preempt);
    CHECK(t.effect() == kick_effect::slice_zeroed);
    CHECK(t.served().task == t.hog1);
    t.m->settle();
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 1);
    CHECK(t.m->curr(cpu1) == t.hog1); // nothing else to run
    CHECK(t.m->task(t.hog1).slice == 20ms);
}

TEST_CASE("a kick without PREEMPT does not make a running SCX task stop", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.kick(cpu0, cpu1, kick_none);
    CHECK(t.effect() == kick_effect::resched);
    t.m->settle();
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
    CHECK(t.m->trace().count(record_kind::keep_prev, {.reason = as_reason(keep_reason::slice_left)}) == 1);
}

TEST_CASE("a kicked idle CPU asks the scheduler for a task", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    const int flags = GENERATE(int{kick_none}, int{kick_preempt}, int{kick_idle});
    kick_world t(profile, victim::idle);
    t.m->task(t.hog1).slice = 7ms;
    t.kick(cpu0, cpu1, flags);
    CHECK(t.effect() == kick_effect::resched);
    t.m->settle();
    REQUIRE(t.ops.nr_calls(op_kind::dispatch) == 1);
    CHECK(t.ops.calls(op_kind::dispatch)[0].cpu == cpu1);
    CHECK(t.m->task(t.hog1).slice == 7ms);
}

TEST_CASE("a kick that wants an idle target leaves a busy one alone", "[kick_one_cpu_if_idle]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    const auto kind = GENERATE(victim::task, victim::higher);
    kick_world t(profile, kind);
    t.kick(cpu0, cpu1, kick_idle);
    CHECK(t.effect() == kick_effect::skipped);
    CHECK(t.m->cpu(cpu1).need_resched == 0);
}

TEST_CASE("a kick of a CPU that a higher class holds reschedules it in 6.12 only", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile, victim::higher);
    REQUIRE(t.m->task(t.hog1).slice == 20ms);
    t.kick(cpu0, cpu1, kick_preempt);
    const bool k612 = profile == kernel_profile::k612;
    CHECK(t.effect() == (k612 ? kick_effect::resched : kick_effect::skipped));
    CHECK((t.m->cpu(cpu1).need_resched != 0) == k612);
    CHECK(t.m->task(t.hog1).slice == 20ms);
    t.m->settle();
    CHECK(is_higher(t.m->curr(cpu1))); // it is picked again, without a balance
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
    CHECK(t.ops.nr_calls(op_kind::cpu_acquire) == 0);
}

TEST_CASE("a CPU may kick itself", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.kick(cpu0, cpu0, kick_preempt);
    CHECK(t.m->ipis().empty());
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 1);
    CHECK(t.m->curr(cpu0) == t.hog0);
}

TEST_CASE("a CPU that waits for itself does not wait", "[kick_cpus_irq_workfn]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    CHECK(t.kick(cpu0, cpu0, kick_preempt | kick_wait) == step_result::kind::base);
    CHECK_FALSE(t.waits(cpu0));
}

TEST_CASE("kicks of one target that are not served yet are merged", "[scx_bpf_kick_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.request(cpu0, cpu1, kick_preempt);
    t.request(cpu0, cpu1, kick_none);
    t.request(cpu0, cpu0, kick_none);
    t.m->run(cpu0);
    CHECK(t.m->trace().count(record_kind::kick_serviced, {.cpu = cpu0}) == 2); // one for each target
    CHECK(t.m->task(t.hog1).slice == 0ms);
    CHECK(t.m->task(t.hog0).slice == 20ms);
    CHECK(t.m->ipis().size() == 1);
}

TEST_CASE("a kick that was served leaves nothing for the next one", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.kick(cpu0, cpu1, kick_preempt);
    t.m->settle();
    REQUIRE(t.m->task(t.hog1).slice == 20ms);
    t.kick(cpu0, cpu1, kick_none);
    CHECK(t.effect() == kick_effect::resched);
    CHECK(t.m->task(t.hog1).slice == 20ms);
}

TEST_CASE("a kick hits whatever task runs when it is served", "[kick_one_cpu]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.request(cpu0, cpu1, kick_preempt);
    t.switch_to_another_task();
    t.m->run(cpu0);
    CHECK(t.served().task == t.queued);
    CHECK(t.m->task(t.queued).slice == 0ms);
}

TEST_CASE("a stale entry dispatched meanwhile gives the slice back and the kick is lost", "[scx_bpf_dsq_insert]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.kick(cpu0, cpu1, kick_preempt);
    REQUIRE(t.m->task(t.hog1).slice == 0ms);
    bool inserted = false;
    t.ops.on_op = [&](const puppet_sched::call& c, kfuncs& k) {
        if (c.which == op_kind::dispatch && c.cpu == cpu0 && !inserted) {
            inserted = true;
            k.dsq_insert(t.hog1, false, 20ms); // runs on cpu1
        }
        return false;
    };
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->task(t.hog1).slice == 20ms);
    t.ops.forget_calls();
    t.m->settle();
    CHECK(t.m->curr(cpu1) == t.hog1);
    CHECK(t.ops.nr_calls(op_kind::dispatch) == 0);
}

TEST_CASE("a CPU that is to reschedule anyway gets no second IPI", "[resched_curr]")
{
    kick_world t(kernel_profile::knew);
    t.kick(cpu0, cpu1, kick_none);
    t.kick(cpu0, cpu1, kick_preempt);
    CHECK(t.m->ipis().size() == 1);
    CHECK(t.m->task(t.hog1).slice == 0ms);
}

// ---- waits --------------------------------------------------------------------------------------------------------

TEST_CASE("in 6.12 a wait ends only when its target leaves SCX", "[kick_cpus_irq_workfn]")
{
    kick_world t(kernel_profile::k612);
    REQUIRE(t.kick(cpu0, cpu1, kick_wait) == step_result::kind::blocked);
    SECTION("it does not end while the target goes on with its task")
    {
        t.keep_previous();
        CHECK(t.m->blocked(cpu0));
    }
    SECTION("it does not end at a switch between SCX tasks")
    {
        t.switch_to_another_task();
        CHECK(t.m->blocked(cpu0));
    }
    SECTION("it ends when the target goes idle")
    {
        t.go_idle();
        CHECK(t.m->run(cpu0) == step_result::kind::base);
    }
    SECTION("it ends when a higher class takes the target")
    {
        t.give_way_to_higher();
        CHECK(t.m->run(cpu0) == step_result::kind::base);
    }
}

TEST_CASE("in 6.12 with a repaired wait it ends once its target has balanced", "[kick_cpus_irq_workfn]")
{
    kick_world t(kernel_profile::k612, victim::task, true);
    REQUIRE(t.kick(cpu0, cpu1, kick_wait) == step_result::kind::blocked);
    t.keep_previous();
    CHECK(t.m->run(cpu0) == step_result::kind::base);
}

TEST_CASE("in 6.12 a wait for a CPU that runs no SCX task lasts until one has run there and left", "[kick_one_cpu]")
{
    const auto kind = GENERATE(victim::idle, victim::higher);
    kick_world t(kernel_profile::k612, kind);
    REQUIRE(t.kick(cpu0, cpu1, kick_wait) == step_result::kind::blocked);
    t.m->deliver_ipis();
    t.m->run(cpu1); // idle to idle, or the higher class again
    CHECK(t.m->blocked(cpu0));
    if (kind == victim::higher) {
        t.higher_ends(cpu1); // back to hog1
        CHECK(t.m->curr(cpu1) == t.hog1);
    } else {
        t.m->get().timer_expired(cpu1, t.hog1);
        t.m->run(cpu1);
        CHECK(t.m->curr(cpu1) == t.hog1);
    }
    CHECK(t.m->blocked(cpu0));
    t.go_idle();
    CHECK(t.m->run(cpu0) == step_result::kind::base);
}

TEST_CASE("in 6.19 a wait ends at any scheduling point of its target", "[kick_cpus_irq_workfn]")
{
    kick_world t(kernel_profile::k619);
    REQUIRE(t.kick(cpu0, cpu1, kick_wait) == step_result::kind::blocked);
    SECTION("it picks its task again")
    {
        t.keep_previous();
    }
    SECTION("it switches to another SCX task")
    {
        t.switch_to_another_task();
    }
    SECTION("it goes idle")
    {
        t.go_idle();
    }
    SECTION("a higher class takes it")
    {
        t.give_way_to_higher();
    }
    CHECK(t.m->run(cpu0) == step_result::kind::base);
    CHECK(t.m->trace().count(record_kind::kick_wait_end, {.cpu = cpu0}) == 1);
}

TEST_CASE("later kernels do not wait for a CPU that runs no SCX task", "[kick_one_cpu]")
{
    const auto profile = GENERATE(kernel_profile::k619, kernel_profile::knew);
    const auto kind = GENERATE(victim::idle, victim::higher);
    kick_world t(profile, kind);
    CHECK(t.kick(cpu0, cpu1, kick_preempt | kick_wait) == step_result::kind::base);
    CHECK(t.m->trace().count(record_kind::kick_wait_begin) == 0);
    CHECK(t.kick(cpu0, cpu1, kick_none) == step_result::kind::base); // nothing stays of the request
    CHECK_FALSE(t.waits(cpu0));
}

TEST_CASE("a CPU that spins in the kick handler takes no interrupt", "[kick_cpus_irq_workfn]")
{
    const auto profile = GENERATE(kernel_profile::k612, kernel_profile::k619);
    kick_world t(profile);
    t.kick(cpu0, cpu1, kick_wait);
    t.m->pass(20ms);
    t.m->tick(cpu0);
    t.m->higher_arrives(cpu0);
    CHECK(t.m->run(cpu0) == step_result::kind::blocked);
    CHECK(t.m->curr(cpu0) == t.hog0);
    CHECK(t.m->task(t.hog0).slice == 20ms);
    t.go_idle();
    t.m->settle();
    CHECK(is_higher(t.m->curr(cpu0))); // all of it comes now
}

TEST_CASE("mainline waits after its next SCX pick and with interrupts on", "[kick_sync_wait_bal_cb]")
{
    kick_world t(kernel_profile::knew);
    t.m->task(t.hog0).slice = 15ms;
    REQUIRE(t.kick(cpu0, cpu1, kick_preempt | kick_wait) == step_result::kind::blocked);
    CHECK(t.waits(cpu0));
    CHECK(t.m->trace().count(record_kind::keep_prev, {.cpu = cpu0}) == 1); // the pick
    SECTION("it ends at the target's next pick")
    {
        t.m->settle();
        CHECK_FALSE(t.waits(cpu0));
        CHECK(t.m->curr(cpu1) == t.hog1);
    }
    SECTION("a tick that ends its slice does not make it schedule before the wait is over")
    {
        t.m->pass(16ms);
        t.m->tick(cpu0);
        CHECK(t.m->run(cpu0) == step_result::kind::blocked);
        CHECK(t.m->cpu(cpu0).need_resched == 1);
        CHECK(t.m->cpu(cpu0).depth == 1);
        t.m->settle();
        CHECK(t.m->cpu(cpu0).need_resched == 0);
        CHECK(t.m->cpu(cpu0).depth == 0);
    }
    SECTION("a tick is taken meanwhile")
    {
        t.m->pass(4ms);
        t.m->tick(cpu0);
        CHECK(t.m->run(cpu0) == step_result::kind::blocked);
        CHECK(t.m->task(t.hog0).slice == 11ms);
        CHECK(t.waits(cpu0));
    }
}

TEST_CASE("mainline does not wait while a higher class holds the kicking CPU", "[kick_cpus_irq_workfn]")
{
    kick_world t(kernel_profile::knew);
    t.m->higher_arrives(cpu0);
    t.m->run(cpu0);
    CHECK(t.kick(cpu0, cpu1, kick_preempt | kick_wait) == step_result::kind::base);
    CHECK(is_higher(t.m->curr(cpu0)));
    CHECK(t.m->cpu(cpu0).kick_sync_pending == 1);

    SECTION("the target has scheduled before the higher class ends, so there is nothing to wait for")
    {
        t.m->settle();
        t.higher_ends(cpu0);
        CHECK(t.m->curr(cpu0) == t.hog0);
        CHECK_FALSE(t.waits(cpu0));
        CHECK(t.m->trace().count(record_kind::kick_wait_begin) == 0);
    }
    SECTION("the target has not scheduled: the next SCX pick waits")
    {
        t.higher_ends(cpu0);
        CHECK(t.m->curr(cpu0) == t.hog0);
        CHECK(t.waits(cpu0));
    }
}

TEST_CASE("two CPUs that wait for each other are stuck with interrupts off and not with interrupts on",
          "[kick_sync_wait_bal_cb]")
{
    const auto profile = GENERATE(from_range(all_profiles));
    kick_world t(profile);
    t.request(cpu0, cpu1, kick_preempt | kick_wait);
    t.request(cpu1, cpu0, kick_preempt | kick_wait);
    t.m->settle();
    const bool stuck = profile != kernel_profile::knew;
    CHECK(t.waits(cpu0) == stuck);
    CHECK(t.waits(cpu1) == stuck);
}

TEST_CASE("nobody waits for a CPU that waits itself with interrupts on", "[kick_sync_wait_bal_cb]")
{
    test_world w(3, kernel_profile::knew);
    for (const cpu_id c : {cpu0, cpu1, cpu2}) {
        w.add_hog(root_cgroup, {.cpu = c});
    }
    puppet_sched ops;
    scripted_machine m(w.config, w.work, ops);
    for (std::uint32_t n = 1; n <= 3; ++n) {
        m.fork(pid{n});
    }
    const std::uint8_t flags = kick_preempt | kick_wait;
    kfuncs(m.get(), cpu1).kick_cpu(cpu2, flags);
    REQUIRE(m.run(cpu1) == step_result::kind::blocked); // cpu2 does not schedule
    kfuncs(m.get(), cpu0).kick_cpu(cpu1, flags);
    CHECK(m.run(cpu0) == step_result::kind::base);
    CHECK(m.blocked(cpu1));
    m.settle();
    CHECK_FALSE(m.blocked(cpu1));
}

TEST_CASE("a CPU that spins too long with interrupts off is a hard lockup", "[watchdog_hardlockup_check]")
{
    test_world w(2, kernel_profile::k612);
    puppet_sched ops;
    ops.on_op = [](const puppet_sched::call& c, kfuncs& k) {
        if (c.which == op_kind::cpu_release) {
            k.kick_cpu(cpu1, kick_preempt | kick_wait);
        }
        return false;
    };
    w.use_scheduler(ops);
    w.add_hog(root_cgroup, {.cpu = cpu0});
    w.add_hog(root_cgroup, {.cpu = cpu1});
    w.add_higher(cpu0, 100ms, 1ms);
    w.run_to(20s);
    CHECK(w.sim().exit().kind == exit_kind::hard_lockup);
    CHECK(w.sim().exit().at == sim_time{10'100ms});
    CHECK(w.sim().exit().cpu == cpu0);
    CHECK(w.sim().ended());
}

TEST_CASE("a wait that ends in time is no lockup", "[watchdog_hardlockup_check]")
{
    test_world w(2, kernel_profile::k612);
    puppet_sched ops;
    ops.on_op = [](const puppet_sched::call& c, kfuncs& k) {
        if (c.which == op_kind::cpu_release && c.cpu == cpu0) {
            k.kick_cpu(cpu1, kick_preempt | kick_wait);
        }
        return false;
    };
    w.use_scheduler(ops);
    w.add_hog(root_cgroup, {.cpu = cpu0});
    w.add_task(root_cgroup, {run(9s), sleep(10ms), again()}, {.cpu = cpu1});
    w.add_higher(cpu0, 100ms, 1ms);
    const bool again_later = GENERATE(false, true);
    if (again_later) { // waits again when the detector looks
        w.add_higher(cpu0, 9'500ms, 1ms);
    }
    w.run_to(17s);
    CHECK(w.sim().exit().kind == exit_kind::none);
    CHECK(w.trace().count(record_kind::kick_wait_begin) == (again_later ? 2 : 1));
    CHECK(w.trace().count(record_kind::kick_wait_end) == 1);
}
