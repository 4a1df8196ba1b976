// SPDX-License-Identifier: GPL-2.0-only
//
// The options by which view, explain and export name the run that they show: a scenario or a trace.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/view/observed_run.h"

namespace pairsim::cli {

struct run_source {
    std::string file;
    std::vector<std::string> sets;
    std::optional<std::uint64_t> seed;
    std::string until;
};

void add_source_options(CLI::App& command, run_source& source);

/// Loads the run. Throws input_error.
std::unique_ptr<const observed_run> load(const run_source& source);

/// A time on the command line; @p option names it in messages. Throws input_error.
nanoseconds duration_of(const std::string& option, const std::string& text);

} // namespace pairsim::cli
