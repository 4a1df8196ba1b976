// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim diff: the first difference of two traces.
#include <memory>
#include <string>

#include <fmt/format.h>

#include "tools/check/trace_diff.h"
#include "tools/cli/commands.h"

namespace pairsim::cli {

void add_diff(CLI::App& app, int& code)
{
    struct options {
        std::string first;
        std::string second;
        std::size_t context = 3;
    };
    CLI::App* command = app.add_subcommand("diff", "Show where two traces of pairsim part");
    const auto o = std::make_shared<options>();
    command->add_option("FIRST", o->first, "trace as JSON lines or as ftrace text")->required();
    command->add_option("SECOND", o->second, "the other one")->required();
    command->add_option("--context", o->context, "records to show before and after (default 3)")
        ->check(CLI::Range(0, 1000));
    command->footer("Example: pairsim diff before.jsonl after.jsonl\n"
                    "Exit codes: 0 the traces are equal, 2 bad input, 4 they differ.");
    command->callback([o, &code] {
        const auto divergence = diff_traces(o->first, o->second, o->context);
        if (divergence) {
            fmt::print("{}", diff_text(*divergence, o->first, o->second));
            code = exit_claim_broken;
        }
    });
}

} // namespace pairsim::cli
