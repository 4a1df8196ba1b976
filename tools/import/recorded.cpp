// SPDX-License-Identifier: GPL-2.0-only
#include "tools/import/recorded.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "sim/objects.h"
#include "tools/io/input_error.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

using k = record_kind;

/// Collects what each task and each higher class did.
class observer final : public trace_sink {
public:
    struct history {
        sim_time first = never; ///< when it was first seen to want a CPU
        std::int64_t ran = 0;   ///< since it last slept
        sim_time since = never; ///< of running or sleeping
        bool sleeps = false;
        std::vector<std::pair<std::int64_t, std::int64_t>> bouts; ///< ran so long, then slept so long
        std::uint16_t first_cpu = 0;
    };
    struct episode {
        std::uint16_t cpu;
        pid which;
        sim_time at;
        std::int64_t length;
    };

    std::vector<history> tasks{1}; ///< by pid of the records
    std::vector<episode> higher;

    void on_records(std::span<const trace_record> records) override
    {
        for (const auto& r : records) {
            if (r.kind == k::sched_switch) {
                on_switch(r);
            } else if (r.kind == k::sched_wakeup) {
                wakes(of(r.task), r.at);
            }
        }
    }

    void finish(sim_time end)
    {
        for (history& h : tasks) {
            if (!h.sleeps && h.since != never) {
                h.ran += (end - h.since).count();
            }
            if (h.ran > 0) {
                h.bouts.emplace_back(h.ran, 0);
            }
        }
    }

private:
    history& of(pid p)
    {
        if (p.value >= tasks.size()) {
            tasks.resize(std::size_t{p.value} + 1);
        }
        return tasks[p.value];
    }

    static void wakes(history& h, sim_time t)
    {
        h.first = std::min(h.first, t);
        if (h.sleeps) {
            h.bouts.emplace_back(h.ran, (t - h.since).count());
            h.ran = 0;
            h.sleeps = false;
            h.since = never;
        }
    }

    void on_switch(const trace_record& r)
    {
        const pid prev{r.a};
        if (is_task(prev)) {
            history& h = of(prev);
            h.first = std::min(h.first, r.at);
            h.ran += h.since != never && !h.sleeps ? (r.at - h.since).count() : 0;
            h.sleeps = static_cast<prev_state>(r.b) != prev_state::runnable;
            h.since = h.sleeps ? r.at : never;
        } else if (is_higher(prev)) {
            const auto begun = began_.find(r.cpu.value);
            if (begun != began_.end() && r.at > begun->second) {
                higher.push_back({r.cpu.value, prev, begun->second, (r.at - begun->second).count()});
            }
        }
        began_.erase(r.cpu.value);
        if (is_task(r.task)) {
            history& h = of(r.task);
            wakes(h, r.at); // a trace without wake-ups: it slept until now
            h.since = r.at;
            h.first_cpu = h.bouts.empty() && h.ran == 0 ? r.cpu.value : h.first_cpu;
        } else if (is_higher(r.task)) {
            began_[r.cpu.value] = r.at;
        }
    }

    std::map<std::uint16_t, sim_time> began_; ///< of the higher class that a CPU runs
};

std::string since(sim_time t, sim_time start)
{
    return format_duration(t - start);
}

json phases_of(const observer::history& h)
{
    json phases = json::array();
    for (const auto& [ran, slept] : h.bouts) {
        if (ran > 0) {
            phases.push_back({{"run", format_duration(nanoseconds{ran})}});
        }
        if (slept > 0) {
            phases.push_back({{"sleep", format_duration(nanoseconds{slept})}});
        }
    }
    return phases;
}

std::string class_word(pid p)
{
    return p == higher_pid(sched_class::dl) ? "dl" : (p == higher_pid(sched_class::stop) ? "stop" : "rt");
}

json higher_of(const observer& seen, sim_time start)
{
    std::map<std::pair<std::uint16_t, std::string>, json> lists;
    for (const auto& e : seen.higher) {
        json& times = lists[{e.cpu, class_word(e.which)}];
        times.push_back({{"at", since(e.at, start)}, {"length", format_duration(nanoseconds{e.length})}});
    }
    json all = json::array();
    for (auto& [where, times] : lists) {
        all.push_back({{"cpu", where.first}, {"class", where.second}, {"times", std::move(times)}});
    }
    return all;
}

} // namespace

imported import_run(const recorded_run& run, const import_options& options)
{
    observer seen;
    seen.on_records(run.records);
    seen.finish(run.end);
    json tasks = json::array();
    std::set<std::string> groups;
    for (std::size_t i = 0; i < run.tasks.size() && i + 1 < seen.tasks.size(); ++i) {
        const auto& h = seen.tasks[i + 1];
        const auto& t = run.tasks[i];
        json phases = phases_of(h);
        if (phases.empty()) {
            continue; // ignored, or it never ran
        }
        const std::string& cgroup = run.cgroups[t.cgroup];
        const std::string name = cgroup == "/" ? "/" : cgroup.substr(cgroup.starts_with('/') ? 1 : 0);
        for (std::size_t slash = name.find('/', 1); name != "/" && slash != std::string::npos;
             slash = name.find('/', slash + 1)) {
            groups.insert(name.substr(0, slash));
        }
        if (name != "/") {
            groups.insert(name);
        }
        tasks.push_back({{"name", fmt::format("{}-{}", t.comm, t.pid)},
                         {"cgroup", name},
                         {"start", since(h.first, run.start)},
                         {"fork_cpu", h.first_cpu},
                         {"phases", std::move(phases)}});
    }
    if (tasks.empty()) {
        throw input_error({{run.where, "", "no task ran in the trace", "record sched_switch and sched_wakeup"}});
    }
    const std::uint32_t cpus = options.cpus.value_or((run.nr_cpus + 1) / 2 * 2);
    imported result;
    result.scenario = {
        {"schema", "pairsim.scenario/1"},
        {"name", options.name},
        {"description", "What a recorded trace shows: each task runs and sleeps as long as it was seen to."},
        {"duration", options.duration.value_or(format_duration(run.end - run.start))},
        {"machine", {{"cpus", cpus}}},
        {"cgroups", json::array()},
        {"tasks", std::move(tasks)}};
    for (const auto& group : groups) {
        result.scenario["cgroups"].push_back(group);
    }
    if (groups.empty()) {
        result.scenario.erase("cgroups");
    }
    if (json higher = higher_of(seen, run.start); !higher.empty()) {
        result.scenario["higher_class"] = std::move(higher);
    }
    result.warnings.push_back(run.where + ": a trace does not show affinities: all tasks may run everywhere");
    static_cast<void>(read_scenario(result.scenario, run.where + " (imported)"));
    return result;
}

} // namespace pairsim
