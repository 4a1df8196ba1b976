// SPDX-License-Identifier: GPL-2.0-only
//
// The ops of scx_pair step by step: what each counts, and what happens when the other CPU acts between two of its
// critical sections.
#include <memory>

#include "sim/schedule.h"
#include "tests/support/printers.h"
#include "tests/support/scripted_machine.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

using counter = pair_counter;

// Positions of ops.dispatch (pair_sched.cpp, enum dispatch_pc) and ops.enqueue (enum enqueue_pc).
constexpr std::uint8_t at_first_section = 1;
constexpr std::uint8_t at_push_top = 5;
constexpr std::uint8_t at_choose = 6;
constexpr std::uint8_t at_take_len = 8;
constexpr std::uint8_t at_pop = 10;
constexpr std::uint8_t at_insert = 11;
constexpr std::uint8_t after_push = 2;

/// One pair. hog0 and hog1 of C1 run on its CPUs without having been dispatched; further tasks are queued.
struct pair_world {
    explicit pair_world(kernel_profile profile = kernel_profile::knew) : world(2, profile)
    {
        c1 = world.add_cgroup("C1");
        c2 = world.add_cgroup("C2");
        hog0 = world.add_hog(c1, {.cpu = cpu0});
        hog1 = world.add_hog(c1, {.cpu = cpu1});
    }
    pid add(cgroup_id cgroup) { return world.add_hog(cgroup, {.cpu = cpu0}); }
    void begin()
    {
        const auto map = std::get<pair_map>(make_pair_map(2, 0, false));
        sched = std::make_unique<pair_sched>(map, world.options, world.config.slice_dfl, world.work.cgroups.size());
        m = std::make_unique<scripted_machine>(world.config, world.work, *sched);
        for (std::uint32_t n = 1; n <= world.work.tasks.size(); ++n) {
            m->fork(pid{n});
        }
    }
    pair_maps maps() const { return sched->maps(m->state()); }
    pair_ctx& ctx() const { return sched->maps(m->state()).ctx(0); }
    std::uint64_t count(counter which) const { return at(sched->maps(m->state()).counters(), which); }
    bool run_to(cpu_id c, std::uint8_t position) const { return m->run_to(c, path::op, position); }
    /// The task on @p c has used up its slice.
    void expire(cpu_id c) const
    {
        m->task(m->curr(c)).slice = 0ms;
        m->cpu(c).need_resched = 1;
    }
    /// The pair is on @p cgroup since now, both CPUs are active.
    void batch_of(cgroup_id cgroup) const
    {
        ctx().cgid = cgroup;
        ctx().started_at = boot_offset + m->get().now().time_since_epoch();
        ctx().active_mask = 3;
        ctx().draining = 0;
    }

    test_world world;
    cgroup_id c1, c2;
    pid hog0, hog1;
    std::unique_ptr<pair_sched> sched;
    std::unique_ptr<scripted_machine> m;
};

} // namespace

TEST_CASE("an enqueue counts and puts its cgroup on top_q only if its FIFO was empty", "[pair_enqueue]")
{
    pair_world t;
    t.add(t.c1);
    t.add(t.c2);
    t.add(t.c1);
    t.begin();
    CHECK(t.count(counter::nr_total) == 3);
    CHECK(t.maps().len(1) == 2);
    CHECK(t.maps().len(2) == 1);
    CHECK(t.maps().nr_top() == 2);
    CHECK(t.maps().total_len() == 3);
}

TEST_CASE("an enqueue of a task whose cgroup is gone is an error and leaves the task in no queue", "[pair_enqueue]")
{
    pair_world t;
    const pid late = t.add(t.c1);
    t.begin();
    t.m->get().cgroup_exit(t.c2);
    t.m->get().begin_move(cpu0, late, t.c2);
    t.m->settle();
    CHECK(t.m->failed());
    CHECK(t.sched->error_text(t.m->state().exit()) == "failed to lookup q_idx for cgroup[3]");
    CHECK(t.m->task(late).ops == ops_state::queued);
    CHECK(t.count(counter::nr_total) == 2);
    CHECK(t.maps().len(2) == 0);
}

