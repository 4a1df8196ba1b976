// SPDX-License-Identifier: GPL-2.0-only
//
// What a run cost and bought, from its records. Each number has one definition: docs/reference/metrics.md. Work per
// record does not grow with CPUs or tasks: how long tasks have waited is kept as integrals that an idle CPU reads
// when its own situation changes. Tasks with a restricted affinity cost the CPUs of their mask.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/histogram.h"
#include "model/observed_state.h"

namespace pairsim {

/// Why a CPU idles although a task that may run there is runnable. The first that applies, in this order:
enum class idle_cause : std::uint8_t {
    preempted_partner, ///< a CPU of the pair is marked preempted
    drain,             ///< the pair drains and the partner is active or runs a task
    other_cgroup,      ///< the pair has a cgroup and does not drain; only other cgroups' tasks wait
    wait_for_tick,     ///< the rest: nobody has told this CPU
};
inline constexpr std::size_t nr_idle_causes = 4;
std::string_view idle_cause_name(idle_cause cause);

/// Why @p cpu, which idles beside a task that waits and may run there, idles. @p own_waits: some such task is of the
/// cgroup that the CPU's pair has.
idle_cause cause_of_idle(const observed_state& state, cpu_id cpu, bool own_waits);

/// Forced idle time in ns, by cause.
struct forced_idle {
    std::array<std::int64_t, nr_idle_causes> by_cause_ns{};
    std::int64_t operator[](idle_cause c) const { return by_cause_ns[static_cast<std::size_t>(c)]; }
    std::int64_t& operator[](idle_cause c) { return by_cause_ns[static_cast<std::size_t>(c)]; }
    std::int64_t total_ns() const;
    forced_idle& operator+=(const forced_idle& other);
    friend bool operator==(const forced_idle&, const forced_idle&) = default;
};

struct cgroup_metrics {
    std::int64_t cpu_time_ns = 0;
    std::int64_t waiting_ns = 0;      ///< sum over its tasks of the time runnable and not running
    std::int64_t longest_wait_ns = 0; ///< the longest such time at a stretch, also one that has not ended
    bool had_work = false;            ///< some task of it was runnable
    std::uint64_t wakeups_direct = 0; ///< past ops.enqueue
    std::uint64_t wakeups_queued = 0;
    std::uint64_t switches = 0; ///< to a task of it
    duration_summary wakeup_latency;
};

struct task_metrics {
    std::int64_t cpu_time_ns = 0;
    std::int64_t waiting_ns = 0;
    std::int64_t longest_wait_ns = 0;
    std::uint64_t wakeups = 0;
    std::uint64_t switches = 0;
    duration_summary wakeup_latency;
};

struct cpu_metrics {
    std::int64_t busy_ns = 0; ///< running a task
    std::int64_t idle_ns = 0;
    std::int64_t higher_ns = 0; ///< held by a higher class
    std::int64_t lost_ns = 0;   ///< taken from the kernel (inside the others)
    forced_idle forced;
    std::uint64_t switches = 0;
    std::uint64_t cgroup_switches = 0; ///< to a task of another cgroup than the CPU's last task
    std::uint64_t keeps = 0;           ///< previous tasks kept for want of another
    std::uint64_t dispatches = 0;
    std::uint64_t kicks_sent = 0;
    std::uint64_t kicks_received = 0;
    std::uint64_t ipis = 0;
    cpu_metrics& operator+=(const cpu_metrics& other);
};

struct pair_metrics {
    std::array<cpu_id, 2> cpus{};
    std::uint64_t adoptions = 0;
    std::uint64_t cgroup_changes = 0; ///< adoptions of another cgroup than before
    std::uint64_t waits = 0;          ///< dispatches that had to wait for the partner
    duration_summary batch;           ///< adoption to next adoption
    duration_summary drain;           ///< draining set to next adoption, where a record showed it set
    forced_idle forced;               ///< of both CPUs
    std::int64_t shared_ns = 0;       ///< both CPUs run tasks of one cgroup
    std::int64_t co_run_ns = 0;       ///< both CPUs run tasks, of different cgroups
    std::int64_t alone_ns = 0;        ///< exactly one CPU runs a task
};

struct metrics_result {
    sim_time from{};
    sim_time to{};
    std::vector<cgroup_metrics> cgroups;
    std::vector<task_metrics> tasks; ///< [n]: the task with pid n + 1
    std::vector<cpu_metrics> cpus;
    std::vector<pair_metrics> pairs;
    cpu_metrics machine;             ///< sum over CPUs
    duration_summary wakeup_latency; ///< of all cgroups
    std::uint64_t wakeups_direct = 0;
    std::uint64_t wakeups_queued = 0;
    /// Jain's index of the CPU times of the cgroups that had work, in millionths, rounded down; 0 if none had.
    std::uint32_t jain_per_million = 0;

