// SPDX-License-Identifier: GPL-2.0-only
#include "tests/support/test_world.h"

#include <utility>

namespace pairsim::test {

machine_config plain_machine(std::size_t nr_cpus, kernel_profile profile)
{
    machine_config config;
    config.profile = profile;
    config.smt_active = false;
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        config.cpus.push_back({.core = static_cast<std::uint16_t>(i), .llc = 0, .node = node_id{0}});
    }
    config.tick_offset.assign(nr_cpus, 0ns);
    return config;
}

void set_typical_costs(cost_model& costs)
{
    const std::pair<cost_kind, nanoseconds> typical[] = {
        {cost_kind::tick, 1500ns},           {cost_kind::irq_entry, 300ns},       {cost_kind::schedule, 500ns},
        {cost_kind::context_switch, 1200ns}, {cost_kind::ops_call, 50ns},         {cost_kind::bpf_lock, 20ns},
        {cost_kind::hash_lookup, 60ns},      {cost_kind::queue_map_op, 60ns},     {cost_kind::atomic_op, 20ns},
        {cost_kind::pid_lookup, 80ns},       {cost_kind::dsq_insert, 100ns},      {cost_kind::consume_local, 150ns},
        {cost_kind::consume_remote, 500ns},  {cost_kind::wakeup_select, 600ns},   {cost_kind::wakeup_activate, 600ns},
        {cost_kind::kick_call, 50ns},        {cost_kind::irq_work, 600ns},        {cost_kind::kick_handler, 400ns},
        {cost_kind::ipi_latency, 1000ns},    {cost_kind::preempt_latency, 500ns}, {cost_kind::idle_exit, 3000ns},
        {cost_kind::cgroup_offline, 15ms},   {cost_kind::disable, 50us},          {cost_kind::lock_handover, 100ns},
    };
    for (const auto& [kind, d] : typical) {
        costs[static_cast<std::size_t>(kind)] = duration_dist::constant(d);
    }
}

test_world::test_world(std::size_t nr_cpus, kernel_profile profile) : config(plain_machine(nr_cpus, profile))
{
    work.cpumasks.push_back(cpumask::all(nr_cpus));
    add_cgroup("/");
}

cgroup_id test_world::add_cgroup(const std::string& name)
{
    work.cgroups.push_back({.name = name, .parent = root_cgroup, .create_at = {}, .remove_at = never});
    return cgroup_id{static_cast<std::uint32_t>(work.cgroups.size() - 1)};
}

std::uint32_t test_world::add_mask(std::initializer_list<cpu_id> cpus)
{
    cpumask mask(config.nr_cpus());
    for (const cpu_id c : cpus) {
        mask.set(c);
    }
    work.cpumasks.push_back(mask);
    return static_cast<std::uint32_t>(work.cpumasks.size() - 1);
}

pid test_world::add_task(cgroup_id cgroup, std::vector<phase> program, const birth& where)
{
    work.tasks.push_back({.name = "task" + std::to_string(work.tasks.size() + 1),
                          .cgroup = cgroup,
                          .affinity = where.affinity,
                          .start = sim_time{where.at},
                          .fork_cpu = where.cpu,
                          .program = std::move(program)});
    return pid{static_cast<std::uint32_t>(work.tasks.size())};
}

void test_world::add_higher(cpu_id c, nanoseconds at, nanoseconds length, sched_class cls)
{
    work.higher.push_back({.cpu = c,
                           .cls = cls,
                           .first = sim_time{at},
                           .length = duration_dist::constant(length),
                           .interval = {},
                           .count = 1});
}

void test_world::start()
{
    const auto nr_cpus = static_cast<std::uint32_t>(config.nr_cpus());
    auto map = make_pair_map(nr_cpus, options.stride, options.variants.big_ctx_map);
    sched_ = std::make_unique<pair_sched>(std::get<pair_map>(std::move(map)), options, config.slice_dfl,
                                          work.cgroups.size());
    const sched_ops& ops = other_ops_ != nullptr ? *other_ops_ : *sched_;
    sim_ = std::make_unique<simulator>(config, work, ops, seed);
    sim_->add_sink(trace_);
    sim_->check_always(true);
}

void test_world::run_to(nanoseconds t)
{
    if (!sim_) {
        start();
    }
    sim_->run_until(sim_time{t});
    sim_->flush();
}

bool test_world::run_to_quiet(nanoseconds t, nanoseconds at_most)
{
    const nanoseconds end = t + at_most;
    for (; t <= end; t += 500ns) {
        run_to(t);
        if (is_quiet()) {
            return true;
        }
    }
    return false;
}

bool test_world::is_quiet()
{
    for (std::size_t i = 0; i < config.nr_cpus(); ++i) {
        if (sim_->the_machine().has_kernel_work(cpu_id{static_cast<std::uint16_t>(i)})) {
            return false;
        }
    }
    return true;
}

} // namespace pairsim::test
