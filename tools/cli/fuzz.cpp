// SPDX-License-Identifier: GPL-2.0-only
//
// pairsim fuzz: random scenarios against all claims and our own rules.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "tools/check/trace_check.h"
#include "tools/cli/commands.h"
#include "tools/fuzz/fuzz.h"
#include "tools/io/atomic_file.h"
#include "tools/io/causes.h"
#include "tools/io/input_error.h"
#include "tools/io/units.h"

namespace pairsim::cli {
namespace {

struct options {
    std::vector<std::string> files;
    fuzz_options how;
    std::string time;
    std::vector<std::string> settings;
    std::vector<std::string> claims;
    std::vector<std::string> causes;
    std::vector<std::string> except;
    std::string save_file;
    std::string json_file;
    bool print = false;
};

/// A duration of the program's own time: minutes and hours too.
nanoseconds parse_time(const std::string& text)
{
    for (const auto& [unit, seconds] : {std::pair{'m', 60}, std::pair{'h', 3600}}) {
        if (text.size() > 1 && text.size() < 6 && text.back() == unit &&
            text.find_first_not_of("0123456789") == text.size() - 1) {
            return std::chrono::seconds{std::stoi(text) * seconds};
        }
    }
    const auto parsed = parse_duration(text);
    if (const auto* bad = std::get_if<parse_failure>(&parsed)) {
        throw input_error({{"--for", "", bad->what, R"(write it such as "90s", "10m" or "1h")"}});
    }
    if (std::get<nanoseconds>(parsed) == nanoseconds{0}) {
        throw input_error({{"--for", "", "no time at all", R"(write it such as "90s", "10m" or "1h")"}});
    }
    return std::get<nanoseconds>(parsed);
}

std::size_t parse_cause(const std::string& option, const std::string& id)
{
    const auto cause = std::ranges::find(causes(), id, &cause_info::id);
    if (cause == causes().end()) {
        throw input_error(
            {{option, "", "unknown cause " + quote(id), "the causes are those of docs/reference/claims.md"}});
    }
    return static_cast<std::size_t>(cause->cause);
}

guarded_claims parse_guarded(const options& o)
{
    guarded_claims guarded;
    for (const std::string& id : o.claims) {
        guarded.claims[static_cast<std::size_t>(parse_claim("--claim", id))] = true;
    }
    if (o.claims.empty() && (!o.causes.empty() || !o.except.empty())) {
        guarded.claims.fill(true);
    }
    if (o.causes.empty()) {
        guarded.causes.fill(true);
    }
    for (const std::string& id : o.causes) {
        guarded.causes[parse_cause("--cause", id)] = true;
    }
    for (const std::string& id : o.except) {
        guarded.causes[parse_cause("--except", id)] = false;
    }
    return guarded;
}

std::string command_of(const options& o, std::uint64_t seed)
{
    std::string command = fmt::format("pairsim fuzz --seed {} --count 1", seed);
    for (const std::string& s : o.settings) {
        command += " --set '" + s + "'";
    }
    return command;
}

/// A crash must leave the seed behind. Only what a signal handler may do: no memory, no streams.
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};
std::array<struct sigaction, fatal_signals.size()> old_actions; // NOLINT: signal handlers have no other state

void on_crash(int number)
{
    for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
        if (fatal_signals[i] == number) {
            sigaction(number, &old_actions[i], nullptr); // the same instruction crashes again, into the old action
        }
    }
    std::array<char, 96> text{};
    constexpr std::string_view start = "pairsim fuzz: crash; to reproduce it: pairsim fuzz --count 1 --seed ";
    char* end = std::copy(start.begin(), start.end(), text.begin());
    std::array<char, 24> digits{};
    std::size_t n = 0;
    for (std::uint64_t seed = fuzz_seed_of_this_thread(); n == 0 || seed != 0; seed /= 10) {
        digits[n++] = static_cast<char>('0' + seed % 10);
    }
    end = std::reverse_copy(digits.begin(), digits.begin() + n, end);
    *end++ = '\n';
    [[maybe_unused]] const auto written =
        write(STDERR_FILENO, text.data(), static_cast<std::size_t>(end - text.data()));
}

void name_seeds_of_crashes()
{
    for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
        struct sigaction action = {};
        action.sa_handler = on_crash;
        sigaction(fatal_signals[i], &action, &old_actions[i]);
    }
}

/// Files that somebody gives are checked as the random scenarios are.
int check_files(const std::vector<std::string>& files)
{
    int code = exit_ok;
    for (const std::string& file : files) {
        const trial_result result = run_trial(load_scenario(file), {});
        if (!result.broken.empty()) {
            fmt::print("{}: a rule of pairsim is broken, which is a bug of it: {}\n", file, result.broken);
            code = exit_own_bug;
        } else {
            fmt::print("{}: no rule of pairsim is broken; digest {}\n", file, result.digest);
        }
    }
    return code;
}

