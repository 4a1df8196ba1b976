// SPDX-License-Identifier: GPL-2.0-only
#include "tools/cli/run_source.h"

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim::cli {

void add_source_options(CLI::App& command, run_source& source)
{
    command.add_option("FILE", source.file, "scenario (- for standard input), or trace as `run --trace` writes it")
        ->required();
    command.add_option("--set", source.sets, "change a value of the scenario: /pointer=value (may be repeated)")
        ->expected(1)
        ->take_all();
    command.add_option("--seed", source.seed, "seed of the random draws, in place of the scenario's");
    command.add_option("--until", source.until, "end of the run, in place of the scenario's or the trace's");
}

nanoseconds duration_of(const std::string& option, const std::string& text)
{
    const auto parsed = parse_duration(text);
    if (const auto* bad = std::get_if<parse_failure>(&parsed)) {
        throw input_error({{option, "", bad->what, bad->remedy}});
    }
    return std::get<nanoseconds>(parsed);
}

std::unique_ptr<const observed_run> load(const run_source& source)
{
    load_options options;
    options.seed = source.seed;
    for (const std::string& text : source.sets) {
        options.settings.push_back(parse_setting(text));
    }
    if (!source.until.empty()) {
        options.until = duration_of("--until", source.until);
    }
    set_check_context(fmt::format("pairsim run {}", source.file));
    return load_run(source.file, options);
}

} // namespace pairsim::cli
