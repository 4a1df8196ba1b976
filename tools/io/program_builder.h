// SPDX-License-Identifier: GPL-2.0-only
//
// Turns the phases of a task, a tree, into the flat program that the simulator executes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/io/scenario_parts.h"

namespace pairsim {

/// The names that phases refer to, looked up by whoever knows them; a failed look-up reports its problem.
struct phase_names {
    std::function<std::optional<cgroup_id>(const json_cursor&)> find_cgroup;
    std::function<std::optional<pid>(const json_cursor&)> find_task;
    std::function<std::optional<std::uint32_t>(const json_cursor&)> find_mask;
};

/// Channels by name, and who uses them.
struct channel_table {
    struct waiter {
        std::string name;
        json_cursor at;
    };
    std::map<std::string, std::uint32_t> ids;
    std::map<std::string, bool> woken;
    std::vector<waiter> waiters;
    bool complete = true; ///< no phase was left out because of a problem

    std::uint32_t id_of(const std::string& name);
    void report_unwoken() const;
};

/// The time that a task takes at least until it ends, or until it leaves its cgroup.
struct program {
    std::vector<phase> code;
    nanoseconds shortest{};
    bool endless = false;
    bool moves_itself = false;
};

program build_program(const json_cursor& phases, const phase_names& names, channel_table& channels);

} // namespace pairsim
