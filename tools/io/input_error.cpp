// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/input_error.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace pairsim {

namespace {

constexpr std::size_t max_shown_problems = 50;
constexpr std::size_t max_shown_names = 40;
constexpr std::size_t max_shown_bytes = 80;

std::string format_all(const std::vector<problem>& problems)
{
    std::string text;
    for (std::size_t i = 0; i < std::min(problems.size(), max_shown_problems); ++i) {
        text += (i == 0 ? "" : "\n") + format_problem(problems[i]);
    }
    if (problems.size() > max_shown_problems) {
        text += fmt::format("\nand {} more problems", problems.size() - max_shown_problems);
    }
    return text;
}

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
        }
    }
    return row.back();
}

} // namespace

std::string format_problem(const problem& p)
{
    std::string text = p.where + ": ";
    if (!p.pointer.empty()) {
        text += p.pointer + ": ";
    }
    text += p.what;
    if (!p.remedy.empty()) {
        text += "\n  " + p.remedy;
    }
    return text;
}

input_error::input_error(std::vector<problem> problems) : problems_(std::move(problems)), text_(format_all(problems_))
{
}

void problem_list::add(problem p)
{
    if (places_.emplace(p.where, p.pointer).second) {
        problems_.push_back(std::move(p));
    }
}

bool problem_list::has_under(const std::string& where, const std::string& pointer) const
{
    const auto inside = places_.lower_bound({where, pointer + "/"});
    return places_.contains({where, pointer}) ||
           (inside != places_.end() && inside->first == where && inside->second.starts_with(pointer + "/"));
}

void problem_list::throw_if_any() const
{
    if (!problems_.empty()) {
        throw input_error(problems_);
    }
}

std::string quote(std::string_view text)
{
    std::string_view shown = text.substr(0, max_shown_bytes);
    const auto cuts_a_character = [&] { return (static_cast<unsigned char>(text[shown.size()]) & 0xc0U) == 0x80U; };
    for (int i = 0; i < 3 && shown.size() < text.size() && cuts_a_character(); ++i) { // one has 4 bytes at most
        shown.remove_suffix(1);
    }
    std::string result = "\"";
    for (const char c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\u{:04x}", byte);
        } else {
            result += c;
        }
    }
    return result + (shown.size() < text.size() ? "...\"" : "\"");
}

std::string quote_all(const std::vector<std::string>& names)
{
    std::string list;
    for (std::size_t i = 0; i < std::min(names.size(), max_shown_names); ++i) {
        list += (i == 0 ? "" : ", ") + quote(names[i]);
    }
    if (names.size() > max_shown_names) {
        list += fmt::format(" and {} more", names.size() - max_shown_names);
    }
    return list;
}

std::string closest_name(std::string_view name, const std::vector<std::string>& names)
{
    constexpr std::size_t max_compared = 100; // more names or longer ones are not typing errors worth the time
    std::string best;
    std::size_t best_distance = name.size() / 3 + 2;
    for (std::size_t i = 0; i < std::min(names.size(), max_compared) && name.size() <= max_compared; ++i) {
        const std::size_t distance = edit_distance(name, names[i].substr(0, max_compared));
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

} // namespace pairsim
