// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/cgroup_rules.h"

#include <charconv>

#include <fmt/format.h>

#include "tools/io/input_error.h"
#include "tools/io/strict_json.h"

namespace pairsim {

bool matches_pattern(std::string_view pattern, std::string_view text)
{
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos; // the last *, and how much it has eaten
    std::size_t eaten = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            eaten = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++eaten;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

void cgroup_rules::add(std::string_view pattern, std::string_view cgroup)
{
    std::uint32_t pid = 0;
    const auto number = std::from_chars(pattern.data(), pattern.data() + pattern.size(), pid);
    if (number.ec == std::errc{} && number.ptr == pattern.data() + pattern.size()) {
        by_pid_.insert_or_assign(pid, std::string(cgroup));
    } else {
        by_comm_.push_back({std::string(pattern), std::string(cgroup)});
    }
}

void cgroup_rules::add_file(const std::string& path)
{
    const std::string text = read_text(path);
    problem_list problems;
    std::string_view rest(text);
    for (std::size_t number = 1; !rest.empty(); ++number) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) {
            line.remove_suffix(1);
        }
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const std::size_t blank = line.find_last_of(" \t"); // a comm may hold blanks, a cgroup's path must not
        const std::size_t end = blank == std::string_view::npos ? blank : line.find_last_not_of(" \t", blank);
        if (blank == std::string_view::npos || end == std::string_view::npos) {
            problems.add({fmt::format("{}:{}", display_name(path), number), "", quote(line) + " is no rule",
                          "write PID CGROUP or COMM CGROUP, as in: 4711 /web"});
            continue;
        }
        add(line.substr(0, end + 1), line.substr(blank + 1));
    }
    problems.throw_if_any();
}

void cgroup_rules::add_option(const std::string& text)
{
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
        throw input_error({{"--cgroup", "", quote(text) + " is no rule", "write CGROUP=PATTERN, as in: /web=nginx*"}});
    }
    std::string_view rest = std::string_view(text).substr(equals + 1);
    while (!rest.empty()) {
        const auto pattern = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), pattern.size() + 1));
        add(pattern, std::string_view(text).substr(0, equals));
    }
}

const std::string* cgroup_rules::of_pid(std::uint32_t pid) const
{
    const auto found = by_pid_.find(pid);
    return found == by_pid_.end() ? nullptr : &found->second;
}

const std::string* cgroup_rules::of_comm(std::string_view comm) const
{
    for (const auto& rule : by_comm_) {
        if (matches_pattern(rule.pattern, comm)) {
            return &rule.cgroup;
        }
    }
    return nullptr;
}

} // namespace pairsim
