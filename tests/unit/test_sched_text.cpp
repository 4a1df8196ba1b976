// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/sched_text.h"

#include "tests/support/catch.h"

using namespace pairsim;
using kind = sched_event::kind;

namespace {

kind what(std::string_view line)
{
    return parse_sched_line(line).what;
}

/// An event and the line that it has views of.
struct parsed_line {
    std::string line;
    sched_event e;
    explicit parsed_line(std::string text) : line(std::move(text)), e(parse_sched_line(line)) {}
    parsed_line(const parsed_line&) = delete;
    parsed_line& operator=(const parsed_line&) = delete;
};

} // namespace

TEST_CASE("a switch reads the same from tracefs, trace-cmd and perf", "[sched_text]")
{
    std::string line = GENERATE(
        as<std::string>{},
        "            t0-101   [002] d..2.  5075.958079: sched_switch: prev_comm=t0 prev_pid=101 prev_prio=120 "
        "prev_state=R+ ==> next_comm=a b-[1] next_pid=102 next_prio=49",
        "            t0-101   (  101) [002] d..2.  5075.958079: sched_switch: prev_comm=t0 prev_pid=101 prev_prio=120 "
        "prev_state=R ==> next_comm=a b-[1] next_pid=102 next_prio=49",
        "              t0-101   [002]  5075.958079: sched_switch:         t0:101 [120] R+ ==> a b-[1]:102 [49]",
        "              t0   101 [002]  5075.958079000:       sched:sched_switch: prev_comm=t0 prev_pid=101 "
        "prev_prio=120 prev_state=R ==> next_comm=a b-[1] next_pid=102 next_prio=49");
    const bool blank = GENERATE(true, false); // in the comm, as few have
    if (!blank) {
        line.replace(line.find("a b"), 3, "a_b");
    }
    INFO(line);
    const sched_event e = parse_sched_line(line);
    CHECK(e.what == kind::sched_switch);
    CHECK(e.cpu == 2);
    CHECK(e.at_ns == 5'075'958'079'000);
    CHECK((e.pid == 101 && e.prio == 120 && e.comm == "t0" && e.prev_runnable));
    CHECK((e.next_pid == 102 && e.next_prio == 49 && e.next_comm == (blank ? "a b-[1]" : "a_b-[1]")));
}

TEST_CASE("comms that look like fields do not confuse the reader", "[sched_text]")
{
    const auto e = parse_sched_line(" x-1 [000] 1.5: sched_switch: prev_comm=a prev_pid=7 prev_pid=8 prev_prio=-1 "
                                    "prev_state=D|K ==> next_comm=b ==> c next_pid=9 next_prio=120");
    CHECK(e.what == kind::malformed); // the last arrow is not the one, and then nothing fits: refused, not guessed
    const auto good = parse_sched_line(" x-1 [000] 1.5: sched_switch: prev_comm=a prev_pid=7 prev_pid=8 prev_prio=-1 "
                                       "prev_state=D|K ==> next_comm=next_pid=1 next_pid=9 next_prio=120");
    CHECK((good.comm == "a prev_pid=7" && good.pid == 8 && good.prio == -1 && !good.prev_runnable));
    CHECK((good.next_comm == "next_pid=1" && good.next_pid == 9));
}

TEST_CASE("wake-ups, forks, moves and ends", "[sched_text]")
{
    const std::string start = "bash-9 [001] d..3. 12.000000001: ";
    {
        const parsed_line p(start + "sched_waking: comm=kworker/u8:0-events_unbound pid=7 prio=120 target_cpu=003");
        CHECK((p.e.what == kind::waking && p.e.comm == "kworker/u8:0-events_unbound")); // workers say what they do
    }
    {
        const parsed_line p(start + "sched_wakeup: comm=my task pid=7 prio=120 target_cpu=003");
        CHECK((p.e.what == kind::wakeup && p.e.comm == "my task" && p.e.pid == 7));
        CHECK((p.e.target_cpu == 3 && p.e.at_ns == 12'000'000'001));
    }
    CHECK(what(start + "sched_wakeup: comm=x pid=7 prio=120 success=1 target_cpu=003") == kind::wakeup);
    {
        const parsed_line p(start + "sched_wakeup: x:7 [120] CPU:003");
        CHECK((p.e.what == kind::wakeup && p.e.comm == "x" && p.e.pid == 7 && p.e.target_cpu == 3));
    }
    CHECK(what(start + "sched_waking: comm=x pid=7 prio=120 target_cpu=003") == kind::waking);
    CHECK(what(start + "sched_wakeup_new: comm=x pid=7 prio=120 target_cpu=003") == kind::wakeup_new);
    CHECK(what(start + "sched_migrate_task: comm=x pid=7 prio=120 orig_cpu=0 dest_cpu=3") == kind::migrate);
    CHECK(what(start + "sched_process_exit: comm=x pid=7 prio=120") == kind::exit);
    {
        const parsed_line p(start + "sched_process_fork: comm=x pid=7 child_comm=y z child_pid=8");
        CHECK((p.e.what == kind::fork && p.e.pid == 7 && p.e.next_pid == 8 && p.e.next_comm == "y z"));
    }
    {
        const parsed_line p(start + "cgroup_attach_task: dst_root=0 dst_id=5 dst_level=1 dst_path=/A pid=49 comm=A.0");
        CHECK((p.e.what == kind::attach && p.e.comm == "/A" && p.e.pid == 49));
    }
    {
        const parsed_line p(start + "pair:kick: reason=preempt target=1");
        CHECK((p.e.what == kind::pair && p.e.comm == "kick" && p.e.fields == "reason=preempt target=1"));
    }
    CHECK(what(start + "irq_handler_entry: irq=1 name=x") == kind::other);
}

TEST_CASE("what is no event is told from what is broken", "[sched_text]")
{
    for (const char* line : {"", "   ", "# tracer: nop", "cpus=4", "CPU 3 is empty", "version = 7"}) {
        CHECK(what(line) == kind::none);
    }
    const auto lost = parse_sched_line("CPU:1 [LOST 12 EVENTS]");
    CHECK((lost.what == kind::lost && lost.cpu == 1));
    CHECK(what("CPU:1 [12 EVENTS DROPPED]") == kind::lost);
    for (const char* line :
         {"hello", "x-1 [000] now: sched_switch: a", "x-1 [0", "CPU:x", "x-1 [000] 1.5: sched_switch: prev_comm=a",
          "x-1 [000] 1.5: sched_wakeup: comm=x pid=", "x-1 [000] 1.5: sched_switch: prev_comm= ==> next_comm=",
          "x-1 [000] 99999999999999999999.5: sched_wakeup: x:7 [120] CPU:003",
          "x-1 [000] 1.5: sched_switch: prev_comm=a prev_pid=99999999999 prev_prio=1 prev_state=R ==> next_comm=b "
          "next_pid=2 next_prio=1"}) {
        INFO(line);
        CHECK(what(line) == kind::malformed);
    }
}