TEST_CASE("a task in the FIFO is invisible until it has been counted", "[pair_enqueue]")
{
    pair_world t;
    const pid late = t.add(t.c1);
    t.begin();
    t.m->block(cpu1);
    t.m->settle(); // takes `late`, the FIFO is empty
    REQUIRE(t.m->curr(cpu1) == late);
    t.batch_of(t.c1);
    t.m->task(t.hog1).cpu = cpu0; // woken by its own CPU, so that cpu1's runqueue is free
    t.m->get().timer_expired(cpu0, t.hog1);
    REQUIRE(t.run_to(cpu0, after_push));
    CHECK(t.maps().nr_elements(1) == 1);
    CHECK(t.maps().len(1) == 0);
    const auto before = t.count(counter::nr_cgrp_empty);
    t.m->block(cpu1);
    t.m->run(cpu1);
    CHECK(t.m->curr(cpu1) == idle_pid);
    CHECK(t.count(counter::nr_cgrp_empty) == before + 1);
}

TEST_CASE("within a batch a CPU takes the next task of the pair's cgroup", "[try_dispatch]")
{
    pair_world t;
    const pid first = t.add(t.c1);
    t.add(t.c2);
    t.begin();
    t.batch_of(t.c1);
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == first);
    CHECK(t.m->task(first).slice == 20ms);
    CHECK(t.count(counter::nr_exps) == 0);
    CHECK(t.count(counter::nr_dispatched) == 1);
    CHECK(t.count(counter::nr_kicks) == 0);
    CHECK(t.ctx().active_mask == 3);
    CHECK(t.maps().len(1) == 0);
}

TEST_CASE("an expired batch waits for an active partner and kicks it", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c2);
    t.begin();
    t.batch_of(t.c1);
    t.m->pass(20ms + 1ns);
    t.expire(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == t.hog0); // nothing found: the previous task is kept
    CHECK(t.count(counter::nr_exps) == 1);
    CHECK(t.count(counter::nr_exp_waits) == 1);
    CHECK(t.count(counter::nr_kicks) == 1);
    CHECK(t.ctx().active_mask == 2);
    CHECK(t.ctx().draining == 1);
    CHECK(t.m->task(t.hog1).slice == 0ms);

    t.m->settle(); // the partner switches the pair to C2 and takes its task
    CHECK(t.count(counter::nr_cgrp_next) == 1);
    CHECK(t.ctx().cgid == t.c2);
    CHECK_FALSE(pair_bits::draining(t.m->trace().find(record_kind::pair_adopt).at(0).b));
}

TEST_CASE("a pair that drains within its batch waits without a kick", "[try_dispatch]")
{
    pair_world t;
    t.begin();
    t.batch_of(t.c1);
    t.ctx().draining = 1;
    t.m->block(cpu0);
    t.m->settle();
    CHECK(t.count(counter::nr_exp_waits) == 1);
    CHECK(t.count(counter::nr_kicks) == 0);
    CHECK(t.m->curr(cpu0) == idle_pid);
}

TEST_CASE("an empty cgroup drains the pair and the CPU waits for its partner", "[try_dispatch]")
{
    pair_world t;
    t.begin();
    t.batch_of(t.c1);
    t.expire(cpu0);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_cgrp_empty) == 1);
    CHECK(t.count(counter::nr_exps) == 1);
    CHECK(t.count(counter::nr_exp_waits) == 1);
    CHECK(t.count(counter::nr_kicks) == 0);
    CHECK(t.ctx().active_mask == 2);
    CHECK(t.m->curr(cpu0) == t.hog0);
}

TEST_CASE("cgroups without tasks fall out of top_q and the chosen one stays", "[try_dispatch]")
{
    pair_world t;
    const pid wanted = t.add(t.c2);
    t.begin();
    for (const cgroup_id c : {t.c1, root_cgroup}) { // duplicates before and behind
        t.maps().push_top(c);
    }
    t.ctx().draining = 1;
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == wanted);
    CHECK(t.count(counter::nr_cgrp_next) == 1);
    CHECK(t.maps().nr_top() == 3);
    std::vector<std::uint32_t> order;
    for (cgroup_id c; t.maps().pop_top(c);) {
        order.push_back(c.value);
    }
    CHECK(order == std::vector<std::uint32_t>{t.c1.value, root_cgroup.value, t.c2.value});
}

TEST_CASE("a cgroup that is gone falls out of top_q", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c2);
    const pid wanted = t.add(t.c1);
    t.begin();
    t.m->get().cgroup_exit(t.c2);
    t.ctx().draining = 1;
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == wanted);
    CHECK_FALSE(t.m->failed());
    CHECK(t.maps().nr_top() == 1);
}

TEST_CASE("a pair whose cgroup is gone within the batch aborts", "[try_dispatch]")
{
    pair_world t;
    t.begin();
    t.batch_of(t.c1);
    t.m->get().cgroup_exit(t.c1);
    t.m->block(cpu0);
    t.m->settle();
    CHECK(t.m->failed());
    CHECK(t.sched->error_text(t.m->state().exit()) == "failed to lookup q_idx for cgroup[2]");
    CHECK(t.ctx().active_mask == 3); // the bit stays
    CHECK(t.m->curr(cpu0) == idle_pid);
}

