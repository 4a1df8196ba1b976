// SPDX-License-Identifier: GPL-2.0-only
#include <set>

#include "model/claims.h"
#include "model/pair_error.h"
#include "sim/objects.h"
#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/causes.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

constexpr std::uint32_t rt = higher_pid(sched_class::rt).value;

claims_result watch(const small_world& world, const stream& s, std::int64_t end_us, claims_options options = {})
{
    claims c(world.what.machine, world.what.work, world.pairs, options);
    c.on_records(s.records);
    return c.finish(at_ns(end_us * 1000));
}

/// The causes of a claim's violations with the time of each in microseconds, in the order of causes(): "I2 20, I3 5".
std::string causes_of(const claims_result& r, claim_id claim)
{
    std::string result;
    for (const auto& cause : causes()) {
        const auto& c = r.of(claim).by_cause[static_cast<std::size_t>(cause.cause)];
        if (c.violations != 0 || c.total_ns != 0) {
            result += result.empty() ? "" : ", ";
            result += std::string(cause.id) + " " + std::to_string(c.total_ns / 1000);
        }
    }
    return result;
}

/// cpu 0 runs task 1 of a, which the pair has adopted for it. At 10 us.
stream pair_runs_a()
{
    stream s;
    s.at(0).start(1, 1, wake_path::queued).top_q(1);
    s.at(9).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false)).dispatch(1, 1, 0, 0);
    s.at(10).run(0, 1);
    return s;
}

} // namespace

TEST_CASE("every cause has a sentence, and every claim an id of its own", "[claims]")
{
    std::set<std::string_view> ids;
    for (const auto& c : causes()) {
        CHECK(ids.insert(c.id).second);
        CHECK_FALSE(c.headline.empty());
        CHECK_FALSE(c.sentence.empty());
    }
    for (const auto& c : all_claims()) {
        CHECK(ids.insert(c.id).second);
    }
    CHECK(ids.size() == nr_causes + nr_claims);
}

TEST_CASE("two tasks of one cgroup on a pair are no violation, nor are those of two on two pairs", "[claims]")
{
    const small_world world(4);
    stream s = pair_runs_a();
    s.at(20).start(2, 1, wake_path::direct, 1).start(3, 2, wake_path::direct, 2);
    s.at(21).run(1, 2).run(2, 3);
    CHECK(watch(world, s, 100).violations() == 0);
}

TEST_CASE("I1: a wake-up that found the CPU idle brings another cgroup", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::direct, 1);
    s.at(23).run(1, 3);
    s.at(43).run(1, 0, 3, prev_state::sleeping);
    s.at(60).wake(3, wake_path::direct, 1);
    s.at(61).run(1, 3);
    const auto r = watch(world, s, 100);

    const auto& claim = r.of(claim_id::exclusive);
    CHECK(claim.violations == 2);
    CHECK(claim.total_ns == 20'000 + 39'000); // the second goes on until the end
    CHECK(claim.longest_ns == 39'000);
    CHECK(causes_of(r, claim_id::exclusive) == "I1 59");
    REQUIRE(r.findings.size() == 2);
    CHECK(r.findings[0] == finding{.claim = claim_id::exclusive,
                                   .cause = cause_id::i1,
                                   .start = at_ns(23'000),
                                   .end = at_ns(43'000),
                                   .cpus = {cpu_id{1}, cpu_id{0}},
                                   .tasks = {pid{3}, pid{1}},
                                   .cgroups = {cgroup_id{2}, cgroup_id{1}}});
}

TEST_CASE("I7: a sync wake-up runs on the waker's CPU without a dispatch", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(11).start(2, 1, wake_path::queued).dispatch(2, 1, 1, 1);
    s.at(12).run(1, 2);
    s.at(20).start(3, 2, wake_path::direct_sync, 1);
    s.at(22).run(1, 3, 2, prev_state::sleeping);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == "I7 28");
}

TEST_CASE("I3 turns into I2 when the kick arrives and the CPU keeps its task", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::queued).top_q(1);
    s.at(40).keep(0, 1).pair(record_kind::pair_wait, 0, 1, bits(0, 0, true)); // cpu 0 expires, is kept and not active
    s.at(50).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).dispatch(3, 2, 1, 1).kick(1, 0);
    s.at(51).run(1, 3);
    s.at(53).serviced(1, 0, 1);
    s.at(56).keep(0, 1);
    s.at(76).run(0, 0, 1, prev_state::sleeping);
    const auto r = watch(world, s, 100);

    CHECK(r.of(claim_id::exclusive).violations == 1);
    CHECK(r.of(claim_id::exclusive).longest_ns == 25'000);
    CHECK(causes_of(r, claim_id::exclusive) == "I2 20, I3 5");
    CHECK(r.of(claim_id::exclusive).by_cause[static_cast<std::size_t>(cause_id::i3)].violations == 1);
    CHECK(r.of(claim_id::exclusive).by_cause[static_cast<std::size_t>(cause_id::i2)].violations == 0);
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].cause == cause_id::i3);
    CHECK(r.findings[0].cpus[0] == cpu_id{0}); // the intruder is the one whose cgroup is not the pair's
    CHECK(r.findings[0].length_ns() == 25'000);
}

