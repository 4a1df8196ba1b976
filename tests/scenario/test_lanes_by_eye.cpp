// SPDX-License-Identifier: GPL-2.0-only
//
// Short schedules of the whole machine as lanes, to be checked by eye. Kernel paths cost nothing but what a case
// names, so each column is exact. Above each case is what the reader should see.
#include <string>

#include "tests/support/catch.h"
#include "tools/io/lanes.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

using namespace pairsim;

namespace {

nanoseconds duration(const std::string& text)
{
    return std::get<nanoseconds>(parse_duration(text));
}

/// Runs a scenario that has @p members, and draws the rows of its CPUs and their marks from @p from to @p to.
std::string lanes_of(const std::string& members, const std::string& from, const std::string& to,
                     const std::string& step)
{
    const std::string header =
        R"("schema": "pairsim.scenario/1", "name": "lanes", "description": "by eye", "duration": "100ms",)";
    const scenario s = read_scenario(parse_json("{" + header + members + "}", "lanes"), "lanes");
    lanes picture(s, pairs_of(s), {sim_time{duration(from)}, sim_time{duration(to)}, duration(step)});
    run_options options;
    options.until = duration(to);
    options.sinks = {&picture};
    const run_outcome out = run_scenario(s, options);
    CHECK(out.result.exit.kind == "none");
    const std::string drawn = picture.finish(sim_time{duration(to)});
    const auto rows = drawn.find("\ncpu");
    return drawn.substr(rows, drawn.find("\n\none column") + 1 - rows);
}

} // namespace

/// cpu 0: 5 ms of the task, 4 ms of rt, the other 7 ms of the task. Its partner is not kicked at the release (its task
/// came without a dispatch), runs beside rt, and is kicked at the return.
TEST_CASE("a task preempted by a higher class waits in its local DSQ and is resumed", "[cpu_release]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a"],
        "tasks": [
          { "name": "hog", "cgroup": "a", "count": 2, "phases": [{ "run": "12ms" }] }
        ],
        "higher_class": [{ "cpu": 0, "class": "rt", "first": "5ms", "length": "4ms" }])";
    CHECK(lanes_of(members, "0ms", "16ms", "1ms") == R"(
cpu0      AAAAA####AAAAAAA
cpu1      AAAAAAAAA!AA....
               ^^^^
)");
}

/// Nothing is queued: the search of top_q comes out empty and leaves the pair draining. cpu 1 has never had a task.
TEST_CASE("a CPU goes idle when its only task sleeps, and when it exits", "[balance_one]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a"],
        "tasks": [
          { "name": "t", "cgroup": "a", "phases": [{ "run": "3ms" }, { "sleep": "2ms" }, { "run": "4ms" }] }
        ])";
    CHECK(lanes_of(members, "0ms", "12ms", "1ms") == R"(
cpu0      AAA..AAAA...
cpu1      ___.........
)");
}

/// cpu 0 runs `first` 2 ms, `third` 3 ms, the rest of `second` 2 ms; then its cgroup is empty and it waits, beside two
/// queued tasks of b, until the slice that cpu 1 began at 2 ms ends at the tick of 24 ms.
TEST_CASE("a CPU goes idle because it must wait for its partner's cgroup to end", "[try_dispatch]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "first", "cgroup": "a", "phases": [{ "run": "2ms" }] },
          { "name": "second", "cgroup": "a", "phases": [{ "run": "4ms" }] },
          { "name": "third", "cgroup": "a", "start": "1ms", "phases": [{ "run": "3ms" }] },
          { "name": "hog", "cgroup": "a", "start": "1ms", "phases": [{ "run": "forever" }] },
          { "name": "other", "cgroup": "b", "count": 2, "start": "1ms", "phases": [{ "run": "forever" }] }
        ])";
    CHECK(lanes_of(members, "0ms", "36ms", "1ms") == R"(
cpu0      AAAAAAA.................!BBBBBBBBBBB
cpu1      AA!AAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBB
)");
}

/// At 3 ms cpu 0 pops `pinned` and leaves it in the global DSQ; its kick makes cpu 1 take it.
TEST_CASE("a CPU goes idle when what it dispatches may run on its partner only", "[consume_dispatch_q]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "short", "cgroup": "a", "phases": [{ "run": "3ms" }] },
          { "name": "long", "cgroup": "a", "phases": [{ "run": "6ms" }] },
          { "name": "pinned", "cgroup": "b", "start": "1ms", "fork_cpu": 1, "cpus": [1], "phases": [{ "run": "3ms" }] }
        ])";
    CHECK(lanes_of(members, "0ms", "12ms", "1ms") == R"(
cpu0      AAA...!.....
cpu1      AAA!BBAAA...
)");
}

