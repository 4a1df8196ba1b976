// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim run: one scenario, a report.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "pairsim_version.h"
#include "sim/check.h"
#include "tools/cli/commands.h"
#include "tools/io/atomic_file.h"
#include "tools/io/input_error.h"
#include "tools/io/jsonl.h"
#include "tools/io/lanes.h"
#include "tools/io/report.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/units.h"

namespace pairsim::cli {
namespace {

struct options {
    std::string file;
    std::string json_file;
    std::string trace_file;
    std::vector<std::string> lanes; ///< empty: the whole run; else FROM..TO or FROM..TO/STEP
    bool show_lanes = false;
    std::string stats_interval;
    std::optional<std::uint64_t> seed;
    std::vector<std::string> sets;
    std::string until;
    std::string profile;
    bool digest_only = false;
};

[[noreturn]] void fail(const std::string& option, const std::string& what, const std::string& remedy)
{
    throw input_error({{option, "", what, remedy}});
}

nanoseconds duration_option(const std::string& option, std::string_view text)
{
    const auto parsed = parse_duration(text);
    if (const auto* bad = std::get_if<parse_failure>(&parsed)) {
        fail(option, bad->what, bad->remedy);
    }
    return std::get<nanoseconds>(parsed);
}

/// FROM..TO or FROM..TO/STEP; nothing: the whole run.
lanes_options parse_lanes(const options& o, nanoseconds end)
{
    lanes_options l{.from = {}, .to = sim_time{end}, .step = {}};
    if (o.lanes.empty() || o.lanes.front().empty()) {
        return l;
    }
    const std::string& text = o.lanes.front();
    const auto dots = text.find("..");
    if (dots == std::string::npos) {
        fail("--lanes", quote(text) + " is not a span of time", "write FROM..TO or FROM..TO/STEP, as in 0ms..40ms/1ms");
    }
    const auto slash = text.find('/', dots);
    l.from = sim_time{duration_option("--lanes", std::string_view(text).substr(0, dots))};
    l.to = sim_time{duration_option(
        "--lanes",
        std::string_view(text).substr(dots + 2, slash == std::string::npos ? std::string::npos : slash - dots - 2))};
    if (slash != std::string::npos) {
        l.step = duration_option("--lanes", std::string_view(text).substr(slash + 1));
    }
    return l;
}

scenario load(const options& o)
{
    std::vector<setting> settings;
    for (const std::string& text : o.sets) {
        settings.push_back(parse_setting(text));
    }
    if (!o.profile.empty()) {
        settings.push_back({"/machine/kernel", o.profile});
    }
    if (o.seed) {
        settings.push_back({"/seed", *o.seed});
    }
    return load_scenario(o.file, settings);
}

/// The command that repeats this run, for reports and for failed checks.
std::string repeat_command(const options& o, const scenario& s)
{
    std::string command = fmt::format("pairsim run {} --seed {}", o.file, s.seed);
    for (const std::string& text : o.sets) {
        command += fmt::format(" --set '{}'", text);
    }
    if (!o.profile.empty()) {
        command += " --profile " + o.profile;
    }
    if (!o.until.empty()) {
        command += " --until " + o.until;
    }
    return command;
}

/// scx_pair's own print-out. Source: main() of its user-space part.
void print_stats(std::uint64_t sequence, const counter_list& c)
{
    if (c.size() != nr_pair_counters) {
        return; // the scheduler is another one
    }
    const auto n = [&](pair_counter which) { return c[static_cast<std::size_t>(which)].second; };
    using k = pair_counter;
    fmt::print("[SEQ {}]\n", sequence);
    fmt::print(" total:{:10} dispatch:{:10}   missing:{:10}\n", n(k::nr_total), n(k::nr_dispatched), n(k::nr_missing));
    fmt::print(" kicks:{:10} preemptions:{:7}\n", n(k::nr_kicks), n(k::nr_preemptions));
    fmt::print("   exp:{:10} exp_wait:{:10} exp_empty:{:9}\n", n(k::nr_exps), n(k::nr_exp_waits), n(k::nr_exp_empty));
    fmt::print("cgnext:{:10}   cgcoll:{:10}   cgempty:{:10}\n", n(k::nr_cgrp_next), n(k::nr_cgrp_coll),
               n(k::nr_cgrp_empty));
}

int run(const options& o)
{
    const scenario s = load(o);
    set_check_context(repeat_command(o, s));
    const pair_map pairs = pairs_of(s);

    run_options ro;
    if (!o.until.empty()) {
        ro.until = duration_option("--until", o.until);
    }
    ro.analyse = !o.digest_only;
    std::optional<lanes> picture;
    if (o.show_lanes && !o.digest_only) {
        const auto wanted = parse_lanes(o, ro.until.value_or(s.duration));
        lanes_step(wanted); // refuses what cannot be drawn
        picture.emplace(s, pairs, wanted);
        ro.sinks.push_back(&*picture);
    }
    std::optional<jsonl_writer> trace;
    if (!o.trace_file.empty()) {
        scenario cut = s; // the end of the run belongs to the trace
        cut.duration = ro.until.value_or(s.duration);
        trace.emplace(o.trace_file, header_of(cut, pairs, std::string(version)));
        ro.sinks.push_back(&*trace);
    }
    std::uint64_t sequence = 0;
    if (!o.stats_interval.empty()) {
        ro.stats_interval = duration_option("--stats-interval", o.stats_interval);
        if (ro.stats_interval == nanoseconds{0}) {
            fail("--stats-interval", "an interval of 0", "give a time above 0, such as 1s");
        }
        ro.on_stats = [&](const counter_list& c) { print_stats(sequence++, c); };
    }

    const run_outcome out = run_scenario(s, ro);

    if (trace) {
        trace->finish();
    }
    const int code = out.ended == exit_kind::none ? exit_ok : exit_scheduler_ended;
    if (o.digest_only) {
        fmt::print("{} {} {:016x}\n", o.file, out.result.digest, out.result.unseed);
        return code;
    }
    if (!o.json_file.empty()) {
        atomic_file file(o.json_file);
        file.write(report_json(out.result).dump(2) + "\n");
        file.commit();
    }
    if (o.json_file != "-") {
        const std::string drawn = picture ? picture->finish(sim_time{out.result.simulated}) : std::string();
        fmt::print("{}{}", report_text(out.result), drawn.empty() ? "" : "\n" + drawn);
    }
    for (const std::string& warning : out.warnings) {
        fmt::print(stderr, "{}: {}\n", o.file, warning);
    }
    return code;
}

} // namespace

void add_run(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("run", "Run a scenario and print a report");
    const auto o = std::make_shared<options>();
    command->add_option("FILE", o->file, "scenario (- for standard input)")->required();
    command->add_option("--json", o->json_file, "write the report as JSON to this file (- instead of the text)");
    command->add_option("--trace", o->trace_file, "write the trace as JSON lines to this file");
    command->add_option("--lanes", o->lanes, "draw CPUs over time: the whole run, or FROM..TO, or FROM..TO/STEP")
        ->expected(0, 1);
    command->add_option("--stats-interval", o->stats_interval, "print scx_pair's counters this often, as it does");
    command->add_option("--seed", o->seed, "seed of the random draws, in place of the scenario's");
    command->add_option("--set", o->sets, "change a value of the scenario: /pointer=value (may be repeated)")
        ->expected(1)
        ->take_all();
    command->add_option("--until", o->until, "end of the run, in place of the scenario's duration");
    command->add_option("--profile", o->profile, "kernel profile, in place of the machine's")
        ->check(CLI::IsMember({"K612", "K619", "KNEW"}));
    command->add_flag("--digest", o->digest_only, "print only FILE, the digest of the trace, and the unseed");
    command->footer("Example: pairsim run scenarios/quickstart.json --lanes 0ms..60ms/1ms\n"
                    "Exit codes: 0 fine, 2 bad input, 3 the modelled scheduler aborted.");
    command->callback([o, command, &code] {
        o->show_lanes = command->count("--lanes") > 0;
        code = run(*o);
    });
}

} // namespace pairsim::cli