TEST_CASE("no cgroup on top_q leaves the pair draining with nobody active", "[try_dispatch]")
{
    pair_world t;
    t.begin();
    t.expire(cpu0);
    t.m->settle();
    CHECK(t.count(counter::nr_exps) == 1);
    CHECK(t.count(counter::nr_exp_empty) == 1);
    CHECK(t.count(counter::nr_kicks) == 0);
    CHECK(t.ctx().draining == 1);
    CHECK(t.ctx().active_mask == 0);
    CHECK(t.m->curr(cpu0) == t.hog0); // runs on although the pair has stopped (I2)
}

// ---- interleavings ------------------------------------------------------------------------------------------------

TEST_CASE("the second CPU to choose takes the first one's cgroup and the search was in vain", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c1);
    t.add(t.c2);
    t.begin();
    t.m->block(cpu0);
    t.m->block(cpu1);
    REQUIRE(t.run_to(cpu0, at_choose)); // has found C1 and put it back
    REQUIRE_FALSE(t.run_to(cpu1, at_choose));
    REQUIRE(t.m->blocked(cpu1)); // looks for one too: waits for top_q
    t.m->step(cpu0);
    CHECK(t.count(counter::nr_cgrp_next) == 1);
    REQUIRE(t.run_to(cpu1, at_choose)); // has found C2 and put it back
    t.m->step(cpu0);                    // the pair's lock is free
    t.m->step(cpu1);
    CHECK(t.count(counter::nr_cgrp_coll) == 1);
    CHECK(t.ctx().cgid == t.c1);
    CHECK(t.ctx().active_mask == 3);
    CHECK(t.maps().nr_top() == 2);
}

TEST_CASE("a CPU that looks at top_q while its partner holds the only entry finds nothing", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c1);
    t.begin();
    t.m->block(cpu0);
    t.m->block(cpu1);
    REQUIRE(t.run_to(cpu0, at_push_top)); // C1 is in its hands
    t.m->run(cpu1);
    CHECK(t.count(counter::nr_exp_empty) == 1);
    CHECK(t.m->curr(cpu1) == idle_pid);
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) != idle_pid);
}

TEST_CASE("a higher class that takes the partner during the search does not stop the choice", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c2);
    t.begin();
    t.m->block(cpu0);
    REQUIRE(t.run_to(cpu0, at_choose));
    t.m->higher_arrives(cpu1);
    t.m->run(cpu1);
    REQUIRE(t.ctx().preempted_mask == 2);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_cgrp_next) == 1); // beside the higher class (R4)
    CHECK(t.ctx().draining == 0);
    CHECK(t.ctx().preempted_mask == 2);
}

TEST_CASE("the other CPU may take the last task between two sections", "[try_dispatch]")
{
    pair_world t;
    const pid only = t.add(t.c1);
    t.begin();
    t.batch_of(t.c1);
    t.m->block(cpu0);
    t.m->block(cpu1);
    REQUIRE(t.run_to(cpu0, at_take_len));
    t.m->run(cpu1); // has the task; its runqueue is cpu0's
    t.m->run(cpu0);
    t.m->settle();
    CHECK(t.m->curr(cpu1) == only);
    CHECK(t.m->curr(cpu0) == idle_pid);
    CHECK(t.count(counter::nr_cgrp_empty) == 1);
    CHECK(t.maps().len(1) == 0);
}

TEST_CASE("the clock is read before the pair's lock is taken", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c1);
    t.begin();
    t.batch_of(t.c1);
    t.m->pass(20ms); // the batch ends exactly now
    t.m->block(cpu0);
    t.m->block(cpu1);
    REQUIRE(t.run_to(cpu1, at_first_section - 1)); // ops.dispatch has begun
    t.m->step(cpu1);                               // holds the lock until its next step
    t.m->pass(1ms);
    REQUIRE(t.run_to(cpu0, at_first_section - 1));
    REQUIRE(t.m->step(cpu0).what == step_result::kind::blocked);
    t.m->run(cpu1);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_exps) >= 1); // cpu0 read the later time
    const auto runs = t.m->trace().find(record_kind::pair_run, {.cpu = cpu1});
    CHECK(!runs.empty()); // cpu1 read the earlier one
}

