// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim explore: every interleaving of a small machine.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/cli/commands.h"
#include "tools/explore/result.h"
#include "tools/explore/timing.h"
#include "tools/io/atomic_file.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string file;
    std::string json_file;
    std::string dot_file;
    std::string scenario_file;
    std::optional<std::uint64_t> max_states;
    std::optional<std::uint64_t> max_memory_mib;
    std::string max_time;
    unsigned threads = 0;
    bool no_partial_order = false;
    bool no_symmetry = false;
    bool lanes = false;
    bool speed = false;
    bool expected = false;
    bool check_invariants = false;
};

exploration load(const options& o)
{
    exploration what = load_exploration(o.file);
    what.reduce.partial_order = what.reduce.partial_order && !o.no_partial_order;
    what.reduce.symmetry = what.reduce.symmetry && !o.no_symmetry;
    what.bounds.states = o.max_states.value_or(what.bounds.states);
    what.bounds.memory_bytes = o.max_memory_mib ? *o.max_memory_mib << 20U : what.bounds.memory_bytes;
    if (!o.max_time.empty()) {
        const auto parsed = parse_duration(o.max_time);
        if (const auto* bad = std::get_if<parse_failure>(&parsed)) {
            throw input_error({{"--max-time", "", bad->what, bad->remedy}});
        }
        what.bounds.time = std::get<nanoseconds>(parsed);
        if (what.bounds.time == nanoseconds{0}) {
            throw input_error({{"--max-time", "", "no time at all", "give it a time above 0, such as 60s"}});
        }
    }
    if (o.expected && what.expect.empty()) {
        throw input_error({{what.file, "/expect", "nothing is expected, so --expected would always be content",
                            "say what must come out, or leave out --expected"}});
    }
    return what;
}

std::array<std::string, 3> outputs_of(const options& o)
{
    return {o.json_file, o.dot_file, o.scenario_file};
}

/// A search may take an hour: what would fail at its end fails before it.
void check_outputs(const options& o)
{
    if (std::ranges::count(outputs_of(o), "-") > 1) {
        throw input_error({{"-", "", "two outputs to standard output", "name a file for one of them"}});
    }
    for (const std::string& path : outputs_of(o)) {
        check_writable(path);
    }
}

/// The first counterexample as a scenario, or a word on why there is none.
void save_counterexample(const exploration& what, const exploration_result& result, const std::string& path)
{
    const auto violated = std::ranges::find(result.verdicts, verdict::kind::violated, &verdict::what);
    if (violated == result.verdicts.end()) {
        fmt::print(stderr, "{}: no counterexample to save\n", what.file);
        return;
    }
    const auto timed = time_counterexample(violated->example, what);
    if (const auto* reason = std::get_if<not_timed>(&timed)) {
        fmt::print(stderr, "{}: the counterexample has no timing, so {} is not written: {}\n", what.file, path,
                   reason->reason);
        return;
    }
    write_file(path, std::get<json>(timed).dump(2) + "\n");
    fmt::print(stderr, "{}: wrote {}; pairsim run breaks the same claim in the same way with it\n", what.file, path);
}

int exit_code_of(const exploration& what, const exploration_result& result, bool expected)
{
    if (expected) {
        const auto unmet = unmet_expectations(what, result);
        for (const std::string& line : unmet) {
            fmt::print(stderr, "{}: {}\n", what.file, line);
        }
        return unmet.empty() ? exit_ok : exit_claim_broken;
    }
    const auto is = [&](verdict::kind k) {
        return std::ranges::find(result.verdicts, k, &verdict::what) != result.verdicts.end();
    };
    return is(verdict::kind::violated) ? exit_claim_broken : is(verdict::kind::open) ? exit_bound_reached : exit_ok;
}

int run(const options& o)
{
    const exploration what = load(o);
    check_outputs(o);
    set_check_context("pairsim explore " + o.file);
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const exploration_result result =
        explore(what, {.threads = o.threads == 0 ? cores : o.threads, .check_invariants = o.check_invariants});
    if (!o.json_file.empty()) {
        write_file(o.json_file, result_json(what, result).dump(2) + "\n");
    }
    if (!o.dot_file.empty()) {
        write_file(o.dot_file, result_dot(what, result));
    }
    if (std::ranges::count(outputs_of(o), "-") == 0) {
        fmt::print("{}", result_text(what, result, o.lanes));
    }
    if (o.speed) {
        fmt::print(stderr, "{:.2f} s, {:.0f} states/s, {:.1f} bytes a visited state, {} MiB in all\n", result.seconds,
                   static_cast<double>(result.nr_states) / std::max(result.seconds, 1e-9), result.bytes_per_state,
                   result.peak_memory_bytes >> 20U);
    }
    if (!o.scenario_file.empty()) {
        save_counterexample(what, result, o.scenario_file);
    }
    return exit_code_of(what, result, o.expected);
}

} // namespace

void add_explore(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("explore", "Prove or refute claims over all interleavings");
    const auto o = std::make_shared<options>();
    command->add_option("FILE", o->file, "exploration (- for standard input)")->required();
    command->add_option("--json", o->json_file, "write the result as JSON to this file (- instead of the text)");
    command->add_option("--dot", o->dot_file, "write the first counterexample as a graph (- instead of the text)");
    command->add_option("--save-counterexample", o->scenario_file,
                        "write the first counterexample as a scenario that pairsim run replays");
    command->add_flag("--lanes", o->lanes, "draw each counterexample as lanes, one column a step");
    command
        ->add_option("--threads", o->threads,
                     "number of threads; the result does not depend on it (default: all cores)")
        ->check(CLI::Range(1U, 256U));
    command->add_flag("--no-partial-order", o->no_partial_order, "turn partial-order reduction off");
    command->add_flag("--no-symmetry", o->no_symmetry, "turn symmetry reduction off");
    command->add_option("--max-states", o->max_states, "bound of states, in place of the file's")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{4'000'000'000}));
    command->add_option("--max-memory", o->max_memory_mib, "bound of memory in MiB, in place of the file's")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'048'576}));
    command->add_option("--max-time", o->max_time, "bound of time such as 60s, in place of the file's");
    command->add_flag("--speed", o->speed, "print time, speed and memory on standard error");
    command->add_flag("--expected", o->expected, "exit with 0 if the result is what the file expects, else with 4");
    command->add_flag("--check-invariants", o->check_invariants, "check the machine's own rules in each state (slow)");
    command->footer("Example: pairsim explore scenarios/explore/i01-direct-dispatch.json --lanes\n"
                    "Exit codes: 0 all claims hold, 2 bad input, 4 a claim is broken, 5 a bound was reached first.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
