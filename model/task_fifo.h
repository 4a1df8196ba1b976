// SPDX-License-Identifier: GPL-2.0-only
//
// The one queue of the baseline schedulers: a BPF queue map of pids at the beginning of their state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/pair_state.h"

namespace pairsim {

/// The queue's header and then its elements.
class task_fifo {
public:
    /// Stale pids (moved or re-enqueued tasks) need room beside one entry a task.
    static std::uint32_t capacity_for(std::size_t nr_tasks) { return static_cast<std::uint32_t>(4 * nr_tasks + 4096); }
    /// A multiple of 8, as sched_ops wants it.
    static std::size_t bytes(std::uint32_t capacity)
    {
        return sizeof(queue_map) + std::size_t{capacity} * sizeof(std::uint32_t);
    }

    task_fifo(std::byte* state, std::uint32_t capacity)
        : queue_(reinterpret_cast<queue_map*>(state)),
          elements_(reinterpret_cast<std::uint32_t*>(state + sizeof(queue_map))), capacity_(capacity)
    {
    }
    bool push(pid task) const { return queue_->push(elements_, capacity_, task.value); }
    bool pop(pid& task) const { return queue_->pop(elements_, capacity_, task.value); }
    bool empty() const { return queue_->nr == 0; }

    /// Tasks in it.
    std::uint32_t size() const { return queue_->nr; }

private:
    queue_map* queue_;
    std::uint32_t* elements_;
    std::uint32_t capacity_;
};

} // namespace pairsim
