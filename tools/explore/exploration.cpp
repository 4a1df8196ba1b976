// SPDX-License-Identifier: GPL-2.0-only
//
// Exploration files in: docs/reference/exploration-format.md. What an exploration shares with a scenario (machine,
// scheduler, cgroups, the tasks' places) is read by the scenario loader.
#include "tools/explore/exploration.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/explore/world.h"
#include "tools/io/embedded.h"
#include "tools/io/json_cursor.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/scenario_parts.h"
#include "tools/io/schema_check.h"

namespace pairsim {
namespace {

/// The scenario that the shared parts describe. Pointers into it are those of the exploration.
json scenario_of(const json& document)
{
    const auto copy = [&](const json& from, json& to, const char* key) {
        if (from.contains(key)) {
            to[key] = from[key];
        }
    };
    json s = {{"schema", "pairsim.scenario/1"}};
    copy(document, s, "name");
    copy(document, s, "description");
    s["duration"] = "1s";
    copy(document, s, "machine");
    s["scheduler"] = document.value("scheduler", json::object());
    if (s["scheduler"].value("name", "pair") == "pair") {
        s["scheduler"].emplace("max_queued", 8);
        s["scheduler"].emplace("max_cgrps", 4);
    }
    for (const json& g : document.value("cgroups", json::array())) {
        s["cgroups"].push_back(g.is_object() ? g["name"] : g);
    }
    for (const json& t : document["tasks"]) {
        json task = json::object();
        for (const char* key : {"name", "cgroup", "count", "fork_cpu", "cpus"}) {
            copy(t, task, key);
        }
        if (task.contains("fork_cpu") && task["fork_cpu"] == "any") {
            task.erase("fork_cpu");
        }
        task["phases"] = json::array({{{"run", "forever"}}});
        s["tasks"].push_back(std::move(task));
    }
    return s;
}

class exploration_reader {
public:
    exploration_reader(const json_cursor& root, exploration& e) : root_(root), e_(e) {}

    void read()
    {
        if (e_.base.machine.nr_cpus() > surroundings::max_cpus) {
            root_.get("machine")->fail(fmt::format("{} CPUs are too many to explore", e_.base.machine.nr_cpus()),
                                       "give the machine 2 or 4 CPUs");
        }
        if (e_.base.work.tasks.size() > max_tasks) {
            root_.get("tasks")->fail(fmt::format("{} tasks are too many to explore", e_.base.work.tasks.size()),
                                     fmt::format("give at most {} tasks in all", max_tasks));
        }
        read_cgroups();
        read_tasks();
        if (const auto events = root_.get("events")) {
            read_events(*events);
        }
        for (const auto& claim : root_.get("claims")->items()) {
            const property which = find_property(claim.text().value_or(""));
            if (std::ranges::find(e_.claims, which) != e_.claims.end()) {
                claim.fail("the claim " + quote(info_of(which).id) + " is asked about twice", "leave one of them out");
            }
            e_.claims.push_back(which);
        }
        const auto except = root_.get("except");
        for (const auto& [id, at] : except ? except->members() : std::vector<std::pair<std::string, json_cursor>>{}) {
            check_asked(id, at);
            for (const auto& cause : at.items()) {
                check_cause(cause);
                e_.except[static_cast<std::size_t>(find_property(id))].push_back(cause.text().value_or(""));
            }
        }
        read_options();
        read_expect();
    }

private:
    static constexpr std::size_t max_tasks = 16;

    static property find_property(std::string_view id)
    {
        const auto all = all_properties();
        const auto at = std::ranges::find(all, id, &property_info::id);
        return at == all.end() ? property::exclusive : at->which; // the schema has complained
    }

    void check_asked(const std::string& id, const json_cursor& at) const
    {
        if (std::ranges::find(e_.claims, find_property(id)) == e_.claims.end()) {
            at.fail("the claim " + quote(id) + " is not asked about", "add it to /claims");
        }
    }

