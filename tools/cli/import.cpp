// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim import: other descriptions of a workload as scenarios.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/import/recorded.h"
#include "tools/import/rtapp.h"
#include "tools/io/atomic_file.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string file;
    std::string from;
    std::string output = "-";
    std::string name;
    std::string duration;
    std::uint32_t cpus = 0;
    std::string cgroups_file;
    std::vector<std::string> cgroups;
    bool tolerant = false;
};

int run(const options& o)
{
    import_options i;
    i.name = !o.name.empty() ? o.name : (o.file == "-" ? "imported" : std::filesystem::path(o.file).stem().string());
    i.cpus = o.cpus != 0 ? std::optional(o.cpus) : std::nullopt;
    i.duration = !o.duration.empty() ? std::optional(o.duration) : std::nullopt;
    imported result;
    if (o.from == "rt-app") {
        result = import_rtapp(o.file, i);
    } else {
        cgroup_rules rules;
        if (!o.cgroups_file.empty()) {
            rules.add_file(o.cgroups_file);
        }
        for (const std::string& text : o.cgroups) {
            rules.add_option(text);
        }
        result = import_run(read_run(o.file, rules, {.tolerant = o.tolerant, .ignored_cgroups = {}}), i);
    }
    for (const std::string& warning : result.warnings) {
        fmt::print(stderr, "{}\n", warning);
    }
    atomic_file file(o.output);
    file.write(result.scenario.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    file.commit();
    return exit_ok;
}

} // namespace

void add_import(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("import", "Make a scenario of an rt-app workload or of a recorded trace");
    const auto o = std::make_shared<options>();
    command->add_option("FILE", o->file, "workload or trace (- for standard input)")->required();
    command->add_option("--from", o->from, "rt-app (JSON), or trace (as pairsim check reads it)")
        ->required()
        ->check(CLI::IsMember({"rt-app", "trace"}));
    command->add_option("-o,--output", o->output, "file to write (default: standard output)");
    command->add_option("--name", o->name, "name of the scenario (default: the file's)");
    command->add_option("--duration", o->duration, "how long to simulate, in place of what the file says");
    command->add_option("--cpus", o->cpus, "number of CPUs (default: as many as the file names)")
        ->check(CLI::Range(2, 4096));
    command->add_option("--cgroups", o->cgroups_file, "of a trace: file with lines PID CGROUP or COMM CGROUP");
    command->add_option("--cgroup", o->cgroups, "of a trace: such a rule: CGROUP=PATTERN[,PATTERN] (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_flag("--tolerant", o->tolerant, "of a trace: skip what cannot be used");
    command->footer("Example: pairsim import workload.json --from rt-app --output workload.scenario.json\n"
                    "What a scenario cannot say is an error that names it.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