TEST_CASE("two CPUs in the first section wait for each other's lock", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c1);
    t.begin();
    t.m->block(cpu0);
    t.m->block(cpu1);
    REQUIRE(t.run_to(cpu0, at_first_section - 1));
    REQUIRE(t.run_to(cpu1, at_first_section - 1));
    t.m->step(cpu0);
    CHECK(t.m->step(cpu1).what == step_result::kind::blocked);
    CHECK(t.m->trace().count(record_kind::lock_wait, {.cpu = cpu1}) == 1);
    t.m->settle();
    CHECK(t.count(counter::nr_exps) >= 2);
}

TEST_CASE("a pair that has adopted a cgroup kicks the partner after its insert", "[try_dispatch]")
{
    pair_world t;
    t.add(t.c2);
    t.begin();
    t.m->block(cpu0);
    REQUIRE(t.run_to(cpu0, at_insert));
    CHECK(t.count(counter::nr_kicks) == 0);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_kicks) == 1);
    CHECK(t.m->task(t.hog1).slice == 0ms);
}

TEST_CASE("an adoption whose first pid is missing forgets to kick the partner", "[try_dispatch]")
{
    pair_world t;
    const pid gone = t.add(t.c2);
    const pid next = t.add(t.c2);
    t.begin();
    t.m->block(cpu0);
    REQUIRE(t.run_to(cpu0, at_pop));
    t.m->task(gone).state = life::dead;
    t.m->task(gone).queued = 0;
    t.m->task(gone).ops = ops_state::none;
    t.m->run(cpu0);
    CHECK(t.m->curr(cpu0) == next);
    CHECK(t.count(counter::nr_missing) == 1);
    CHECK(t.count(counter::nr_dispatched) == 1);
    CHECK(t.count(counter::nr_cgrp_next) == 1);
    CHECK(t.count(counter::nr_kicks) == 0);
}

TEST_CASE("a task that has not left its CPU for the last time is still found by its pid", "[try_dispatch]")
{
    pair_world t;
    const pid gone = t.add(t.c1);
    t.begin();
    t.batch_of(t.c1);
    t.m->block(cpu0);
    REQUIRE(t.run_to(cpu0, at_insert));
    t.m->task(gone).state = life::dead;
    t.m->task(gone).on_cpu = 1;
    t.m->step(cpu0);
    CHECK(t.count(counter::nr_missing) == 0);
    CHECK(t.count(counter::nr_dispatched) == 1);
}

TEST_CASE("each attempt reads the clock anew", "[try_dispatch]")
{
    pair_world t;
    const pid gone = t.add(t.c1);
    t.add(t.c1);
    t.begin();
    t.batch_of(t.c1);
    t.ctx().active_mask = 0;
    t.m->block(cpu0);
    REQUIRE(t.run_to(cpu0, at_pop));
    t.m->task(gone).state = life::dead;
    t.m->task(gone).queued = 0;
    t.m->task(gone).ops = ops_state::none;
    t.m->pass(20ms + 1ns); // the batch ends before the second attempt
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_missing) == 1);
    CHECK(t.count(counter::nr_exps) == 1);
    CHECK(t.count(counter::nr_cgrp_next) == 1);
}

TEST_CASE("pair_dispatch gives up after BPF_MAX_LOOPS missing pids", "[pair_dispatch]")
{
    pair_world t;
    t.world.options.bpf_max_loops = 2;
    std::vector<pid> gone;
    for (int n = 0; n < 4; ++n) {
        gone.push_back(t.add(t.c1));
    }
    t.begin();
    for (const pid p : gone) {
        t.m->task(p).state = life::dead;
        t.m->task(p).queued = 0;
        t.m->task(p).ops = ops_state::none;
    }
    t.batch_of(t.c1);
    t.m->block(cpu0);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_missing) == 2);
    CHECK(t.m->curr(cpu0) == idle_pid);
}

// ---- higher classes -----------------------------------------------------------------------------------------------

TEST_CASE("a release marks the CPU and kicks an active partner", "[pair_cpu_release]")
{
    pair_world t;
    const bool partner_active = GENERATE(true, false);
    t.begin();
    t.batch_of(t.c1);
    t.ctx().active_mask = partner_active ? 3 : 1;
    t.m->higher_arrives(cpu0);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_preemptions) == 1);
    CHECK(t.count(counter::nr_kicks) == (partner_active ? 1 : 0));
    CHECK(t.ctx().preempted_mask == 1);
    CHECK(t.ctx().active_mask == (partner_active ? 2 : 0));
    CHECK(t.ctx().draining == 1);
    const auto kicks = t.m->trace().find(record_kind::kick);
    REQUIRE(kicks.size() == (partner_active ? 1 : 0));
    if (partner_active) {
        CHECK(kicks[0].reason == (kick_preempt | kick_wait));
        CHECK(kicks[0].a == cpu1.value);
    }
}