int report_discovery(const options& o, const discovery& found)
{
    const bool is_bug = !found.broken.empty();
    const std::string path = o.save_file.empty() ? fmt::format("fuzz-{}.json", found.seed) : o.save_file;
    if (is_bug) {
        fmt::print(stderr, "pairsim: internal rule broken: {}\n  this is a bug of pairsim; to reproduce it: {}\n",
                   found.broken, command_of(o, found.seed));
    }
    const shrunk small = shrink_discovery(found, o.how);
    write_file(path, small.document.dump(2) + "\n");
    fmt::print(stderr, "wrote {}, after {} smaller scenarios were tried{}: pairsim {} {} shows the same\n", path,
               small.nr_tried, small.minimal ? "" : " (there may be a still smaller one)", is_bug ? "fuzz" : "test",
               path);
    return is_bug ? exit_own_bug : exit_claim_broken;
}

void check_usage(const options& o, const CLI::App& command)
{
    const auto is_given = [&](const char* option) { return command.count(option) != 0; };
    constexpr std::array of_campaigns{"--seed",   "--count", "--for",  "--claim", "--cause",
                                      "--except", "--set",   "--save", "--json",  "--print"};
    if (!o.files.empty() && std::ranges::any_of(of_campaigns, is_given)) {
        throw input_error({{o.files[0], "", "a file and an option of random scenarios", "give one or the other"}});
    }
    if (!o.causes.empty() && !o.except.empty()) {
        throw input_error({{"--except", "", "beside --cause it means nothing", "give one or the other"}});
    }
}

fuzz_result run_campaign(options& o)
{
    if (!o.time.empty()) {
        o.how.time = parse_time(o.time);
    } else if (!o.how.count) {
        o.how.count = 1000;
    }
    o.how.guarded = parse_guarded(o);
    check_writable(o.save_file.empty() ? "fuzz-0.json" : o.save_file);
    check_writable(o.json_file);
    const bool shows_progress = isatty(STDERR_FILENO) != 0;
    if (shows_progress) {
        o.how.on_progress = [](std::uint64_t n) { fmt::print(stderr, "\r{} scenarios", n); };
    }
    name_seeds_of_crashes();
    fuzz_result result = fuzz(o.how);
    fmt::print(stderr, "{}", shows_progress ? "\r\033[K" : "");
    return result;
}

int run(options& o, const CLI::App& command)
{
    check_usage(o, command);
    if (!o.files.empty()) {
        return check_files(o.files);
    }
    for (const std::string& s : o.settings) {
        o.how.settings.push_back(parse_setting(s));
    }
    if (o.print) {
        fmt::print("{}\n", fuzz_document(o.how.first_seed, o.how.settings).dump(2));
        return exit_ok;
    }
    const fuzz_result result = run_campaign(o);
    if (o.json_file != "-") {
        fmt::print("{}", fuzz_text(o.how, result));
    }
    if (!o.json_file.empty()) {
        write_file(o.json_file, fuzz_json(o.how, result).dump(2) + "\n");
    }
    if (result.found) {
        return report_discovery(o, *result.found);
    }
    return o.how.count && result.out_of_time ? exit_bound_reached : exit_ok;
}

} // namespace

void add_fuzz(CLI::App& app, int& code)
{
    CLI::App* command = app.add_subcommand("fuzz", "Run random scenarios against pairsim's own rules and all claims");
    const auto o = std::make_shared<options>();
    command->add_option("FILE", o->files, "check these scenarios as the random ones are, in place of random ones");
    command->add_option("--seed", o->how.first_seed, "seed of the first scenario (default: 1)")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000'000}));
    command->add_option("--count", o->how.count, "number of scenarios (default: 1000, or what --for allows)")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    command->add_option("--for", o->time, "stop after this time, such as 10m");
    command->add_option("--claim", o->claims, "stop when this claim is broken, and make that scenario small")
        ->delimiter(',');
    command
        ->add_option("--cause", o->causes, "stop only if the claim (any one without --claim) is broken by this cause")
        ->delimiter(',');
    command->add_option("--except", o->except, "do not stop if the claim is broken by this cause")->delimiter(',');
    command->add_option("--set", o->settings, "put a value into each scenario: /pointer=value");
    command->add_option("--save", o->save_file, "file of the small scenario (default: fuzz-SEED.json)");
    command->add_option("--json", o->json_file, "write the summary as JSON to this file (- instead of the text)");
    command
        ->add_option("--threads", o->how.threads, "number of threads; the result does not depend on it (default: all)")
        ->check(CLI::Range(1U, 256U));
    command->add_flag("--print", o->print, "print the scenario of the seed, and run nothing");
    command->footer("Example: pairsim fuzz --claim exclusive --cause I4 --save small.json\n"
                    "Exit codes: 0 nothing that was looked for is broken, 2 bad input, 4 a claim is broken, 5 the time "
                    "was over before --count, 134 a rule of pairsim is broken.");
    command->callback([o, command, &code] { code = run(*o, *command); });
}

} // namespace pairsim::cli
