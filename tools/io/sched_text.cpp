// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/sched_text.h"

#include <charconv>
#include <limits>

namespace pairsim {
namespace {

using kind = sched_event::kind;

constexpr std::size_t npos = std::string_view::npos;

void skip_blanks(std::string_view& s)
{
    std::size_t n = 0;
    while (n < s.size() && (s[n] == ' ' || s[n] == '\t')) {
        ++n;
    }
    s.remove_prefix(n);
}

template <class Int>
bool take_number(std::string_view& s, Int& value)
{
    const auto done = std::from_chars(s.data(), s.data() + s.size(), value);
    if (done.ec != std::errc{}) {
        return false;
    }
    s.remove_prefix(static_cast<std::size_t>(done.ptr - s.data()));
    return true;
}

bool take(std::string_view& s, std::string_view word)
{
    if (!s.starts_with(word)) {
        return false;
    }
    s.remove_prefix(word.size());
    return true;
}

/// "5075.958079:" or "5075.958079123:" in nanoseconds.
bool take_time(std::string_view& s, std::int64_t& at_ns)
{
    std::string_view rest = s;
    std::int64_t seconds = 0;
    if (!take_number(rest, seconds) || seconds < 0 ||
        seconds > std::numeric_limits<std::int64_t>::max() / 2'000'000'000 || !take(rest, ".")) {
        return false;
    }
    std::int64_t fraction = 0;
    std::size_t digits = 0;
    while (digits < 9 && digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
        fraction = fraction * 10 + (rest[digits++] - '0');
    }
    rest.remove_prefix(digits);
    if (digits == 0 || !take(rest, ":")) {
        return false;
    }
    for (; digits < 9; ++digits) {
        fraction *= 10;
    }
    at_ns = seconds * 1'000'000'000 + fraction;
    s = rest;
    return true;
}

/// "[003] d..2. 5075.958079:": the CPU, perhaps flags, the time. A comm may hold brackets too, so the first place
/// that fits counts.
bool take_cpu_and_time(std::string_view& s, sched_event& e)
{
    for (std::size_t at = s.find('['); at != npos; at = s.find('[', at + 1)) {
        std::string_view rest = s.substr(at + 1);
        skip_blanks(rest);
        if (!take_number(rest, e.cpu) || !take(rest, "]")) {
            continue;
        }
        skip_blanks(rest);
        if (!take_time(rest, e.at_ns)) {
            const std::size_t flags = rest.find(' ');
            if (flags == npos || flags > 8) {
                continue;
            }
            rest.remove_prefix(flags);
            skip_blanks(rest);
            if (!take_time(rest, e.at_ns)) {
                continue;
            }
        }
        s = rest;
        return true;
    }
    return false;
}

/// The value of " key=" up to the next blank, which must be a number.
template <class Int>
bool number_after(std::string_view s, std::string_view key, Int& value)
{
    const std::size_t at = s.find(key);
    if (at == npos) {
        return false;
    }
    s.remove_prefix(at + key.size());
    return take_number(s, value) && (s.empty() || s.front() == ' ' || s.front() == '\t');
}

/// "comm:pid [prio]" at the end of @p s, as trace-cmd's plugins print a task.
bool take_short_task(std::string_view s, std::string_view& comm, std::uint32_t& pid, std::int32_t& prio)
{
    const std::size_t bracket = s.rfind(" [");
    const std::size_t colon = bracket == npos ? npos : s.rfind(':', bracket);
    if (colon == npos) {
        return false;
    }
    comm = s.substr(0, colon);
    std::string_view number = s.substr(colon + 1);
    std::string_view level = s.substr(bracket + 2);
    return take_number(number, pid) && take_number(level, prio) && level.starts_with(']');
}

void take_prev_state(std::string_view state, sched_event& e)
{
    e.prev_runnable = state.starts_with('R');
    e.prev_dead = state.find_first_of("XZ") != npos;
}

/// "comm:pid [prio] S ==> comm:pid [prio]"
bool parse_short_switch(std::string_view s, std::size_t arrow, sched_event& e)
{
    const std::string_view before = s.substr(0, arrow);
    const std::size_t state = before.rfind(' ');
    if (state == npos) {
        return false;
    }
    take_prev_state(before.substr(state + 1), e);
    return take_short_task(before.substr(0, state), e.comm, e.pid, e.prio) &&
           take_short_task(s.substr(arrow + 5), e.next_comm, e.next_pid, e.next_prio);
}

/// What is left up to the next blank.
std::string_view take_word(std::string_view& s)
{
    const std::string_view word = s.substr(0, s.find(' '));
    s.remove_prefix(word.size());
    return word;
}

/// A switch whose comms have no blanks, as nearly all are: read from left to right. What it takes, parse_switch() would
/// read as the same.
bool parse_plain_switch(std::string_view s, sched_event& e)
{
    if (!take(s, "prev_comm=")) {
        return false;
    }
    e.comm = take_word(s);
    if (!take(s, " prev_pid=") || !take_number(s, e.pid) || !take(s, " prev_prio=") || !take_number(s, e.prio) ||
        !take(s, " prev_state=")) {
        return false;
    }
    take_prev_state(take_word(s), e);
    if (!take(s, " ==> next_comm=")) {
        return false;
    }
    e.next_comm = take_word(s);
    return take(s, " next_pid=") && take_number(s, e.next_pid) && take(s, " next_prio=") &&
           take_number(s, e.next_prio) && s.empty();
}

bool parse_switch(std::string_view s, sched_event& e)
{
    if (parse_plain_switch(s, e)) {
        return true;
    }
    const std::size_t arrow = s.rfind(" ==> ");
    if (arrow == npos) {
        return false;
    }
    if (!s.starts_with("prev_comm=")) {
        return parse_short_switch(s, arrow, e);
    }
    const std::string_view before = s.substr(0, arrow);
    std::string_view after = s.substr(arrow + 5);
    const std::size_t prev_pid = before.rfind(" prev_pid=");
    const std::size_t prev_state = before.rfind(" prev_state=");
    const std::size_t next_pid = after.rfind(" next_pid=");
    if (prev_pid == npos || prev_state == npos || prev_pid < 10 || next_pid == npos || !take(after, "next_comm=")) {
        return false;
    }
    e.comm = s.substr(10, prev_pid - 10);
    e.next_comm = after.substr(0, next_pid - 10);
    take_prev_state(before.substr(prev_state + 12), e);
    return number_after(before.substr(prev_pid), " prev_pid=", e.pid) &&
           number_after(before.substr(prev_pid), " prev_prio=", e.prio) &&
           number_after(after.substr(next_pid - 10), " next_pid=", e.next_pid) &&
           number_after(after.substr(next_pid - 10), " next_prio=", e.next_prio);
}

/// "comm=X pid=N prio=N ...": the comm and what follows it.
bool take_comm(std::string_view& s, std::string_view& comm, std::uint32_t& pid)
{
    const std::size_t at = s.rfind(" pid=");
    if (at == npos || !take(s, "comm=")) {
        return false;
    }
    comm = s.substr(0, at - 5);
    s.remove_prefix(at - 5);
    return number_after(s, " pid=", pid);
}

/// The same for a wake-up of today's kernels.
bool parse_plain_wakeup(std::string_view s, sched_event& e)
{
    if (!take(s, "comm=")) {
        return false;
    }
    e.comm = take_word(s);
    return take(s, " pid=") && take_number(s, e.pid) && take(s, " prio=") && take_number(s, e.prio) &&
           take(s, " target_cpu=") && take_number(s, e.target_cpu) && s.empty();
}

bool parse_wakeup(std::string_view s, sched_event& e)
{
    if (parse_plain_wakeup(s, e)) {
        return true;
    }
    if (s.starts_with("comm=")) {
        return take_comm(s, e.comm, e.pid) && number_after(s, " prio=", e.prio) &&
               number_after(s, " target_cpu=", e.target_cpu);
    }
    const std::size_t cpu = s.rfind(" CPU:");
    const std::size_t bracket = s.rfind(']');
    std::string_view number = cpu == npos ? std::string_view{} : s.substr(cpu + 5);
    return bracket != npos && take_number(number, e.target_cpu) &&
           take_short_task(s.substr(0, bracket + 1), e.comm, e.pid, e.prio);
}

bool parse_fork(std::string_view s, sched_event& e)
{
    const std::size_t child = s.find(" child_comm=");
    if (child == npos) {
        return false;
    }
    std::string_view parent = s.substr(0, child);
    const std::string_view rest = s.substr(child + 12);
    const std::size_t pid = rest.rfind(" child_pid=");
    if (pid == npos || !number_after(rest.substr(pid), " child_pid=", e.next_pid)) {
        return false;
    }
    e.next_comm = rest.substr(0, pid);
    return take_comm(parent, e.comm, e.pid);
}

/// "dst_root=0 dst_id=5 dst_level=1 dst_path=/A pid=49 comm=A.0"
bool parse_attach(std::string_view s, sched_event& e)
{
    const std::size_t path = s.find(" dst_path=");
    const std::size_t pid = path == npos ? npos : s.find(" pid=", path);
    if (pid == npos) {
        return false;
    }
    e.comm = s.substr(path + 10, pid - path - 10);
    return number_after(s.substr(pid), " pid=", e.pid);
}

kind kind_of(std::string_view name)
{
    if (!name.starts_with("sched_") && name != "cgroup_attach_task") {
        return kind::other;
    }
    if (name == "sched_switch") {
        return kind::sched_switch;
    }
    if (name == "sched_wakeup") {
        return kind::wakeup;
    }
    if (name == "sched_waking") {
        return kind::waking;
    }
    if (name == "sched_wakeup_new") {
        return kind::wakeup_new;
    }
    if (name == "sched_migrate_task") {
        return kind::migrate;
    }
    if (name == "sched_process_fork") {
        return kind::fork;
    }
    if (name == "sched_process_exit") {
        return kind::exit;
    }
    return name == "cgroup_attach_task" ? kind::attach : kind::other;
}

bool parse_fields(std::string_view s, sched_event& e)
{
    switch (e.what) {
    case kind::sched_switch:
        return parse_switch(s, e);
    case kind::waking:
    case kind::wakeup:
    case kind::wakeup_new:
        return parse_wakeup(s, e);
    case kind::migrate:
        return take_comm(s, e.comm, e.pid) && number_after(s, " dest_cpu=", e.target_cpu);
    case kind::fork:
        return parse_fork(s, e);
    case kind::exit:
        return take_comm(s, e.comm, e.pid);
    case kind::attach:
        return parse_attach(s, e);
    case kind::none:
    case kind::malformed:
    case kind::other:
    case kind::lost:
    case kind::pair:
        return true;
    }
    return true;
}

/// Two writers at once: a comm that goes on in another line. It is longer than a task's, though a worker's may be too.
bool holds_a_line(const sched_event& e)
{
    constexpr std::size_t max_comm = 15; // the kernel's TASK_COMM_LEN without its end
    const auto goes_on = [](std::string_view comm) { return comm.size() > max_comm && comm.find(": ") != npos; };
    return e.what != kind::attach && (goes_on(e.comm) || goes_on(e.next_comm));
}

/// What a line is that has no CPU and time: a heading, a comment, a note about lost events, or nothing we know.
sched_event parse_note(std::string_view line)
{
    sched_event e;
    skip_blanks(line);
    if (take(line, "CPU:")) { // tracefs: CPU:1 [LOST 12 EVENTS]; trace-cmd: CPU:1 [12 EVENTS DROPPED]
        const bool lost = line.find("LOST") != npos || line.find("DROPPED") != npos;
        e.what = take_number(line, e.cpu) && lost ? kind::lost : kind::malformed;
    } else if (!line.empty() && line.front() != '#' && !line.starts_with("cpus=") && !line.starts_with("version = ") &&
               !(line.starts_with("CPU ") && line.ends_with(" is empty"))) {
        e.what = kind::malformed;
    }
    return e;
}

} // namespace

sched_event parse_sched_line(std::string_view line)
{
    sched_event e;
    std::string_view s = line;
    if (line.starts_with('#') || !take_cpu_and_time(s, e)) {
        return parse_note(line);
    }
    skip_blanks(s);
    std::size_t end = s.find(": ");
    if (end == npos) {
        end = s.ends_with(':') ? s.size() - 1 : s.find(':');
    }
    std::string_view name = s.substr(0, end);
    if (end == npos || name.find(' ') != npos) {
        e.what = kind::other;
        return e;
    }
    s.remove_prefix(end + 1);
    skip_blanks(s);
    while (s.ends_with(' ')) {
        s.remove_suffix(1);
    }
    const std::size_t prefix = name.rfind(':');
    if (prefix != npos) {
        if (name.substr(0, prefix) == "pair") {
            e.what = kind::pair;
            e.comm = name.substr(prefix + 1);
            e.fields = s;
            return e;
        }
        name.remove_prefix(prefix + 1);
    }
    e.what = kind_of(name);
    if (!parse_fields(s, e) || holds_a_line(e)) {
        e.what = kind::malformed;
    }
    return e;
}

} // namespace pairsim
