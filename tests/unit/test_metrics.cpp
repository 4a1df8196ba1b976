// SPDX-License-Identifier: GPL-2.0-only
#include "model/metrics.h"
#include "tests/support/catch.h"
#include "tests/support/records.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

metrics_result measure(const small_world& world, const stream& s, std::int64_t end_us, std::int64_t warmup_us = 0)
{
    metrics m(world.what.machine, world.what.work, world.pairs, at_ns(warmup_us * 1000));
    m.on_records(s.records);
    return m.finish(at_ns(end_us * 1000));
}

} // namespace

TEST_CASE("a histogram is exact below 128 and off by at most 1/64 above", "[metrics]")
{
    for (std::int64_t v = 0; v < 128; ++v) {
        histogram h;
        h.add(v);
        h.add(1'000'000);
        CHECK(h.percentile(500) == v);
    }
    for (std::int64_t v = 128; v < 4'000'000'000'000'000; v = v * 3 / 2 + 1) {
        histogram h;
        h.add(v);
        h.add(8'000'000'000'000'000);
        const auto found = h.percentile(500);
        CHECK(found >= v);
        CHECK((found - v) * 64 <= v);
    }
}

TEST_CASE("percentiles of 1 to 1000 are those values, up to the bucket's width", "[metrics]")
{
    histogram h;
    for (std::int64_t v = 1; v <= 1000; ++v) {
        h.add(v);
    }
    const auto s = h.summary();
    CHECK(s.count == 1000);
    CHECK(s.total_ns == 500'500);
    CHECK(s.p50_ns == 503);  // 500 lies in [500, 503]
    CHECK(s.p90_ns == 903);  // 900 lies in [896, 903]
    CHECK(s.p99_ns == 991);  // 990 lies in [984, 991]
    CHECK(s.p999_ns == 999); // 999 lies in [992, 999]
    CHECK(s.max_ns == 1000);
    histogram twice;
    twice.merge(h);
    twice.merge(h);
    CHECK(twice.summary().count == 2000);
    CHECK(twice.summary().p50_ns == 503);
    CHECK(histogram{}.summary() == duration_summary{});
}

TEST_CASE("Jain's index is one for equal shares and 1/n for one winner, in exact integers", "[metrics]")
{
    CHECK(jain_per_million({}) == 0);
    CHECK(jain_per_million({0, 0}) == 0);
    CHECK(jain_per_million({7}) == 1'000'000);
    CHECK(jain_per_million({5, 5, 5}) == 1'000'000);
    CHECK(jain_per_million({9, 0, 0}) == 333'333);
    CHECK(jain_per_million({3, 1}) == 800'000); // 16 / (2 * 10)
    const std::int64_t huge = 4'000'000'000'000'000'000;
    CHECK(jain_per_million({huge, huge / 4 * 4}) == 1'000'000);
}

TEST_CASE("CPU time goes to the task, its cgroup and its CPU", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).start(3, 2);
    s.at(10).run(0, 1).run(1, 3);
    s.at(30).run(1, 0, 3, prev_state::sleeping);
    s.at(50).run(0, higher_pid(sched_class::rt).value, 1);
    s.at(60).run(0, 1, higher_pid(sched_class::rt).value);
    const auto m = measure(world, s, 100);

    CHECK(m.cgroups[1].cpu_time_ns == 80'000);
    CHECK(m.cgroups[2].cpu_time_ns == 20'000);
    CHECK(m.tasks[0].cpu_time_ns == 80'000);
    CHECK(m.tasks[2].cpu_time_ns == 20'000);
    CHECK(m.cpus[0].busy_ns == 80'000);
    CHECK(m.cpus[0].idle_ns == 10'000);
    CHECK(m.cpus[0].higher_ns == 10'000);
    CHECK(m.cpus[1].idle_ns == 80'000);
    CHECK(m.pairs[0].co_run_ns == 20'000);
    CHECK(m.pairs[0].shared_ns == 0);
    CHECK(m.pairs[0].alone_ns == 60'000);
    CHECK(m.machine.switches == 5);
    CHECK(m.jain_per_million == 735'294); // (80 + 20)^2 / (2 * (80^2 + 20^2))
}

TEST_CASE("wake-up latency counts from runnable to running, and not waits after a preemption", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1, wake_path::direct);
    s.at(3).run(0, 1);
    s.at(10).start(2, 1, wake_path::queued);
    s.at(50).run(0, 2, 1); // task 1 now waits, but not for a wake-up
    s.at(90).run(0, 1, 2, prev_state::sleeping);
    const auto m = measure(world, s, 100);

    CHECK(m.wakeup_latency.count == 2);
    CHECK(m.wakeup_latency.max_ns == 40'000);
    CHECK(m.wakeup_latency.total_ns == 43'000);
    CHECK(m.cgroups[1].wakeup_latency == m.wakeup_latency);
    CHECK(m.tasks[0].wakeup_latency.count + m.tasks[1].wakeup_latency.count == 2);
    CHECK(m.tasks[0].wakeup_latency.total_ns + m.tasks[1].wakeup_latency.total_ns == 43'000);
    CHECK(m.cgroups[1].waiting_ns == 3'000 + 40'000 + 40'000);
    CHECK(m.cgroups[1].longest_wait_ns == 40'000);
    CHECK(m.cgroups[1].wakeups_direct == 1);
    CHECK(m.cgroups[1].wakeups_queued == 1);
    CHECK_FALSE(m.cgroups[2].had_work);
}

TEST_CASE("a wait that has not ended counts as the longest", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(20).start(3, 2, wake_path::queued);
    const auto m = measure(world, s, 100);

    CHECK(m.cgroups[2].longest_wait_ns == 80'000);
    CHECK(m.cgroups[2].waiting_ns == 80'000);
    CHECK(m.cgroups[2].wakeup_latency.count == 0);
}

TEST_CASE("idle CPUs beside waiting tasks are forced idle, by cause", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(0).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false)); // the pair has cgroup a; cpu 1 idles
    s.at(0).start(1, 1).run(0, 1);

    SECTION("other_cgroup: only tasks of b wait")
    {
        s.at(10).start(3, 2, wake_path::queued);
        const auto m = measure(world, s, 40);
        CHECK(m.cpus[1].forced[idle_cause::other_cgroup] == 30'000);
        CHECK(m.cpus[1].forced.total_ns() == 30'000);
        CHECK(m.pairs[0].forced.total_ns() == 30'000);
        CHECK(m.cpus[0].forced.total_ns() == 0);
    }
    SECTION("wait_for_tick: a task of a waits as well, and nobody tells cpu 1")
    {
        s.at(10).start(3, 2, wake_path::queued);
        s.at(15).start(2, 1, wake_path::queued);
        s.at(35).run(1, 2);
        const auto m = measure(world, s, 40);
        CHECK(m.cpus[1].forced[idle_cause::other_cgroup] == 5'000);
        CHECK(m.cpus[1].forced[idle_cause::wait_for_tick] == 20'000);
    }
    SECTION("drain: cpu 1 waits for cpu 0 to stop")
    {
        s.at(10).start(3, 2, wake_path::queued);
        s.at(20).pair(record_kind::pair_wait, 1, 1, bits(1, 0, true));
        s.at(32).run(0, 0, 1, prev_state::sleeping); // but its active bit stands
        s.at(36).pair(record_kind::pair_top_q_empty, 0, 1, bits(0, 0, true));
        const auto m = measure(world, s, 40);
        CHECK(m.cpus[1].forced[idle_cause::other_cgroup] == 10'000);
        CHECK(m.cpus[1].forced[idle_cause::drain] == 16'000);
        CHECK(m.cpus[1].forced[idle_cause::wait_for_tick] == 4'000);
        CHECK(m.cpus[0].forced[idle_cause::wait_for_tick] == 8'000); // its partner neither runs nor is active
    }
    SECTION("preempted_partner goes before drain")
    {
        s.at(10).start(3, 2, wake_path::queued);
        s.at(20).pair(record_kind::pair_release, 0, 1, bits(0, 1, true));
        s.at(20).run(0, higher_pid(sched_class::rt).value, 1);
        const auto m = measure(world, s, 40);
        CHECK(m.cpus[1].forced[idle_cause::preempted_partner] == 20'000);
        CHECK(m.cpus[1].forced[idle_cause::other_cgroup] == 10'000);
    }
    SECTION("nothing waits: idle, and not forced")
    {
        const auto m = measure(world, s, 40);
        CHECK(m.machine.forced.total_ns() == 0);
        CHECK(m.cpus[1].idle_ns == 40'000);
    }
}

TEST_CASE("a task with a restricted affinity forces only the CPUs of its mask to idle", "[metrics]")
{
    small_world world(4);
    const std::uint32_t only_cpu1 = world.pin_to(1);
    stream s;
    s.at(0).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false), 0);
    s.at(10).start(3, 2, wake_path::queued, 1, only_cpu1);
    s.at(20).add(record_kind::task_affinity, 0, 3, 0U, 0, move_state::queued); // from now on anywhere
    s.at(25).add(record_kind::task_affinity, 0, 3, only_cpu1, 0, move_state::queued);
    s.at(40).run(1, 3);
    const auto m = measure(world, s, 50);

    CHECK(m.cpus[1].forced[idle_cause::other_cgroup] == 30'000);
    CHECK(m.cpus[0].forced.total_ns() == 5'000);
    CHECK(m.cpus[2].forced[idle_cause::wait_for_tick] == 5'000); // its pair has no cgroup yet
    CHECK(m.cgroups[2].waiting_ns == 30'000);
}

TEST_CASE("a batch lasts from adoption to adoption, a drain from draining to adoption", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(10).pair(record_kind::pair_adopt, 0, 1, bits(1, 0, false));
    s.at(30).pair(record_kind::pair_cgrp_empty, 0, 1, bits(0, 0, true));
    s.at(35).pair(record_kind::pair_wait, 0, 1, bits(2, 0, true));
    s.at(50).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false));
    s.at(51).pair(record_kind::pair_run, 0, 2, bits(3, 0, false));
    s.at(75).pair(record_kind::pair_adopt, 0, 2, bits(1, 0, false)); // the same cgroup again, no drain seen
    const auto m = measure(world, s, 100);

    CHECK(m.pairs[0].adoptions == 3);
    CHECK(m.pairs[0].cgroup_changes == 1);
    CHECK(m.pairs[0].waits == 1);
    CHECK(m.pairs[0].batch.count == 2);
    CHECK(m.pairs[0].batch.total_ns == 40'000 + 25'000);
    CHECK(m.pairs[0].drain.count == 1);
    CHECK(m.pairs[0].drain.max_ns == 20'000);
}

TEST_CASE("nothing before the warm-up counts, but what goes on keeps its beginning", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).run(0, 1).kick(0, 1);
    s.at(10).start(3, 2, wake_path::queued);
    s.at(15).pair(record_kind::pair_adopt, 1, 2, bits(2, 0, false));
    s.at(40).pair(record_kind::pair_wait, 0, 2, bits(2, 0, true));
    s.at(60).run(1, 3);
    s.at(75).pair(record_kind::pair_adopt, 1, 1, bits(2, 0, false));
    const auto m = measure(world, s, 100, 50);

    CHECK(to_ns(m.from) == 50'000);
    CHECK(m.cgroups[1].cpu_time_ns == 50'000);
    CHECK(m.cgroups[1].had_work);
    CHECK(m.cgroups[2].cpu_time_ns == 40'000);
    CHECK(m.cgroups[2].waiting_ns == 10'000);
    CHECK(m.cgroups[2].wakeup_latency.max_ns == 50'000);
    CHECK(m.cgroups[2].wakeups_queued == 0);
    CHECK(m.cpus[1].forced.total_ns() == 10'000);
    CHECK(m.machine.kicks_sent == 0);
    CHECK(m.pairs[0].adoptions == 1);
    CHECK(m.pairs[0].waits == 0);
    CHECK(m.pairs[0].batch.total_ns == 60'000);
    CHECK(m.pairs[0].drain.total_ns == 35'000);
    CHECK(m.span_ns() == 50'000);
}

TEST_CASE("a move takes a waiting task's and a running task's time to the new cgroup", "[metrics]")
{
    const small_world world;
    stream s;
    s.at(0).start(1, 1).run(0, 1).start(2, 1, wake_path::queued);
    s.at(10).add(record_kind::task_move, 1, 1, 1, 2, move_state::running);
    s.at(30).add(record_kind::task_move, 1, 2, 1, 2, move_state::queued);
    const auto m = measure(world, s, 40);

    CHECK(m.cgroups[1].cpu_time_ns == 10'000);
    CHECK(m.cgroups[2].cpu_time_ns == 30'000);
    CHECK(m.cgroups[1].waiting_ns == 30'000);
    CHECK(m.cgroups[2].waiting_ns == 10'000);
    CHECK(m.cgroups[2].longest_wait_ns == 40'000);
}

TEST_CASE("a machine without pairs, and a run of no time, have metrics too", "[metrics]")
{
    small_world world;
    world.pairs = {};
    stream s;
    s.at(0).start(1, 1, wake_path::queued);
    CHECK(measure(world, s, 10).cpus[0].forced[idle_cause::wait_for_tick] == 10'000);
    CHECK(measure(world, s, 0).machine.idle_ns == 0);
    CHECK(measure(world, stream{}, 10, 20).span_ns() == 0);
}
