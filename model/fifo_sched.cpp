// SPDX-License-Identifier: GPL-2.0-only
#include "model/fifo_sched.h"

#include "model/task_fifo.h"

namespace pairsim {

fifo_sched::fifo_sched(nanoseconds slice_dfl, std::size_t nr_tasks)
    : slice_dfl_(slice_dfl), capacity_(task_fifo::capacity_for(nr_tasks))
{
}

sched_ops::traits fifo_sched::describe() const
{
    return {.dispatch_max_batch = 1, .nr_locks = 1, .state_bytes = task_fifo::bytes(capacity_)};
}

void fifo_sched::init_state(std::byte* /*state*/) const {}

op_step fifo_sched::step(frame& call, kfuncs& k) const
{
    const task_fifo fifo(k.state(), capacity_);
    if (call.which == op_kind::enqueue) {
        if (!k.lock(0)) {
            return op_step::blocked();
        }
        if (!fifo.push(call.task)) {
            k.error(0, 0);
        } else {
            k.emit(record_kind::cgrp_q_push, 0, call.task, k.task_cgroup(call.task).value, 0, fifo.size());
        }
        return op_step::done(cost_kind::queue_map_op);
    }
    if (call.which == op_kind::dispatch) {
        if (!k.lock(0)) {
            return op_step::blocked();
        }
        pid task;
        if (fifo.pop(task)) {
            k.emit(record_kind::cgrp_q_pop, 0, task, k.task_cgroup(task).value, 0, fifo.size());
            if (k.task_exists(task)) {
                k.dsq_insert(task, false, slice_dfl_);
            }
        }
        return op_step::done(cost_kind::queue_map_op);
    }
    return op_step::done();
}

std::string fifo_sched::error_text(const exit_info& /*info*/) const
{
    return "fifo overflow";
}

} // namespace pairsim
