// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "pairsim_version.h"
#include "tools/cli/commands.h"

namespace pairsim::cli {

void add_version(CLI::App& app, int& /*code*/)
{
    CLI::App* command = app.add_subcommand("version", "Print the version");
    command->callback([] { fmt::print("pairsim {}\n", version); });
}

} // namespace pairsim::cli
