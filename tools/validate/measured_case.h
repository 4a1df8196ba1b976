// SPDX-License-Identifier: GPL-2.0-only
//
// A measured case: what ran on the real kernel, and what each run gave. Formats: docs/how-to/validate.md. It knows
// nothing of how pairsim would simulate it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/pair_state.h"
#include "sim/time.h"

namespace pairsim {

/// A piece of a measured task's loop.
struct case_phase {
    enum class op : std::uint8_t { run, sleep, yield, forever };
    op kind = op::run;
    nanoseconds length{};
    friend bool operator==(const case_phase&, const case_phase&) = default;
};

/// A line `task`: tasks that are alike.
struct case_tasks {
    std::string cgroup;
    std::uint32_t count = 1;
    std::vector<std::uint32_t> cpus; ///< allowed CPUs; empty: all
    std::vector<case_phase> phases;
};

/// A line `rt`: a pinned FIFO thread.
struct case_rt {
    std::uint32_t cpu = 0;
    nanoseconds period{};
    nanoseconds run{};
    nanoseconds offset{};
};

/// What a run gave, measured or simulated. Shares and rates are made of these by cells_of().
struct run_numbers {
    std::string label; ///< "run 3", "seed 7"
    std::int64_t window_ns = 0;
    std::array<std::int64_t, nr_pair_counters> counters{};
    std::map<std::string, std::int64_t> cpu_ns; ///< by cgroup, over all CPUs; also "idle", "rt", "<root>"
    std::int64_t violation_ns = 0;              ///< summed over pairs
    std::int64_t violations = 0;
    std::map<std::string, std::int64_t> violation_causes; ///< ns by "intruder|resident"
    std::map<std::string, std::int64_t> forced_idle_ns;   ///< by what the partner did
    std::int64_t cgroup_changes = 0;
    std::int64_t wakeups_direct = 0; ///< of workload tasks
    std::int64_t wakeups_queued = 0;
    std::string exit = "none"; ///< how the scheduler ended, without numbers
    bool only_exit = false;    ///< it had ended before: the rest is another's
};

struct measured_run {
    run_numbers seen;
    std::string path;               ///< of the run's files, without extension
    bool plain_kernel = false;      ///< K612 with its broken wait
    std::vector<double> lost_share; ///< of each CPU: part of the window for which the host had it descheduled
    std::uint32_t harness_cpu = 0;  ///< where the measuring program ran
};

struct measured_case {
    std::string name;
    std::string folder;
    std::uint32_t nr_cpus = 0;
    std::uint32_t hz = 1000;
    std::uint32_t stride = 0;
    nanoseconds batch{};
    nanoseconds window{};
    std::string variant = "stock";
    bool big_ctx_map = false;
    std::vector<std::array<std::uint32_t, 2>> pairs;
    std::vector<case_tasks> tasks;
    std::vector<case_rt> rt;
    std::vector<measured_run> runs;
};

/// Loads a folder with case.json and run-N.json. Throws input_error with all problems.
measured_case load_case(const std::string& folder);

/// The folders of cases that @p paths name: a folder with a case.json, or one whose sub-folders have one; by name.
std::vector<std::string> find_cases(const std::vector<std::string>& paths);

/// Puts the line @p text of a case's `spec_lines` into @p c; says what is wrong with it, or nothing.
std::string apply_spec_line(measured_case& c, std::string_view text);

/// @p message with every number replaced by N, so that runs that ended alike compare equal.
std::string without_numbers(std::string_view message);

} // namespace pairsim
