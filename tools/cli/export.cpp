// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim export: a trace of pairsim in another format.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "sim/digest.h"
#include "tools/cli/commands.h"
#include "tools/io/ftrace_text.h"
#include "tools/io/input_error.h"
#include "tools/io/jsonl.h"
#include "tools/io/own_trace.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string trace;
    std::string format;
    std::string output = "-";
};

template <class Writer>
void copy(own_trace& trace, const std::string& output)
{
    Writer writer(output, trace.header());
    trace.read(writer);
    writer.finish();
}

int run(const options& o)
{
    file_bytes bytes(o.trace);
    line_source lines(bytes, o.trace);
    const auto trace = open_own_trace(lines);
    if (trace == nullptr) {
        throw input_error({{o.trace, "", "is no trace of pairsim", "write one with pairsim run --trace FILE"}});
    }
    if (o.format == "digest") {
        trace_digest digest;
        trace->read(digest);
        fmt::print("{} {}\n", o.trace, digest.hex());
    } else if (o.format == "ftrace") {
        copy<ftrace_writer>(*trace, o.output);
    } else {
        copy<jsonl_writer>(*trace, o.output);
    }
    return exit_ok;
}

} // namespace

void add_export(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("export", "Write a trace of pairsim in another format");
    const auto o = std::make_shared<options>();
    command->add_option("TRACE", o->trace, "trace as JSON lines or as ftrace text (- for standard input)")->required();
    command->add_option("--to", o->format, "ftrace (text), jsonl, or digest: only print its digest")
        ->required()
        ->check(CLI::IsMember({"ftrace", "jsonl", "digest"}));
    command->add_option("--output", o->output, "file to write (default: standard output)");
    command->footer("Example: pairsim export trace.jsonl --to ftrace --output trace.txt\n"
                    "Perfetto's text importer and LISA read the ftrace text.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
