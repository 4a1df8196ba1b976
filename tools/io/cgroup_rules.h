// SPDX-License-Identifier: GPL-2.0-only
//
// Which cgroup a task of a recorded trace belongs to: the trace does not say it. Rules come from a file or from
// options.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pairsim {

/// Lines "PID CGROUP" or "COMM CGROUP"; * and ? in COMM stand for any text and any character. A pid's line comes before
/// all comms', and of those the first that fits counts. Empty lines and lines that begin with # say nothing.
class cgroup_rules {
public:
    /// Reads a file's lines. Throws input_error with all problems.
    void add_file(const std::string& path);
    /// "CGROUP=PATTERN[,PATTERN...]". Throws input_error.
    void add_option(const std::string& text);

    bool empty() const { return by_pid_.empty() && by_comm_.empty(); }
    const std::string* of_pid(std::uint32_t pid) const;
    const std::string* of_comm(std::string_view comm) const;

private:
    struct comm_rule {
        std::string pattern;
        std::string cgroup;
    };
    void add(std::string_view pattern, std::string_view cgroup);

    std::map<std::uint32_t, std::string> by_pid_;
    std::vector<comm_rule> by_comm_;
};

/// True if @p text is of the form @p pattern, in which * and ? are wildcards.
bool matches_pattern(std::string_view pattern, std::string_view text);

} // namespace pairsim
