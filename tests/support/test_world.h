// SPDX-License-Identifier: GPL-2.0-only
//
// A machine and a workload made in code, and one run of them. Without a call of use_typical_costs() nothing costs
// time, so that the instants of a run can be worked out by hand.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "model/pair_sched.h"
#include "sim/simulator.h"
#include "tests/support/programs.h"
#include "tests/support/trace_log.h"

namespace pairsim::test {

inline constexpr cpu_id cpu0{0};
inline constexpr cpu_id cpu1{1};
inline constexpr cpu_id cpu2{2};
inline constexpr cpu_id cpu3{3};

/// A machine of @p nr_cpus CPUs, a core each, on one node, with ticks at multiples of 4 ms and no costs.
machine_config plain_machine(std::size_t nr_cpus, kernel_profile profile);

/// Fixed costs of the order of a present x86-64 machine.
void set_typical_costs(cost_model& costs);

/// Where and when a task is forked; its affinity is an index made by test_world::add_mask().
struct birth {
    nanoseconds at = 0ns;
    cpu_id cpu{0};
    std::uint32_t affinity = 0;
};

class test_world {
public:
    explicit test_world(std::size_t nr_cpus, kernel_profile profile = kernel_profile::knew);
    test_world(const test_world&) = delete;
    test_world& operator=(const test_world&) = delete;

    // What is run; to be set before the first run_to().
    machine_config config;
    workload work;
    pair_config options;
    std::uint64_t seed = 1;

    cgroup_id add_cgroup(const std::string& name);
    std::uint32_t add_mask(std::initializer_list<cpu_id> cpus);
    pid add_task(cgroup_id cgroup, std::vector<phase> program, const birth& where = {});
    pid add_hog(cgroup_id cgroup, const birth& where = {})
    {
        return add_task(cgroup, {run(a_long_time), again()}, where);
    }
    /// One arrival of a higher class.
    void add_higher(cpu_id cpu, nanoseconds at, nanoseconds length, sched_class cls = sched_class::rt);
    void add_outside(const outside_event& event) { work.outside.push_back(event); }
    void use_typical_costs() { set_typical_costs(config.costs); }
    void set_cost(cost_kind kind, nanoseconds d)
    {
        config.costs[static_cast<std::size_t>(kind)] = duration_dist::constant(d);
    }
    /// Runs under this scheduler instead of scx_pair.
    void use_scheduler(const sched_ops& ops) { other_ops_ = &ops; }

    /// Runs up to and including @p t; the trace is complete up to there.
    void run_to(nanoseconds t);
    /// Runs from @p t in small steps on to the first instant at which no CPU is in kernel code; false if there is
    /// none within @p at_most.
    bool run_to_quiet(nanoseconds t, nanoseconds at_most = 1ms);
    bool is_quiet();

    simulator& sim() { return *sim_; }
    machine_state& state() { return sim_->the_machine().state(); }
    const task_state& task(pid p) { return state().task(p); }
    const cpu_state& cpu(cpu_id c) { return state().cpu(c); }
    pair_maps maps() { return sched_->maps(state()); }
    std::uint64_t counter(pair_counter which) { return at(maps().counters(), which); }
    /// pair_ctx of the pair that @p cpu belongs to.
    const pair_ctx& ctx(cpu_id c) { return maps().ctx(sched_->pairs().pair_id[c.value]); }
    const pair_sched& sched() const { return *sched_; }
    const trace_log& trace() const { return trace_; }
    std::string lane(cpu_id c, nanoseconds unit, nanoseconds to) const { return trace_.lane(c, unit, 0ns, to); }

private:
    void start();

    const sched_ops* other_ops_ = nullptr;
    std::unique_ptr<pair_sched> sched_;
    std::unique_ptr<simulator> sim_;
    trace_log trace_;
};

} // namespace pairsim::test
