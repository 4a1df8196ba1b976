// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim calibrate: a machine file from a trace of the user's machine.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/check/trace_check.h"
#include "tools/cli/commands.h"
#include "tools/io/atomic_file.h"
#include "tools/validate/calibrate.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string trace;
    std::string output;
    std::string pairs;
    std::string cgroups_file;
    std::vector<std::string> cgroups;
    std::string machine = "x86-64";
    std::vector<std::string> settings;
    std::uint32_t hz = 0;
    bool tolerant = false;
};

int run(const options& o)
{
    calibrate_options c;
    const bool to_stdout = o.output == "-";
    c.name = to_stdout ? "calibrated" : std::filesystem::path(o.output).stem().string();
    c.base = load_host_machine(o.machine);
    if (!o.pairs.empty()) {
        c.pairs = parse_pairs(o.pairs);
    }
    for (const std::string& text : o.settings) {
        c.settings.push_back(parse_setting(text));
    }
    if (o.hz != 0) {
        c.hz = o.hz;
    }
    c.progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
    cgroup_rules rules;
    if (!o.cgroups_file.empty()) {
        rules.add_file(o.cgroups_file);
    }
    for (const std::string& text : o.cgroups) {
        rules.add_option(text);
    }
    const recorded_run trace = read_run(o.trace, rules, {.tolerant = o.tolerant, .ignored_cgroups = {}});
    atomic_file file(o.output); // before the work: it may not be writable
    const calibration made = calibrate(trace, c);
    file.write(made.machine.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    file.commit();
    fmt::print(to_stdout ? stderr : stdout, "{}wrote {}\n", made.text, to_stdout ? "standard output" : o.output);
    return exit_ok;
}

} // namespace

void add_calibrate(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("calibrate", "Fit a machine's costs to a trace that it recorded");
    const auto o = std::make_shared<options>();
    command->add_option("TRACE", o->trace, "a trace under scx_pair, as pairsim check reads it (- for standard input)")
        ->required();
    command->add_option("-o,--output", o->output, "machine file to write (- for standard output)")->required();
    command->add_option("--pairs", o->pairs,
                        "the pairs: 0+4,1+5, or the number of CPUs (each with the one half of "
                        "them further)");
    command->add_option("--cgroups", o->cgroups_file,
                        "file with lines PID CGROUP or COMM CGROUP (* and ? are wildcards)");
    command->add_option("--cgroup", o->cgroups, "such a rule: CGROUP=PATTERN[,PATTERN] (may be repeated)")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--set", o->settings,
                     "how scx_pair ran, if not as by default: /scheduler/batch_duration=100ms (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--machine", o->machine, "machine that says what the trace does not: a name or a machine file")
        ->capture_default_str();
    command->add_option("--hz", o->hz, "ticks a second (default: as the ends of slices show)")
        ->check(CLI::Range(1U, 10'000U));
    command->add_flag("--tolerant", o->tolerant, "skip and count what cannot be used, instead of ending with an error");
    command->footer(
        "Example: pairsim calibrate trace.txt --pairs 8 --cgroups cgroups.txt -o scenarios/machines/mine.json\n"
        "Then a scenario says \"machine\": \"mine\". Exit codes: 0 fine, 2 bad input.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