/// The idle CPU's visitor is unknown to scx_pair (no cpu_release): its partner runs beside it and nobody is kicked.
TEST_CASE("a CPU goes idle when a higher class leaves it and nothing is queued", "[switch_class]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a"],
        "tasks": [
          { "name": "t", "cgroup": "a", "phases": [{ "run": "10ms" }] }
        ],
        "higher_class": [{ "cpu": 1, "class": "rt", "first": "3ms", "length": "4ms" }])";
    CHECK(lanes_of(members, "0ms", "12ms", "1ms") == R"(
cpu0      AAAAAAAAAA..
cpu1      ___####.....
             ^^^^
)");
}

/// At 20 ms cpu 0 adopts b and kicks; the IPI takes 30 us.
TEST_CASE("a kick of a running task takes the flight of its IPI to stop it", "[scx_bpf_kick_cpu]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "tick_offset": ["0", "1ms"], "costs": { "preset": "none", "ipi_latency": "30us" } }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "a", "cgroup": "a", "count": 2, "phases": [{ "run": "forever" }] },
          { "name": "b", "cgroup": "b", "count": 2, "start": "1ms", "phases": [{ "run": "forever" }] }
        ])";
    CHECK(lanes_of(members, "19.95ms", "20.1ms", "10us") == R"(
cpu0      AAAAABBBBBBBBBB
cpu1      AAAAA!AABBBBBBB
               ^^^
)");
}

/// cpu 0's task ends at 5.5 ms: it adopts b and kicks the idle partner, which needs 200 us for the IPI and 300 us
/// to wake.
TEST_CASE("a kick wakes an idle CPU after the IPI and its exit from idle", "[scx_bpf_kick_cpu]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": { "preset": "none", "ipi_latency": "200us", "idle_exit": "300us" } }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "first", "cgroup": "a", "phases": [{ "run": "1ms" }] },
          { "name": "second", "cgroup": "a", "start": "1us", "phases": [{ "run": "3ms" }] },
          { "name": "third", "cgroup": "a", "start": "500us", "phases": [{ "run": "4ms" }] },
          { "name": "b", "cgroup": "b", "count": 2, "start": "600us", "phases": [{ "run": "forever" }] }
        ])";
    CHECK(lanes_of(members, "4ms", "8ms", "100us") == R"(
cpu0      AAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBB
cpu1      A........................!____BBBBBBBBBB
)");
}

/// At 10 ms cpu 0 adopts b and kicks cpu 1, where a higher class runs: nothing arrives there.
TEST_CASE("a kick of a CPU in a higher class is skipped on current kernels", "[kick_one_cpu]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "costs": "none" }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "a", "cgroup": "a", "phases": [{ "run": "10ms" }] },
          { "name": "b", "cgroup": "b", "count": 2, "start": "4ms", "cpus": [0], "phases": [{ "run": "10ms" }] }
        ],
        "higher_class": [{ "cpu": 1, "class": "rt", "first": "2ms", "length": "15ms" }])";
    CHECK(lanes_of(members, "0ms", "30ms", "1ms") == R"(
cpu0      AAAAAAAAAABBBBBBBBBBBBBBBBBBBB
cpu1      __###############.............
            ^^^^^^^^^^^^^^^
)");
}

/// As above; the kick arrives at 10 ms, and rt goes on.
TEST_CASE("a kick of a CPU in a higher class only makes Linux 6.12 schedule", "[kick_one_cpu]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "kernel": "K612", "costs": "none" }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "a", "cgroup": "a", "phases": [{ "run": "10ms" }] },
          { "name": "b", "cgroup": "b", "count": 2, "start": "4ms", "cpus": [0], "phases": [{ "run": "10ms" }] }
        ],
        "higher_class": [{ "cpu": 1, "class": "rt", "first": "2ms", "length": "15ms" }])";
    CHECK(lanes_of(members, "0ms", "30ms", "1ms") == R"(
cpu0      AAAAAAAAAABBBBBBBBBBBBBBBBBBBB
cpu1      __########!######.............
            ^^^^^^^^^^^^^^^
)");
}

