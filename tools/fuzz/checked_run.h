// SPDX-License-Identifier: GPL-2.0-only
//
// A run, the rules that it must keep whatever the scheduler does, and whether its trace tells what its machine is.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "model/observed_state.h"
#include "model/pair_sched.h"
#include "sim/digest.h"
#include "sim/simulator.h"
#include "tools/io/scenario.h"

namespace pairsim {

/// How often each pid stands in the FIFOs, by what the trace says.
class fifo_entries final : public trace_sink {
public:
    void on_records(std::span<const trace_record> records) override;
    int of(pid task) const { return nr_.count(task) != 0 ? nr_.at(task) : 0; }

private:
    std::map<pid, int> nr_;
};

/// What a reader of the trace knows.
class trace_reader final : public trace_sink {
public:
    explicit trace_reader(observed_state& state) : state_(state) {}
    void on_records(std::span<const trace_record> records) override;

private:
    observed_state& state_;
};

class checked_run {
public:
    /// @p what must outlive the run. @p check_each_event: the machine checks its invariants after each event (slow).
    checked_run(const scenario& what, bool check_each_event);

    void run_to(nanoseconds t);
    simulator& sim() { return sim_; }
    std::string digest() const { return digest_.hex(); }
    exit_kind exit() const { return sim_.exit().kind; }
    /// No CPU is in kernel code or about to be.
    bool is_quiet();
    /// How often broken_rule() has found the machine quiet and looked at every task.
    unsigned nr_quiet() const { return nr_quiet_; }
    /// The first rule that does not hold now; empty if all do.
    std::string broken_rule();

private:
    machine_state& state() { return sim_.the_machine().state(); }
    std::size_t nr_cpus() const { return what_.machine.nr_cpus(); }
    bool op_in_progress();
    std::string broken_queue_rule();
    std::string broken_dsq_rule();
    std::string broken_counter_rule();
    std::string broken_task_rule();
    std::string broken_lock_rule();
    std::string broken_trace_rule();

    const scenario& what_;
    std::unique_ptr<sched_ops> ops_;
    const pair_sched* pair_; ///< nullptr: a baseline
    simulator sim_;
    observed_state observed_;
    trace_reader reader_;
    fifo_entries entries_;
    trace_digest digest_;
    unsigned nr_quiet_ = 0;
};

} // namespace pairsim