TEST_CASE("I3 also while the CPU that adopts is slower than its partner", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::queued).start(4, 2, wake_path::queued);
    s.at(30).pair(record_kind::pair_adopt, 0, 2, bits(1, 0, false)).dispatch(3, 2, 0, 0);
    s.at(31).pair(record_kind::pair_run, 1, 2, bits(3, 0, false)).dispatch(4, 2, 1, 1).run(1, 4);
    s.at(34).run(0, 3, 1);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == "I3 3");
}

TEST_CASE("the cause does not change while the CPU that adopts the other's cgroup is about to switch to it", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::direct, 1).run(1, 3).at(40).keep(1, 3);
    s.at(60).start(2, 1, wake_path::queued);
    s.at(70).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).at(71).keep(1, 3); // now a does not belong here
    s.at(80).pair(record_kind::pair_adopt, 1, 1, bits(2, 0, false)).dispatch(2, 1, 1, 1).kick(1, 0);
    s.at(82).run(1, 2, 3);
    CHECK(causes_of(watch(world, s, 100), claim_id::exclusive) == "I1 20, I2 31, I14 11");
}

TEST_CASE("I2a: two tasks that came directly are kept forever, nothing being queued", "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::direct, 0).run(0, 1);
    s.at(10).start(3, 2, wake_path::direct, 1).run(1, 3);
    s.at(30).pair(record_kind::pair_top_q_empty, 0, 0xffffffff, bits(0, 0, true)).keep(0, 1);
    s.at(50).pair(record_kind::pair_top_q_empty, 1, 0xffffffff, bits(0, 0, true)).keep(1, 3);
    const auto r = watch(world, s, 100);

    CHECK(r.of(claim_id::exclusive).violations == 1);
    CHECK(causes_of(r, claim_id::exclusive) == "I1 40, I2a 50");
}

TEST_CASE("I4, I5, I6: the global DSQ has no owner", "[claims]")
{
    small_world world(4);
    const std::uint32_t only_cpu1 = world.pin_to(1);
    stream s = pair_runs_a();
    std::string expected;
    SECTION("I4: inserted by a CPU of another pair")
    {
        s.at(20).start(3, 2, wake_path::queued).dispatch(3, 2, 2, 1);
        expected = "I4";
    }
    SECTION("I5: inserted into another node's queue")
    {
        world.what.machine.cpus[2].node = world.what.machine.cpus[3].node = node_id{1};
        s.at(20).start(3, 2, wake_path::queued).dispatch(3, 2, 2, 1, 0);
        expected = "I5";
    }
    SECTION("I6: the CPU that inserted it may not run it")
    {
        s.at(20).start(3, 2, wake_path::queued, 1, only_cpu1).dispatch(3, 2, 2, 1);
        expected = "I6";
    }
    SECTION("I10: popped from the FIFO of the cgroup that it has left")
    {
        s.at(20).start(3, 1, wake_path::queued);
        s.at(21).add(record_kind::task_move, 0, 3, 1, 2, move_state::queued).dispatch(3, 1, 1, 1);
        expected = "I10";
    }
    SECTION("I10: moved while a dispatch had its entry in hand")
    {
        s.at(20).start(3, 1, wake_path::queued).add(record_kind::cgrp_q_pop, 1, 3, 1);
        s.at(21).add(record_kind::task_move, 0, 3, 1, 2, move_state::queued);
        s.add(record_kind::enqueue, 0, 3, 2, 0, enqueue_reason::restore);
        s.add(record_kind::dsq_insert, 1, 3, 0, 0, insert_result::local);
        expected = "I10";
    }
    s.at(22).run(1, 3);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == expected + " 28");
}

