// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/ftrace_text.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "sim/objects.h"
#include "tools/io/input_error.h"
#include "tools/io/sched_text.h"

namespace pairsim {
namespace {

using k = record_kind;

/// A comm as the kernel has it: 15 bytes, and for the sake of Perfetto without blanks.
std::string comm_of(std::string name)
{
    name.resize(std::min<std::size_t>(name.size(), 15));
    std::ranges::replace_if(
        name, [](char c) { return c == ' ' || c == '='; }, '_');
    return name.empty() ? "-" : name;
}

} // namespace

// ---- the writer ---------------------------------------------------------------------------------------------------

ftrace_writer::ftrace_writer(std::string path, trace_header header)
    : file_(std::move(path)), header_(std::move(header)), current_(header_.cpus),
      last_cpu_(header_.tasks.size() + 1, cpu_id{0}), comms_{"swapper"}
{
    for (const auto& t : header_.tasks) {
        comms_.push_back(comm_of(t.name));
    }
    file_.text() = ftrace_heading;
    append_header(file_.text(), header_);
    file_.text() += "#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n";
}

/// The class's thread on this CPU gets a pid above the tasks'.
ftrace_writer::named ftrace_writer::name_of(pid p, cpu_id cpu) const
{
    if (p == idle_pid) {
        return {fmt::format("swapper/{}", cpu.value), 0, 120};
    }
    if (is_task(p)) {
        return {p.value < comms_.size() ? comms_[p.value] : "?", p.value, 120};
    }
    const auto of = [&](const char* name, std::uint32_t number, std::int32_t prio) {
        const auto pid_here = static_cast<std::uint32_t>(header_.tasks.size()) + 1 + 3U * cpu.value + number;
        return named{fmt::format("{}/{}", name, cpu.value), pid_here, prio};
    };
    if (p == higher_pid(sched_class::dl)) {
        return of("dl", 1, -1);
    }
    return p == higher_pid(sched_class::stop) ? of("migration", 2, 0) : of("rt", 0, 49);
}

/// "     comm-pid   [003] ..... 12.000345678: "
void ftrace_writer::append_start(const trace_record& r)
{
    const cpu_id cpu = r.cpu.value < header_.cpus ? r.cpu : cpu_id{0};
    const named who = name_of(current_[cpu.value], cpu);
    const std::int64_t ns = to_ns(r.at);
    fmt::format_to(std::back_inserter(file_.text()),
                   "{:>16}-{:<5} [{:03}] ..... {}.{:09}: ", who.pid == 0 ? "<idle>" : who.comm, who.pid, cpu.value,
                   ns / 1'000'000'000, ns % 1'000'000'000);
}

void ftrace_writer::append_kernel_event(const trace_record& r)
{
    if (r.kind == k::sched_switch) {
        constexpr const char* states[] = {"R", "S", "X"};
        const named prev = name_of(pid{r.a}, r.cpu);
        const named next = name_of(r.task, r.cpu);
        append_start(r);
        fmt::format_to(std::back_inserter(file_.text()),
                       "sched_switch: prev_comm={} prev_pid={} prev_prio={} prev_state={} ==> next_comm={} next_pid={} "
                       "next_prio={}\n",
                       prev.comm, prev.pid, prev.prio, is_task(pid{r.a}) && r.b < 3 ? states[r.b] : "R", next.comm,
                       next.pid, next.prio);
        current_[r.cpu.value] = r.task;
        if (is_task(r.task)) {
            last_cpu_[r.task.value] = r.cpu;
        }
        return;
    }
    const bool wakes = r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new;
    if ((!wakes && r.kind != k::sched_waking) || !is_task(r.task) || r.cpu.value >= header_.cpus) {
        return;
    }
    const named task = name_of(r.task, r.cpu);
    cpu_id& last = last_cpu_[r.task.value];
    const cpu_id target = wakes ? cpu_id{static_cast<std::uint16_t>(r.a)} : last;
    if (wakes && r.kind != k::sched_wakeup_new && target != last) {
        append_start(r);
        fmt::format_to(std::back_inserter(file_.text()),
                       "sched_migrate_task: comm={} pid={} prio=120 orig_cpu={} dest_cpu={}\n", task.comm, task.pid,
                       last.value, target.value);
    }
    last = target;
    append_start(r);
    fmt::format_to(std::back_inserter(file_.text()), "{}: comm={} pid={} prio=120 target_cpu={:03}\n",
                   kind_name(r.kind), task.comm, task.pid, target.value);
}

void ftrace_writer::append(const trace_record& r)
{
    append_start(r);
    const auto names = field_names(r.kind);
    const auto values = fields_of(r);
    fmt::format_to(std::back_inserter(file_.text()), "pair:{}:", kind_name(r.kind));
    if (r.cpu.value >= header_.cpus) {
        fmt::format_to(std::back_inserter(file_.text()), " cpu={}", r.cpu.value);
    }
    const auto word = reason_name(r.kind, r.reason);
    if (!word.empty()) {
        fmt::format_to(std::back_inserter(file_.text()), " reason={}", word);
    } else if (r.reason != 0) {
        fmt::format_to(std::back_inserter(file_.text()), " reason={}", static_cast<unsigned>(r.reason));
    }
    for (std::size_t i = 0; i < 4; ++i) {
        if (!names[i].empty() || values[i] != 0) {
            fmt::format_to(std::back_inserter(file_.text()), " {}={}", names[i].empty() ? spare_names[i] : names[i],
                           values[i]);
        }
    }
    file_.text() += '\n';
    append_kernel_event(r);
}

void ftrace_writer::on_records(std::span<const trace_record> records)
{
    for (const auto& r : records) {
        append(r);
        file_.flush_if_large();
    }
}

// ---- the reader ---------------------------------------------------------------------------------------------------

namespace {

/// The fields of one of our events as the object of a JSON line. Throws what is wrong as text.
json object_of(const sched_event& e)
{
    json object = {{"at_ns", e.at_ns}, {"cpu", e.cpu}, {"kind", std::string(e.comm)}};
    std::string_view rest = e.fields;
    while (!rest.empty()) {
        const auto field = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), field.size() + 1));
        const std::size_t equals = field.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            throw fmt::format("{} is no KEY=VALUE", quote(field));
        }
        const auto value = field.substr(equals + 1);
        std::int64_t number = 0;
        const auto done = std::from_chars(value.data(), value.data() + value.size(), number);
        const bool is_number = done.ec == std::errc{} && done.ptr == value.data() + value.size();
        const std::string key(field.substr(0, equals));
        if (!is_number) {
            object[key] = std::string(value);
        } else if (number >= 0) { // readers tell whole numbers from negative ones
            object[key] = static_cast<std::uint64_t>(number);
        } else {
            object[key] = number;
        }
    }
    return object;
}

