// SPDX-License-Identifier: GPL-2.0-only
//
// The baseline `idle-sibling`: one global queue, and of each pair at most one CPU runs a task. It isolates whatever
// shares a core by giving half of the CPUs away: the price that core scheduling must beat. What the higher classes
// leave in a local DSQ it does not see: after a preemption both CPUs of a pair may run a task for a slice.
#pragma once

#include "model/pair_map.h"
#include "sim/sched_ops.h"

namespace pairsim {

class idle_sibling_sched final : public sched_ops {
public:
    idle_sibling_sched(pair_map map, nanoseconds slice_dfl, std::size_t nr_tasks);

    traits describe() const override;
    void init_state(std::byte* state) const override;
    op_step step(frame& call, kfuncs& k) const override;
    std::string error_text(const exit_info& info) const override;

private:
    /// What a CPU does, as far as this scheduler knows; of each CPU, in the scheduler's state.
    struct cpu_note {
        std::uint8_t runs;  ///< cpu_idle, cpu_task or cpu_higher
        std::uint8_t holds; ///< the pair's task runs here, or has been asked to come here
    };

    op_step enqueue(pid task, kfuncs& k) const;
    op_step dispatch(kfuncs& k) const;
    op_step switched(pid next, kfuncs& k) const;
    cpu_note* notes(kfuncs& k) const;
    cpu_id partner(cpu_id cpu) const { return map_.pair_cpu[cpu.value]; }
    void ask_a_free_pair(kfuncs& k) const;

    pair_map map_;
    nanoseconds slice_dfl_;
    std::uint32_t capacity_; ///< of the queue
};

} // namespace pairsim
