// SPDX-License-Identifier: GPL-2.0-only
#include "tools/test/test_output.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "tools/io/input_error.h"

namespace pairsim {
namespace {

std::string_view word_of(test_outcome outcome)
{
    constexpr std::string_view words[] = {"ok", "FAILED", "INVALID"};
    return words[static_cast<std::size_t>(outcome)];
}

std::size_t count(std::span<const test_result> results, test_outcome outcome)
{
    return static_cast<std::size_t>(
        std::ranges::count_if(results, [&](const test_result& r) { return r.outcome == outcome; }));
}

std::string indented(std::string_view text)
{
    std::string result;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        result += line.empty() ? "\n" : fmt::format("         {}\n", line);
    }
    return result;
}

/// All that a failed or invalid test has to say.
std::string details(const test_result& result)
{
    std::string text;
    for (const auto& unmet : result.unmet) {
        text += fmt::format("{}: {}\n", unmet.pointer, unmet.sentence);
    }
    if (result.outcome == test_outcome::invalid) {
        return result.problems + "\n";
    }
    return text + result.picture + "repeat it with: " + result.command + "\n";
}

/// @p text as XML character data or attribute value; what XML 1.0 cannot hold becomes '?'.
std::string xml(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        case '"':
            result += "&quot;";
            break;
        case '\n':
            result += "&#10;";
            break;
        default:
            result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
        }
    }
    return result;
}

/// @p text in a workflow command; in a property, colons and commas are special too.
std::string escaped(std::string_view text, bool property)
{
    std::string result;
    for (const char c : text) {
        const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
        result += special ? fmt::format("%{:02X}", static_cast<unsigned>(c)) : std::string(1, c);
    }
    return result;
}

/// The line, from 1, in which the last key of @p pointer stands; 1 if it is nowhere.
std::size_t line_of(const std::string& text, const std::string& pointer)
{
    std::size_t at = text.find("\"expect\"");
    std::string_view rest(pointer);
    while (at != std::string::npos && !rest.empty()) {
        rest.remove_prefix(1);
        const auto key = rest.substr(0, rest.find('/'));
        rest.remove_prefix(key.size());
        const auto found = text.find(fmt::format("\"{}\"", key), at);
        at = found == std::string::npos ? at : found; // the index of an array's element stands nowhere
    }
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(at == std::string::npos ? 0 : at);
    return 1 + static_cast<std::size_t>(std::count(text.begin(), end, '\n'));
}

} // namespace

std::string test_text(const test_result& result)
{
    std::string text = fmt::format("{:<8} {}\n", word_of(result.outcome), result.path);
    return result.outcome == test_outcome::passed ? text : text + indented(details(result));
}

std::string test_summary(std::span<const test_result> results)
{
    return fmt::format("{} passed, {} failed, {} invalid\n", count(results, test_outcome::passed),
                       count(results, test_outcome::failed), count(results, test_outcome::invalid));
}

std::string junit_xml(std::span<const test_result> results)
{
    std::map<std::string, std::vector<test_result>> suites;
    for (const auto& result : results) {
        const auto slash = result.path.rfind('/');
        suites[slash == std::string::npos ? "." : result.path.substr(0, slash)].push_back(result);
    }
    const auto totals = [](std::span<const test_result> of) {
        return fmt::format(R"(tests="{}" failures="{}" errors="{}")", of.size(), count(of, test_outcome::failed),
                           count(of, test_outcome::invalid));
    };
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    text += fmt::format("<testsuites name=\"pairsim\" {}>\n", totals(results));
    for (const auto& [folder, cases] : suites) {
        text += fmt::format("  <testsuite name=\"{}\" {}>\n", xml(folder), totals(cases));
        for (const auto& result : cases) {
            const std::string name = result.name.empty() ? result.path : result.name;
            text += fmt::format(R"(    <testcase classname="{}" name="{}" file="{}")", xml(folder), xml(name),
                                xml(result.path));
            if (result.outcome == test_outcome::passed) {
                text += "/>\n";
                continue;
            }
            const bool failed = result.outcome == test_outcome::failed;
            const std::string& first = failed ? result.unmet.front().sentence : result.problems;
            text += fmt::format(">\n      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n    </testcase>\n",
                                failed ? "failure" : "error", failed ? "expectation" : "input", xml(first),
                                xml(details(result)));
        }
        text += "  </testsuite>\n";
    }
    return text + "</testsuites>\n";
}

std::string github_annotations(const test_result& result)
{
    if (result.outcome == test_outcome::passed) {
        return {};
    }
    const auto annotation = [&](std::size_t line, std::string_view message) {
        return fmt::format("::error file={},line={},title={}::{}\n", escaped(result.path, true), line,
                           escaped(result.name.empty() ? result.path : result.name, true), escaped(message, false));
    };
    if (result.outcome == test_outcome::invalid) {
        return annotation(1, result.problems);
    }
    const std::string file = read_text(result.path);
    std::string text;
    for (const auto& unmet : result.unmet) {
        text += annotation(line_of(file, unmet.pointer), unmet.sentence + "\nrepeat it with: " + result.command);
    }
    return text;
}

json test_json(std::span<const test_result> results)
{
    json all = {{"schema", "pairsim.test/1"},
                {"passed", count(results, test_outcome::passed)},
                {"failed", count(results, test_outcome::failed)},
                {"invalid", count(results, test_outcome::invalid)},
                {"tests", json::array()}};
    for (const auto& result : results) {
        constexpr const char* words[] = {"passed", "failed", "invalid"};
        json unmet = json::array();
        for (const auto& u : result.unmet) {
            unmet.push_back({{"pointer", u.pointer}, {"sentence", u.sentence}});
        }
        json one = {{"path", result.path},
                    {"name", result.name},
                    {"outcome", words[static_cast<std::size_t>(result.outcome)]},
                    {"digest", result.digest},
                    {"unmet", std::move(unmet)}};
        if (!result.problems.empty()) {
            one["problems"] = result.problems;
        }
        one["command"] = result.command;
        all["tests"].push_back(std::move(one));
    }
    return all;
}

} // namespace pairsim
