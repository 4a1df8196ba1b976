// SPDX-License-Identifier: GPL-2.0-only
//
// A driver that lets a test decide which CPU steps next: no durations, no events, time stands still unless the test
// moves it. Tasks run for ever; what their programs would do, the test does by calling the machine.
#pragma once

#include <vector>

#include "sim/machine.h"
#include "tests/support/trace_log.h"

namespace pairsim::test {

class scripted_machine final : private machine_driver {
public:
    scripted_machine(const machine_config& config, const workload& work, const sched_ops& ops);

    machine& get() { return machine_; }
    machine_state& state() { return machine_.state(); }
    cpu_state& cpu(cpu_id c) { return state().cpu(c); }
    task_state& task(pid p) { return state().task(p); }
    pid curr(cpu_id c) { return cpu(c).curr; }

    /// Time goes on by @p d.
    void pass(nanoseconds d) { machine_.set_now(machine_.now() + d); }
    /// A tick on @p c, now.
    void tick(cpu_id c);

    /// One step of @p c.
    step_result step(cpu_id c);
    /// Steps of @p c until it is in its base or blocked; says which.
    step_result::kind run(cpu_id c);
    /// Steps of @p c until its innermost frame is @p kind at @p pc; false if it gets to its base or blocks first.
    bool run_to(cpu_id c, path kind, std::uint8_t pc);
    /// All CPUs in turn, IPIs delivered at once, until none can step.
    void settle();
    /// The IPIs on their way arrive. They stay pending until their CPUs step.
    void deliver_ipis();

    /// Forks @p task on its fork_cpu and settles.
    void fork(pid task);
    /// The task that runs on @p c blocks; the CPU has not stepped yet.
    void block(cpu_id c) { machine_.block_current(c, life::sleeping); }
    void higher_arrives(cpu_id c, sched_class cls = sched_class::rt)
    {
        machine_.higher_arrives(c, cls, nanoseconds{1});
    }

    bool blocked(cpu_id c) const { return blocked_[c.value]; }
    const std::vector<cpu_id>& ipis() const { return ipis_; }
    /// Tasks that a stopper must move; the test calls begin_stopper().
    const std::vector<pid>& to_migrate() const { return to_migrate_; }
    bool failed() const { return failed_; }
    const trace_log& trace() const { return trace_; }

private:
    bool can_step(cpu_id c);

    void cpu_ready(cpu_id c) override { blocked_[c.value] = false; }
    void ipi_sent(cpu_id target) override { ipis_.push_back(target); }
    void switched(cpu_id /*cpu*/, pid /*prev*/, pid /*next*/) override {}
    void scheduler_failed() override { failed_ = true; }
    void kick_wait_began(cpu_id /*cpu*/, cpu_id /*target*/) override {}
    void stopper_needed(cpu_id c, pid task) override;
    trace_record& next_record() override { return trace_.next_record(); }

    const workload& work_;
    machine machine_;
    std::vector<bool> blocked_;
    std::vector<bool> stepping_; ///< not in its base yet
    std::vector<cpu_id> ipis_;
    std::vector<pid> to_migrate_;
    bool failed_ = false;
    trace_log trace_;
};

} // namespace pairsim::test
