// SPDX-License-Identifier: GPL-2.0-only
//
// Who ran where, as a list of switches and wake-ups: of a recorded run of a real kernel, or of a simulated one. What
// is measured is measured from this, by the same code for both, with the definitions of the recorded runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace.h"
#include "tools/validate/measured_case.h"

namespace pairsim {

/// What a thread counts as.
enum class thread_sort : std::uint8_t { idle, work, rt, harness, root };

struct log_thread {
    thread_sort sort = thread_sort::root;
    std::string name;
    std::uint32_t cgroup = 0;               ///< of work: index into sched_log::cgroups
    std::uint64_t cpus = ~std::uint64_t{0}; ///< allowed CPUs
};

/// How a woken thread became runnable.
enum class log_path : std::uint8_t { none, direct, queued, other };

struct log_event {
    enum class what : std::uint8_t { waking, wakeup, swtch };
    std::int64_t at_ns = 0; ///< since the start of the window
    what kind = what::swtch;
    log_path path = log_path::none; ///< of a wakeup
    bool runnable = false;          ///< of a switch: the previous thread still wants to run
    std::uint16_t cpu = 0;
    std::uint32_t thread = 0; ///< woken, or switched in: index into sched_log::threads
    std::uint32_t prev = 0;   ///< switched out; of a waking: the waker
    std::uint16_t target = 0; ///< of a wakeup: the CPU chosen
};

struct sched_log {
    std::uint32_t nr_cpus = 0;
    std::int64_t window_ns = 0;
    std::vector<std::array<std::uint32_t, 2>> pairs;
    std::vector<std::string> cgroups;
    std::vector<log_thread> threads;  ///< [0] is idle
    std::vector<std::uint32_t> first; ///< of each CPU: the thread at the start
    std::vector<log_event> events;    ///< in order
};

/// The log of a recorded run, from its .switches.csv.xz and .wakeups.csv.xz.
sched_log read_recorded_log(const measured_case& c, const measured_run& run);

/// Fills in what follows from the log alone; counters and exit are left as they are.
void measure(const sched_log& log, run_numbers& seen);

} // namespace pairsim
