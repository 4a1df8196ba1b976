// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/case_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/pair_sched.h"
#include "sim/simulator.h"
#include "tools/io/runner.h"

namespace pairsim {
namespace {

/// Writes down who ran where. Threads of the log: idle, a FIFO thread and the harness for each CPU, then the tasks.
class log_writer final : public trace_sink {
public:
    log_writer(const measured_case& c, const case_scenario& s, sched_log& log) : scenario_(s), log_(log)
    {
        log.nr_cpus = c.nr_cpus;
        log.pairs = c.pairs;
        log.first.assign(c.nr_cpus, 0);
        for (std::size_t i = 1; i < s.what.work.cgroups.size(); ++i) {
            log.cgroups.push_back(s.what.work.cgroups[i].name);
        }
        log.threads = {{thread_sort::idle, "idle"}, {thread_sort::rt, "rt"}, {thread_sort::harness, "harness"}};
        for (const task_spec& t : s.what.work.tasks) {
            const bool is_work = t.cgroup != root_cgroup;
            const cpumask& mask = s.what.work.cpumasks[t.affinity];
            std::uint64_t cpus = 0;
            for (std::uint16_t cpu = 0; cpu < c.nr_cpus; ++cpu) {
                cpus |= mask.test(cpu_id{cpu}) ? std::uint64_t{1} << cpu : 0U;
            }
            log.threads.push_back(
                {is_work ? thread_sort::work : thread_sort::root, t.name, is_work ? t.cgroup.value - 1 : 0, cpus});
        }
        for (const case_rt& rt : c.rt) {
            rt_cpus_.push_back(rt.cpu);
        }
    }

    void on_records(std::span<const trace_record> records) override
    {
        for (const trace_record& r : records) {
            on(r);
        }
    }

private:
    static constexpr std::uint32_t first_task = 3;

    /// Higher classes have no names in a trace: on the CPU of a FIFO thread it is that, else the harness.
    std::uint32_t thread_of(std::uint32_t value, cpu_id cpu) const
    {
        const pid p{value};
        if (is_higher(p)) {
            return std::ranges::find(rt_cpus_, cpu.value) != rt_cpus_.end() ? 1 : 2;
        }
        return p == idle_pid ? 0 : first_task + p.value - 1;
    }

    void on(const trace_record& r)
    {
        log_event e{.at_ns = (r.at - scenario_.window_begin).count(),
                    .kind = log_event::what::swtch,
                    .path = log_path::none,
                    .runnable = false,
                    .cpu = r.cpu.value,
                    .thread = thread_of(r.task.value, r.cpu),
                    .prev = 0,
                    .target = 0};
        if (r.kind == record_kind::sched_switch) {
            e.prev = thread_of(r.a, r.cpu);
            e.runnable = static_cast<prev_state>(r.b) == prev_state::runnable;
            if (e.at_ns < 0) {
                log_.first[r.cpu.value] = e.thread;
                return;
            }
        } else if (r.kind == record_kind::sched_waking) {
            e.kind = log_event::what::waking;
        } else if (r.kind == record_kind::higher_arrive) {
            e.kind = log_event::what::waking;
            e.thread = thread_of(higher_pid(sched_class::rt).value, r.cpu);
        } else if (r.kind == record_kind::sched_wakeup || r.kind == record_kind::sched_wakeup_new) {
            e.kind = log_event::what::wakeup;
            const auto path = static_cast<wake_path>(r.reason);
            e.path = path == wake_path::queued                                     ? log_path::queued
                     : path == wake_path::direct || path == wake_path::direct_sync ? log_path::direct
                                                                                   : log_path::other;
            e.target = static_cast<std::uint16_t>(r.a);
        } else {
            return;
        }
        if (e.at_ns >= 0) {
            log_.events.push_back(e);
        }
    }

    const case_scenario& scenario_;
    sched_log& log_;
    std::vector<std::uint32_t> rt_cpus_;
};

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
    log_writer writer(c, s, out.log);
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