/// At 3 ms cpu 0 pops three tasks, none of which it may run. Three rounds are the limit: it kicks itself and goes idle.
TEST_CASE("a CPU whose dispatch loop has run out of rounds kicks itself", "[balance_one]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "dsp_max_loops": 3, "costs": "none" }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "short", "cgroup": "a", "phases": [{ "run": "3ms" }] },
          { "name": "long", "cgroup": "a", "phases": [{ "run": "6ms" }] },
          { "name": "pinned", "cgroup": "b", "count": 3, "start": "1ms", "fork_cpu": 1, "cpus": [1], "phases": [{ "run": "1ms" }] }
        ])";
    CHECK(lanes_of(members, "0ms", "12ms", "1ms") == R"(
cpu0      AAA!..!.....
cpu1      AAA!BBAAA...
)");
}

/// At 20 ms cpu 0 dispatches the task of b; the insert takes 10 us. cpu 1 of the other pair balances at 20.005 ms,
/// waits for the DSQ's lock, and takes it: two cgroups on the pair 1 + 3.
TEST_CASE("a CPU of another pair steals a task from the global DSQ", "[consume_dispatch_q]")
{
    const char* const members = R"(
        "machine": { "cpus": 4, "tick_offset": ["0", "5us", "2ms", "2ms"], "costs": { "preset": "none", "dsq_insert": "10us" } }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "a", "cgroup": "a", "count": 4, "phases": [{ "run": "forever" }] },
          { "name": "b", "cgroup": "b", "count": 1, "start": "1ms", "phases": [{ "run": "forever" }] }
        ])";
    CHECK(lanes_of(members, "19.99ms", "20.08ms", "5us") == R"(
cpu0      AAAAAA!AAAAAAAAAAA
cpu2      AAAA!AAAAAAAAAAAAA

cpu1      AAAABBBBBBBBBBBBBB
cpu3      AAAAAAAAAAAAAAAAAA
              ^^^^^^^^^^^^^^
)");
}

/// The task of cpu 0 ends at 15 ms, that of cpu 1 5 us later: cpu 1 takes the task of b that cpu 0 is inserting.
TEST_CASE("a CPU goes idle when its task has been stolen and nothing else is queued", "[consume_dispatch_q]")
{
    const char* const members = R"(
        "machine": { "cpus": 4, "tick_offset": { "step": "1ms" }, "costs": { "preset": "none", "dsq_insert": "10us" } }, "cgroups": ["a", "b"],
        "tasks": [
          { "name": "first", "cgroup": "a", "phases": [{ "run": "15ms" }] },
          { "name": "second", "cgroup": "a", "phases": [{ "run": "15.005ms" }] },
          { "name": "hog", "cgroup": "a", "count": 2, "phases": [{ "run": "forever" }] },
          { "name": "b", "cgroup": "b", "start": "1ms", "phases": [{ "run": "forever" }] }
        ])";
    CHECK(lanes_of(members, "14.99ms", "15.08ms", "5us") == R"(
cpu0      AAAA..............
cpu2      AAAA!AAAAAAAAAAAAA

cpu1      AAAABBBBBBBBBBBBBB
cpu3      AAAAAAAAAAAAAAAAAA
              ^^^^^^^^^^^^^^
)");
}

/// `m` is queued in b and moved to c at 5 ms. At 20 ms the pair adopts b, and the old entry of `m` runs it as a task of
/// c.
TEST_CASE("a queued task that is moved runs in the turn of its old cgroup", "[sched_move_task]")
{
    const char* const members = R"(
        "machine": { "cpus": 2, "tick_offset": ["0", "1ms"], "costs": "none" }, "cgroups": ["a", "b", "c"],
        "tasks": [
          { "name": "a", "cgroup": "a", "count": 2, "phases": [{ "run": "forever" }] },
          { "name": "m", "cgroup": "b", "start": "1ms", "phases": [{ "run": "forever" }] },
          { "name": "b", "cgroup": "b", "start": "2ms", "phases": [{ "run": "forever" }] }
        ],
        "outside": [{ "at": "5ms", "move": { "task": "m", "to": "c" } }])";
    CHECK(lanes_of(members, "0ms", "42ms", "1ms") == R"(
cpu0      AAAAAAAAAAAAAAAAAAAACCCCCCCCCCCCCCCCCCCCC!
cpu1      AAAAAAAAAAAAAAAAAAAA!BBBBBBBBBBBBBBBBBBBBA
                              ^^^^^^^^^^^^^^^^^^^^^
)");
}
