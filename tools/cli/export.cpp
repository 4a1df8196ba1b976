// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim export: a run in the format of another tool.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/run_source.h"
#include "tools/export/exports.h"
#include "tools/io/atomic_file.h"

namespace pairsim::cli {
namespace {

struct options {
    run_source source;
    std::string format;
    std::string output = "-";
};

std::string exported(const options& o)
{
    const auto run = load(o.source);
    if (o.format == "dot") {
        return machine_dot(*run);
    }
    const story s(*run);
    return o.format == "perfetto" ? perfetto_trace(s) : chrome_trace(s);
}

void run_export(const options& o)
{
    const std::string bytes = exported(o);
    atomic_file file(o.output);
    file.write(bytes);
    file.commit();
}

} // namespace

void add_export(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("export", "Write a run in the format of another tool");
    const auto o = std::make_shared<options>();
    add_source_options(*command, o->source);
    command->add_option("--format", o->format, "perfetto (protobuf), chrome (JSON), or dot (the machine and its pairs)")
        ->required()
        ->check(CLI::IsMember({"perfetto", "chrome", "dot"}));
    command->add_option("-o,--output", o->output, "the file to write (default: standard output)");
    command->footer("Example: pairsim export scenarios/quickstart.json --format perfetto -o quickstart.pftrace");
    command->callback([o] { run_export(*o); });
}

} // namespace pairsim::cli
