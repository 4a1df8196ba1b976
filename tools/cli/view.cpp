// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim view: a run as a page to look at.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/cli/run_source.h"
#include "tools/io/atomic_file.h"
#include "tools/view/page.h"

namespace pairsim::cli {
namespace {

struct options {
    run_source source;
    std::string output;
};

void view(const options& o)
{
    const auto run = load(o.source);
    const std::string page = view_page(story(*run));
    atomic_file file(o.output);
    file.write(page);
    file.commit();
    if (o.output != "-") {
        fmt::print("{}: {} records, {} violations; open it in a browser\n", o.output, run->records.size(),
                   run->claims.violations());
    }
}

} // namespace

void add_view(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("view", "Write a page that shows a run over time, to open in a browser");
    const auto o = std::make_shared<options>();
    add_source_options(*command, o->source);
    command->add_option("-o,--output", o->output, "the page to write (- for standard output)")->required();
    command->footer("Example: pairsim view scenarios/quickstart.json -o quickstart.html");
    command->callback([o] { view(*o); });
}

} // namespace pairsim::cli
