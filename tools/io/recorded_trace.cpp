// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/recorded_trace.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"
#include "sim/objects.h"
#include "tools/io/input_error.h"

namespace pairsim {
namespace {

using kind = sched_event::kind;

constexpr std::size_t batch_size = 4096;

/// The pid by which records name the class of a task with @p prio; idle_pid for tasks of sched_ext.
pid class_of(std::string_view comm, std::int32_t prio)
{
    if (prio >= 100) {
        return idle_pid;
    }
    if (prio < 0) {
        return higher_pid(sched_class::dl);
    }
    return higher_pid(prio == 0 && comm.starts_with("migration/") ? sched_class::stop : sched_class::rt);
}

} // namespace

recorded_trace::recorded_trace(line_source& lines, const cgroup_rules& rules, recorded_options options)
    : lines_(lines), rules_(rules), options_(std::move(options)), cpus_(max_cpus)
{
    batch_.reserve(batch_size + 8);
}

void recorded_trace::problem_at(std::uint64_t& counter, const std::string& what, const char* remedy)
{
    if (!options_.tolerant) {
        throw input_error({{lines_.place(), "", what, remedy}});
    }
    if (counter++ == 0 && counts_.first_skipped.empty()) {
        counts_.first_skipped = lines_.place() + ": " + what;
    }
}

void recorded_trace::emit(record_kind kind, std::uint32_t cpu, pid task, std::uint32_t a, std::uint32_t b,
                          std::uint8_t reason)
{
    batch_.push_back({end_, cpu_id{static_cast<std::uint16_t>(cpu)}, kind, reason, task, a, b, 0});
    if (batch_.size() >= batch_size) {
        flush();
    }
}

void recorded_trace::flush()
{
    sink_->on_records(batch_);
    batch_.clear();
}

void recorded_trace::read(trace_sink& sink)
{
    sink_ = &sink;
    std::string_view line;
    while (lines_.next(line)) {
        ++counts_.lines;
        if (lines_.too_long()) {
            problem_at(counts_.skipped, fmt::format("a line of more than {} bytes", line_source::max_line),
                       "no event is that long: is it a trace? --tolerant skips such lines");
            continue;
        }
        const sched_event e = parse_sched_line(line);
        if (e.what == kind::malformed) {
            const char* const cut = lines_.cut() ? " (the file ends in the middle of it)" : "";
            problem_at(counts_.skipped, fmt::format("not a line of a trace: {}{}", quote(line), cut),
                       "give what trace-cmd report, perf sched script or tracefs print; --tolerant skips such lines");
        } else if (e.what == kind::lost) {
            problem_at(counts_.lost, fmt::format("events of cpu {} were lost", e.cpu),
                       "record with larger buffers; with --tolerant the CPU counts as idle until its next switch");
            if (e.cpu < max_cpus) {
                leave(e.cpu, prev_state::sleeping);
            }
        } else if (e.what != kind::none) {
            on(e);
        }
    }
    flush();
}

void recorded_trace::on(const sched_event& e)
{
    if (e.cpu >= max_cpus || e.target_cpu >= max_cpus || std::max(e.pid, e.next_pid) > max_pid) {
        return problem_at(counts_.skipped, "a CPU or a pid that no kernel has", "correct the trace");
    }
    const sim_time at = at_ns(e.at_ns);
    if (start_ != never && at < end_) {
        return problem_at(counts_.skipped, "the time goes back", "sort the trace by time; --tolerant skips such lines");
    }
    start_ = std::min(start_, at);
    end_ = at;
    shows_[static_cast<std::size_t>(e.what)] = 1;
    ++(e.what == kind::other || e.what == kind::pair ? counts_.other : counts_.events);
    switch (e.what) {
    case kind::sched_switch:
        return on_switch(e);
    case kind::wakeup:
    case kind::wakeup_new:
        if (const pid p = task_of(e.pid, e.comm, e.prio); is_task(p)) {
            emit(record_kind::sched_wakeup, e.cpu, p, e.target_cpu, 0, static_cast<std::uint8_t>(wake_path::queued));
        }
        return;
    case kind::fork:
        if (const std::uint32_t parent = by_pid_.at(e.pid).task; parent != 0) {
            const std::string parents = cgroups_[tasks_[parent - 1].cgroup];
            static_cast<void>(task_of(e.next_pid, e.next_comm, 120, &parents));
        }
        return;
    case kind::attach:
        return on_attach(e);
    case kind::waking:
        if (const pid p = task_of(e.pid, e.comm, e.prio); is_task(p)) {
            emit(record_kind::sched_waking, e.cpu, p, 0, 0, static_cast<std::uint8_t>(wake_reason::task));
        }
        return;
    case kind::none:
    case kind::malformed:
    case kind::lost:
    case kind::other:
    case kind::migrate:
    case kind::exit:
    case kind::pair:
        return;
    }
}

/// What ran on @p cpu does so no longer, and nobody knows what does.
void recorded_trace::leave(std::uint32_t cpu, prev_state state)
{
    auto& c = cpus_[cpu];
    if (c.task != idle_pid) {
        emit(record_kind::sched_switch, cpu, idle_pid, c.task.value, static_cast<std::uint32_t>(state),
             static_cast<std::uint8_t>(pick_reason::idle));
    }
    if (c.runs != seen_cpu::unknown) {
        by_pid_.at(c.runs).cpu = no_cpu.value;
    }
    c = {};
}

/// Sees to it that a switch fits what was known before.
void recorded_trace::arrange(const sched_event& e)
{
    constexpr const char* remedy = "events are missing, or out of order; --tolerant goes on, and counts them";
    if (cpus_[e.cpu].runs != seen_cpu::unknown && cpus_[e.cpu].runs != e.pid) {
        problem_at(counts_.mismatched,
                   fmt::format("cpu {} switches from pid {}, but it ran pid {}", e.cpu, e.pid, cpus_[e.cpu].runs),
                   remedy);
        leave(e.cpu, prev_state::sleeping);
    }
    for (const std::uint32_t p : {e.pid, e.next_pid}) {
        const std::uint16_t runs_on = p != 0 ? by_pid_.at(p).cpu : no_cpu.value;
        if (runs_on != no_cpu.value && runs_on != e.cpu) {
            problem_at(counts_.mismatched, fmt::format("pid {} is on cpu {}, but it ran on cpu {}", p, e.cpu, runs_on),
                       remedy);
            leave(runs_on, prev_state::sleeping);
        }
    }
}

void recorded_trace::on_switch(const sched_event& e)
{
    arrange(e);
    const pid prev = task_of(e.pid, e.comm, e.prio);
    const pid next = task_of(e.next_pid, e.next_comm, e.next_prio);
    const auto state = e.prev_dead ? prev_state::dead : (e.prev_runnable ? prev_state::runnable : prev_state::sleeping);
    const auto how =
        next == idle_pid ? pick_reason::idle : (is_higher(next) ? pick_reason::higher : pick_reason::local_dsq);
    emit(record_kind::sched_switch, e.cpu, next, prev.value, static_cast<std::uint32_t>(state),
         static_cast<std::uint8_t>(how));
    cpus_[e.cpu] = {.runs = e.next_pid, .task = next};
    if (e.pid != 0) {
        known& left = by_pid_.at(e.pid);
        left.cpu = no_cpu.value;
        left.alive = left.alive && !e.prev_dead; // the pid may be used again
    }
    if (e.next_pid != 0) {
        by_pid_.at(e.next_pid).cpu = static_cast<std::uint16_t>(e.cpu);
    }
}

void recorded_trace::on_attach(const sched_event& e)
{
    const std::string to(e.comm);
    known& k = by_pid_.at(e.pid);
    if (k.task == 0) {
        meet(k, e.pid, "", &to);
        k.fixed = true;
        return;
    }
    seen_task& t = tasks_[k.task - 1];
    const std::uint32_t from = t.cgroup;
    t.cgroup = intern(to);
    k.fixed = true;
    k.ignored = is_ignored(to);
    emit(record_kind::task_move, e.cpu, pid{k.task}, from, t.cgroup, static_cast<std::uint8_t>(move_state::queued));
}

/// How records name the kernel's @p pid.
pid recorded_trace::task_of(std::uint32_t kernel_pid, std::string_view comm, std::int32_t prio,
                            const std::string* inherited)
{
    if (kernel_pid == 0) {
        return idle_pid;
    }
    known& k = by_pid_.at(kernel_pid);
    if (const pid higher = class_of(comm, prio); higher != idle_pid) {
        return higher;
    }
    if (!k.alive) {
        meet(k, kernel_pid, comm, inherited);
    } else if (tasks_[k.task - 1].comm != comm) {
        rename(k, comm);
    }
    return k.ignored ? idle_pid : pid{k.task};
}

void recorded_trace::meet(known& k, std::uint32_t kernel_pid, std::string_view comm, const std::string* inherited)
{
    const std::string* cgroup = rules_.of_pid(kernel_pid);
    k.fixed = cgroup != nullptr;
    cgroup = cgroup != nullptr ? cgroup : rules_.of_comm(comm);
    cgroup = cgroup != nullptr ? cgroup : inherited;
    if (cgroup == nullptr) {
        problem_at(counts_.unassigned, fmt::format("no rule names the cgroup of {} (pid {})", quote(comm), kernel_pid),
                   "add a rule to the --cgroups file, or --cgroup /='*' for all others; --tolerant ignores such tasks");
    }
    if (k.task == 0) {
        tasks_.emplace_back();
        k.task = static_cast<std::uint32_t>(tasks_.size());
    }
    tasks_[k.task - 1] = {kernel_pid, std::string(comm), cgroup != nullptr ? intern(*cgroup) : 0};
    k.alive = true;
    k.ignored = cgroup == nullptr || is_ignored(*cgroup);
    emit(record_kind::task_new, 0, pid{k.task}, tasks_[k.task - 1].cgroup, 0, 0);
}

/// A task has another name than before (exec, prctl): a rule for the new one may say another cgroup.
void recorded_trace::rename(known& k, std::string_view comm)
{
    seen_task& t = tasks_[k.task - 1];
    const bool first = t.comm.empty();
    t.comm = comm;
    const std::string* const cgroup = k.fixed || first ? nullptr : rules_.of_comm(comm);
    if (cgroup != nullptr && intern(*cgroup) != t.cgroup) {
        const std::uint32_t from = t.cgroup;
        t.cgroup = intern(*cgroup);
        k.ignored = is_ignored(*cgroup);
        emit(record_kind::task_move, 0, pid{k.task}, from, t.cgroup, static_cast<std::uint8_t>(move_state::queued));
    }
}

std::uint32_t recorded_trace::intern(const std::string& cgroup)
{
    const auto found = std::ranges::find(cgroups_, cgroup);
    if (found == cgroups_.end()) {
        cgroups_.push_back(cgroup);
        return static_cast<std::uint32_t>(cgroups_.size() - 1);
    }
    return static_cast<std::uint32_t>(found - cgroups_.begin());
}

bool recorded_trace::is_ignored(const std::string& cgroup) const
{
    return std::ranges::find(options_.ignored_cgroups, cgroup) != options_.ignored_cgroups.end();
}

} // namespace pairsim
