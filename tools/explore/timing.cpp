// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/timing.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "tools/io/causes.h"
#include "tools/io/input_error.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

using kind = action::kind;

constexpr nanoseconds step_cost = std::chrono::microseconds{1}; ///< of every step that costs anything
constexpr nanoseconds gap = std::chrono::microseconds{20};      ///< from one action to the next
constexpr nanoseconds steal_delay{10};                          ///< from a CPU's action in its base to its theft
constexpr nanoseconds pending_for{5};                           ///< of an interrupt, when its CPU is given back
constexpr nanoseconds last_work{5};                             ///< that a task still does before it asks for something
constexpr nanoseconds tick_period = std::chrono::seconds{1};    ///< rare ticks: each is one that the path needs

/// Slice and batch of an attempt. Whether a batch ends with a slice or outlives it is a matter of these.
struct durations {
    nanoseconds slice;
    nanoseconds batch;
};

class timetable {
public:
    timetable(const counterexample& c, const exploration& what, const durations& d)
        : c_(c), what_(what), d_(d), at_(c.steps.size()), programs_(what.tasks.size()), starts_(what.tasks.size(), -1),
          fork_cpus_(what.tasks.size())
    {
    }

    json make()
    {
        place_actions();
        steal_cpus();
        write_programs();
        return document();
    }

private:
    std::size_t nr_cpus() const { return what_.base.machine.nr_cpus(); }
    static std::string text(nanoseconds t) { return format_duration(t); }

    /// When each action happens: one after the other, and where a slice or a batch must be over, late enough.
    void place_actions()
    {
        nanoseconds now = gap;
        std::vector<nanoseconds> refilled(nr_cpus());
        std::vector<nanoseconds> adopted(nr_cpus());
        offsets_.assign(nr_cpus(), nanoseconds{-1});
        for (std::size_t i = 0; i < c_.steps.size(); ++i) {
            const counterexample_step& s = c_.steps[i];
            now += gap;
            if (s.did.what == kind::slice_end) {
                now = std::max(now, refilled[s.did.cpu.value] + d_.slice + gap);
                now = place_on_tick(s.did.cpu, now);
            } else if (s.did.what == kind::batch_expiry) {
                now = std::max(now, adopted[s.did.arg] + d_.batch + gap);
            }
            at_[i] = now;
            for (const trace_record& r : s.records) {
                const bool refills = r.kind == record_kind::sched_switch || r.kind == record_kind::keep_prev;
                if (refills && r.cpu.value < nr_cpus()) {
                    refilled[r.cpu.value] = now;
                } else if (r.kind == record_kind::pair_adopt) {
                    adopted[r.a] = now;
                }
            }
        }
        end_ = now + gap;
    }

    nanoseconds place_on_tick(cpu_id cpu, nanoseconds earliest)
    {
        nanoseconds& offset = offsets_[cpu.value];
        if (offset.count() < 0) {
            earliest += earliest % tick_period == nanoseconds{0} ? gap : nanoseconds{0};
            offset = earliest % tick_period;
            return earliest;
        }
        nanoseconds t = earliest - earliest % tick_period + offset;
        return t < earliest ? t + tick_period : t;
    }

    /// From its action to its next one each CPU is stolen: where the action was a step, from the very end of it, when
    /// its lock is free and the next step has not begun.
    void steal_cpus()
    {
        worked_.assign(what_.tasks.size(), nanoseconds{0});
        std::vector<nanoseconds> free_from(nr_cpus());
        const auto steal_until = [&](std::size_t cpu, nanoseconds until) {
            const nanoseconds length = until - free_from[cpu];
            if (length > nanoseconds{0}) {
                lost_.push_back({{"cpu", cpu}, {"first", text(free_from[cpu])}, {"length", text(length)}});
            }
        };
        for (std::size_t i = 0; i < c_.steps.size(); ++i) {
            const counterexample_step& s = c_.steps[i];
            note_event(i);
            if (s.did.cpu == no_cpu) {
                continue;
            }
            const std::size_t cpu = s.did.cpu.value;
            steal_until(cpu, at_[i]);
            const bool by_program = asked_by_task(s.did.what) || s.did.what == kind::leave;
            const auto nr_free = std::ranges::count(s.costs, cost_kind::none);
            const nanoseconds done =
                at_[i] + (by_program ? last_work : nanoseconds{0}) + step_cost * (std::ssize(s.costs) - nr_free);
            const bool in_step = !s.costs.empty() && s.costs.back() != cost_kind::none;
            free_from[cpu] = in_step ? done : std::max(done, at_[i] + steal_delay);
            if (!in_step && s.ends_in_base && is_task(s.current)) {
                worked_[s.current.value - 1] += steal_delay;
            } else if (!in_step && s.ends_in_base && is_higher(s.current)) {
                higher_worked_[cpu] += steal_delay;
            }
        }
        for (std::size_t cpu = 0; cpu < nr_cpus(); ++cpu) {
            steal_until(cpu, end_);
        }
    }

