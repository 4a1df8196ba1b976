// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim test: scenarios as test cases.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tools/cli/commands.h"
#include "tools/io/atomic_file.h"
#include "tools/io/input_error.h"
#include "tools/io/shard.h"
#include "tools/test/test_output.h"
#include "tools/test/test_run.h"

namespace pairsim::cli {
namespace {

struct options {
    std::vector<std::string> paths;
    std::string junit_file;
    std::string json_file;
    std::string format = "text";
    std::string shard = "1/1";
    std::string filter;
    std::string update;
    unsigned jobs = 0;
};

std::vector<std::string> choose_files(const options& o)
{
    const shard_id part = parse_shard(o.shard);
    std::vector<std::string> files = find_scenarios(o.paths);
    std::erase_if(files, [&](const std::string& f) { return f.find(o.filter) == std::string::npos; });
    if (files.empty()) { // a test that tests nothing must not pass
        throw input_error({{o.paths.front(), "", "no scenario to test", "correct the path or --filter"}});
    }
    std::vector<std::string> chosen;
    for (std::size_t i = part.index - 1; i < files.size(); i += part.count) {
        chosen.push_back(files[i]);
    }
    return chosen;
}

void write_file(const std::string& path, const std::string& text)
{
    atomic_file file(path);
    file.write(text);
    file.commit();
}

/// True if nothing but the digest was unmet, and the scenario has the new one now.
bool updated(const options& o, const test_result& result)
{
    const bool only_digest = result.unmet.size() == 1 && result.unmet.front().pointer == "/expect/digest";
    if (o.update != "digests" || !only_digest) {
        return false;
    }
    update_digest(result);
    return true;
}

int run(const options& o)
{
    const auto files = choose_files(o);
    const bool quiet = o.junit_file == "-" || o.json_file == "-";
    std::vector<test_result> results;
    run_tests(files, o.jobs, [&](test_result result) {
        std::string text = test_text(result);
        if (updated(o, result)) {
            text = fmt::format("{:<8} {}\n", "updated", result.path);
            result.unmet.clear();
            result.outcome = test_outcome::passed;
        }
        if (!quiet) {
            fmt::print("{}{}", text, o.format == "github" ? github_annotations(result) : "");
            std::fflush(stdout);
        }
        results.push_back(std::move(result));
    });
    if (!quiet) {
        fmt::print("{}", test_summary(results));
    }
    if (!o.junit_file.empty()) {
        write_file(o.junit_file, junit_xml(results));
    }
    if (!o.json_file.empty()) {
        write_file(o.json_file, test_json(results).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    }
    int code = exit_ok;
    for (const auto& result : results) {
        if (result.outcome == test_outcome::invalid) {
            return exit_bad_input;
        }
        code = result.outcome == test_outcome::failed ? exit_claim_broken : code;
    }
    return code;
}

} // namespace

void add_test(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("test", "Run scenarios and compare them with what they expect");
    const auto o = std::make_shared<options>();
    command->add_option("PATH", o->paths, "scenarios, or folders of them")->required();
    command->add_option("--junit", o->junit_file,
                        "write the results as JUnit XML to this file (-: instead of the text)");
    command->add_option("--json", o->json_file, "write the results as JSON to this file (-: instead of the text)");
    command->add_option("--format", o->format, "text, or github: also annotations for GitHub Actions")
        ->check(CLI::IsMember({"text", "github"}));
    command->add_option("--filter", o->filter, "only files whose path contains this text");
    command->add_option("--shard", o->shard, "only the I-th of N parts: I/N");
    command->add_option("--jobs", o->jobs, "number of threads (default: one a CPU)");
    command->add_option("--update", o->update, "digests: write the new digest into a scenario that fails for it alone")
        ->check(CLI::IsMember({"digests"}));
    command->footer("Example: pairsim test scenarios/ --junit report.xml\n"
                    "Exit codes: 0 all passed, 2 a file is no valid scenario (or none was found), 4 an expectation "
                    "is not met.");
    command->callback([o, &code] { code = run(*o); });
}

} // namespace pairsim::cli
