// SPDX-License-Identifier: GPL-2.0-only
//
// A trace that a real kernel recorded, as records: pids become tasks, tasks get their cgroups, priorities become
// classes. It streams: memory grows with tasks and CPUs, not with the trace.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/trace.h"
#include "tools/io/cgroup_rules.h"
#include "tools/io/line_source.h"
#include "tools/io/sched_text.h"

namespace pairsim {

struct recorded_options {
    /// What cannot be used is skipped and counted; without it, it is an error.
    bool tolerant = false;
    /// Tasks of these cgroups count as if their CPU were idle.
    std::vector<std::string> ignored_cgroups;
};

struct recorded_counts {
    std::uint64_t lines = 0;
    std::uint64_t events = 0;     ///< of the kinds that are used
    std::uint64_t other = 0;      ///< events of other kinds
    std::uint64_t skipped = 0;    ///< lines that were not understood, went back in time, or were cut
    std::uint64_t lost = 0;       ///< times that the tracer says it lost events
    std::uint64_t mismatched = 0; ///< switches from another task than the CPU ran
    std::uint64_t unassigned = 0; ///< tasks for which no rule names a cgroup
    std::string first_skipped;    ///< the place and the reason of the first of all these
};

class recorded_trace {
public:
    static constexpr std::uint32_t max_cpus = 4096;
    static constexpr std::uint32_t max_pid = 4'194'304; ///< the kernel's PID_MAX_LIMIT

    struct seen_task {
        std::uint32_t pid = 0; ///< the kernel's
        std::string comm;
        std::uint32_t cgroup = 0;
    };

    recorded_trace(line_source& lines, const cgroup_rules& rules, recorded_options options);

    /// Reads everything and hands it to @p sink. Throws input_error with the line, unless it is tolerant.
    void read(trace_sink& sink);

    const std::vector<seen_task>& tasks() const { return tasks_; }       ///< [n]: pid n + 1 of the records
    const std::vector<std::string>& cgroups() const { return cgroups_; } ///< [0]: "/"
    const recorded_counts& counts() const { return counts_; }
    sim_time start() const { return start_; } ///< of the first event
    sim_time end() const { return end_; }     ///< of the last event
    bool shows(sched_event::kind kind) const { return shows_[static_cast<std::size_t>(kind)] != 0; }

private:
    struct seen_cpu {
        static constexpr std::uint32_t unknown = 0xffffffff;
        std::uint32_t runs = unknown; ///< the kernel's pid
        pid task{};                   ///< as records name it
    };
    struct known {
        std::uint32_t task = 0; ///< of the records; 0: not seen yet
        bool alive = false;
        bool ignored = false;
        bool fixed = false; ///< its cgroup does not follow its comm
        std::uint16_t cpu = no_cpu.value;
    };

    /// What is known of each of the kernel's pids. Blocks come into being with their first pid.
    class pid_table {
    public:
        known& at(std::uint32_t kernel_pid)
        {
            auto& block = blocks_[kernel_pid / block_size];
            if (!block) {
                block = std::make_unique<std::array<known, block_size>>();
            }
            return (*block)[kernel_pid % block_size];
        }

    private:
        static constexpr std::size_t block_size = 1024;
        std::vector<std::unique_ptr<std::array<known, block_size>>> blocks_{max_pid / block_size + 1};
    };

    void on(const sched_event& e);
    void on_switch(const sched_event& e);
    void on_attach(const sched_event& e);
    void leave(std::uint32_t cpu, prev_state state);
    void arrange(const sched_event& e);
    pid task_of(std::uint32_t kernel_pid, std::string_view comm, std::int32_t prio,
                const std::string* inherited = nullptr);
    void meet(known& k, std::uint32_t kernel_pid, std::string_view comm, const std::string* inherited);
    void rename(known& k, std::string_view comm);
    std::uint32_t intern(const std::string& cgroup);
    bool is_ignored(const std::string& cgroup) const;
    void emit(record_kind kind, std::uint32_t cpu, pid task, std::uint32_t a, std::uint32_t b, std::uint8_t reason);
    void flush();
    /// Counts a problem, or throws it.
    void problem_at(std::uint64_t& counter, const std::string& what, const char* remedy);

    line_source& lines_;
    const cgroup_rules& rules_;
    recorded_options options_;
    trace_sink* sink_ = nullptr;
    std::vector<trace_record> batch_;
    pid_table by_pid_;
    std::vector<seen_task> tasks_;
    std::vector<std::string> cgroups_{"/"};
    std::vector<seen_cpu> cpus_;
    recorded_counts counts_;
    std::array<char, 13> shows_{};
    sim_time start_ = never;
    sim_time end_{};
};

} // namespace pairsim
