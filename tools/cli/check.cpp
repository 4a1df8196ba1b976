// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim check: claims on a recorded trace.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/check/trace_check.h"
#include "tools/cli/commands.h"
#include "tools/io/atomic_file.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string trace;
    std::string pairs;
    std::string cgroups_file;
    std::vector<std::string> cgroups;
    std::vector<std::string> ignored;
    std::vector<std::string> claims;
    std::vector<std::string> limits;
    std::string grace;
    std::string json_file;
    bool tolerant = false;
};

int run(const options& o)
{
    check_options c;
    c.recorded = {.tolerant = o.tolerant, .ignored_cgroups = o.ignored};
    if (!o.pairs.empty()) {
        c.pairs = parse_pairs(o.pairs);
    }
    if (!o.cgroups_file.empty()) {
        c.rules.add_file(o.cgroups_file);
    }
    for (const std::string& text : o.cgroups) {
        c.rules.add_option(text);
    }
    for (const std::string& id : o.claims) {
        c.only.push_back(parse_claim("--claim", id));
    }
    for (const std::string& text : o.limits) {
        parse_limit(text, c.limits);
    }
    if (!o.grace.empty()) {
        const auto grace = parse_duration(o.grace);
        if (const auto* bad = std::get_if<parse_failure>(&grace)) {
            throw input_error({{"--grace", "", bad->what, bad->remedy}});
        }
        c.grace = std::get<nanoseconds>(grace);
    }
    const check_result result = check_trace(o.trace, c);
    if (!o.json_file.empty()) {
        atomic_file file(o.json_file);
        file.write(check_json(result).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
        file.commit();
    }
    if (o.json_file != "-") {
        fmt::print("{}", check_text(result));
    }
    return result.broken.empty() ? exit_ok : exit_claim_broken;
}

} // namespace

void add_check(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("check", "Check the claims on a recorded trace");
    const auto o = std::make_shared<options>();
    command
        ->add_option("TRACE", o->trace,
                     "what trace-cmd report, perf sched script, perf script or tracefs print, or a trace of pairsim "
                     "(- for standard input)")
        ->required();
    command->add_option("--pairs", o->pairs,
                        "the pairs: 0+4,1+5, or the number of CPUs (each with the one half of "
                        "them further)");
    command->add_option("--cgroups", o->cgroups_file,
                        "file with lines PID CGROUP or COMM CGROUP (* and ? are wildcards)");
    command->add_option("--cgroup", o->cgroups, "such a rule: CGROUP=PATTERN[,PATTERN] (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--ignore", o->ignored, "count the tasks of this cgroup as idle time (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--claim", o->claims, "only this claim decides the exit code (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--limit", o->limits, "a bound that a claim states: CLAIM=DURATION (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--grace", o->grace, "violations that last at most this do not decide the exit code");
    command->add_flag("--tolerant", o->tolerant, "skip and count what cannot be used, instead of ending with an error");
    command->add_option("--json", o->json_file, "write the result as JSON to this file (- instead of the text)");
    command->footer("Example: trace-cmd report -t | pairsim check - --pairs 8 --cgroups cgroups.txt --grace 1ms\n"
                    "Exit codes: 0 all claims held, 2 bad input, 4 a claim is broken.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
