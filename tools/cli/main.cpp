// SPDX-License-Identifier: GPL-2.0-only
//
// The program: the command line, and what becomes of errors.
#include <algorithm>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/io/input_error.h"

namespace {

/// Results go to standard output; if it could not take them, the user must know.
int flushed(int code)
{
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        fmt::print(stderr, "pairsim: standard output: cannot write (is the disk full?)\n");
        return pairsim::cli::exit_failure;
    }
    return code;
}

int run(int argc, char** argv)
{
    int code = pairsim::cli::exit_ok;
    CLI::App app("pairsim simulates scx_pair, the sched_ext core scheduler, on a machine with a virtual clock.",
                 "pairsim");
    app.require_subcommand(1);
    app.footer("Example: pairsim run scenarios/quickstart.json --lanes\n"
               "Exit codes: 0 fine, 1 failure, 2 bad input or usage, 3 the modelled scheduler aborted, 4 an "
               "expectation failed or a claim broke, 5 a bound was reached before an answer.");
    pairsim::cli::add_run(app, code);
    pairsim::cli::add_check(app, code);
    pairsim::cli::add_calibrate(app, code);
    pairsim::cli::add_diff(app, code);
    pairsim::cli::add_explain(app, code);
    pairsim::cli::add_explore(app, code);
    pairsim::cli::add_export(app, code);
    pairsim::cli::add_fuzz(app, code);
    pairsim::cli::add_import(app, code);
    pairsim::cli::add_pairs(app, code);
    pairsim::cli::add_schema(app, code);
    pairsim::cli::add_study(app, code);
    pairsim::cli::add_test(app, code);
    pairsim::cli::add_validate(app, code);
    pairsim::cli::add_version(app, code);
    pairsim::cli::add_view(app, code);
    const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
    const auto is_named = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
    if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, is_named)) {
        throw pairsim::input_error(
            {{"pairsim", "", "unknown command " + pairsim::quote(argv[1]), "see pairsim --help"}});
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& e) {
        return app.exit(e);
    } catch (const CLI::ParseError& e) {
        app.exit(e);
        return pairsim::cli::exit_bad_input;
    }
    return code;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return flushed(run(argc, argv));
    } catch (const pairsim::input_error& e) {
        fmt::print(stderr, "{}\n", e.what());
        return pairsim::cli::exit_bad_input;
    } catch (const std::exception& e) {
        fmt::print(stderr, "pairsim: {}\n", e.what());
        return pairsim::cli::exit_failure;
    }
}
