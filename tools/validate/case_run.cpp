// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/case_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/pair_sched.h"
#include "sim/simulator.h"
#include "tools/io/runner.h"
#include "tools/validate/log_writer.h"

namespace pairsim {
namespace {

/// Threads of the log: idle, a FIFO thread and the harness, then the tasks. Only tasks of a cgroup are the workload.
sched_log empty_log(const measured_case& c, const scenario& what)
{
    sched_log log;
    log.pairs = c.pairs;
    for (std::size_t i = 1; i < what.work.cgroups.size(); ++i) {
        log.cgroups.push_back(what.work.cgroups[i].name);
    }
    log.threads = {{thread_sort::idle, "idle"}, {thread_sort::rt, "rt"}, {thread_sort::harness, "harness"}};
    for (const task_spec& t : what.work.tasks) {
        const bool is_work = t.cgroup != root_cgroup;
        const cpumask& mask = what.work.cpumasks[t.affinity];
        std::uint64_t cpus = 0;
        for (std::uint16_t cpu = 0; cpu < c.nr_cpus; ++cpu) {
            cpus |= mask.test(cpu_id{cpu}) ? std::uint64_t{1} << cpu : 0U;
        }
        log.threads.push_back(
            {is_work ? thread_sort::work : thread_sort::root, t.name, is_work ? t.cgroup.value - 1 : 0, cpus});
    }
    return log;
}

pair_counters counters_now(const pair_sched& ops, simulator& sim)
{
    return ops.maps(sim.the_machine().state()).counters();
}

} // namespace

case_outcome run_case(const measured_case& c, const host_machine& host, std::uint64_t seed)
{
    const case_scenario s = make_scenario(c, host, seed);
    const auto made = make_scheduler(s.what);
    const auto& ops = dynamic_cast<const pair_sched&>(*made);
    simulator sim(s.what.machine, s.what.work, ops, seed);
    case_outcome out;
    out.seen.label = fmt::format("seed {}", seed);
    out.log = empty_log(c, s.what);
    std::vector<std::uint32_t> rt_cpus;
    for (const case_rt& rt : c.rt) {
        rt_cpus.push_back(rt.cpu);
    }
    log_writer writer(out.log, c.nr_cpus, s.window_begin, [&rt_cpus](std::uint16_t cpu) { // they have no names
        return std::ranges::find(rt_cpus, cpu) != rt_cpus.end() ? log_writer::rt_thread : log_writer::harness_thread;
    });
    sim.add_sink(writer);

    sim.run_until(s.window_begin);
    const pair_counters before = counters_now(ops, sim);
    out.seen.only_exit = sim.ended();
    sim.run_until(s.window_end);
    sim.flush();
    const pair_counters after = counters_now(ops, sim);
    for (std::size_t i = 0; i < nr_pair_counters; ++i) {
        out.seen.counters[i] = static_cast<std::int64_t>(after[i] - before[i]);
    }
    const exit_info& exit = sim.exit();
    if (exit.kind != exit_kind::none) {
        const std::string message = exit.kind == exit_kind::error_bpf ? ops.error_text(exit) : std::string();
        out.seen.exit = without_numbers(fmt::format("{}: {}", exit_kind_name(exit.kind), message));
    }
    const sim_time end = sim.ended() ? std::max(sim.now(), s.window_begin) : s.window_end;
    out.log.window_ns = (end - s.window_begin).count();
    measure(out.log, out.seen);
    return out;
}

} // namespace pairsim
