// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/expect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace pairsim {
namespace {

using failures = std::vector<unmet_expectation>;

/// The value at @p pointer, nullptr if there is none.
const json* find(const json& report, const std::string& pointer)
{
    const json::json_pointer at(pointer);
    return report.contains(at) ? &report.at(at) : nullptr;
}

void check_exit(const expectation& expect, const json& report, failures& failed)
{
    const auto kind = report.at("exit").at("kind").get<std::string>();
    const auto message = report.at("exit").at("message").get<std::string>();
    if (kind != expect.exit_kind) {
        failed.push_back({fmt::format("expected the exit \"{}\", but it was \"{}\"{}{}", expect.exit_kind, kind,
                                      message.empty() ? "" : ": ", message),
                          "/expect/exit", ""});
    } else if (message.find(expect.exit_message_contains) == std::string::npos) {
        failed.push_back({fmt::format("expected an exit message with \"{}\", but it was \"{}\"",
                                      expect.exit_message_contains, message),
                          "/expect/exit/message_contains", ""});
    }
}

std::string causes_found(const json& by_cause)
{
    std::vector<std::string> names;
    for (const auto& [name, totals] : by_cause.items()) {
        names.push_back(name);
    }
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

void check_claim(const expectation::claim& expected, const json& report, failures& failed)
{
    const json& claims = report.at("claims");
    const std::string pointer = "/expect/claims/" + expected.id;
    if (!claims.contains(expected.id)) {
        failed.push_back(
            {fmt::format("expected something of the claim {}, which is not watched", expected.id), pointer, ""});
        return;
    }
    const json& found = claims.at(expected.id);
    if (!found.value("watched", true)) {
        failed.push_back(
            {fmt::format("expected something of the claim {}, which this scheduler has no part in", expected.id),
             pointer, ""});
        return;
    }
    const auto violations = found.at("violations").get<std::uint64_t>();
    const json& by_cause = found.at("by_cause");
    if (expected.holds && violations != 0) {
        failed.push_back({fmt::format("expected the claim {} to hold, but it was violated {} times; causes: {}",
                                      expected.id, violations, causes_found(by_cause)),
                          pointer, expected.id});
    } else if (!expected.holds && violations == 0) {
        failed.push_back({fmt::format("expected the claim {} to be violated, but it held", expected.id), pointer, ""});
    } else if (!expected.holds && !expected.cause.empty() && !by_cause.contains(expected.cause)) {
        failed.push_back({fmt::format("expected the claim {} to be violated by {}, but the causes are {}", expected.id,
                                      expected.cause, causes_found(by_cause)),
                          pointer, expected.id});
    }
}

void check_bound(const expectation::bound& expected, const std::string& pointer, const json& report, failures& failed)
{
    const json* const found = find(report, expected.pointer);
    if (found == nullptr || !found->is_number()) {
        failed.push_back({fmt::format("expected a number at {}, but the report has {}", expected.pointer,
                                      found == nullptr ? std::string("nothing there") : type_name(*found)),
                          pointer, ""});
        return;
    }
    const auto value = found->get<double>();
    if (expected.min && value < *expected.min) {
        failed.push_back(
            {fmt::format("expected {} to be at least {}, but it is {}", expected.pointer, *expected.min, found->dump()),
             pointer, ""});
    }
    if (expected.max && value > *expected.max) {
        failed.push_back(
            {fmt::format("expected {} to be at most {}, but it is {}", expected.pointer, *expected.max, found->dump()),
             pointer, ""});
    }
}

} // namespace

std::vector<unmet_expectation> check_expectations(const expectation& expect, const json& report)
{
    failures failed;
    check_exit(expect, report, failed);
    for (const auto& claim : expect.claims) {
        check_claim(claim, report, failed);
    }
    if (!expect.digest.empty() && report.at("digest") != expect.digest) {
        failed.push_back(
            {fmt::format("expected the digest {}, but it is {}", expect.digest, report.at("digest").get<std::string>()),
             "/expect/digest", ""});
    }
    for (std::size_t i = 0; i < expect.bounds.size(); ++i) {
        check_bound(expect.bounds[i], fmt::format("/expect/bounds/{}", i), report, failed);
    }
    return failed;
}

} // namespace pairsim
