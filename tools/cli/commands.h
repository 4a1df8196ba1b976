// SPDX-License-Identifier: GPL-2.0-only
//
// The sub-commands of pairsim: one file each. Each adds itself to the command line and leaves its exit status in
// `exit_code` when it has run. Errors are exceptions; main() turns them into messages and exit codes.
#pragma once

#include <CLI/CLI.hpp>

namespace pairsim::cli {

/// Exit codes that scripts rely on: docs/reference/exit-codes.md.
enum exit_code : int {
    exit_ok = 0,
    exit_failure = 1,         ///< an unexpected failure: disk full, ...
    exit_bad_input = 2,       ///< bad input or usage
    exit_scheduler_ended = 3, ///< the modelled scheduler aborted: scx_bpf_error, stall, lockup
    exit_claim_broken = 4,    ///< an expectation failed, a claim broke, or a score is too low
    exit_bound_reached = 5,   ///< a bound was reached before an answer, or runs of a study are missing
    exit_own_bug = 134,       ///< a rule of pairsim's own is broken; as abort() exits, which SIM_CHECK calls
};

void add_calibrate(CLI::App& app, int& code);
void add_check(CLI::App& app, int& code);
void add_diff(CLI::App& app, int& code);
void add_explore(CLI::App& app, int& code);
void add_export(CLI::App& app, int& code);
void add_fuzz(CLI::App& app, int& code);
void add_import(CLI::App& app, int& code);
void add_run(CLI::App& app, int& code);
void add_explain(CLI::App& app, int& code);
void add_pairs(CLI::App& app, int& code);
void add_schema(CLI::App& app, int& code);
void add_test(CLI::App& app, int& code);
void add_validate(CLI::App& app, int& code);
void add_study(CLI::App& app, int& code);
void add_version(CLI::App& app, int& code);
void add_view(CLI::App& app, int& code);

} // namespace pairsim::cli