    static bool asked_by_task(kind k)
    {
        return k == kind::sleep || k == kind::yield || k == kind::exit || k == kind::wake || k == kind::wake_sync;
    }

    /// What the task has worked since its last request, and then the request.
    void request(std::size_t i, json phase)
    {
        const std::size_t task = c_.steps[i].did.task.value - 1;
        programs_[task].push_back({{"run", text(worked_[task] + last_work)}});
        programs_[task].push_back(std::move(phase));
        worked_[task] = nanoseconds{0};
    }

    void note_event(std::size_t i)
    {
        const action& a = c_.steps[i].did;
        const nanoseconds t = at_[i];
        switch (a.what) {
        case kind::fork:
            starts_[a.task.value - 1] = (t - pending_for).count();
            fork_cpus_[a.task.value - 1] = a.cpu;
            break;
        case kind::sleep:
            request(i, how_it_sleeps(i));
            break;
        case kind::yield:
            request(i, {{"yield", true}});
            break;
        case kind::exit:
            request(i, {{"exit", true}});
            exited_ = t;
            break;
        case kind::wake:
        case kind::wake_sync:
            request(i, {{"wake", fmt::format("wake-up {}", i + 1)}, {"sync", a.what == kind::wake_sync}});
            break;
        case kind::move:
            outside_.push_back({{"at", text(t)},
                                {"cpu", a.cpu.value},
                                {"move", {{"task", name_of(a.task)}, {"to", group_name(a.arg)}}}});
            break;
        case kind::arrive:
            arrivals_.push_back({a.cpu, static_cast<sched_class>(a.arg), t - pending_for, std::chrono::seconds{30}});
            higher_worked_[a.cpu.value] = nanoseconds{0};
            break;
        case kind::leave:
            for (arrival_time& h : arrivals_) {
                if (h.cpu == a.cpu && h.cls == static_cast<sched_class>(a.arg) && !h.has_left) {
                    h.length = higher_worked_[a.cpu.value] + last_work;
                    h.has_left = true;
                }
            }
            break;
        case kind::remove:
            removals_[a.arg] = t;
            break;
        case kind::step:
        case kind::ipi:
        case kind::slice_end:
        case kind::timer:
        case kind::batch_expiry:
            break;
        }
    }

    /// A sleep ends by its timer or by another task, whichever the path says; else not at all.
    json how_it_sleeps(std::size_t i) const
    {
        const pid task = c_.steps[i].did.task;
        for (std::size_t j = i + 1; j < c_.steps.size(); ++j) {
            const action& a = c_.steps[j].did;
            if (a.what == kind::timer && a.task == task) {
                return {{"sleep", text(at_[j] - pending_for - at_[i] - last_work)}};
            }
            if ((a.what == kind::wake || a.what == kind::wake_sync) && pid{a.arg} == task) {
                return {{"wait", fmt::format("wake-up {}", j + 1)}};
            }
        }
        return {{"sleep", "1000s"}};
    }

    void write_programs()
    {
        for (json& program : programs_) {
            const bool ends = !program.empty() && program.back().contains("exit");
            if (!ends) {
                program.push_back({{"run", "forever"}});
            }
        }
    }

    std::string name_of(pid p) const { return what_.base.work.tasks[p.value - 1].name; }
    std::string group_name(std::uint32_t g) const { return what_.base.work.cgroups[g].name; }

    json tasks() const
    {
        json all = json::array();
        for (std::size_t i = 0; i < programs_.size(); ++i) {
            if (starts_[i] < 0) {
                continue; // not forked in this counterexample
            }
            const task_spec& spec = what_.base.work.tasks[i];
            json task = {{"name", spec.name},
                         {"cgroup", group_name(spec.cgroup.value)},
                         {"start", text(nanoseconds{starts_[i]})},
                         {"fork_cpu", fork_cpus_[i].value}};
            if (spec.affinity != 0) {
                task["cpus"] = json::array();
                for (std::size_t c = 0; c < nr_cpus(); ++c) {
                    if (what_.base.work.cpumasks[spec.affinity].test(cpu_id{static_cast<std::uint16_t>(c)})) {
                        task["cpus"].push_back(c);
                    }
                }
            }
            task["phases"] = programs_[i];
            all.push_back(std::move(task));
        }
        return all;
    }

