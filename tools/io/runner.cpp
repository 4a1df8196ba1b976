// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/runner.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "model/fifo_sched.h"
#include "model/idle_sibling_sched.h"
#include "pairsim_version.h"
#include "sim/check.h"
#include "sim/digest.h"

namespace pairsim {
namespace {

counter_list counters_of(const sched_ops& ops, machine_state& state)
{
    counter_list list;
    if (const auto* pair = dynamic_cast<const pair_sched*>(&ops)) {
        pair_maps maps = pair->maps(state);
        for (std::size_t i = 0; i < nr_pair_counters; ++i) {
            list.emplace_back(counter_name(static_cast<pair_counter>(i)), maps.counters()[i]);
        }
    }
    return list;
}

std::optional<final_counters> final_counters_of(const sched_ops& ops, machine_state& state, bool cut_short)
{
    const auto* pair = dynamic_cast<const pair_sched*>(&ops);
    if (pair == nullptr) {
        return std::nullopt;
    }
    pair_maps maps = pair->maps(state);
    return final_counters{.n = maps.counters(), .queued = maps.total_len(), .op_cut_short = cut_short};
}

bool runs_an_op(const machine_state& state, std::size_t nr_cpus)
{
    for (std::size_t i = 0; i < nr_cpus; ++i) {
        const cpu_state& c = state.cpu(cpu_id{static_cast<std::uint16_t>(i)});
        if (std::any_of(c.frames.begin(), c.frames.begin() + c.depth,
                        [](const frame& f) { return f.kind == path::op; })) {
            return true;
        }
    }
    return false;
}

/// The sentence that the kernel's log has for an end. Source: scx_exit_kind's users in kernel/sched/ext.c.
std::string exit_message(const exit_info& exit, const scenario& s, const sched_ops& ops)
{
    switch (exit.kind) {
    case exit_kind::none:
    case exit_kind::unreg:
        return {};
    case exit_kind::error:
        return fmt::format("ops.cgroup_init() failed (-{})", exit.code);
    case exit_kind::error_bpf:
        return ops.error_text(exit);
    case exit_kind::error_stall:
        return fmt::format("{}[{}] failed to run for {}.{:03}s", s.work.tasks[exit.arg0 - 1].name, exit.arg0,
                           exit.arg1 / 1'000'000'000, exit.arg1 / 1'000'000 % 1000);
    case exit_kind::hard_lockup:
        return fmt::format("hard LOCKUP on cpu {}: it waits for a kicked CPU with interrupts off", exit.arg0);
    case exit_kind::no_progress:
        return "time stands still: kernel paths or tasks that cost nothing follow each other for ever";
    }
    SIM_CHECK(false);
    return {};
}

/// What the simulator counts and no record shows.
struct time_spent {
    std::int64_t useful_ns = 0;
    std::vector<std::int64_t> kernel_ns; ///< by CPU

    explicit time_spent(const simulator& sim, std::size_t nr_cpus) : useful_ns(sim.useful_work_ns()), kernel_ns(nr_cpus)
    {
        for (std::size_t i = 0; i < nr_cpus; ++i) {
            kernel_ns[i] = sim.kernel_time(cpu_id{static_cast<std::uint16_t>(i)}).count();
        }
    }
};

/// Returns what had been spent when the warm-up was over.
time_spent run_in_intervals(simulator& sim, const scenario& s, sim_time end, const run_options& options,
                            const sched_ops& ops)
{
    const sim_time warm{s.warmup};
    const std::size_t nr_cpus = s.machine.nr_cpus();
    time_spent before(sim, nr_cpus);
    const auto run_to = [&](sim_time t) {
        if (sim.now() < warm && t >= warm) {
            sim.run_until(warm);
            before = time_spent(sim, nr_cpus);
        }
        sim.run_until(t);
    };
    if (options.stats_interval > nanoseconds{0}) {
        for (sim_time t{options.stats_interval}; t <= end && !sim.ended(); t += options.stats_interval) {
            run_to(t);
            options.on_stats(counters_of(ops, sim.the_machine().state()));
        }
    }
    run_to(end);
    sim.flush();
    return before;
}

} // namespace

pair_map pairs_of(const scenario& s)
{
    auto made =
        make_pair_map(static_cast<std::uint32_t>(s.machine.nr_cpus()), s.pair.stride, s.pair.variants.big_ctx_map);
    if (s.scheduler == scheduler_name::fifo && std::holds_alternative<std::string>(made)) {
        return {}; // a baseline on a machine that cannot be paired
    }
    return std::get<pair_map>(std::move(made));
}

claim_set shown_by(const scenario& s)
{
    claim_set shown = claim_set::all();
    if (s.scheduler != scheduler_name::pair) {
        for (const claim_id c : {claim_id::no_lost_task, claim_id::top_q_covers, claim_id::drain_bounded,
                                 claim_id::work_conserving, claim_id::counters_add_up}) {
            shown = shown.without(c);
        }
    }
    return shown;
}

claims_options claims_options_of(const scenario& s)
{
    return {.watch = shown_by(s), .limits = s.expect.limits, .isolates = s.scheduler == scheduler_name::pair};
}

std::unique_ptr<sched_ops> make_scheduler(const scenario& s)
{
    switch (s.scheduler) {
    case scheduler_name::pair:
        return std::make_unique<pair_sched>(pairs_of(s), s.pair, s.machine.slice_dfl, s.work.cgroups.size());
    case scheduler_name::fifo:
        return std::make_unique<fifo_sched>(s.machine.slice_dfl, s.work.tasks.size());
    case scheduler_name::idle_sibling:
        return std::make_unique<idle_sibling_sched>(pairs_of(s), s.machine.slice_dfl, s.work.tasks.size());
    }
    SIM_CHECK(false);
    return nullptr;
}

std::string exit_kind_name(exit_kind kind)
{
    switch (kind) {
    case exit_kind::none:
        return "none";
    case exit_kind::unreg:
        return "unreg";
    case exit_kind::error:
        return "error";
    case exit_kind::error_bpf:
        return "scx_bpf_error";
    case exit_kind::error_stall:
        return "stall";
    case exit_kind::hard_lockup:
        return "hard_lockup";
    case exit_kind::no_progress:
        return "no_progress";
    }
    SIM_CHECK(false);
    return {};
}

run_outcome run_scenario(const scenario& s, const run_options& options)
{
    const auto ops = make_scheduler(s);
    const pair_map pairs = pairs_of(s);
    simulator sim(s.machine, s.work, *ops, s.seed);
    trace_digest digest;
    std::optional<metrics> measured;
    std::optional<claims> watched;
    sim.add_sink(digest);
    if (options.each_tick) {
        sim.simulate_each_tick();
    }
    if (options.analyse) {
        measured.emplace(s.machine, s.work, pairs, sim_time{s.warmup});
        watched.emplace(s.machine, s.work, pairs, claims_options_of(s));
        sim.add_sink(*measured);
        sim.add_sink(*watched);
    }
    for (trace_sink* sink : options.sinks) {
        sim.add_sink(*sink);
    }
    const sim_time end{options.until.value_or(s.duration)};
    const time_spent before = run_in_intervals(sim, s, end, options, *ops);
    time_spent spent(sim, s.machine.nr_cpus());
    for (std::size_t i = 0; i < spent.kernel_ns.size(); ++i) {
        spent.kernel_ns[i] -= before.kernel_ns[i];
    }

    machine_state& state = sim.the_machine().state();
    const exit_info& exit = sim.exit();
    const bool cut_short = exit.kind != exit_kind::none || runs_an_op(state, s.machine.nr_cpus());
    counter_list counters = counters_of(*ops, state);
    return {.result = {.what = s,
                       .version = std::string(version),
                       .seed = s.seed,
                       .digest = digest.hex(),
                       .unseed = sim.unseed(),
                       .simulated = sim.now().time_since_epoch(),
                       .useful_ns = spent.useful_ns - before.useful_ns,
                       .kernel_ns = std::move(spent.kernel_ns),
                       .exit = {exit_kind_name(exit.kind), exit_message(exit, s, *ops), exit.at},
                       .counters = std::move(counters),
                       .metrics = measured ? measured->finish(sim.now()) : metrics_result{},
                       .claims = watched ? watched->finish(sim.now(), final_counters_of(*ops, state, cut_short))
                                         : claims_result{}},
            .ended = exit.kind,
            .warnings = sim.warnings()};
}

} // namespace pairsim