TEST_CASE("an acquire kicks the partner even if that does right", "[pair_cpu_acquire]")
{
    pair_world t;
    t.begin();
    t.m->higher_arrives(cpu0);
    t.m->run(cpu0);
    t.batch_of(t.c1);
    t.ctx().active_mask = 2;
    t.m->get().higher_done(cpu0, sched_class::rt);
    t.m->run(cpu0);
    CHECK(t.ctx().preempted_mask == 0);
    CHECK(t.count(counter::nr_kicks) == 1);
    CHECK(t.m->trace().find(record_kind::kick).at(0).reason == kick_preempt);
    CHECK(t.m->task(t.hog1).slice == 0ms);
}

TEST_CASE("revision tracepoint clears the mark only after the dispatch of the same schedule()", "[sched_switch]")
{
    pair_world t;
    t.world.options.revision = pair_revision::tracepoint;
    t.add(t.c2);
    t.begin();
    t.m->higher_arrives(cpu0);
    t.m->step(cpu0);
    t.m->step(cpu0);
    t.m->block(cpu0); // its task is gone, so that a dispatch is needed afterwards
    t.m->run(cpu0);
    REQUIRE(t.ctx().preempted_mask == 1);
    CHECK(t.count(counter::nr_preemptions) == 1);
    t.m->get().higher_done(cpu0, sched_class::rt);
    t.m->run(cpu0);
    CHECK(t.count(counter::nr_exp_waits) == 1); // it saw its own mark
    CHECK(t.m->curr(cpu0) == idle_pid);
    CHECK(t.ctx().preempted_mask == 0);
    CHECK(t.count(counter::nr_kicks) == 1);
    CHECK(t.m->trace().count(record_kind::cpu_acquire) == 1); // the core has no op to call
}

TEST_CASE("revision tracepoint does not mark an idle CPU that a higher class takes", "[sched_switch]")
{
    pair_world t;
    t.world.options.revision = pair_revision::tracepoint;
    t.begin();
    t.m->block(cpu0);
    t.m->settle();
    t.m->higher_arrives(cpu0);
    t.m->settle();
    REQUIRE(is_higher(t.m->curr(cpu0)));
    CHECK(t.ctx().preempted_mask == 0);
    CHECK(t.count(counter::nr_preemptions) == 0);
}

// ---- variants -----------------------------------------------------------------------------------------------------

TEST_CASE("variant local_dsq inserts where nobody else can take the task", "[scx_bpf_dsq_insert]")
{
    pair_world t;
    t.world.options.variants.local_dsq = true;
    const bool allowed = GENERATE(true, false);
    const auto only_cpu1 = t.world.add_mask({cpu1});
    const pid task = t.world.add_hog(t.c1, {.cpu = cpu1, .affinity = allowed ? 0 : only_cpu1});
    t.begin();
    t.batch_of(t.c1);
    t.m->block(cpu0);
    t.m->run(cpu0);
    const auto inserted = t.m->trace().find(record_kind::dsq_insert, {.task = task}).at(0);
    CHECK(inserted.reason == as_reason(allowed ? insert_result::local : insert_result::global));
    CHECK(t.m->curr(cpu0) == (allowed ? task : idle_pid));
}

TEST_CASE("errors have the words of scx_pair", "[scx_bpf_error]")
{
    pair_world t;
    t.begin();
    const auto text = [&](pair_error code, std::uint64_t arg0, std::uint64_t arg1 = 0) {
        return t.sched->error_text(
            {.kind = exit_kind::error_bpf, .code = static_cast<std::uint32_t>(code), .arg0 = arg0, .arg1 = arg1});
    };
    CHECK(text(pair_error::enqueue_no_q_idx, 7) == "failed to lookup q_idx for cgroup[7]");
    CHECK(text(pair_error::dispatch_no_q_idx, 7) == "failed to lookup q_idx for cgroup[7]");
    CHECK(text(pair_error::no_q_arr, 7, 3) == "failed to lookup q_arr for cgroup[7] q_idx[3]");
    CHECK(text(pair_error::queue_overflow, 7) == "cgroup[7] queue overflow");
    CHECK(text(pair_error::top_q_overflow, 0) == "top_q overflow");
    CHECK(text(pair_error::no_pair_ctx, 3) == "failed to lookup pairc and in_pair_mask for cpu[3]");
    CHECK(text(pair_error::queue_empty, 7, 3) == "cgq_map is empty for cgroup[7] q_idx[3]");
}
