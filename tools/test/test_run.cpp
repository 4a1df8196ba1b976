// SPDX-License-Identifier: GPL-2.0-only
#include "tools/test/test_run.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/io/atomic_file.h"
#include "tools/io/causes.h"
#include "tools/io/input_error.h"
#include "tools/io/lanes.h"
#include "tools/io/parallel.h"
#include "tools/io/report.h"
#include "tools/io/runner.h"
#include "tools/io/scenario_loader.h"
#include "tools/io/strict_json.h"
#include "tools/io/units.h"

namespace pairsim {
namespace {

namespace fs = std::filesystem;

/// False for JSON files that say that they are something else. A file that says nothing is taken, and refused later.
bool may_be_scenario(const std::string& path)
{
    try {
        const json document = read_json(path);
        if (!document.is_object() || document.contains("$schema")) {
            return !document.is_object();
        }
        const auto schema = document.find("schema");
        return schema == document.end() || !schema->is_string() ||
               schema->get<std::string>().starts_with("pairsim.scenario/");
    } catch (const input_error&) {
        return true;
    }
}

/// The finding that a reader should see first: of the first claim that is not as expected.
std::optional<finding> first_violation(const test_result& result, const claims_result& claims)
{
    for (const auto& unmet : result.unmet) {
        for (const finding& f : claims.findings) {
            if (all_claims()[static_cast<std::size_t>(f.claim)].id == unmet.claim) {
                return f;
            }
        }
    }
    return std::nullopt;
}

/// A span around [@p start, @p end] that shows what came before and after.
lanes_options span_around(sim_time start, sim_time end, sim_time run_end)
{
    const nanoseconds length =
        std::clamp<nanoseconds>(2 * (end - start), std::chrono::microseconds{40}, std::chrono::milliseconds{60});
    const sim_time from = start - sim_time{} < length / 3 ? sim_time{} : start - length / 3;
    const sim_time to = std::max(from + nanoseconds{1}, std::min(run_end, from + length));
    lanes_options options{.from = from, .to = to, .step = {}};
    options.step = lanes_step(options);
    return options;
}

std::string lanes_argument(const lanes_options& o)
{
    return fmt::format("{}..{}/{}", format_duration(o.from.time_since_epoch()),
                       format_duration(o.to.time_since_epoch()), format_duration(o.step));
}

/// Runs the scenario again up to the end of the picture: the same run, by the determinism contract.
void draw(test_result& result, const scenario& s, const claims_result& claims, sim_time exit_at, sim_time run_end)
{
    const auto violation = first_violation(result, claims);
    if (!violation && exit_at == sim_time{}) {
        return;
    }
    const sim_time start = violation ? violation->start : exit_at;
    const auto options = span_around(start, violation ? violation->end : exit_at, run_end);
    lanes picture(s, pairs_of(s), options);
    const auto again = run_scenario(
        s, {.until = options.to.time_since_epoch(), .sinks = {&picture}, .analyse = false, .on_stats = {}});
    if (violation) {
        result.picture =
            fmt::format("first violation of {}, by {}, at {}: {}\n",
                        all_claims()[static_cast<std::size_t>(violation->claim)].id, info_of(violation->cause).id,
                        format_duration(violation->start.time_since_epoch()), finding_sentence(s, *violation));
    }
    result.picture += picture.finish(sim_time{again.result.simulated});
    result.command += " --lanes " + lanes_argument(options);
}

void run_valid(test_result& result, const scenario& s)
{
    const run_outcome out = run_scenario(s);
    result.digest = out.result.digest;
    result.unmet = check_expectations(s.expect, report_json(out.result));
    if (!result.unmet.empty()) {
        result.outcome = test_outcome::failed;
        const bool ended = out.ended != exit_kind::none;
        draw(result, s, out.result.claims, ended ? out.result.exit.at : sim_time{}, sim_time{out.result.simulated});
    }
}

} // namespace

std::vector<std::string> find_scenarios(const std::vector<std::string>& paths)
{
    std::vector<std::string> files;
    for (const std::string& path : paths) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            if (!fs::exists(path, error)) {
                throw input_error({{path, "", "no such file or folder", "correct the path"}});
            }
            files.push_back(path);
            continue;
        }
        for (const auto& entry : fs::recursive_directory_iterator(path)) {
            const std::string file = entry.path().lexically_normal().generic_string();
            if (entry.is_regular_file() && entry.path().extension() == ".json" && may_be_scenario(file)) {
                files.push_back(file);
            }
        }
    }
    std::ranges::sort(files);
    files.erase(std::unique(files.begin(), files.end()), files.end());
    return files;
}

test_result run_test(const std::string& path)
{
    test_result result;
    result.path = path;
    result.command = "pairsim run " + path;
    set_check_context(result.command);
    try {
        const scenario s = load_scenario(path);
        result.name = s.name;
        result.expected_digest = s.expect.digest;
        run_valid(result, s);
    } catch (const input_error& e) {
        result.outcome = test_outcome::invalid;
        result.problems = e.what();
    }
    return result;
}

void run_tests(const std::vector<std::string>& files, unsigned threads,
               const std::function<void(const test_result&)>& on_result)
{
    std::vector<std::optional<test_result>> results(files.size());
    std::size_t next = 0; // to be handed on
    std::mutex mutex;
    for_each_in_parallel(
        files.size(),
        [&](std::size_t i) {
            test_result result = run_test(files[i]);
            const std::lock_guard lock(mutex);
            results[i] = std::move(result);
            for (; next < files.size() && results[next]; ++next) {
                on_result(*results[next]);
                results[next].emplace(); // its text is not needed any more
            }
        },
        threads);
}

void update_digest(const test_result& result)
{
    std::string text = read_text(result.path);
    const auto at = text.find('"' + result.expected_digest + '"');
    if (at == std::string::npos) {
        throw input_error({{result.path, "/expect/digest", "the file has changed meanwhile", "run the test again"}});
    }
    text.replace(at + 1, result.expected_digest.size(), result.digest);
    atomic_file file(result.path);
    file.write(text);
    file.commit();
}

} // namespace pairsim
