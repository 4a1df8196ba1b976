// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim validate: measured cases of a real kernel, simulated and compared; and the fit of a machine to them.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/io/atomic_file.h"
#include "tools/validate/fit.h"
#include "tools/validate/score_report.h"
#include "tools/validate/validation.h"

namespace pairsim::cli {
namespace {

struct options {
    std::vector<std::string> paths;
    std::string machine = "qemu-tcg";
    std::uint32_t seeds = 20;
    std::string json_file;
    std::string markdown_file;
    double min_score = 0;
    std::string fit_file;
    std::uint32_t rounds = 12;
    bool halves = false;
};

constexpr std::uint32_t fit_seeds = 5;

std::vector<measured_case> load_cases(const std::vector<std::string>& paths)
{
    std::vector<measured_case> cases;
    for (const std::string& folder : find_cases(paths)) {
        cases.push_back(load_case(folder));
    }
    return cases;
}

int validate(const options& o)
{
    const auto cases = load_cases(o.paths);
    const host_machine host = load_host_machine(o.machine);
    const auto scores = validate_cases(cases, host, o.seeds);
    if (!o.json_file.empty()) {
        write_file(o.json_file, score_json(scores, o.seeds, o.machine).dump(2) + "\n");
    }
    if (!o.markdown_file.empty()) {
        write_file(o.markdown_file, score_markdown(scores, o.seeds));
    }
    if (o.json_file != "-") {
        fmt::print("{}", score_text(scores));
    }
    return total_of(scores).share() * 100 < o.min_score ? exit_claim_broken : exit_ok;
}

fit_result fit(const std::vector<measured_case>& cases, const options& o, const std::string& what)
{
    fit_options f;
    f.rounds = o.rounds;
    f.seeds = fit_seeds;
    f.progress = [&what](const std::string& line) { fmt::print(stderr, "{}: {}\n", what, line); };
    return fit_machine(cases, f);
}

void show(const std::string& what, const std::vector<case_score>& scores)
{
    const total_score total = total_of(scores);
    fmt::print("{:<44} {}/{} ({:.1f} %)\n", what, total.agree, total.cells, total.share() * 100);
}

/// Fits on every other case and scores the rest, and the other way round: what a fit is worth for unseen cases.
void compare_halves(const std::vector<measured_case>& cases, const host_machine& fitted_on_all, const options& o)
{
    std::vector<measured_case> half[2];
    for (std::size_t i = 0; i < cases.size(); ++i) {
        half[i % 2].push_back(cases[i]);
    }
    std::vector<case_score> unseen;
    for (int seen = 0; seen < 2; ++seen) {
        const host_machine host{"half of the cases", fit(half[seen], o, fmt::format("half {}", seen + 1)).machine};
        for (case_score& s : validate_cases(half[1 - seen], host, o.seeds)) {
            unseen.push_back(std::move(s));
        }
    }
    show("fitted on half of the cases, scoring the rest:", unseen);
    show("fitted on all cases, scoring all:", validate_cases(cases, fitted_on_all, o.seeds));
}

int fit_and_write(const options& o)
{
    const auto cases = load_cases(o.paths);
    const fit_result fitted = fit(cases, o, "fit");
    const host_machine host{o.fit_file, fitted.machine};
    write_file(o.fit_file, fitted.machine.dump(2) + "\n");
    fmt::print("{}wrote {}\n", fitted.residuals, o.fit_file);
    if (o.halves) {
        compare_halves(cases, host, o);
    }
    return exit_ok;
}

} // namespace

void add_validate(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("validate", "Compare simulated runs with measured ones of a real kernel");
    const auto o = std::make_shared<options>();
    command->add_option("DIR", o->paths, "folders of measured cases, or folders of such folders")->required();
    command->add_option("--machine", o->machine, "machine on which the cases were measured: a name or a machine file")
        ->capture_default_str();
    command->add_option("--seeds", o->seeds, "simulated runs of each case")
        ->check(CLI::Range(1U, 10'000U))
        ->capture_default_str();
    command->add_option("--json", o->json_file, "write the comparison as JSON to this file (- instead of the text)");
    command->add_option("--markdown", o->markdown_file, "write the score as a page's tables to this file");
    command->add_option("--min-score", o->min_score, "least share of agreeing cells, in percent; below it, exit 4")
        ->check(CLI::Range(0.0, 100.0));
    CLI::Option* fitting =
        command->add_option("--fit", o->fit_file, "fit a machine to the cases and write it to this file, instead");
    command->add_option("--rounds", o->rounds, "of --fit: rounds of simulating and correcting")
        ->check(CLI::Range(1U, 1000U))
        ->needs(fitting)
        ->capture_default_str();
    command->add_flag("--halves", o->halves, "of --fit: also fit on half of the cases and score the other half")
        ->needs(fitting);
    command->footer("Example: pairsim validate measured/ --seeds 40 --min-score 90\n"
                    "Exit codes: 0 fine, 2 bad input, 4 the score is below --min-score.");
    command->callback([o, &code] { code = o->fit_file.empty() ? validate(*o) : fit_and_write(*o); });
}

} // namespace pairsim::cli