    static allowance read_times(const std::optional<json_cursor>& at, allowance otherwise)
    {
        if (!at) {
            return otherwise;
        }
        if (at->value().is_boolean()) {
            return at->value().get<bool>() ? any_number : 0;
        }
        return static_cast<allowance>(at->integer(1, 200).value_or(1));
    }

    std::optional<cgroup_id> find_cgroup(const json_cursor& at) const
    {
        const auto& cgroups = e_.base.work.cgroups;
        const auto found = std::ranges::find(cgroups, at.text().value_or(""), &cgroup_spec::name);
        if (found == cgroups.end()) {
            at.fail("unknown cgroup " + quote(at.text().value_or("")), "name one of /cgroups, or \"/\"");
            return std::nullopt;
        }
        return cgroup_id{static_cast<std::uint32_t>(found - cgroups.begin())};
    }

    void read_cgroups()
    {
        const auto cgroups = root_.get("cgroups");
        for (const auto& at : cgroups ? cgroups->items() : std::vector<json_cursor>{}) {
            const auto removable = at.get("removable");
            if (removable && removable->boolean().value_or(false)) {
                if (const auto found = find_cgroup(*at.get("name"))) {
                    e_.removable.push_back(*found);
                }
            }
        }
    }

    void read_tasks()
    {
        for (const auto& at : root_.get("tasks")->items()) {
            task_abilities a;
            if (const auto may = at.get("may")) {
                a = read_abilities(*may);
            }
            const auto fork_cpu = at.get("fork_cpu");
            a.fork_anywhere = fork_cpu && fork_cpu->value() == "any";
            const auto count = at.get("count");
            e_.tasks.resize(e_.tasks.size() + (count ? count->integer().value_or(1) : 1), a);
        }
    }

    task_abilities read_abilities(const json_cursor& at) const
    {
        task_abilities a{.sleep = read_times(at.get("sleep"), 0),
                         .wait = read_times(at.get("wait"), 0),
                         .yield = read_times(at.get("yield"), 0),
                         .exit = read_times(at.get("exit"), 0),
                         .fork_anywhere = false,
                         .moves = {},
                         .wakes = {}};
        const auto moves = at.get("move");
        for (const auto& m : moves ? moves->items() : std::vector<json_cursor>{}) {
            if (const auto to = find_cgroup(*m.get("to"))) {
                a.moves.push_back({*to, read_times(m.get("times"), 1)});
            }
        }
        const auto wakes = at.get("wake");
        for (const auto& w : wakes ? wakes->items() : std::vector<json_cursor>{}) {
            const auto name = w.get("task");
            const auto& tasks = e_.base.work.tasks;
            const auto found = std::ranges::find(tasks, name->text().value_or(""), &task_spec::name);
            if (found == tasks.end()) {
                name->fail("unknown task " + quote(name->text().value_or("")), "name one of /tasks");
                continue;
            }
            const auto sync = w.get("sync");
            a.wakes.push_back({pid{static_cast<std::uint32_t>(found - tasks.begin() + 1)},
                               sync && sync->boolean().value_or(false), read_times(w.get("times"), any_number)});
        }
        return a;
    }

    void read_events(const json_cursor& at)
    {
        e_.slice_end = read_times(at.get("slice_end"), any_number);
        e_.batch_expiry = read_times(at.get("batch_expiry"), any_number);
        const auto higher = at.get("higher_class");
        for (const auto& h : higher ? higher->items() : std::vector<json_cursor>{}) {
            const auto cpu = h.get("cpu")->integer().value_or(0);
            if (cpu >= e_.base.machine.nr_cpus()) {
                h.get("cpu")->fail(fmt::format("there is no CPU {}", cpu), "name a CPU of the machine");
            }
            const auto cls = h.get("class");
            const std::string name = cls ? cls->text().value_or("rt") : "rt";
            e_.higher.push_back({.cpu = cpu_id{static_cast<std::uint16_t>(cpu)},
                                 .cls = name == "stop" ? sched_class::stop
                                        : name == "dl" ? sched_class::dl
                                                       : sched_class::rt,
                                 .times = read_times(h.get("times"), any_number)});
        }
    }

