// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/recorded_trace.h"

#include <fmt/format.h>

#include "model/claims.h"
#include "tests/support/catch.h"
#include "tools/check/trace_check.h"
#include "tools/io/input_error.h"

using namespace pairsim;
using pairsim::test::contains;

namespace {

/// "CPU TIME_US PREV NEXT" as a switch between tasks whose comm is t and their pid; 0 is idle.
std::string sw(unsigned cpu, unsigned us, unsigned prev, unsigned next, const char* state = "S")
{
    return fmt::format("x-1 [{:03}] 0.{:06}: sched_switch: prev_comm=t{} prev_pid={} prev_prio=120 prev_state={} ==> "
                       "next_comm=t{} next_pid={} next_prio=120\n",
                       cpu, us, prev, prev, state, next, next);
}

struct reading {
    std::string error;
    claims_result claims;
    recorded_counts counts;
};

/// Pids 1x are of /a, 2x of /b; CPUs 0 and 1 are a pair.
reading read(const std::string& text, recorded_options options = {})
{
    reading result;
    text_bytes bytes(text);
    cgroup_rules rules;
    rules.add_option("/a=t1?,t1");
    rules.add_option("/b=t2?");
    const auto map = std::get<pair_map>(make_pair_map(2, 0, true));
    machine_config machine;
    machine.cpus.resize(2);
    const workload work;
    claims watched(machine, work, map);
    try {
        line_source lines(bytes, "t");
        recorded_trace trace(lines, rules, std::move(options));
        trace.read(watched);
        result.counts = trace.counts();
        result.claims = watched.finish(trace.end());
    } catch (const input_error& e) {
        result.error = e.what();
    }
    return result;
}

std::int64_t exclusive_us(const reading& r)
{
    return r.claims.of(claim_id::exclusive).total_ns / 1000;
}

} // namespace

TEST_CASE("two cgroups on a pair are found in a trace of switches alone", "[recorded]")
{
    const auto r = read(sw(0, 10, 0, 11) + sw(1, 20, 0, 21) + sw(1, 50, 21, 12) + sw(0, 60, 11, 0));
    CHECK(r.error.empty());
    CHECK(exclusive_us(r) == 30);
    CHECK(r.claims.of(claim_id::exclusive).violations == 1);
    CHECK(r.counts.events == 4);
}

