// SPDX-License-Identifier: GPL-2.0-only
//
// The explored world: a machine whose steps take no time, and its surroundings. Everything that can happen next is an
// action; which of them comes next is the explorer's choice. The machine is the simulator's, sim/machine.h; this is
// its other driver.
//
// The clock stands still. A slice is left or not, a batch is over or not, and their ends are actions; so nothing of a
// state is a point in time. A CPU is *in the kernel* until it has no more kernel code to run and then in its base,
// where it runs a task, a higher class or idle. A reschedule IPI is not an object: a CPU in its base that must
// reschedule may notice it at any time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/pair_sched.h"
#include "sim/machine.h"
#include "tools/explore/exploration.h"

namespace pairsim {

struct action {
    enum class kind : std::uint8_t {
        step,         ///< `cpu` does its next step
        ipi,          ///< the reschedule IPI reaches `cpu`
        slice_end,    ///< a tick on `cpu` finds no slice left
        fork,         ///< `task` is forked on `cpu`
        timer,        ///< the timer of the sleeping `task` goes off
        sleep,        ///< `task` blocks
        yield,        ///< `task` calls sched_yield
        exit,         ///< `task` ends
        wake,         ///< `task` wakes task `arg`
        wake_sync,    ///< the same as a pipe's writer does
        move,         ///< on `cpu`, `task` is moved to cgroup `arg`
        batch_expiry, ///< the batch of the pair with id `arg` is over
        arrive,       ///< work of class `arg` arrives on `cpu`
        leave,        ///< the higher class on `cpu` has no more work
        remove,       ///< cgroup `arg` has been removed: ops.cgroup_exit
    };
    kind what{};
    cpu_id cpu = no_cpu;
    pid task = idle_pid;
    std::uint32_t arg = 0;
    std::uint8_t budget = 0xff; ///< index of the budget that it uses up; 0xff: none

    friend bool operator==(const action&, const action&) = default;
};

/// What the machine does not know of a state.
struct surroundings {
    static constexpr std::size_t max_cpus = 8;
    static constexpr std::size_t max_budgets = 40;
    std::array<std::uint8_t, max_cpus> in_kernel{};
    std::array<std::uint8_t, max_budgets> left{};
    friend bool operator==(const surroundings&, const surroundings&) = default;
};
static_assert(sizeof(surroundings) % 8 == 0);

class explored_world final : private machine_driver {
public:
    /// @p what and @p ops must outlive the world. The state is the initial one: all cgroups, no task.
    explored_world(const exploration& what, const sched_ops& ops);

    const std::vector<action>& actions() const { return actions_; }
    bool enabled(const action& a) const;
    /// Does @p a, which is enabled, and with partial-order reduction the left movers behind it. False: nothing has
    /// happened, the CPU is blocked. The state is canonical afterwards.
    bool apply(const action& a);
    /// Gives the state other names; @p from and @p around are copies of it.
    void relabel(machine_state& from, const surroundings& around, const relabelling& r);

    machine_state& state() { return machine_.state(); }
    const machine_state& state() const { return machine_.state(); }
    machine& the_machine() { return machine_; }
    surroundings& around() { return around_; }
    const surroundings& around() const { return around_; }
    std::size_t nr_cpus() const { return nr_cpus_; }
    bool in_base(cpu_id c) const { return around_.in_kernel[c.value] == 0; }
    /// scx_pair, or nullptr.
    const pair_sched* pair() const { return pair_; }
    const exploration& what() const { return what_; }

    /// From now on records are kept. The clock stands still in them.
    void keep_records() { machine_.set_tracing(true); }
    std::vector<trace_record>& records() { return records_; }
    /// Costs of the steps of the last apply(), in order; kept only while tracing.
    const std::vector<cost_kind>& costs() const { return costs_; }

private:
    void make_actions();
    std::uint8_t add_budget(allowance times);
    void add(action a, allowance times);
    bool begin(const action& a);
    bool step(cpu_id cpu);
    bool next_joins(cpu_id cpu) const;
    bool can_interrupt(cpu_id c) const { return in_base(c) || machine_.interruptible(c); }
    bool may_remove(cgroup_id g) const;
    pair_ctx& ctx_of(std::uint32_t pair_id) const;

    void cpu_ready(cpu_id /*cpu*/) override {}
    void ipi_sent(cpu_id /*target*/) override {}
    void switched(cpu_id /*cpu*/, pid /*prev*/, pid /*next*/) override {}
    void scheduler_failed() override {}
    void kick_wait_began(cpu_id /*cpu*/, cpu_id /*target*/) override {}
    void stopper_needed(cpu_id cpu, pid task) override;
    trace_record& next_record() override { return records_.emplace_back(); }

    const exploration& what_;
    const pair_sched* pair_;
    std::size_t nr_cpus_;
    mutable machine machine_; ///< ctx_of() looks into it
    surroundings around_;
    std::vector<action> actions_;
    std::size_t nr_budgets_ = 0;
    std::vector<trace_record> records_;
    std::vector<cost_kind> costs_;
};

} // namespace pairsim
