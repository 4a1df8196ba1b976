// SPDX-License-Identifier: GPL-2.0-only
//
// A campaign: random scenarios, seed after seed, against all claims and our own rules. Claims that the scheduler breaks
// are results, counted by cause; a broken rule of ours ends the campaign.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/fuzz/shrink.h"
#include "tools/fuzz/trial.h"
#include "tools/io/scenario_loader.h"

namespace pairsim {

/// A break of a claim, and by what.
struct claim_break {
    claim_id claim{};
    cause_id cause{};
};

/// What ends a campaign, beside a broken rule of ours: the first of these claims to be broken by one of these causes.
struct guarded_claims {
    std::array<bool, nr_claims> claims{}; ///< [claim_id]
    std::array<bool, nr_causes> causes{}; ///< [cause_id]
};

struct fuzz_options {
    std::uint64_t first_seed = 1;
    std::optional<std::uint64_t> count{}; ///< of scenarios; none: as many as the time allows
    std::optional<nanoseconds> time{};    ///< of the wall clock; none: as long as the count takes
    unsigned threads = 0;                 ///< 0: one a core; no result depends on it
    std::vector<setting> settings{};      ///< put into each scenario
    guarded_claims guarded{};
    std::function<std::string(checked_run&)> also{};  ///< a further rule (trial_options::also)
    std::function<void(std::uint64_t)> on_progress{}; ///< gets the number of scenarios so far, now and then
};

struct tally {
    std::uint64_t scenarios = 0;
    std::uint64_t first_seed = 0;
};

/// What a scenario shows, and the scenario.
struct discovery {
    std::uint64_t seed = 0;
    std::string broken; ///< the rule of ours; empty: a claim that was guarded
    claim_break what{}; ///< of that claim: the first in the order of their ids
    json document;
};

struct fuzz_result {
    std::uint64_t scenarios = 0; ///< that were run
    std::uint64_t refused = 0;   ///< that the settings made invalid
    std::map<std::string, tally> exits;
    std::array<std::array<tally, nr_causes>, nr_claims> broken{}; ///< [claim_id][cause_id]
    std::optional<discovery> found;                               ///< the first by seed; nothing came after it
    bool out_of_time = false;                                     ///< before the count was reached
};

/// Some checks are dear, so only some seeds get them; always the same ones.
trial_options checks_of_seed(std::uint64_t seed);

/// The scenario of a seed with the settings in it.
json fuzz_document(std::uint64_t seed, const std::vector<setting>& settings);

/// Runs scenarios in blocks, each block on all threads, until the count or the time is over (one of them must be
/// given), or until something is found. Throws input_error if the settings make all scenarios of a block invalid.
fuzz_result fuzz(const fuzz_options& options);

/// Makes what was found smaller for as long as it shows the same, and says in its `expect` what it shows.
shrunk shrink_discovery(const discovery& found, const fuzz_options& options);

/// The seed that this thread is at, for the last words of a crash.
std::uint64_t fuzz_seed_of_this_thread();

json fuzz_json(const fuzz_options& options, const fuzz_result& result);
std::string fuzz_text(const fuzz_options& options, const fuzz_result& result);

} // namespace pairsim
