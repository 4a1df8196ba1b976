// SPDX-License-Identifier: GPL-2.0-only
//
// A path of actions that breaks a property, replayed with a trace: what each step did, in words and as records, what
// pair_ctx was before and after it, and the cause that the claims find.
#pragma once

#include <string>
#include <vector>

#include "model/claims.h"
#include "tools/explore/search.h"

namespace pairsim {

struct counterexample_step {
    action did;
    std::uint16_t index = 0;           ///< of `did` among the world's actions
    std::string words;                 ///< one line
    std::vector<trace_record> records; ///< their time is the number of the step, from 1, in nanoseconds
    std::vector<cost_kind> costs;      ///< of the kernel steps that it consists of
    std::vector<pair_ctx> before;      ///< of each pair
    std::vector<pair_ctx> after;
    std::vector<std::string> cpus; ///< what each CPU does afterwards, in a word
    pid current = idle_pid;        ///< of the action's CPU, afterwards
    bool ends_in_base = false;     ///< likewise
};

struct counterexample {
    property broken{};
    std::vector<counterexample_step> steps;
    std::size_t cycle_start = 0; ///< of a cycle: the steps from here on repeat for ever; else the number of steps
    std::string cause;           ///< id of a cause, if the claims know one
    std::string headline;        ///< what has happened, in a sentence
    std::string explanation;     ///< why, and what would help
};

/// The actions that lead to @p state.
std::vector<std::uint16_t> path_to(const visited_states& visited, state_index state);

/// A path found with symmetry reduction goes on, after each action, from the state that stands for the one reached:
/// under other names. Says it with the names that things have at the start.
std::vector<std::uint16_t> in_first_names(const exploration& what, const sched_ops& ops,
                                          const std::vector<std::uint16_t>& path);

/// True if in a run nothing comes between an action that took steps of these @p costs, and its CPU's next step: the
/// last one costs nothing, and the CPU has not come to its base.
bool goes_on_in_a_run(const std::vector<cost_kind>& costs, bool ends_in_base);

/// Brings actions that go on in a run together with their CPU's next step, as far as @p path leads to the same state
/// all the same.
std::vector<std::uint16_t> as_in_a_run(const exploration& what, const sched_ops& ops, std::vector<std::uint16_t> path);

/// Replays @p path, which breaks @p broken.
counterexample replay(const exploration& what, const sched_ops& ops, property broken,
                      const std::vector<std::uint16_t>& path);

/// The name of a task, "idle" or "a higher class".
std::string task_words(const exploration& what, pid p);

/// One line about a record, such as "a.0 is put on cpu 1's local DSQ".
std::string words_of(const trace_record& r, const exploration& what);

} // namespace pairsim