TEST_CASE("a cgroup that is ignored counts as idle, a higher class as itself", "[recorded]")
{
    const std::string text = sw(0, 10, 0, 11) + sw(1, 20, 0, 21) + sw(1, 50, 21, 0);
    CHECK(exclusive_us(read(text, {.tolerant = false, .ignored_cgroups = {"/b"}})) == 0);
    const auto rt = read(sw(0, 10, 0, 11) +
                         "x-1 [001] 0.000020: sched_switch: prev_comm=swapper/1 prev_pid=0 "
                         "prev_prio=120 prev_state=R ==> next_comm=t21 next_pid=21 next_prio=49\n" +
                         "x-1 [001] 0.000050: sched_switch: prev_comm=t21 prev_pid=21 prev_prio=49 prev_state=S ==> "
                         "next_comm=swapper/1 next_pid=0 next_prio=120\n");
    CHECK(rt.error.empty());
    CHECK(exclusive_us(rt) == 0);
    CHECK(rt.claims.of(claim_id::no_run_beside_preemptor).total_ns == 30'000);
}

TEST_CASE("a task that is moved, forked or renamed is in the cgroup that the trace says", "[recorded]")
{
    const std::string begin = sw(0, 10, 0, 11) + sw(1, 20, 0, 12);
    std::string text;
    std::int64_t expected = 0;
    SECTION("moved")
    {
        text = begin +
               "x-1 [001] 0.000030: cgroup_attach_task: dst_root=0 dst_id=5 dst_level=1 dst_path=/b pid=12 "
               "comm=t12\n" +
               sw(1, 50, 12, 0);
        expected = 20;
    }
    SECTION("forked")
    {
        text = sw(0, 10, 0, 11) + sw(1, 15, 0, 21) + sw(1, 20, 21, 0) +
               "x-1 [001] 0.000030: sched_process_fork: comm=t21 pid=21 child_comm=new child_pid=99\n"
               "x-1 [001] 0.000040: sched_switch: prev_comm=swapper prev_pid=0 prev_prio=120 prev_state=R ==> "
               "next_comm=new next_pid=99 next_prio=120\n"
               "x-1 [001] 0.000050: sched_switch: prev_comm=new prev_pid=99 prev_prio=120 prev_state=S ==> "
               "next_comm=swapper next_pid=0 next_prio=120\n";
        expected = 5 + 10;
    }
    SECTION("a pid that is used again is a new task")
    {
        text = begin + sw(1, 25, 12, 0, "X") +
               "x-1 [001] 0.000040: sched_switch: prev_comm=swapper prev_pid=0 prev_prio=120 prev_state=R ==> "
               "next_comm=t21 next_pid=12 next_prio=120\n"
               "x-1 [001] 0.000050: sched_switch: prev_comm=t21 prev_pid=12 prev_prio=120 prev_state=S ==> "
               "next_comm=swapper next_pid=0 next_prio=120\n";
        expected = 10;
    }
    const auto r = read(text);
    CHECK(r.error.empty());
    CHECK(exclusive_us(r) == expected);
}

TEST_CASE("what cannot be right is an error with its line, or is skipped and counted", "[recorded]")
{
    const std::string good = sw(0, 10, 0, 11) + sw(1, 20, 0, 21);
    struct bad_text {
        std::string line;
        const char* complaint;
        std::uint64_t recorded_counts::*counter;
    };
    const auto bad = GENERATE_COPY(
        bad_text{"nonsense\n", "t:3: not a line of a trace", &recorded_counts::skipped},
        bad_text{std::string(200, '\x82') + "\n", "t:3: not a line of a trace", &recorded_counts::skipped},
        bad_text{"x-1 [000] 0.000030: sched_switch: prev_comm=t11 pr" + sw(1, 30, 21, 0), "t:3: not a line of a trace",
                 &recorded_counts::skipped}, // two writers at once
        bad_text{sw(0, 5, 11, 0), "t:3: the time goes back", &recorded_counts::skipped},
        bad_text{sw(0, 30, 12, 0), "t:3: cpu 0 switches from pid 12, but it ran pid 11", &recorded_counts::mismatched},
        bad_text{sw(0, 30, 11, 21), "t:3: pid 21 is on cpu 0, but it ran on cpu 1", &recorded_counts::mismatched},
        bad_text{"CPU:0 [LOST 3 EVENTS]\n", "t:3: events of cpu 0 were lost", &recorded_counts::lost},
        bad_text{sw(5000, 30, 11, 0), "t:3: a CPU or a pid that no kernel has", &recorded_counts::skipped},
        bad_text{sw(0, 30, 11, 4194305), "t:3: a CPU or a pid", &recorded_counts::skipped},
        bad_text{sw(0, 30, 11, 77), "t:3: no rule names the cgroup of \"t77\" (pid 77)", &recorded_counts::unassigned},
        bad_text{"x-1 [000] 0.000030: sched_switch: prev_c", "the file ends in the middle of it",
                 &recorded_counts::skipped},
        bad_text{std::string(std::size_t{3} << 20U, 'x') + "\n", "t:3: a line of more than",
                 &recorded_counts::skipped});
    INFO(bad.complaint);
    CHECK_THAT(read(good + bad.line).error, contains(bad.complaint));
    const auto r = read(good + bad.line, {.tolerant = true, .ignored_cgroups = {}});
    CHECK(r.error.empty());
    CHECK(r.counts.*bad.counter == 1);
    CHECK_THAT(r.counts.first_skipped, contains("t:3: "));
}

TEST_CASE("after lost events a CPU is not blamed for what it ran before", "[recorded]")
{
    const auto r = read(sw(0, 10, 0, 11) + sw(1, 20, 0, 21) + "CPU:0 [LOST 3 EVENTS]\n" + sw(1, 90, 21, 0),
                        {.tolerant = true, .ignored_cgroups = {}});
    CHECK(exclusive_us(r) == 0);
}

TEST_CASE("binary and compressed files are named for what they are", "[recorded]")
{
    const std::string bytes =
        GENERATE(as<std::string>{}, std::string("PERFILE2xxxx"), std::string("\x17\x08\x44tracing6", 11),
                 std::string("\x1f\x8b\x08"), std::string("ab\0cd", 5));
    CHECK_THAT(read(bytes).error,
               contains(bytes[0] == 'a' ? "is no text" : (bytes[0] == '\x1f' ? "compressed" : "binary")));
}

TEST_CASE("rules by pid come before rules by comm, of which the first counts", "[recorded]")
{
    CHECK(matches_pattern("a*c?", "abbbcd"));
    CHECK(matches_pattern("*", ""));
    CHECK_FALSE(matches_pattern("a*c?", "abbbc"));
    cgroup_rules rules;
    rules.add_option("/x=77,web*");
    rules.add_option("/y=*");
    CHECK(*rules.of_pid(77) == "/x");
    CHECK(rules.of_pid(78) == nullptr);
    CHECK(*rules.of_comm("webserver") == "/x");
    CHECK(*rules.of_comm("other") == "/y");
    CHECK_THROWS_AS(rules.add_option("nothing"), input_error);
}

TEST_CASE("pairs, limits and claims of the command line", "[recorded]")
{
    CHECK(parse_pairs("4") == std::vector<pair_map::pair>{{cpu_id{0}, cpu_id{2}}, {cpu_id{1}, cpu_id{3}}});
    CHECK(parse_pairs("3+1,0+2") == std::vector<pair_map::pair>{{cpu_id{1}, cpu_id{3}}, {cpu_id{0}, cpu_id{2}}});
    for (const char* bad : {"", "3", "0", "0+0", "0+1,1+2", "0+1,", "0-1", "0+4096", "x"}) {
        INFO(bad);
        CHECK_THROWS_AS(parse_pairs(bad), input_error);
    }
    claim_limits limits;
    parse_limit("no-starvation=5s", limits);
    CHECK(limits.starvation == std::chrono::seconds{5});
    for (const char* bad : {"no-starvation", "no-starvation=0", "exclusive=1s", "nonsense=1s"}) {
        CHECK_THROWS_AS(parse_limit(bad, limits), input_error);
    }
}
