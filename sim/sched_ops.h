// SPDX-License-Identifier: GPL-2.0-only
//
// The boundary between the kernel and a BPF scheduler: `sched_ops` is what a scheduler implements (kernel: struct
// sched_ext_ops), `kfuncs` is what it may call. An op runs as a step machine: step() does one critical section, one
// map operation or one atomic, and between two steps any other CPU may act.
#pragma once

#include <cstddef>
#include <string>

#include "sim/config.h"
#include "sim/objects.h"
#include "sim/relabelling.h"
#include "sim/trace.h"

namespace pairsim {

class machine;

/// Result of a step of an op.
struct op_step {
    enum class kind : std::uint8_t {
        more,    ///< the op goes on at frame::pc
        done,    ///< the op has returned frame::result
        blocked, ///< a lock is taken: the same step is tried again once it is free
    };
    kind what = kind::done;
    cost_kind cost = cost_kind::none;

    static op_step more(cost_kind c) { return {kind::more, c}; }
    static op_step done(cost_kind c = cost_kind::none) { return {kind::done, c}; }
    static op_step blocked() { return {kind::blocked, cost_kind::none}; }
};

/// What an op may ask of the kernel. Bound to the CPU that runs the op.
class kfuncs {
public:
    kfuncs(machine& m, cpu_id cpu) : machine_(m), cpu_(cpu) {}

    /// bpf_ktime_get_ns() or scx_bpf_now(): time since boot.
    nanoseconds now() const;
    /// smp_processor_id().
    cpu_id this_cpu() const { return cpu_; }
    /// scx_bpf_kick_cpu(): takes effect after this CPU has enabled interrupts. Flags: enum kick_flags.
    void kick_cpu(cpu_id target, std::uint8_t flags);
    /// scx_bpf_dsq_insert() from ops.dispatch. The slice is written at once, the task is queued when the op returns.
    /// @p to_local: this CPU's local DSQ instead of the global one of the task's node.
    void dsq_insert(pid task, bool to_local, nanoseconds slice);
    /// scx_bpf_task_cgroup().
    cgroup_id task_cgroup(pid task) const;
    /// bpf_task_from_pid(): false if no such task exists.
    bool task_exists(pid task) const;
    /// bpf_cpumask_test_cpu(cpu, p->cpus_ptr).
    bool task_may_run_on(pid task, cpu_id cpu) const;
    /// scx_bpf_error(): the first error wins and ends the scheduler soon; the op goes on.
    void error(std::uint32_t code, std::uint64_t arg0, std::uint64_t arg1 = 0);
    /// Takes lock @p index of the scheduler's locks until this step ends; false: blocked.
    bool lock(std::size_t index);
    /// The scheduler's own state.
    std::byte* state();
    void emit(record_kind kind, std::uint8_t reason, pid task, std::uint32_t a, std::uint32_t b, std::int64_t value);

private:
    machine& machine_;
    cpu_id cpu_;
};

/// A BPF scheduler. Its state lies in the machine's block; the object itself is immutable during a run.
class sched_ops {
public:
    virtual ~sched_ops() = default;

    // Which ops and flags it has; the core's defaults apply to the others.
    struct traits {
        bool has_cpu_acquire_release = false;
        bool has_sched_switch = false;      ///< attaches to the sched_switch tracepoint
        bool select_cpu_prev = false;       ///< ops.select_cpu returns the previous CPU and dispatches nothing
        bool enq_last = false;              ///< SCX_OPS_ENQ_LAST
        std::size_t dispatch_max_batch = 1; ///< most inserts of one ops.dispatch
        std::size_t nr_locks = 0;
        std::size_t state_bytes = 0; ///< a multiple of 8
    };
    virtual traits describe() const = 0;
    /// Writes the initial state; @p state is zeroed.
    virtual void init_state(std::byte* state) const = 0;
    /// Runs one step of the op in @p call: which, pc, task and arg say where it is.
    /// arg: enqueue: an enqueue_reason; cpu_release: the class; cgroup ops: the cgroup; sched_switch: the previous pid.
    virtual op_step step(frame& call, kfuncs& k) const = 0;
    /// machine::next_is_left_mover(), for an op.
    virtual bool next_is_left_mover(const frame& /*call*/) const { return false; }
    /// machine::canonicalise(), for the scheduler's own state and for the locals of an op in progress.
    virtual void canonicalise(std::byte* /*state*/) const {}
    virtual void canonicalise(frame& /*call*/) const {}
    /// machine::relabel(), for the scheduler's own state (@p to is a copy of @p from) and for the locals of an op.
    virtual void relabel(std::byte* /*to*/, std::byte* /*from*/, const relabelling& /*r*/) const {}
    virtual void relabel(frame& /*call*/, const relabelling& /*r*/) const {}
    /// The sentence of the scx_bpf_error with this code.
    virtual std::string error_text(const exit_info& info) const = 0;
};

} // namespace pairsim
