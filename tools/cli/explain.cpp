// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim explain: what happened and why, in a terminal.
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/run_source.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"
#include "tools/view/explain.h"

namespace pairsim::cli {
namespace {

constexpr std::size_t default_rows = 100;

struct options {
    run_source source;
    std::string at;
    std::optional<std::uint32_t> cpu;
    std::string task;
    std::optional<std::size_t> violation;
    bool violations = false;
    bool idle = false;
    bool as_json = false;
    std::size_t rows = default_rows;
};

[[noreturn]] void fail(const std::string& option, const std::string& what, const std::string& remedy)
{
    throw input_error({{option, "", what, remedy}});
}

/// The task named @p name, or with that pid.
pid find_task(const observed_run& run, const std::string& name)
{
    const auto& tasks = run.what.work.tasks;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        names.push_back(tasks[i].name);
        if (tasks[i].name == name) {
            return pid{static_cast<std::uint32_t>(i + 1)};
        }
    }
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size() && number >= 1 && number <= tasks.size()) {
        return pid{number};
    }
    const std::string meant = closest_name(name, names);
    fail("--task", "unknown task " + quote(name),
         meant.empty() ? "known tasks: " + quote_all(names) : "did you mean " + quote(meant) + "?");
}

void print(const std::string& text)
{
    fmt::print("{}", text);
}

void print(const json& j)
{
    fmt::print("{}\n", j.dump(2));
}

void explain_moment(const options& o, const story& s)
{
    const sim_time t{duration_of("--at", o.at)};
    const std::uint32_t cpu = o.cpu.value_or(0);
    if (cpu >= s.run.nr_cpus()) {
        fail("--cpu", fmt::format("there is no CPU {}", cpu),
             fmt::format("the machine has CPUs 0 to {}", s.run.nr_cpus() - 1));
    }
    if (t > s.run.end) {
        fail("--at", fmt::format("{} is after the end of the run", o.at),
             "the run ends at " + format_duration(length_of(s.run)));
    }
    const cpu_id which{static_cast<std::uint16_t>(cpu)};
    o.as_json ? print(moment_json(s, t, which)) : print(moment_text(s, t, which));
}

void explain_violation(const options& o, const story& s)
{
    const std::size_t number = *o.violation;
    const std::size_t known = s.run.claims.findings.size();
    if (number < 1 || number > known) {
        fail("--violation", fmt::format("there is no violation {}", number),
             known == 0 ? "no claim was broken in this run" : fmt::format("they are numbered from 1 to {}", known));
    }
    o.as_json ? print(violation_json(s, number)) : print(violation_text(s, number));
}

void explain(const options& o)
{
    const int asked = (o.at.empty() ? 0 : 1) + (o.task.empty() ? 0 : 1) + (o.violation ? 1 : 0) +
                      (o.violations ? 1 : 0) + (o.idle ? 1 : 0);
    if (asked != 1) {
        fail("pairsim explain", asked == 0 ? "nothing to explain" : "more than one thing to explain",
             "give one of --at, --task, --violation, --violations and --idle");
    }
    const auto run = load(o.source);
    const story s(*run);
    if (!o.at.empty()) {
        explain_moment(o, s);
    } else if (!o.task.empty()) {
        const task_life life = life_of(*run, find_task(*run, o.task));
        o.as_json ? print(life_json(s, life)) : print(life_text(s, life, o.rows));
    } else if (o.violation) {
        explain_violation(o, s);
    } else if (o.violations) {
        o.as_json ? print(violations_json(s, o.rows)) : print(violations_text(s, o.rows));
    } else {
        o.as_json ? print(idle_json(s, o.rows)) : print(idle_text(s, o.rows));
    }
}

} // namespace

void add_explain(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("explain", "Explain what happened in a run, and why");
    const auto o = std::make_shared<options>();
    add_source_options(*command, o->source);
    command->add_option("--at", o->at, "what a CPU does at this time, and the decisions around it");
    command->add_option("--cpu", o->cpu, "the CPU for --at (default: 0)");
    command->add_option("--task", o->task, "the life of this task (name or pid): where every nanosecond went");
    command->add_option("--violation", o->violation, "how this violation of a claim came about; from 1");
    command->add_flag("--violations", o->violations, "list the violations with their numbers");
    command->add_flag("--idle", o->idle, "the longest idle spans beside waiting tasks, and their causes");
    command->add_option("--rows", o->rows, "longest table (default: 100; 0: no limit)");
    command->add_flag("--json", o->as_json, "print JSON");
    command->footer("Example: pairsim explain scenarios/quickstart.json --at 62.1ms --cpu 2");
    command->callback([o] { explain(*o); });
}

} // namespace pairsim::cli
