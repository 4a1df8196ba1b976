// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim export: a run in the format of another tool, or a trace in another format of ours.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "sim/digest.h"
#include "tools/cli/commands.h"
#include "tools/cli/run_source.h"
#include "tools/export/exports.h"
#include "tools/io/atomic_file.h"
#include "tools/io/ftrace_text.h"
#include "tools/io/input_error.h"
#include "tools/io/jsonl.h"
#include "tools/io/own_trace.h"

namespace pairsim::cli {
namespace {

struct options {
    run_source source;
    std::string format;
    std::string output = "-";
};

/// Formats that hold every record of a trace; the others show a run to a tool.
bool is_trace_format(const std::string& format)
{
    return format == "ftrace" || format == "jsonl" || format == "digest";
}

template <class Writer>
void copy(own_trace& trace, const std::string& output)
{
    Writer writer(output, trace.header());
    trace.read(writer);
    writer.finish();
}

/// Record by record: a trace may be larger than memory.
void convert_trace(const options& o)
{
    file_bytes bytes(o.source.file);
    line_source lines(bytes, o.source.file);
    const auto trace = open_own_trace(lines);
    if (trace == nullptr) {
        throw input_error({{o.source.file, "", "is no trace of pairsim", "write one with pairsim run --trace FILE"}});
    }
    if (o.format == "digest") {
        trace_digest digest;
        trace->read(digest);
        fmt::print("{} {}\n", o.source.file, digest.hex());
    } else if (o.format == "ftrace") {
        copy<ftrace_writer>(*trace, o.output);
    } else {
        copy<jsonl_writer>(*trace, o.output);
    }
}

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
    if (is_trace_format(o.format)) {
        convert_trace(o);
    } else {
        write_file(o.output, exported(o));
    }
}

} // namespace

void add_export(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("export", "Write a run in the format of another tool, or convert a trace");
    const auto o = std::make_shared<options>();
    add_source_options(*command, o->source);
    command
        ->add_option("--format", o->format,
                     "perfetto (protobuf), chrome (JSON), dot (the machine and its pairs); of a trace also ftrace "
                     "(text), jsonl, and digest: only print it")
        ->required()
        ->check(CLI::IsMember({"perfetto", "chrome", "dot", "ftrace", "jsonl", "digest"}));
    command->add_option("-o,--output", o->output, "the file to write (default: standard output)");
    command->footer("Example: pairsim export scenarios/quickstart.json --format perfetto -o quickstart.pftrace\n"
                    "Perfetto's text importer and LISA read the ftrace text.");
    command->callback([o] { run_export(*o); });
}

} // namespace pairsim::cli