    void read_options()
    {
        const auto overlap = root_.get("overlap");
        e_.overlap = overlap && overlap->value() == "traced" ? overlap_rule::traced : overlap_rule::code;
        if (const auto reduce = root_.get("reductions")) {
            const auto on = [&](const char* key) {
                const auto at = reduce->get(key);
                return !at || at->boolean().value_or(true);
            };
            e_.reduce = {.partial_order = on("partial_order"), .symmetry = on("symmetry")};
        }
        if (const auto bounds = root_.get("bounds")) {
            const auto number = [&](const char* key, std::uint64_t otherwise) {
                const auto at = bounds->get(key);
                return at ? at->integer().value_or(otherwise) : otherwise;
            };
            e_.bounds.states = number("states", e_.bounds.states);
            e_.bounds.depth = static_cast<std::uint32_t>(number("depth", e_.bounds.depth));
            e_.bounds.memory_bytes = number("memory_mib", e_.bounds.memory_bytes >> 20U) << 20U;
            if (const auto time = bounds->get("time")) {
                e_.bounds.time = time->duration().value_or(e_.bounds.time);
                if (e_.bounds.time == nanoseconds{0}) {
                    time->fail("no time at all", "give it a time above 0, such as \"60s\"");
                }
            }
        }
    }

    void read_expect()
    {
        const auto expect = root_.get("expect");
        for (const auto& [id, at] : expect ? expect->members() : std::vector<std::pair<std::string, json_cursor>>{}) {
            const auto cause = at.get("violated_by");
            if (cause) {
                check_cause(*cause);
            }
            check_asked(id, at);
            e_.expect.push_back({find_property(id), at.value() == "holds", cause ? cause->text().value_or("") : ""});
        }
    }

    const json_cursor& root_;
    exploration& e_;
};

} // namespace

std::span<const property_info> all_properties()
{
    static constexpr property_info table[] = {
        {property::exclusive, "exclusive", "at no instant do both CPUs of a pair run SCX tasks of different cgroups",
         false},
        {property::no_run_beside_preemptor, "no-run-beside-preemptor",
         "while a higher class holds one CPU of a pair, after the kick's wait is over, the other runs no SCX task",
         false},
        {property::no_abort, "no-abort", "the scheduler is never ended by an error", false},
        {property::no_lost_task, "no-lost-task", "each runnable task runs, is on a DSQ, or is in a FIFO", false},
        {property::no_deadlock, "no-deadlock",
         "there is always a next step while kernel code runs, and no task waits while all CPUs idle for ever", false},
        {property::no_lockup, "no-lockup", "a CPU that waits for a kick with interrupts off can always come back",
         true},
        {property::no_starvation, "no-starvation", "no runnable task waits for ever while the CPUs go on scheduling",
         true},
        {property::no_livelock, "no-livelock", "no pair drains for ever while its CPUs go on scheduling", true},
    };
    static_assert(std::size(table) == nr_properties);
    return table;
}

const property_info& info_of(property p)
{
    return all_properties()[static_cast<std::size_t>(p)];
}

exploration load_exploration(const std::string& path)
{
    exploration e;
    e.file = path;
    problem_list problems;
    const input_document document{display_name(path), read_json(path), &problems};
    static const schema_checker checker(embedded::exploration_schema);
    checker.check(document);
    problems.throw_if_any();

    e.base = read_scenario(scenario_of(document.root), path);
    e.base.machine.costs = {};
    e.document = document.root;
    const json_cursor root(document);
    exploration_reader(root, e).read();
    problems.throw_if_any();
    return e;
}

} // namespace pairsim
