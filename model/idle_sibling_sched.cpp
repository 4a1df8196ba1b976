// SPDX-License-Identifier: GPL-2.0-only
#include "model/idle_sibling_sched.h"

#include <utility>

#include "model/task_fifo.h"

namespace pairsim {
namespace {

enum cpu_use : std::uint8_t { cpu_idle, cpu_task, cpu_higher };

} // namespace

idle_sibling_sched::idle_sibling_sched(pair_map map, nanoseconds slice_dfl, std::size_t nr_tasks)
    : map_(std::move(map)), slice_dfl_(slice_dfl), capacity_(task_fifo::capacity_for(nr_tasks))
{
}

/// No direct dispatch (it would fill a sibling that must idle), and the last task goes through the queue as well: so
/// each task that runs has been dispatched here.
sched_ops::traits idle_sibling_sched::describe() const
{
    const std::size_t note_bytes = (map_.pair_cpu.size() * sizeof(cpu_note) + 7) / 8 * 8;
    return {.has_sched_switch = true,
            .select_cpu_prev = true,
            .dispatch_max_batch = 1,
            .nr_locks = 1,
            .state_bytes = task_fifo::bytes(capacity_) + note_bytes};
}

void idle_sibling_sched::init_state(std::byte* /*state*/) const {}

idle_sibling_sched::cpu_note* idle_sibling_sched::notes(kfuncs& k) const
{
    return reinterpret_cast<cpu_note*>(k.state() + task_fifo::bytes(capacity_));
}

op_step idle_sibling_sched::step(frame& call, kfuncs& k) const
{
    const bool has_work =
        call.which == op_kind::enqueue || call.which == op_kind::dispatch || call.which == op_kind::sched_switch;
    if (!has_work) {
        return op_step::done();
    }
    if (!k.lock(0)) {
        return op_step::blocked();
    }
    return call.which == op_kind::enqueue    ? enqueue(call.task, k)
           : call.which == op_kind::dispatch ? dispatch(k)
                                             : switched(call.task, k);
}

op_step idle_sibling_sched::enqueue(pid task, kfuncs& k) const
{
    const task_fifo fifo(k.state(), capacity_);
    if (!fifo.push(task)) {
        k.error(0, 0);
    }
    ask_a_free_pair(k);
    return op_step::done(cost_kind::queue_map_op);
}

/// Lets a CPU of a pair without a task dispatch, and marks the pair as spoken for, so that the next task asks another.
void idle_sibling_sched::ask_a_free_pair(kfuncs& k) const
{
    cpu_note* const note = notes(k);
    for (const pair_map::pair& p : map_.pairs) {
        if (note[p.first.value].holds != 0 || note[p.second.value].holds != 0) {
            continue;
        }
        for (const cpu_id cpu : {p.first, p.second}) {
            if (note[cpu.value].runs == cpu_idle) {
                note[cpu.value].holds = 1;
                k.kick_cpu(cpu, kick_none);
                return;
            }
        }
    }
}

op_step idle_sibling_sched::dispatch(kfuncs& k) const
{
    const task_fifo fifo(k.state(), capacity_);
    const cpu_id cpu = k.this_cpu();
    cpu_note& note = notes(k)[cpu.value];
    if (notes(k)[partner(cpu).value].holds != 0) {
        return op_step::done(cost_kind::hash_lookup);
    }
    pid task;
    while (fifo.pop(task)) {
        if (k.task_exists(task)) {
            note.holds = 1;
            k.dsq_insert(task, k.task_may_run_on(task, cpu), slice_dfl_);
            return op_step::done(cost_kind::queue_map_op);
        }
    }
    note.holds = note.runs == cpu_task ? 1 : 0; // if its task does not go on, sched_switch says so
    return op_step::done(cost_kind::queue_map_op);
}

op_step idle_sibling_sched::switched(pid next, kfuncs& k) const
{
    const task_fifo fifo(k.state(), capacity_);
    cpu_note& note = notes(k)[k.this_cpu().value];
    note.runs = is_task(next) ? cpu_task : is_higher(next) ? cpu_higher : cpu_idle;
    note.holds = note.runs == cpu_task ? 1 : 0;
    if (note.holds == 0 && !fifo.empty()) {
        ask_a_free_pair(k);
    }
    return op_step::done(cost_kind::hash_lookup);
}

std::string idle_sibling_sched::error_text(const exit_info& /*info*/) const
{
    return "fifo overflow";
}

} // namespace pairsim