    std::int64_t span_ns() const { return to_ns(to) - to_ns(from); }
};

/// Jain's fairness index (sum x)^2 / (n * sum x^2), in millionths, rounded down; 0 for no or only zero times.
/// Exact while the sum stays below 2^52 ns (52 days of CPU time); above, times are rounded down first.
std::uint32_t jain_per_million(const std::vector<std::int64_t>& times_ns);

class metrics final : public trace_sink {
public:
    /// @p warmup: nothing before this instant counts.
    metrics(const machine_config& machine, const workload& work, const pair_map& pairs, sim_time warmup);

    void on_records(std::span<const trace_record> records) override;
    /// The numbers of [warmup, @p end). To be called once, after the last record.
    metrics_result finish(sim_time end);

private:
    /// For how long a number has been above zero.
    struct presence {
        std::uint32_t n = 0;
        std::int64_t before_ns = 0;
        sim_time since{};
        std::int64_t at(sim_time t) const { return before_ns + (n != 0 ? (t - since).count() : 0); }
        void change(bool up, sim_time t);
    };
    struct cpu_account {
        sim_time since{};             ///< accounted up to here
        std::int64_t anyone_ns = 0;   ///< waiting_ at `since`
        std::int64_t own_ns = 0;      ///< waiting_in_ of the pair's cgroup at `since`
        std::uint32_t restricted = 0; ///< waiting tasks with a restricted affinity that may run here
        cgroup_id last_cgroup = no_cgroup;
    };
    struct pair_account {
        histogram batch;
        histogram drain;
        sim_time adopted_at = never;
        sim_time draining_since = never;
    };

    /// A wait after a wake-up that its histograms do not have yet.
    struct noted_latency {
        cgroup_id cgroup{};
        pid task{};
        std::int64_t waited_ns = 0;
    };
    static constexpr std::size_t max_noted = 256;

    void on(const trace_record& r);
    void enter_latencies();
    void on_task_record(const trace_record& r);
    void on_pair_record(const trace_record& r);
    void on_switch_in(const trace_record& r);
    void begin_window(sim_time t);
    void account_all(sim_time t);
    void account_around(cpu_id cpu, sim_time t); ///< the CPU and its partner, up to t
    void mark_around(cpu_id cpu, sim_time t);    ///< after a change: new starting points
    void account_cpu(cpu_id cpu, sim_time t);
    void account_idle(cpu_id cpu, sim_time t);
    void account_pair(std::uint32_t pair, sim_time t);
    void mark_cpu(cpu_id cpu, sim_time t);
    void leave_waiting(pid p, sim_time t);
    void enter_waiting(pid p, sim_time t);
    void count_waiting(const observed_task& task, bool up, sim_time t);
    std::uint32_t& restricted_of(cpu_id cpu, cgroup_id cgroup);

    std::vector<std::vector<cpu_id>> restricted_masks_; ///< of each mask: its CPUs, or none if it is all of them
    std::vector<char> mask_is_restricted_;
    std::size_t nr_cgroups_;
    sim_time warmup_;
    bool warm_ = false;
    observed_state state_;
    metrics_result result_;
    std::vector<cpu_account> cpus_;
    std::vector<pair_account> pairs_;
    std::vector<sim_time> pair_since_;
    std::vector<histogram> latency_;           ///< by cgroup
    std::vector<histogram> task_latency_;      ///< by task, from 0
    std::vector<noted_latency> noted_;         ///< below `max_noted`
    std::vector<sim_time> wait_from_;          ///< by pid: its waiting is accounted up to here
    presence waiting_;                         ///< waiting tasks that may run anywhere
    std::vector<presence> waiting_in_;         ///< the same by cgroup
    std::vector<std::uint32_t> restricted_in_; ///< [cpu][cgroup]; empty if no mask is restricted
};

} // namespace pairsim
