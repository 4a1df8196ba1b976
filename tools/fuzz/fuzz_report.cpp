// SPDX-License-Identifier: GPL-2.0-only
#include <fmt/format.h>

#include "tools/fuzz/fuzz.h"
#include "tools/io/causes.h"

namespace pairsim {
namespace {

std::string seeds_text(const fuzz_options& options, const fuzz_result& result)
{
    const std::uint64_t last = options.first_seed + result.scenarios + result.refused - 1;
    return last == options.first_seed ? fmt::format("seed {}", last)
                                      : fmt::format("seeds {} to {}", options.first_seed, last);
}

template <class Row>
void for_each_break(const fuzz_result& result, const Row& row)
{
    for (std::size_t claim = 0; claim < nr_claims; ++claim) {
        for (std::size_t cause = 0; cause < nr_causes; ++cause) {
            if (result.broken[claim][cause].scenarios > 0) {
                row(all_claims()[claim].id, causes()[cause].id, result.broken[claim][cause]);
            }
        }
    }
}

} // namespace

json fuzz_json(const fuzz_options& options, const fuzz_result& result)
{
    json exits = json::object();
    for (const auto& [kind, t] : result.exits) {
        exits[kind] = {{"scenarios", t.scenarios}, {"first_seed", t.first_seed}};
    }
    json broken = json::object();
    for_each_break(result, [&](std::string_view claim, std::string_view cause, const tally& t) {
        broken[std::string(claim)][std::string(cause)] = {{"scenarios", t.scenarios}, {"first_seed", t.first_seed}};
    });
    json found;
    if (result.found) {
        found = {{"seed", result.found->seed}};
        if (!result.found->broken.empty()) {
            found["broken_rule"] = result.found->broken;
        } else {
            found["claim"] = all_claims()[static_cast<std::size_t>(result.found->what.claim)].id;
            found["cause"] = info_of(result.found->what.cause).id;
        }
    }
    return {{"schema", "pairsim.fuzz/1"}, {"first_seed", options.first_seed}, {"scenarios", result.scenarios},
            {"refused", result.refused},  {"exits", std::move(exits)},        {"claims", std::move(broken)},
            {"found", std::move(found)}};
}

std::string fuzz_text(const fuzz_options& options, const fuzz_result& result)
{
    std::string text = fmt::format("{} scenarios, {}: ", result.scenarios, seeds_text(options, result));
    text += !result.found                  ? "no rule of pairsim is broken\n"
            : result.found->broken.empty() ? "a claim is broken in the last one\n"
                                           : "a rule of pairsim is broken in the last one\n";
    if (result.refused > 0) {
        text += fmt::format("{} more are not valid with these settings\n", result.refused);
    }
    text += fmt::format("\n{:34} {:>10} {:>12}\n", "end of the scheduler", "scenarios", "first seed");
    for (const auto& [kind, t] : result.exits) {
        text += fmt::format("{:34} {:>10} {:>12}\n", kind, t.scenarios, t.first_seed);
    }
    text += fmt::format("\n{:24} {:9} {:>10} {:>12}\n", "claim broken", "by cause", "scenarios", "first seed");
    for_each_break(result, [&](std::string_view claim, std::string_view cause, const tally& t) {
        text += fmt::format("{:24} {:9} {:>10} {:>12}\n", claim, cause, t.scenarios, t.first_seed);
    });
    return text;
}

} // namespace pairsim
