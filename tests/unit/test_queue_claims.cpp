// SPDX-License-Identifier: GPL-2.0-only
//
// The claims about waiting, by hand-written records: what breaks them, what does not, and the cause that they name.
#include "model/claims.h"
#include "tests/support/catch.h"
#include "tests/support/records.h"
#include "tools/io/causes.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

using k = record_kind;

claims_result watch(const small_world& world, const stream& s, std::int64_t end_us, claim_limits limits = {},
                    const std::optional<final_counters>& counters = std::nullopt)
{
    claims c(world.what.machine, world.what.work, world.pairs, {.limits = limits});
    c.on_records(s.records);
    return c.finish(at_ns(end_us * 1000), counters);
}

/// "CAUSE START..END" of each violation of @p claim, in microseconds.
std::string found(const claims_result& r, claim_id claim)
{
    std::string text;
    for (const auto& f : r.findings) {
        if (f.claim == claim) {
            text += (text.empty() ? "" : ", ") + std::string(info_of(f.cause).id) + " " +
                    std::to_string(to_ns(f.start) / 1000) + ".." + std::to_string(to_ns(f.end) / 1000);
        }
    }
    return text;
}

stream& push(stream& s, std::uint16_t cpu, std::uint32_t task, std::uint32_t cgroup, std::int64_t len)
{
    s.add(k::enqueue, cpu, task, cgroup);
    return s.add(k::cgrp_q_push, cpu, task, cgroup, 0, std::uint8_t{}, len);
}

stream& top_q(stream& s, k kind, std::uint16_t cpu, std::uint32_t cgroup, std::int64_t len)
{
    return s.add(kind, cpu, 0, cgroup, 0, std::uint8_t{}, len);
}

constexpr nanoseconds us(std::int64_t n)
{
    return std::chrono::microseconds{n};
}

} // namespace

TEST_CASE("top-q-covers: an enqueue that is between its two pushes is excused, one that never pushes is not",
          "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::queued).start(3, 2, wake_path::queued);
    push(s.at(10), 0, 1, 1, 1);
    top_q(s.at(11), k::top_q_push, 0, 1, 1);
    push(s.at(20), 0, 3, 2, 2); // a stale length: nobody pushes cgroup 2
    CHECK(found(watch(world, s, 500), claim_id::top_q_covers).empty());
    CHECK(found(watch(world, s, 5000), claim_id::top_q_covers) == "S10 20..5000");

    s.at(2000).add(k::cgrp_q_pop, 0, 3, 2, 0, std::uint8_t{}, 0);
    CHECK(found(watch(world, s, 5000), claim_id::top_q_covers) == "S10 20..2000");
}

TEST_CASE("top-q-covers: whoever finds top_q empty beside an entry in another's hand has found S15", "[claims]")
{
    const small_world world(4);
    const std::uint16_t looker = GENERATE(std::uint16_t{0}, std::uint16_t{2});
    stream s;
    s.at(0).start(1, 1, wake_path::queued);
    push(s.at(10), 0, 1, 1, 1);
    top_q(s.at(11), k::top_q_push, 0, 1, 1);
    top_q(s.at(20), k::top_q_pop, 0, 1, 0);
    s.at(21).pair(k::pair_top_q_empty, looker, 0xffffffff, bits(0, 0, true), looker);
    top_q(s.at(22), k::top_q_push, 0, 1, 1);
    CHECK(found(watch(world, s, 5000), claim_id::top_q_covers) == (looker == 2 ? "S15 21..21" : ""));
}

TEST_CASE("top-q-covers: a cgroup that a full top_q does not take back falls out by S21", "[claims]")
{
    small_world world;
    world.what.pair.max_cgrps = 1; // top_q holds 4
    stream s;
    s.at(0).start(1, 1, wake_path::queued);
    push(s.at(10), 0, 1, 1, 1);
    top_q(s.at(11), k::top_q_push, 0, 1, 4);
    top_q(s.at(20), k::top_q_pop, 0, 1, 3);
    top_q(s.at(21), k::top_q_push, 1, 2, 4); // another CPU is faster
    s.at(22).pair(k::pair_adopt, 0, 1, bits(1, 0, false));
    CHECK(found(watch(world, s, 5000), claim_id::top_q_covers) == "S21 20..5000");
}

TEST_CASE("drain-bounded: the time beyond the limit, and what held the pair up", "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::queued).dispatch(1, 1, 0, 0).run(0, 1).start(3, 2, wake_path::queued);
    push(s.at(5), 0, 3, 2, 1);
    top_q(s.at(5), k::top_q_push, 0, 2, 1);
    s.at(10).pair(k::pair_cgrp_empty, 1, 1, bits(1, 0, true));
    std::string expected;
    SECTION("S17: it waits for the partner's slice")
    {
        s.at(80).pair(k::pair_adopt, 0, 2, bits(1, 0, false));
        expected = "S17 60..80";
    }
    SECTION("I2: the partner is kept")
    {
        s.at(40).keep(0, 1);
        s.at(80).pair(k::pair_adopt, 0, 2, bits(1, 0, false));
        expected = "I2 60..80";
    }
    SECTION("it goes on until the end")
    {
        expected = "S17 60..100";
    }
    SECTION("within the limit")
    {
        s.at(60).pair(k::pair_adopt, 0, 2, bits(1, 0, false));
    }
    SECTION("two idle CPUs end it")
    {
        s.at(50).run(0, 0, 1, prev_state::sleeping);
    }
    SECTION("a preemption begins it anew")
    {
        s.at(20).pair(k::pair_release, 0, 1, bits(0, 1, true)).at(50).pair(k::pair_acquire, 0, 1, bits(0, 0, true));
        s.at(90).pair(k::pair_adopt, 0, 2, bits(1, 0, false));
    }
    SECTION("without queued work nobody waits for it")
    {
        s.at(20).add(k::cgrp_q_pop, 1, 3, 2, 0, std::uint8_t{}, 0);
    }
    CHECK(found(watch(world, s, 100, {.drain = us(50)}), claim_id::drain_bounded) == expected);
}