TEST_CASE("I8: what a higher class displaced resumes without a dispatch", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::queued);
    s.at(30).add(record_kind::local_insert, 0, 1, 0, 0, wake_path::preempted, 5).add(record_kind::cpu_release, 0);
    s.at(30).pair(record_kind::pair_release, 0, 1, bits(0, 1, true)).run(0, rt, 1);
    s.at(40).add(record_kind::cpu_acquire, 0).pair(record_kind::pair_acquire, 0, 1, bits(0, 0, true)).kick(0, 1);
    s.at(41).run(0, 1, rt);
    s.at(45).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).dispatch(3, 2, 1, 1);
    SECTION("while the adopter's kick is on its way") {}
    SECTION("I14 if the adopter forgets to kick")
    {
        s.at(46).run(1, 3);
        CHECK(causes_of(watch(world, s, 60), claim_id::exclusive) == "I14 14");
        return;
    }
    s.kick(1, 0).at(46).run(1, 3).at(50).serviced(1, 0, 1);
    s.at(52).keep(0, 1, keep_reason::slice_left); // a stale entry has refilled its slice
    CHECK(causes_of(watch(world, s, 60), claim_id::exclusive) == "I8 6, I15 8");
}

TEST_CASE("I15: a task whose slice has ended goes on, because its own stale entry refills the slice", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::queued);
    s.at(30).add(record_kind::slice_end, 0, 1).pair(record_kind::pair_adopt, 0, 2, bits(1, 0, false));
    s.add(record_kind::dsq_insert, 0, 1, 0, 0, insert_result::ignored).kick(0, 1).keep(0, 1, keep_reason::slice_left);
    s.at(31).pair(record_kind::pair_run, 1, 2, bits(3, 0, false)).dispatch(3, 2, 1, 1).run(1, 3);
    CHECK(causes_of(watch(world, s, 60), claim_id::exclusive) == "I15 29");
}

TEST_CASE("I8 is blamed if the resumed task comes after the adoption", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::queued);
    s.at(30).add(record_kind::local_insert, 0, 1, 0, 0, wake_path::preempted, 5).add(record_kind::cpu_release, 0);
    s.at(30).pair(record_kind::pair_release, 0, 1, bits(0, 1, true)).run(0, rt, 1);
    s.at(40).add(record_kind::cpu_acquire, 0).pair(record_kind::pair_acquire, 0, 1, bits(0, 0, true));
    s.at(40).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false)).dispatch(3, 2, 1, 1).kick(1, 0).run(1, 3);
    s.at(41).serviced(1, 0, rt, kick_effect::skipped).run(0, 1, rt);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == "I8 9");
}

TEST_CASE("I8 also for a task that was dispatched and had not run when the higher class came", "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(2, 1, wake_path::queued).start(3, 2, wake_path::queued);
    s.at(20).pair(record_kind::pair_adopt, 0, 2, bits(1, 0, false)).dispatch(3, 2, 0, 0).run(0, rt);
    s.at(30).pair(record_kind::pair_adopt, 1, 1, bits(2, 0, false)).dispatch(2, 1, 1, 1).run(1, 2);
    s.at(40).run(0, 3, rt);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == "I8 10");
}

TEST_CASE("I9: a running task is moved to another cgroup and goes on", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(11).start(2, 1, wake_path::queued).dispatch(2, 1, 1, 1).run(1, 2);
    s.at(20).add(record_kind::task_move, 0, 2, 1, 2, move_state::running);
    const auto r = watch(world, s, 50);
    CHECK(causes_of(r, claim_id::exclusive) == "I9 30");
    REQUIRE(r.findings.size() == 1);
    CHECK(r.findings[0].tasks[0] == pid{2});
}

TEST_CASE("I12 and unknown: an exiting task, and one that came from nowhere", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::exiting, 1).run(1, 3);
    s.at(30).run(1, 0, 3, prev_state::dead).add(record_kind::task_exit, 1, 3);
    s.at(40).start(4, 2, wake_path::queued).run(1, 4);
    CHECK(causes_of(watch(world, s, 50), claim_id::exclusive) == "unknown 10, I12 10");
}

