// SPDX-License-Identifier: GPL-2.0-only
#include "model/fifo_sched.h"

#include "model/pair_state.h"

namespace pairsim {
namespace {

/// The queue's header and then its elements.
struct fifo_view {
    explicit fifo_view(std::byte* state)
        : queue(reinterpret_cast<queue_map*>(state)),
          elements(reinterpret_cast<std::uint32_t*>(state + sizeof(queue_map)))
    {
    }
    queue_map* queue;
    std::uint32_t* elements;
};

} // namespace

/// Stale pids (moved or re-enqueued tasks) need room beside one entry a task.
fifo_sched::fifo_sched(nanoseconds slice_dfl, std::size_t nr_tasks)
    : slice_dfl_(slice_dfl), capacity_(static_cast<std::uint32_t>(4 * nr_tasks + 4096))
{
}

sched_ops::traits fifo_sched::describe() const
{
    return {.dispatch_max_batch = 1,
            .nr_locks = 1,
            .state_bytes = sizeof(queue_map) + std::size_t{capacity_} * sizeof(std::uint32_t)};
}

void fifo_sched::init_state(std::byte* /*state*/) const {}

op_step fifo_sched::step(frame& call, kfuncs& k) const
{
    const fifo_view fifo(k.state());
    if (call.which == op_kind::enqueue) {
        if (!k.lock(0)) {
            return op_step::blocked();
        }
        if (!fifo.queue->push(fifo.elements, capacity_, call.task.value)) {
            k.error(0, 0);
        } else {
            k.emit(record_kind::cgrp_q_push, 0, call.task, k.task_cgroup(call.task).value, 0, fifo.queue->nr);
        }
        return op_step::done(cost_kind::queue_map_op);
    }
    if (call.which == op_kind::dispatch) {
        if (!k.lock(0)) {
            return op_step::blocked();
        }
        pid task;
        if (fifo.queue->pop(fifo.elements, capacity_, task.value)) {
            k.emit(record_kind::cgrp_q_pop, 0, task, k.task_cgroup(task).value, 0, fifo.queue->nr);
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
