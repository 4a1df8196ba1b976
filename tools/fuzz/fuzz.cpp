// SPDX-License-Identifier: GPL-2.0-only
#include "tools/fuzz/fuzz.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "tools/fuzz/random_scenario.h"
#include "tools/io/causes.h"
#include "tools/io/input_error.h"
#include "tools/io/parallel.h"

namespace pairsim {
namespace {

constexpr std::uint64_t block = 256;
thread_local std::uint64_t seed_of_this_thread = 0;

struct seed_result {
    std::string refused; ///< why the scenario is not valid
    trial_result trial;
};

trial_options options_of(std::uint64_t seed, const fuzz_options& options)
{
    trial_options how = checks_of_seed(seed);
    how.also = options.also;
    return how;
}

seed_result run_seed(std::uint64_t seed, const fuzz_options& options)
{
    seed_result result;
    seed_of_this_thread = seed;
    try {
        const scenario what = read_scenario(fuzz_document(seed, options.settings), "-", options.settings);
        result.trial = run_trial(what, options_of(seed, options));
    } catch (const input_error& e) {
        if (options.settings.empty()) {
            result.trial.broken = fmt::format("random scenarios are valid: {}", e.what());
        } else {
            result.refused = e.what();
        }
    }
    return result;
}

/// The first break that is guarded against.
std::optional<claim_break> guarded_break(const claims_result& found, const guarded_claims& guarded)
{
    for (std::size_t claim = 0; claim < nr_claims; ++claim) {
        for (std::size_t cause = 0; guarded.claims[claim] && cause < nr_causes; ++cause) {
            if (guarded.causes[cause] && found.claims[claim].by_cause[cause].violations > 0) {
                return claim_break{static_cast<claim_id>(claim), static_cast<cause_id>(cause)};
            }
        }
    }
    return std::nullopt;
}

bool shows(const claims_result& found, const claim_break& what)
{
    return found.of(what.claim).by_cause[static_cast<std::size_t>(what.cause)].violations > 0;
}

void count(tally& t, std::uint64_t seed)
{
    t.first_seed = t.scenarios++ == 0 ? seed : t.first_seed;
}

void add(fuzz_result& sum, std::uint64_t seed, const seed_result& one, const fuzz_options& options)
{
    if (!one.refused.empty()) {
        ++sum.refused;
        return;
    }
    ++sum.scenarios;
    const auto what = guarded_break(one.trial.claims, options.guarded);
    if (!one.trial.broken.empty() || what) {
        sum.found =
            discovery{seed, one.trial.broken, what.value_or(claim_break{}), fuzz_document(seed, options.settings)};
    }
    if (!one.trial.broken.empty()) {
        return;
    }
    count(sum.exits[one.trial.exit], seed);
    for (std::size_t claim = 0; claim < nr_claims; ++claim) {
        for (std::size_t cause = 0; cause < nr_causes; ++cause) {
            if (one.trial.claims.claims[claim].by_cause[cause].violations > 0) {
                count(sum.broken[claim][cause], seed);
            }
        }
    }
}

std::string_view id_of(claim_id claim)
{
    return all_claims()[static_cast<std::size_t>(claim)].id;
}

/// What the scenario says of itself. @p exit: as its run ends.
void label(json& document, const discovery& found, const std::string& exit)
{
    if (!found.broken.empty()) {
        document["name"] = fmt::format("broken rule, from seed {}", found.seed);
        document["description"] = fmt::format(
            "Breaks a rule of pairsim's own, which is a bug of it: {}. pairsim fuzz FILE shows it.", found.broken);
        return;
    }
    const auto claim = id_of(found.what.claim);
    const auto cause = info_of(found.what.cause).id;
    document["name"] = fmt::format("{} broken by {}, from seed {}", claim, cause, found.seed);
    document["description"] =
        fmt::format("The scenario of the seed {}, made smaller for as long as {} breaks {}.", found.seed, cause, claim);
    document["expect"] = {{"exit", {{"kind", exit}}}, {"claims", {{std::string(claim), {{"violated_by", cause}}}}}};
}

} // namespace

trial_options checks_of_seed(std::uint64_t seed)
{
    return {.each_event = seed % 10 == 0, .trace_round_trip = seed % 16 == 1, .also = {}};
}

json fuzz_document(std::uint64_t seed, const std::vector<setting>& settings)
{
    json document = make_random_scenario(seed);
    apply_settings(document, settings);
    return document;
}

std::uint64_t fuzz_seed_of_this_thread()
{
    return seed_of_this_thread;
}

fuzz_result fuzz(const fuzz_options& options)
{
    using wall_clock = std::chrono::steady_clock;
    const auto start = wall_clock::now();
    const std::uint64_t count = options.count.value_or(std::numeric_limits<std::uint64_t>::max());
    fuzz_result sum;
    for (std::uint64_t done = 0; done < count; done += block) {
        std::vector<seed_result> results(std::min(block, count - done));
        for_each_in_parallel(
            results.size(), [&](std::size_t i) { results[i] = run_seed(options.first_seed + done + i, options); },
            options.threads);
        for (std::size_t i = 0; i < results.size() && !sum.found; ++i) {
            add(sum, options.first_seed + done + i, results[i], options);
        }
        if (sum.found) {
            return sum;
        }
        if (sum.scenarios == 0) {
            throw input_error(
                {{"--set", "", "the settings make no valid scenario; " + results[0].refused, "correct the settings"}});
        }
        if (options.on_progress) {
            options.on_progress(sum.scenarios);
        }
        if (options.time && wall_clock::now() - start >= *options.time) {
            sum.out_of_time = done + results.size() < count;
            return sum;
        }
    }
    return sum;
}

shrunk shrink_discovery(const discovery& found, const fuzz_options& options)
{
    const trial_options how = options_of(found.seed, options);
    const auto is_kept = [](const json& candidate, const setting& s) {
        const json::json_pointer at(s.pointer);
        return candidate.contains(at) && candidate.at(at) == s.value;
    };
    std::string exit;
    const auto still_shows = [&](const json& candidate) {
        if (!std::ranges::all_of(options.settings, [&](const setting& s) { return is_kept(candidate, s); })) {
            return false; // it is about the variant that they ask for
        }
        try {
            const scenario what = read_scenario(candidate, "-");
            const trial_result trial = found.broken.empty() ? run_once(what) : run_trial(what, how);
            const bool yes = trial.broken == found.broken && (!found.broken.empty() || shows(trial.claims, found.what));
            exit = yes ? trial.exit : exit;
            return yes;
        } catch (const input_error&) {
            return false;
        }
    };
    if (!still_shows(found.document)) {
        return {.document = found.document}; // an invalid scenario, which no other one is like
    }
    shrunk small = shrink(found.document, still_shows);
    label(small.document, found, exit);
    return small;
}

} // namespace pairsim
