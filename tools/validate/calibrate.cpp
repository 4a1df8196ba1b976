// SPDX-License-Identifier: GPL-2.0-only
#include "tools/validate/calibrate.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "tools/import/recorded.h"
#include "tools/io/input_error.h"
#include "tools/io/parallel.h"
#include "tools/io/runner.h"
#include "tools/io/units.h"
#include "tools/validate/cost_fit.h"
#include "tools/validate/log_writer.h"
#include "tools/validate/tick_fit.h"

namespace pairsim {
namespace {

constexpr const char* jitter_key = "tick_jitter"; ///< a key of the machine, not of its costs

/// What a latency is, for a reader who wonders why the trace does not show it.
struct shown_cost {
    latency shown;
    const char* cost;
    const char* needs;
};
/// A kick's leg ends with preempt_latency, which nothing else shows: it stays at its base's median, and what varies is
/// the flight of the IPI.
constexpr std::array<shown_cost, 5> shown_costs{{
    {latency::wake_direct, "wakeup_activate", "sched_waking and sched_wakeup of tasks that a CPU wakes on itself"},
    {latency::idle_to_run, "idle_loop", "wake-ups of an idle CPU by itself: tasks that sleep while it is idle"},
    {latency::remote_to_run, "idle_exit", "wake-ups of an idle CPU by another one"},
    {latency::kick_leg, "ipi_latency", "changes of a pair's cgroup while both CPUs are busy"},
    {latency::tick_late, jitter_key,
     "slices that end while the pair keeps its cgroup: more runnable tasks in a "
     "cgroup than CPUs, and a batch of several slices"},
}};

/// The stride with which scx_pair makes these pairs.
std::uint32_t stride_of(const recorded_run& run, std::vector<pair_map::pair> pairs, std::uint32_t nr_cpus)
{
    const auto by_first = [](const pair_map::pair& a, const pair_map::pair& b) { return a.first < b.first; };
    std::sort(pairs.begin(), pairs.end(), by_first);
    for (std::uint32_t i = 0; i < nr_cpus; ++i) {
        const std::uint32_t stride = i == 0 ? nr_cpus / 2 : i; // what the loader takes by itself comes first
        auto map = make_pair_map(nr_cpus, stride, true);
        if (auto* made = std::get_if<pair_map>(&map)) {
            std::sort(made->pairs.begin(), made->pairs.end(), by_first);
            if (made->pairs == pairs) {
                return stride;
            }
        }
    }
    throw input_error(
        {{"--pairs", "", fmt::format("no stride of scx_pair makes these pairs of {} CPUs", nr_cpus),
          fmt::format("give all pairs of the machine; {} has CPUs up to {}", run.where, run.nr_cpus - 1)}});
}

/// A wake-up is queued by ops.enqueue where no CPU was idle; a kernel's trace does not say so, but shows what ran.
void infer_paths(sched_log& log)
{
    std::vector<std::uint32_t> on_cpu = log.first;
    for (log_event& e : log.events) {
        if (e.kind == log_event::what::swtch) {
            on_cpu[e.cpu] = e.thread;
        } else if (e.kind == log_event::what::wakeup) {
            const bool idle = e.target < on_cpu.size() && on_cpu[e.target] == 0;
            e.path = idle ? log_path::direct : log_path::queued;
        }
    }
}

/// The threads of a log: idle, higher classes (twice, as log_writer has them), then tasks by pid.
sched_log empty_log(const std::vector<pair_map::pair>& pairs)
{
    sched_log log;
    log.threads = {{thread_sort::idle, "idle"}, {thread_sort::rt, "rt"}, {thread_sort::harness, "higher class"}};
    for (const auto& p : pairs) {
        log.pairs.push_back({p.first.value, p.second.value});
    }
    return log;
}

log_thread task_thread(const std::string& name, std::uint32_t cgroup)
{
    return {cgroup == 0 ? thread_sort::root : thread_sort::work, name, cgroup};
}

/// Leaves out legs that are so much longer than most that something else ended them.
void trim_legs(std::vector<std::int64_t>& legs)
{
    if (!legs.empty()) {
        std::sort(legs.begin(), legs.end());
        std::erase_if(legs, [longest = 4 * quantile(legs, 500'000)](std::int64_t leg) { return leg > longest; });
    }
}

class calibrator {
public:
    calibrator(const recorded_run& run, const calibrate_options& options)
        : run_(run), options_(options), pairs_(options.pairs.empty() && run.own ? run.own->pairs.pairs : options.pairs)
    {
        if (pairs_.empty()) {
            throw input_error({{run.where, "", "the trace does not say which CPUs are pairs",
                                "say it: --pairs 0+4,1+5, or --pairs and the number of CPUs"}});
        }
        if (run.own && run.own->what.scheduler != scheduler_name::pair) {
            throw input_error({{run.where, "", "the trace is of a baseline: it has no kicks and no batches",
                                "record one under scx_pair"}});
        }
        nr_cpus_ = run.nr_cpus;
        for (const auto& p : pairs_) {
            nr_cpus_ = std::max<std::uint32_t>(nr_cpus_, p.second.value + 1U);
        }
        nr_cpus_ += nr_cpus_ % 2;
        json document = import_run(run, {.name = options.name, .cpus = nr_cpus_, .duration = std::nullopt}).scenario;
        document["scheduler"] = {{"stride", stride_of(run, pairs_, nr_cpus_)}};
        if (run.own) {
            document["scheduler"]["slice"] = format_duration(run.own->what.machine.slice_dfl);
        }
        set_base();
        what_ = on_machine(std::move(document));
    }

    calibration calibrated()
    {
        cost_fit fit = read_trace();
        for (std::uint32_t round = 0; round < options_.rounds; ++round) {
            std::string line = fmt::format("round {}:", round + 1);
            fit.correct(simulate(round), line, cost_fit::step(round));
            put_costs(fit);
            if (options_.progress) {
                options_.progress(line);
            }
        }
        const latency_samples left = simulate(options_.rounds);
        describe(fit, left);
        return {machine_, heading() + fit.residuals(left) + sources(fit)};
    }

private:
    void set_base()
    {
        machine_ = options_.base.machine;
        for (const char* key : {"background", "host"}) { // of another machine's life
            machine_.erase(key);
        }
        if (machine_.contains("topology") && !machine_["topology"].is_string()) {
            machine_.erase("topology");
        }
        machine_.erase("tick_offset");
        machine_["cpus"] = nr_cpus_;
        machine_["name"] = options_.name;
    }

    /// The machine's cost @p key, as a base has it.
    double base_ns(const char* key) const
    {
        const bool is_cost = key != std::string_view(jitter_key);
        const json& from = is_cost ? machine_.at("costs") : machine_;
        return is_cost && from.is_object() && from.contains(key) ? static_cast<double>(median_ns(from.at(key))) : 0;
    }

    /// @p document on the machine as far as it is known, and as the user's settings have it.
    scenario on_machine(json document) const
    {
        document["machine"] = machine_;
        for (const char* key : {"schema", "name", "description"}) {
            document["machine"].erase(key);
        }
        const bool is_whole = document.contains("tasks");
        std::vector<setting> settings;
        std::ranges::copy_if(options_.settings, std::back_inserter(settings),
                             [is_whole](const setting& s) { return is_whole || s.pointer.starts_with("/machine/"); });
        apply_settings(document, settings);
        return read_scenario(std::move(document), run_.where + " (imported)", settings);
    }

    /// The trace's tasks were read once: reading them is longer work than simulating them.
    scenario scenario_now() const
    {
        scenario what = what_;
        what.machine = on_machine({{"schema", "pairsim.scenario/1"},
                                   {"name", "machine"},
                                   {"description", "The machine that is being fitted."},
                                   {"duration", "1s"}})
                           .machine;
        return what;
    }

    run_facts facts_of(const sched_log& log) const
    {
        run_facts facts;
        facts.plans.resize(log.threads.size());
        facts.kick_storm = what_.pair.batch_duration == nanoseconds{0};
        facts.shortest_leg = 1;
        return facts;
    }

    void collect(sched_log& log, latency_samples& samples) const
    {
        infer_paths(log);
        collect_latencies(facts_of(log), log, samples);
        collect_lateness(slice_ends(log), nr_cpus_, hz_, samples);
        trim_legs(samples[latency::kick_leg]);
    }

    cost_fit read_trace()
    {
        sched_log log = empty_log(pairs_);
        for (const auto& t : run_.tasks) {
            log.threads.push_back(task_thread(t.comm, t.cgroup));
        }
        log_writer writer(log, nr_cpus_, run_.start, [](std::uint16_t) { return log_writer::rt_thread; });
        writer.on_records(run_.records);
        for (const log_event& e : log.events) {
            ++(e.kind == log_event::what::swtch ? nr_switches_ : nr_wakeups_);
        }
        find_ticks(slice_ends(log));
        latency_samples recorded;
        collect(log, recorded);
        std::vector<fitted_cost> costs;
        for (const shown_cost& c : shown_costs) {
            costs.push_back({c.shown, c.cost, base_ns(c.cost)});
        }
        preempt_ns_ = std::llround(base_ns("preempt_latency"));
        cost_fit fit(std::move(costs), std::move(recorded));
        if (std::ranges::none_of(shown_costs, [&fit](const shown_cost& c) { return fit.shows(c.shown); })) {
            std::string what = "the trace shows nothing that a machine could be fitted to";
            throw input_error({{run_.where, "", std::move(what),
                                fmt::format("record more, or longer: at least {} {}, say", cost_fit::fewest_samples,
                                            shown_costs[0].needs)}});
        }
        return fit;
    }

    void find_ticks(const std::vector<slice_end>& ends)
    {
        const auto seen = find_hz(ends, nr_cpus_);
        const std::uint32_t otherwise = run_.own ? run_.own->what.machine.hz : machine_.value("hz", 250U);
        hz_ = options_.hz.value_or(seen.value_or(otherwise));
        hz_source_ = options_.hz ? "as --hz says"
                     : seen      ? "as slices end"
                     : run_.own  ? "as the trace says"
                                 : "not shown by the trace: give --hz";
        machine_["hz"] = hz_;
        phases_ = find_phases(ends, nr_cpus_, hz_);
        if (std::ranges::none_of(phases_, [](const auto& p) { return p.has_value(); })) {
            return;
        }
        json offsets = json::array();
        for (const std::int64_t offset : tick_offsets(phases_, hz_)) {
            offsets.push_back(format_duration(nanoseconds{offset}));
        }
        machine_["tick_offset"] = std::move(offsets);
    }

    latency_samples simulate(std::uint32_t round) const
    {
        const scenario now = scenario_now();
        std::vector<latency_samples> each(options_.seeds);
        for_each_in_parallel(each.size(), [&](std::size_t i) {
            scenario what = now;
            what.seed = round * options_.seeds + i + 1;
            sched_log log = empty_log(pairs_);
            for (const task_spec& t : what.work.tasks) {
                log.threads.push_back(task_thread(t.name, t.cgroup.value));
            }
            log_writer writer(log, nr_cpus_, sim_time{}, [](std::uint16_t) { return log_writer::rt_thread; });
            run_scenario(what, {.until = std::nullopt, .sinks = {&writer}, .analyse = false, .on_stats = {}});
            collect(log, each[i]);
        });
        latency_samples all;
        for (const latency_samples& samples : each) {
            for (std::size_t l = 0; l < nr_latencies; ++l) {
                all.of[l].insert(all.of[l].end(), samples.of[l].begin(), samples.of[l].end());
            }
        }
        sort_samples(all);
        return all;
    }

    void put_costs(const cost_fit& fit)
    {
        for (std::size_t i = 0; i < shown_costs.size(); ++i) {
            if (fit.shows(shown_costs[i].shown)) {
                const bool is_cost = shown_costs[i].cost != std::string_view(jitter_key);
                (is_cost ? machine_["costs"] : machine_)[shown_costs[i].cost] = fit.distribution(i);
            }
        }
        if (fit.shows(latency::kick_leg)) {
            machine_["costs"]["preempt_latency"] = format_duration(nanoseconds{preempt_ns_});
        }
    }

    /// What the file says of itself: where it comes from, and how well it fits.
    void describe(const cost_fit& fit, const latency_samples& left)
    {
        std::string fitted;
        for (std::size_t i = 0; i < shown_costs.size(); ++i) {
            const latency l = shown_costs[i].shown;
            if (fit.shows(l) && !left[l].empty()) {
                fitted += fmt::format(" {} to {} {} (recorded {}, simulated {});", shown_costs[i].cost,
                                      fit.recorded()[l].size(), latency_name(l),
                                      format_duration(nanoseconds{quantile(fit.recorded()[l], 500'000)}),
                                      format_duration(nanoseconds{quantile(left[l], 500'000)}));
            }
        }
        machine_["description"] = fmt::format("Calibrated with pairsim calibrate from {} of trace. Fitted, with the "
                                              "medians:{} all else is that of {}.",
                                              format_duration(run_.end - run_.start), fitted, options_.base.path);
    }

    std::string heading() const
    {
        return fmt::format("{}: {} of {} CPUs, {} switches, {} wake-ups\n{} ticks a second, {}\n\n", run_.where,
                           format_duration(run_.end - run_.start), nr_cpus_, nr_switches_, nr_wakeups_, hz_,
                           hz_source_);
    }

    std::string sources(const cost_fit& fit) const
    {
        std::string text;
        std::string missing;
        for (const shown_cost& c : shown_costs) {
            const auto n = fit.recorded()[c.shown].size();
            if (fit.shows(c.shown)) {
                text += fmt::format("{:<16} fitted to {} {}\n", c.cost, n, latency_name(c.shown));
            } else {
                missing += fmt::format("{:<16} left as it is, {} of {} samples: it needs {}\n", c.cost, n,
                                       cost_fit::fewest_samples, c.needs);
            }
        }
        std::vector<std::string> dark;
        for (std::size_t cpu = 0; cpu < phases_.size(); ++cpu) {
            if (!phases_[cpu]) {
                dark.push_back(std::to_string(cpu));
            }
        }
        if (dark.empty()) {
            text += fmt::format("{:<16} fitted on all CPUs\n", "tick_offset");
        } else {
            missing += fmt::format("{:<16} not shown on cpu {}: 0 there\n", "tick_offset", fmt::join(dark, ", "));
        }
        return "\n" + text + missing +
               fmt::format("{:<16} context_switch, schedule and the others: as {} has them\n", "not shown",
                           options_.base.path);
    }

    const recorded_run& run_;
    const calibrate_options& options_;
    std::vector<pair_map::pair> pairs_;
    std::uint32_t nr_cpus_ = 0;
    scenario what_; ///< the trace as a scenario
    json machine_;  ///< the file, as far as it is known
    std::int64_t preempt_ns_ = 0;
    std::uint32_t hz_ = 0;
    std::string hz_source_;
    std::vector<std::optional<std::int64_t>> phases_;
    std::uint64_t nr_switches_ = 0;
    std::uint64_t nr_wakeups_ = 0;
};

} // namespace

calibration calibrate(const recorded_run& run, const calibrate_options& options)
{
    return calibrator(run, options).calibrated();
}

} // namespace pairsim