trace_header read_heading(line_source& lines)
{
    constexpr std::string_view word = "# pairsim ";
    std::string line;
    lines.next_up_to(line, line_source::max_line); // "# tracer"
    if (!lines.next_up_to(line, max_json_bytes) || !line.starts_with(word)) {
        throw input_error({{lines.place(), "", "is no heading of pairsim", "write the trace with pairsim export"}});
    }
    return parse_header(parse_json(std::string_view(line).substr(word.size()), lines.place()), lines.place());
}

} // namespace

ftrace_reader::ftrace_reader(line_source& lines) : lines_(lines), header_(read_heading(lines)), limits_(header_) {}

bool ftrace_reader::next(trace_record& r)
{
    std::string_view line;
    while (lines_.next(line)) {
        lines_.refuse_too_long();
        const sched_event e = parse_sched_line(line);
        if (e.what == sched_event::kind::malformed) {
            throw input_error({{lines_.place(), "", "not a line of a trace: " + quote(line), "write the trace again"}});
        }
        if (e.what != sched_event::kind::pair) {
            continue; // the kernel's events say the same again
        }
        try {
            r.at = at_ns(e.at_ns);
            r.cpu = cpu_id{static_cast<std::uint16_t>(e.cpu)};
            if (e.cpu > no_cpu.value || !scan_event(e.comm, e.fields, r) || !limits_.allows(r) || r.at < last_at_) {
                r = parse_record(limits_, object_of(e), last_at_, lines_.place()); // which says what is wrong
            }
        } catch (const std::string& wrong) {
            throw input_error({{lines_.place(), "", wrong, "write the trace again"}});
        }
        last_at_ = r.at;
        return true;
    }
    return false;
}

} // namespace pairsim