    json cgroups() const
    {
        json all = json::array();
        for (std::uint32_t g = 1; g < what_.base.work.cgroups.size(); ++g) {
            json group = {{"name", group_name(g)}};
            if (removals_.contains(g)) {
                group["remove_at"] = text(exited_ + step_cost);
            }
            all.push_back(std::move(group));
        }
        return all;
    }

    json machine_json() const
    {
        json m = what_.document["machine"];
        json costs = {{"preset", "none"}};
        for (const char* name : {"tick",       "irq_entry",     "schedule",       "context_switch", "ops_call",
                                 "bpf_lock",   "hash_lookup",   "queue_map_op",   "atomic_op",      "pid_lookup",
                                 "dsq_insert", "consume_local", "consume_remote", "wakeup_select",  "wakeup_activate",
                                 "kick_call",  "irq_work",      "kick_handler",   "ipi_latency",    "preempt_latency",
                                 "idle_exit",  "lock_handover", "pick",           "idle_loop",      "irq_exit"}) {
            costs[name] = text(step_cost);
        }
        costs["disable"] = "100us";
        if (!removals_.empty()) {
            costs["cgroup_offline"] = text(removals_.begin()->second - exited_ - step_cost);
        }
        if (m.is_string()) {
            m = {{"base", m}};
        }
        m["hz"] = 1;
        m["costs"] = std::move(costs);
        m["hard_lockup_after"] = "100ms";
        m["tick_offset"] = json::array();
        for (const nanoseconds o : offsets_) {
            m["tick_offset"].push_back(text((o.count() < 0 ? tick_period - gap : o) - pending_for));
        }
        return m;
    }

    json higher() const
    {
        json all = json::array();
        constexpr std::string_view names[] = {"idle", "ext", "rt", "dl", "stop"};
        for (const arrival_time& h : arrivals_) {
            all.push_back({{"cpu", h.cpu.value},
                           {"class", names[static_cast<std::size_t>(h.cls)]},
                           {"times", json::array({{{"at", text(h.at)}, {"length", text(h.length)}}})}});
        }
        return all;
    }

    json document() const
    {
        json s = {{"schema", "pairsim.scenario/1"}};
        s["name"] = fmt::format("{}: counterexample", what_.base.name).substr(0, 200);
        s["description"] = fmt::format(
            "The shortest way in which {} is broken, found by exploring {}. Between two of its steps each CPU is "
            "stolen for exactly as long as the order of all steps asks; each step takes {}.",
            info_of(c_.broken).id, what_.file, text(step_cost));
        const bool lockup = c_.broken == property::no_lockup;
        s["duration"] = text(end_ + (lockup ? nanoseconds{std::chrono::milliseconds{200}} : 50 * gap));
        s["machine"] = machine_json();
        s["scheduler"] = what_.document.value("scheduler", json::object());
        s["scheduler"]["max_queued"] = what_.base.pair.max_queued;
        s["scheduler"]["max_cgrps"] = what_.base.pair.max_cgrps;
        s["scheduler"]["slice"] = text(d_.slice);
        s["scheduler"]["batch_duration"] = text(d_.batch);
        s["cgroups"] = cgroups();
        s["tasks"] = tasks();
        s["higher_class"] = higher();
        s["outside"] = outside_;
        s["faults"] = {{"lost_time", lost_}};
        return s;
    }

    struct arrival_time {
        cpu_id cpu;
        sched_class cls;
        nanoseconds at;
        nanoseconds length;
        bool has_left = false;
    };

    const counterexample& c_;
    const exploration& what_;
    durations d_;
    std::vector<nanoseconds> at_; ///< of each action
    std::vector<json> programs_;
    std::vector<std::int64_t> starts_;
    std::vector<cpu_id> fork_cpus_;
    std::vector<nanoseconds> offsets_; ///< of each CPU's ticks; -1: it needs none
    std::vector<nanoseconds> worked_;  ///< by each task since its last request
    std::map<std::size_t, nanoseconds> higher_worked_;
    std::vector<arrival_time> arrivals_;
    std::map<std::uint32_t, nanoseconds> removals_;
    nanoseconds exited_{};
    nanoseconds end_{};
    json lost_ = json::array();
    json outside_ = json::array();
};

