// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/ftrace_text.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "sim/check.h"
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
    : file_(std::move(path)), current_(header.cpus), last_cpu_(header.tasks.size() + 1, cpu_id{0})
{
    const auto thread = [](std::string comm, std::uint32_t number, std::int32_t prio) {
        const std::string_view shown = number == 0 ? "<idle>" : std::string_view(comm);
        std::string start = fmt::format("{:>16}-{:<5} ", shown, number);
        return named{std::move(comm), number, prio, std::move(start)};
    };
    tasks_.emplace_back();
    for (const auto& t : header.tasks) {
        tasks_.push_back(thread(comm_of(t.name), static_cast<std::uint32_t>(tasks_.size()), 120));
    }
    for (std::uint32_t cpu = 0; cpu < header.cpus; ++cpu) {
        const auto first = static_cast<std::uint32_t>(header.tasks.size()) + 1 + 3U * cpu; // above the tasks' pids
        cpus_.push_back({.start = fmt::format("[{:03}] ..... ", cpu),
                         .idle = thread(fmt::format("swapper/{}", cpu), 0, 120),
                         .rt = thread(fmt::format("rt/{}", cpu), first, 49),
                         .dl = thread(fmt::format("dl/{}", cpu), first + 1, -1),
                         .stop = thread(fmt::format("migration/{}", cpu), first + 2, 0)});
    }
    file_.text() = ftrace_heading;
    append_header(file_.text(), header);
    file_.text() += "#\n#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n";
}

const ftrace_writer::named& ftrace_writer::name_of(pid p, cpu_id cpu) const
{
    const threads_of_cpu& here = cpus_[cpu.value];
    if (p == idle_pid) {
        return here.idle;
    }
    if (is_task(p)) {
        SIM_CHECK(p.value < tasks_.size());
        return tasks_[p.value];
    }
    if (p == higher_pid(sched_class::dl)) {
        return here.dl;
    }
    return p == higher_pid(sched_class::stop) ? here.stop : here.rt;
}

/// "     comm-pid   [003] ..... 12.000345678: "
void ftrace_writer::put_start(line_buffer& line, const trace_record& r) const
{
    const cpu_id cpu = r.cpu.value < cpus_.size() ? r.cpu : cpu_id{0};
    const auto ns = static_cast<std::uint64_t>(to_ns(r.at));
    line.put(name_of(current_[cpu.value], cpu).start);
    line.put(cpus_[cpu.value].start);
    line.put_number(ns / 1'000'000'000);
    line.put(".");
    line.put_padded(ns % 1'000'000'000, 9);
    line.put(": ");
}

/// "prev_comm=web prev_pid=3 prev_prio=120": @p whose is "prev_", "next_", or nothing.
void ftrace_writer::put_thread(line_buffer& line, std::string_view whose, const named& thread)
{
    line.put(whose);
    line.put("comm=");
    line.put(thread.comm);
    line.put(" ");
    line.put(whose);
    line.put("pid=");
    line.put_number(thread.pid);
    line.put(" ");
    line.put(whose);
    line.put("prio=");
    line.put_number(thread.prio);
}

void ftrace_writer::append_switch(const trace_record& r)
{
    constexpr std::string_view states[] = {"R", "S", "X"};
    const named& prev = name_of(pid{r.a}, r.cpu);
    const named& next = name_of(r.task, r.cpu);
    line_buffer line;
    put_start(line, r);
    line.put("sched_switch: ");
    put_thread(line, "prev_", prev);
    line.put(" prev_state=");
    line.put(is_task(pid{r.a}) && r.b < 3 ? states[r.b] : "R");
    line.put(" ==> ");
    put_thread(line, "next_", next);
    line.put("\n");
    file_.text() += line.text();
    current_[r.cpu.value] = r.task;
    if (is_task(r.task)) {
        last_cpu_[r.task.value] = r.cpu;
    }
}

void ftrace_writer::append_wakeup(const trace_record& r)
{
    const bool wakes = r.kind != k::sched_waking;
    const named& task = name_of(r.task, r.cpu);
    cpu_id& last = last_cpu_[r.task.value];
    const cpu_id target = wakes ? cpu_id{static_cast<std::uint16_t>(r.a)} : last;
    const auto begin = [&](std::string_view event) {
        line_buffer line;
        put_start(line, r);
        line.put(event);
        line.put(": ");
        put_thread(line, "", task);
        line.put(" ");
        return line;
    };
    if (wakes && r.kind != k::sched_wakeup_new && target != last) {
        line_buffer line = begin("sched_migrate_task");
        line.put("orig_cpu=");
        line.put_number(last.value);
        line.put(" dest_cpu=");
        line.put_number(target.value);
        line.put("\n");
        file_.text() += line.text();
    }
    last = target;
    line_buffer line = begin(kind_name(r.kind));
    line.put("target_cpu=");
    line.put_padded(target.value, 3);
    line.put("\n");
    file_.text() += line.text();
}

void ftrace_writer::append(const trace_record& r)
{
    const kind_text& text = text_of(r.kind);
    line_buffer line;
    put_start(line, r);
    line.put("pair:");
    line.put(kind_name(r.kind));
    line.put(":");
    if (r.cpu.value >= cpus_.size()) {
        line.put(" cpu=");
        line.put_number(r.cpu.value);
    }
    const auto word = reason_name(r.kind, r.reason);
    if (!word.empty()) {
        line.put(" reason=");
        line.put(word);
    } else if (r.reason != 0) {
        line.put(" reason=");
        line.put_number(static_cast<unsigned>(r.reason));
    }
    const auto fields = fields_of(r);
    for (std::size_t f = 0; f < 4; ++f) {
        if (text.always[f] || fields[f] != 0) {
            line.put(" ");
            line.put(text.event_keys[f]);
            line.put_number(fields[f]);
        }
    }
    line.put("\n");
    file_.text() += line.text();
    const bool wakes = r.kind == k::sched_wakeup || r.kind == k::sched_wakeup_new || r.kind == k::sched_waking;
    if (r.kind == k::sched_switch) {
        append_switch(r);
    } else if (wakes && is_task(r.task) && r.cpu.value < cpus_.size()) {
        append_wakeup(r);
    }
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
