// SPDX-License-Identifier: GPL-2.0-only
//
// A run of a random world and the rules that it must keep, whatever scx_pair does.
#pragma once

#include <map>
#include <string>

#include "model/pair_sched.h"
#include "sim/digest.h"
#include "sim/simulator.h"
#include "tests/property/random_world.h"

namespace pairsim::test {

/// How often each pid stands in the FIFOs, by what the trace says.
class fifo_entries final : public trace_sink {
public:
    void on_records(std::span<const trace_record> records) override;
    int of(pid task) const { return nr_.count(task) != 0 ? nr_.at(task) : 0; }

private:
    std::map<pid, int> nr_;
};

class world_run {
public:
    /// @p world must outlive the run.
    world_run(const random_world& world, std::uint64_t seed, bool check_each_event);

    void run_to(nanoseconds t);
    simulator& sim() { return sim_; }
    std::string digest() const { return digest_.hex(); }
    /// No CPU is in kernel code or about to be.
    bool is_quiet();
    /// How often broken_rule() has found the machine quiet and looked at every task.
    unsigned nr_quiet() const { return nr_quiet_; }
    /// The first rule that does not hold now; empty if all do.
    std::string broken_rule();

private:
    machine_state& state() { return sim_.the_machine().state(); }
    bool op_in_progress();
    std::string broken_queue_rule();
    std::string broken_dsq_rule();
    std::string broken_counter_rule();
    std::string broken_task_rule();
    std::string broken_lock_rule();

    const random_world& world_;
    pair_sched sched_;
    simulator sim_;
    fifo_entries entries_;
    trace_digest digest_;
    unsigned nr_quiet_ = 0;
};

} // namespace pairsim::test