TEST_CASE("a violation of no length does not count, unless instants are asked for", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(20).start(3, 2, wake_path::direct, 1).run(1, 3).run(0, 0, 1, prev_state::sleeping);
    CHECK(watch(world, s, 50).violations() == 0);
    CHECK(watch(world, s, 50, {.count_instants = true}).violations() == 1);
}

TEST_CASE("only the first findings are kept, and all are counted", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(11).start(3, 2, wake_path::direct, 1);
    for (std::int64_t t = 20; t < 50; t += 2) {
        s.at(t).run(1, 3).at(t + 1).run(1, 0, 3, prev_state::sleeping).wake(3, wake_path::direct, 1);
    }
    const auto r = watch(world, s, 100, {.max_findings = 4});
    CHECK(r.findings.size() == 4);
    CHECK(r.findings_left_out == 11);
    CHECK(r.of(claim_id::exclusive).violations == 15);
    CHECK(r.of(claim_id::exclusive).total_ns == 15'000);
}

TEST_CASE("a task beside a higher class is blamed on what did not stop it", "[claims]")
{
    const small_world world;
    stream s = pair_runs_a();
    s.at(11).start(2, 1, wake_path::queued).dispatch(2, 1, 1, 1).run(1, 2);
    const auto beside = claim_id::no_run_beside_preemptor;

    SECTION("R1: the CPU was idle, so the scheduler is not told")
    {
        s.at(20).run(0, 0, 1, prev_state::sleeping).at(30).run(0, rt).at(40).run(0, 0, rt);
        CHECK(causes_of(watch(world, s, 50), beside) == "R1 10");
    }
    SECTION("R2: told, but the partner is not active and is not kicked")
    {
        s.at(30).add(record_kind::cpu_release, 0).pair(record_kind::pair_release, 0, 1, bits(0, 1, true)).run(0, rt, 1);
        s.at(40).add(record_kind::cpu_acquire, 0).at(41).run(0, 1, rt); // it ends with the acquire
        CHECK(causes_of(watch(world, s, 50), beside) == "R2 10");
    }
    SECTION("R5 until the kick has led to a schedule(), then R3 because the task is kept")
    {
        s.at(30).add(record_kind::cpu_release, 0).pair(record_kind::pair_release, 0, 1, bits(2, 1, true));
        s.at(30).kick(0, 1, kick_preempt | kick_wait).run(0, rt, 1);
        s.at(32).serviced(0, 1, 2).at(35).keep(1, 2);
        CHECK(causes_of(watch(world, s, 50), beside) == "R3 15, R5 5");
    }
    SECTION("not while the kick's wait lasts")
    {
        s.at(30).add(record_kind::cpu_release, 0).pair(record_kind::pair_release, 0, 1, bits(2, 1, true));
        s.at(30).kick(0, 1, kick_preempt | kick_wait).run(0, rt, 1);
        s.at(32).serviced(0, 1, 2).add(record_kind::kick_wait_begin, 0, 0, 1);
        s.at(40).run(1, 0, 2, prev_state::sleeping).add(record_kind::kick_wait_end, 0, 0, 1);
        const auto r = watch(world, s, 50);
        CHECK(causes_of(r, beside) == "R5 2");
        REQUIRE(r.findings.size() == 1);
        CHECK(r.findings[0].cpus[0] == cpu_id{1});
        CHECK(r.findings[0].tasks[1] == pid{rt});
    }
    SECTION("R4: the partner adopts although a CPU is preempted; I1: a wake-up needs nobody's leave")
    {
        s.at(20).run(1, 0, 2, prev_state::sleeping).start(3, 2, wake_path::queued);
        s.at(30).add(record_kind::cpu_release, 0).pair(record_kind::pair_release, 0, 1, bits(0, 1, true)).run(0, rt, 1);
        s.at(31).pair(record_kind::pair_adopt, 1, 2, bits(2, 1, false)).dispatch(3, 2, 1, 1).run(1, 3);
        s.at(41).run(1, 0, 3, prev_state::sleeping);
        CHECK(causes_of(watch(world, s, 50), beside) == "R4 10");
    }
    SECTION("I1: a wake-up runs directly beside the higher class")
    {
        s.at(20).run(1, 0, 2, prev_state::sleeping);
        s.at(30).add(record_kind::cpu_release, 0).pair(record_kind::pair_release, 0, 1, bits(0, 1, true)).run(0, rt, 1);
        s.at(33).wake(2, wake_path::direct, 1).run(1, 2);
        CHECK(causes_of(watch(world, s, 50), beside) == "I1 17");
    }
}

TEST_CASE("an error ends the scheduler once, and its code says why", "[claims]")
{
    const small_world world(4);
    stream s = pair_runs_a();
    const auto abort = [&](exit_kind kind, std::uint16_t cpu, pair_error code = {}, claims_options options = {}) {
        s.at(50).add(record_kind::scx_error, cpu, 0, 0, 0, static_cast<std::uint8_t>(code),
                     static_cast<std::int64_t>(kind));
        return causes_of(watch(world, s, 60, options), claim_id::no_abort);
    };
    SECTION("bpf-error")
    {
        CHECK(abort(exit_kind::error_bpf, 0, pair_error::queue_empty) == "bpf-error 0");
    }
    SECTION("bpf-error of a cgroup that has not been removed")
    {
        CHECK(abort(exit_kind::error_bpf, 1, pair_error::dispatch_no_q_idx) == "bpf-error 0");
    }
    SECTION("bpf-error of a baseline, whose codes are its own")
    {
        CHECK(abort(exit_kind::error_bpf, 0, pair_error::queue_overflow, {.isolates = false}) == "bpf-error 0");
    }
    SECTION("stall")
    {
        CHECK(abort(exit_kind::error_stall, 0) == "stall 0");
    }
    SECTION("core-error")
    {
        CHECK(abort(exit_kind::no_progress, 0) == "core-error 0");
    }
    SECTION("S1")
    {
        s.at(40).run(2, 2).add(record_kind::kick_wait_begin, 0, 0, 2);
        CHECK(abort(exit_kind::hard_lockup, 0) == "S1 0");
    }
    SECTION("S2")
    {
        s.at(40).add(record_kind::kick_wait_begin, 0, 0, 2);
        CHECK(abort(exit_kind::hard_lockup, 0) == "S2 0");
    }
    SECTION("S4")
    {
        s.at(40).add(record_kind::cgroup_exit, 0xffff, 0, 1);
        CHECK(abort(exit_kind::error_bpf, 1, pair_error::dispatch_no_q_idx) == "S4 0");
    }
    SECTION("S5")
    {
        CHECK(abort(exit_kind::error_bpf, 0, pair_error::top_q_overflow) == "S5 0");
    }
    SECTION("S6")
    {
        CHECK(abort(exit_kind::error_bpf, 0, pair_error::queue_overflow) == "S6 0");
    }
    SECTION("S7")
    {
        CHECK(abort(exit_kind::error, 0) == "S7 0");
    }
    SECTION("S8")
    {
        CHECK(abort(exit_kind::error_bpf, 3, pair_error::no_pair_ctx) == "S8 0");
    }
}

TEST_CASE("an entry of a task that is not queued is dispatched in vain, and a task without an entry is lost",
          "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).add(record_kind::task_new, 0, 1, 1).add(record_kind::enqueue, 0, 1, 1, 0, enqueue_reason::wakeup);
    s.wake(1, wake_path::queued).add(record_kind::cgrp_q_push, 0, 1, 1).add(record_kind::cgrp_q_push, 0, 1, 1);
    s.at(10).dispatch(1, 1, 0, 0).run(0, 1);
    SECTION("stale")
    {
        s.at(20).add(record_kind::cgrp_q_pop, 1, 1, 1).add(record_kind::dsq_insert, 1, 1, 0, 0, insert_result::ignored);
        const auto r = watch(world, s, 5000);
        CHECK(causes_of(r, claim_id::no_lost_task) == "stale 0");
        CHECK(r.findings.at(0).cpus[0] == cpu_id{1});
    }
    SECTION("lost")
    {
        s.at(20).add(record_kind::enqueue, 0, 1, 1, 0, enqueue_reason::put_prev).run(0, 0, 1);
        s.at(21).add(record_kind::cgrp_q_pop, 1, 1, 1).add(record_kind::cgrp_q_pop, 1, 1, 1);
        CHECK(watch(world, s, 100).violations() == 0); // it may be on its way
        CHECK(causes_of(watch(world, s, 5000), claim_id::no_lost_task) == "lost 0");
    }
    SECTION("neither")
    {
        s.at(20).add(record_kind::enqueue, 0, 1, 1, 0, enqueue_reason::put_prev).run(0, 0, 1);
        CHECK(watch(world, s, 5000).violations() == 0);
    }
}