/// What is expected of the scenario, for `expect`.
json expectation_of(const counterexample& c)
{
    json expect = json::object();
    if (c.broken == property::no_abort) {
        expect["exit"] = {{"kind", "scx_bpf_error"}};
    } else if (c.broken == property::no_lockup) {
        expect["exit"] = {{"kind", "hard_lockup"}};
        expect["claims"] = {{"no-abort", {{"violated_by", "S1"}}}};
        return expect;
    }
    if (!c.cause.empty()) {
        expect["claims"] = {{std::string(info_of(c.broken).id), {{"violated_by", c.cause}}}};
    }
    return expect;
}

/// Empty if the run of @p s breaks what @p c breaks, by the same cause; else what it does instead.
std::string difference(const scenario& s, const counterexample& c)
{
    const run_outcome out = run_scenario(s);
    if (c.broken == property::no_lockup) {
        return out.ended == exit_kind::hard_lockup ? "" : "in the run no CPU locks up";
    }
    const auto all = all_claims();
    const auto claim = std::ranges::find(all, info_of(c.broken).id, &claim_info::id);
    if (claim == all.end()) {
        return fmt::format("no claim about runs corresponds to {}", info_of(c.broken).id);
    }
    const claim_totals& totals = out.result.claims.of(claim->claim);
    if (totals.violations == 0) {
        return "in the run the claim holds";
    }
    for (std::size_t i = 0; i < nr_causes; ++i) {
        if (causes()[i].id == c.cause && (totals.by_cause[i].violations > 0 || totals.by_cause[i].total_ns > 0)) {
            return "";
        }
    }
    return "the run breaks the claim by another cause";
}

/// @p c with those actions as one between which nothing can come in a run.
counterexample as_a_run(const counterexample& c, const exploration& what)
{
    const auto ops = make_scheduler(what.base);
    std::vector<std::uint16_t> path;
    for (const counterexample_step& s : c.steps) {
        path.push_back(s.index);
    }
    counterexample run = replay(what, *ops, c.broken, as_in_a_run(what, *ops, path));
    std::vector<counterexample_step> steps;
    bool goes_on = false;
    for (counterexample_step& s : run.steps) {
        const bool joins = goes_on && s.did.what == kind::step && s.did.cpu == steps.back().did.cpu;
        goes_on = goes_on_in_a_run(s.costs, s.ends_in_base);
        if (!joins) {
            steps.push_back(std::move(s));
            continue;
        }
        counterexample_step& whole = steps.back();
        whole.records.insert(whole.records.end(), s.records.begin(), s.records.end());
        whole.costs.insert(whole.costs.end(), s.costs.begin(), s.costs.end());
        whole.current = s.current;
        whole.ends_in_base = s.ends_in_base;
    }
    run.steps = std::move(steps);
    run.cycle_start = run.steps.size();
    return run;
}

} // namespace

std::variant<json, not_timed> time_counterexample(const counterexample& c, const exploration& what)
{
    if (c.cycle_start < c.steps.size() || info_of(c.broken).which == property::no_deadlock) {
        return not_timed{"a cycle has no last instant, and a deadlock none that breaks a claim about runs"};
    }
    const counterexample run = as_a_run(c, what);
    using std::chrono::milliseconds;
    constexpr durations attempts[] = {{milliseconds{20}, milliseconds{20}},
                                      {milliseconds{20}, milliseconds{400}},
                                      {milliseconds{400}, milliseconds{20}}};
    std::string reason;
    for (const durations& d : attempts) {
        json document = timetable(run, what, d).make();
        document["expect"] = expectation_of(c);
        try {
            reason = difference(read_scenario(document, what.file), c);
        } catch (const input_error& e) {
            reason = fmt::format("the scenario would not be valid: {}", e.what());
        }
        if (reason.empty()) {
            return document;
        }
    }
    return not_timed{
        fmt::format("{}, with slices and batches of {} and {} alike{}", reason, format_duration(attempts[0].slice),
                    format_duration(attempts[1].batch),
                    what.reduce.partial_order ? "" : "; partial-order reduction finds ways nearer to a run's")};
}

} // namespace pairsim