TEST_CASE("no-starvation: the time beyond the limit, and where the task waited", "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::direct).run(0, 1);
    std::string expected;
    SECTION("within the limit")
    {
        s.at(10).start(3, 2, wake_path::queued).at(60).run(1, 3);
    }
    SECTION("S10: a FIFO that is not on top_q, until the end")
    {
        push(s.at(10).start(3, 2, wake_path::queued), 0, 3, 2, 2);
        s.at(90).pair(k::pair_adopt, 0, 1, bits(1, 0, false));
        expected = "S10 60..100";
    }
    SECTION("S11: behind duplicates")
    {
        push(s.at(10).start(3, 2, wake_path::queued), 0, 3, 2, 1);
        top_q(s, k::top_q_push, 0, 1, 8);
        top_q(s, k::top_q_push, 0, 2, 9);
        s.at(79).pair(k::pair_adopt, 1, 2, bits(2, 0, false)).dispatch(3, 2, 1, 1).at(80).run(1, 3);
        expected = "S11 60..80";
    }
    SECTION("S13: in a global DSQ")
    {
        push(s.at(10).start(3, 2, wake_path::queued), 0, 3, 2, 1);
        s.at(11).add(k::cgrp_q_pop, 0, 3, 2).add(k::dsq_insert, 0, 3, 0, 0, insert_result::global);
        s.at(90).add(k::consume, 1, 3, 0, 0).run(1, 3);
        expected = "S13 60..90";
    }
    SECTION("S14: in the local DSQ of a CPU that a higher class has")
    {
        s.at(10).add(k::local_insert, 0, 1, 0, 0, wake_path::preempted, 5).run(0, higher_pid(sched_class::rt).value, 1);
        expected = "S14 60..100";
    }
    SECTION("an error ends the watch")
    {
        s.at(10).start(3, 2, wake_path::queued).at(50).add(k::scx_error, 0);
    }
    CHECK(found(watch(world, s, 100, {.starvation = us(50)}), claim_id::no_starvation) == expected);
}

TEST_CASE("work-conserving: two idle CPUs beside a queued task", "[claims]")
{
    small_world world(4);
    const std::uint32_t only_cpu0 = world.pin_to(0);
    const std::uint32_t mask = GENERATE_COPY(0U, only_cpu0);
    stream s;
    s.at(0).start(1, 1, wake_path::direct, 2).run(2, 1); // the other pair, 2 + 3, is busy
    s.at(10).start(3, 2, wake_path::queued, 0, mask);
    push(s, 2, 3, 2, 1);
    top_q(s, k::top_q_push, 2, 2, 1);
    std::string expected;
    SECTION("S16: nobody tells them, until the end")
    {
        expected = "S16 40..100";
    }
    SECTION("until somebody takes the task")
    {
        s.at(70).add(k::cgrp_q_pop, 2, 3, 2, 0, std::uint8_t{}, 0);
        expected = "S16 40..70";
    }
    SECTION("until a CPU has something else to do")
    {
        s.at(70).start(2, 1, wake_path::direct).run(0, 2);
        expected = "S16 40..70";
    }
    SECTION("within the limit")
    {
        s.at(40).add(k::cgrp_q_pop, 2, 3, 2, 0, std::uint8_t{}, 0);
    }
    SECTION("S13: it lies in a global DSQ")
    {
        s.at(12).add(k::cgrp_q_pop, 2, 3, 2).add(k::dsq_insert, 2, 3, 0, 0, insert_result::global);
        expected = "S13 42..100";
    }
    SECTION("a task that may not run there does not count")
    {
        s.at(12).add(k::task_affinity, 2, 3, world.pin_to(2));
        s.add(k::enqueue, 2, 3, 2).add(k::cgrp_q_push, 2, 3, 2, 0, std::uint8_t{}, 2);
    }
    const auto r = watch(world, s, 100, {.idle = us(30)});
    CHECK(found(r, claim_id::work_conserving) == expected);
    CHECK((r.findings.empty() || r.findings.back().cpus[0] == cpu_id{0}));
}

TEST_CASE("counters-add-up compares scx_pair's counters with each other and with the records", "[claims]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::queued);
    push(s, 0, 1, 1, 1);
    s.at(5).pair(k::pair_wait, 0, 1, bits(0, 0, true));
    final_counters counters{.queued = 1};
    const auto n = [&](pair_counter c) -> std::uint64_t& { return counters.n[static_cast<std::size_t>(c)]; };
    n(pair_counter::nr_total) = n(pair_counter::nr_exps) = n(pair_counter::nr_exp_waits) = 1;
    CHECK(watch(world, s, 10, {}, counters).violations() == 0);

    const auto wrong = GENERATE(pair_counter::nr_total, pair_counter::nr_exps, pair_counter::nr_preemptions,
                                pair_counter::nr_missing, pair_counter::nr_cgrp_empty);
    ++n(wrong);
    CHECK(found(watch(world, s, 10, {}, counters), claim_id::counters_add_up) == "miscount 10..10");
    counters.op_cut_short = true;
    CHECK(watch(world, s, 10, {}, counters).violations() == 0);
    CHECK_FALSE(watch(world, s, 10).watched.has(claim_id::counters_add_up));
}
