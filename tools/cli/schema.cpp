// SPDX-License-Identifier: GPL-2.0-only
#include <cstdio>
#include <string>

#include "tools/cli/commands.h"
#include "tools/io/embedded.h"

namespace pairsim::cli {

void add_schema(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("schema", "Print the JSON Schema of a format");
    const auto which = std::make_shared<std::string>("scenario");
    command->add_option("FORMAT", *which, "scenario (default), exploration, report or study")
        ->check(CLI::IsMember({"scenario", "exploration", "report", "study"}));
    command->footer("Example: pairsim schema > scenario.schema.json");
    command->callback([which] {
        const std::string_view text = *which == "report"        ? embedded::report_schema
                                      : *which == "study"       ? embedded::study_schema
                                      : *which == "exploration" ? embedded::exploration_schema
                                                                : embedded::scenario_schema;
        std::fwrite(text.data(), 1, text.size(), stdout);
    });
}

} // namespace pairsim::cli
