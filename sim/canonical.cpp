// SPDX-License-Identifier: GPL-2.0-only
//
// One value for states that are alike. What is forgotten here must never be read again before it is written: each
// function says why that is so.
#include "sim/machine.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

/// A sequence number that no counter near zero reaches.
constexpr std::uint32_t passed_by = 0x80000000U;

} // namespace

/// A blocked step is all but undone: the lock has no other waiter, and a task's `awaited` is only a hint.
void machine::cancel_wait(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    if (c.waiting_for == no_lock) {
        return;
    }
    if ((c.waiting_for & spin_on_task) == 0) {
        spinlock& l = state_.lock(c.waiting_for);
        l.first_waiter = l.last_waiter = no_cpu;
    }
    c.waiting_for = no_lock;
}

/// pnt_seq is only compared with what a waiting CPU has seen of it: equal or not is all that matters, and once they
/// differ they differ until the waiter looks anew, which it does when its kick is served. sync_awaited is a hint for
/// drivers that wait to be told.
void machine::canonicalise_kicks()
{
    const std::size_t nr_cpus = config_.nr_cpus();
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        using mask = machine_state::kick_mask;
        const auto waits = state_.kicks(cpu, mask::wait);
        const auto unserved = state_.kicks(cpu, mask::kick);
        for (std::size_t t = 0; t < nr_cpus; ++t) {
            const cpu_id target{static_cast<std::uint16_t>(t)};
            std::uint32_t& seen = state_.seen_seq(cpu, target);
            const bool counts = test_cpu(waits, target) && !test_cpu(unserved, target);
            const bool differs = counts && seen != state_.cpu(target).pnt_seq;
            seen = differs ? passed_by : 0;
        }
    }
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        cpu_state& c = state_.cpu(cpu_id{static_cast<std::uint16_t>(i)});
        c.pnt_seq = 0;
        c.sync_awaited = 0;
    }
}

/// qseq is only compared with what an insert buffer holds. A task that is not current on its CPU gets a slice before
/// it runs (by the insert, or by pick_next_task()), so how much it has left from before does not matter.
void machine::canonicalise_tasks()
{
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        for (buffered_insert& entry : state_.insert_buffer(cpu_id{static_cast<std::uint16_t>(i)})) {
            if (entry.task != idle_pid) {
                entry.qseq = entry.qseq == state_.task(entry.task).qseq ? 0 : passed_by;
            }
        }
    }
    for (std::size_t i = 0; i < work_.tasks.size(); ++i) {
        const pid task{static_cast<std::uint32_t>(i + 1)};
        task_state& p = state_.task(task);
        p.qseq = 0;
        p.awaited = 0;
        p.reset_runnable_at = 0;
        if (state_.cpu(p.cpu).curr != task) {
            p.slice = config_.slice_dfl;
        }
    }
}

/// After the choice of the next task, __schedule() reads nothing of how it was found.
void machine::canonicalise_frames(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    for (std::size_t n = 0; n < c.depth; ++n) {
        frame& f = c.frames[n];
        if (f.kind == path::op) {
            ops_.canonicalise(f);
        } else if (f.kind == path::schedule && f.pc > to_underlying(schedule_pc::pick)) {
            auto& l = f.locals<schedule_locals>();
            l = {.prev = l.prev, .next = l.next, .reason = l.reason, .switched = l.switched, .sync_wait = l.sync_wait};
        }
    }
}

/// context_switch() happens under the runqueue's lock, and so does every look at rq->curr from elsewhere.
void machine::canonicalise()
{
    canonicalise_kicks();
    canonicalise_tasks();
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        canonicalise_frames(cpu_id{static_cast<std::uint16_t>(i)});
    }
    ops_.canonicalise(state_.sched());
}

} // namespace pairsim
