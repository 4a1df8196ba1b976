// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/log_writer.h"

#include "sim/check.h"
#include "sim/objects.h"

namespace pairsim {
namespace {

log_path path_of(const trace_record& r)
{
    switch (static_cast<wake_path>(r.reason)) {
    case wake_path::queued:
        return log_path::queued;
    case wake_path::direct:
    case wake_path::direct_sync:
        return log_path::direct;
    case wake_path::exiting:
    case wake_path::migration_disabled:
    case wake_path::preempted:
    case wake_path::consumed:
        break;
    }
    return log_path::other;
}

} // namespace

log_writer::log_writer(sched_log& log, std::uint32_t nr_cpus, sim_time begin,
                       std::function<std::uint32_t(std::uint16_t)> higher)
    : log_(log), begin_(begin), higher_(std::move(higher)), seen_(nr_cpus)
{
    log.nr_cpus = nr_cpus;
    log.first.assign(nr_cpus, 0);
}

void log_writer::on_records(std::span<const trace_record> records)
{
    for (const trace_record& r : records) {
        on(r);
    }
}

std::uint32_t log_writer::thread_of(std::uint32_t value, cpu_id cpu) const
{
    const pid p{value};
    if (is_higher(p)) {
        return higher_(cpu.value);
    }
    return p == idle_pid ? 0 : first_task + p.value - 1;
}

void log_writer::on(const trace_record& r)
{
    log_event e{.at_ns = (r.at - begin_).count(),
                .kind = log_event::what::swtch,
                .path = log_path::none,
                .runnable = false,
                .cpu = r.cpu.value,
                .thread = thread_of(r.task.value, r.cpu),
                .prev = 0,
                .target = 0};
    if (r.kind == record_kind::sched_switch) {
        SIM_CHECK(r.cpu.value < seen_.size());
        e.prev = thread_of(r.a, r.cpu);
        e.runnable = static_cast<prev_state>(r.b) == prev_state::runnable;
        if (e.at_ns < 0 || !seen_[r.cpu.value]) {
            log_.first[r.cpu.value] = e.at_ns < 0 ? e.thread : e.prev;
            seen_[r.cpu.value] = true;
        }
    } else if (r.kind == record_kind::sched_waking) {
        e.kind = log_event::what::waking;
    } else if (r.kind == record_kind::higher_arrive) {
        e.kind = log_event::what::waking;
        e.thread = thread_of(higher_pid(sched_class::rt).value, r.cpu);
    } else if (r.kind == record_kind::sched_wakeup || r.kind == record_kind::sched_wakeup_new) {
        e.kind = log_event::what::wakeup;
        e.path = path_of(r);
        e.target = static_cast<std::uint16_t>(r.a);
    } else {
        return;
    }
    if (e.at_ns >= 0) {
        log_.events.push_back(e);
    }
}

} // namespace pairsim
