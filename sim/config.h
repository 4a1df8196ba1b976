// SPDX-License-Identifier: GPL-2.0-only
//
// What a run is given: the machine and the workload. Plain values that somebody else has validated; sim and model
// never check them again.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sim/cpumask.h"
#include "sim/duration_dist.h"
#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

/// Whose sched_ext core the machine follows. Differences: docs/reference/fidelity.md.
enum class kernel_profile : std::uint8_t {
    k612, ///< Linux 6.12 to 6.17: a kick's wait watches pnt_seq and spins with interrupts off
    k619, ///< Linux 6.18.10 and 6.19: the wait watches kick_sync, still with interrupts off
    knew, ///< mainline since the wait moved to a balance callback
};

/// What a step of the kernel costs. The driver gives each step the duration of its kind; zero makes a path atomic.
enum class cost_kind : std::uint8_t {
    none,            ///< free by definition
    tick,            ///< timer interrupt and sched_tick
    irq_entry,       ///< entry and exit of a reschedule IPI or a timer interrupt
    schedule,        ///< __schedule up to the balance: lock, clock, the previous task
    context_switch,  ///< switch of tasks, caches aside
    cgroup_switch,   ///< extra work of a task that finds the CPU's caches filled by another cgroup
    ops_call,        ///< trampoline of a struct_ops call
    bpf_lock,        ///< a bpf_spin_lock section of the scheduler
    hash_lookup,     ///< a lookup in a BPF hash or array map
    queue_map_op,    ///< push or pop of a BPF queue map
    atomic_op,       ///< an atomic on shared memory
    pid_lookup,      ///< bpf_task_from_pid
    dsq_insert,      ///< linking a task on a shared DSQ
    consume_local,   ///< taking a task that last ran here from a global DSQ
    consume_remote,  ///< moving a task from another runqueue: each of its two lock hand-overs
    wakeup_select,   ///< try_to_wake_up up to the choice of a CPU
    wakeup_activate, ///< the rest of try_to_wake_up, under the runqueue's lock
    kick_call,       ///< scx_bpf_kick_cpu
    irq_work,        ///< self-IPI from the enabling of interrupts to the kick handler
    kick_handler,    ///< the handler, for each target
    ipi_latency,     ///< flight of a reschedule IPI
    preempt_latency, ///< from the IPI or tick to schedule() (kernel code that cannot be preempted)
    idle_exit,       ///< leaving the idle state
    timer_slack,     ///< how late a sleep ends
    cgroup_offline,  ///< from rmdir to ops.cgroup_exit
    disable,         ///< from an error to the end of the scheduler, per machine
    lock_handover,   ///< a contended lock passing from one CPU to the next
    pick,            ///< the rest of __schedule, the switch aside: pick the next task, put the previous one
    syscall,         ///< CPU time that a task needs in the kernel to go to sleep and to come back from it
    idle_loop,       ///< from the interrupt of an idle CPU to schedule(): tick_nohz_idle_exit() and the like
    irq_exit, ///< from the end of the kick handler to the look at need_resched, which a kick may have set meanwhile
};
inline constexpr std::size_t nr_cost_kinds = 31;

/// A set of kinds of costs.
class cost_set {
public:
    constexpr void add(cost_kind c) { bits_ |= bit(c); }
    constexpr bool has(cost_kind c) const { return (bits_ & bit(c)) != 0; }

private:
    static_assert(nr_cost_kinds <= 32);
    static constexpr std::uint32_t bit(cost_kind c) { return std::uint32_t{1} << static_cast<unsigned>(c); }
    std::uint32_t bits_ = 0;
};

using cost_model = std::array<duration_dist, nr_cost_kinds>;

/// What it costs a task to come back to caches that other cgroups have used for `away`.
struct cold_cache_point {
    nanoseconds away{};
    nanoseconds work{};
    friend bool operator==(const cold_cache_point&, const cold_cache_point&) = default;
};

/// Where a CPU sits. Numbers are ids of cores, last-level caches and NUMA nodes, each from 0.
struct cpu_place {
    std::uint16_t core = 0;
    std::uint16_t llc = 0;
    node_id node{};
    friend bool operator==(const cpu_place&, const cpu_place&) = default;
};

struct machine_config {
    std::vector<cpu_place> cpus;          ///< one entry a CPU; 1 to 4096 of them
    bool smt_active = true;               ///< some core has more than one CPU
    std::uint32_t hz = 250;               ///< ticks a second, 1 to 10000
    std::vector<nanoseconds> tick_offset; ///< of each CPU's ticks after the grid, below 1/hz
    duration_dist tick_jitter;            ///< added to each tick, drawn anew
    cost_model costs{};
    /// In place of the cost cgroup_switch, by the time since the task's cgroup last ran on the CPU: linear between the
    /// points, whose `away` rises; the last one's work beyond it and for a cgroup that never ran there. Empty: unused.
    std::vector<cold_cache_point> cold_cache_curve;
    /// Of a virtual machine: while some CPU is busy its host may be so much later with the timer of a sleep; once all
    /// are idle it comes as fast as an IPI.
    duration_dist late_timer;
    std::uint32_t smt_speed_permille = 1000; ///< speed of a CPU whose core's other CPU is busy
    kernel_profile profile = kernel_profile::knew;
    /// K612 with a mended SCX_KICK_WAIT: the sequence that a waiting kicker watches also advances at each balance and
    /// each put of a task. Still spun for with interrupts off.
    bool repaired_kick_wait = false;
    nanoseconds slice_dfl = std::chrono::milliseconds{20}; ///< SCX_SLICE_DFL
    nanoseconds watchdog_timeout = std::chrono::seconds{30};
    nanoseconds hard_lockup_after = std::chrono::seconds{10}; ///< watchdog_thresh
    std::uint32_t dsp_max_loops = 32;                         ///< SCX_DSP_MAX_LOOPS

    std::size_t nr_cpus() const { return cpus.size(); }
    /// Kernel: rq->scx.kick_sync, which counts puts and picks; K612 has pnt_seq, which counts only ways out of SCX.
    bool has_kick_sync() const { return profile != kernel_profile::k612 || repaired_kick_wait; }
};

/// A cgroup with a cpu controller. Entry 0 of a workload is the root.
struct cgroup_spec {
    std::string name; ///< path from the root, without the leading slash; "/" for the root
    cgroup_id parent{};
    sim_time create_at{}; ///< at 0 and before: exists when the scheduler is enabled
    sim_time remove_at = never;
};

/// One instruction of a task's life. A program is a flat list; loops jump back.
struct phase {
    enum class op : std::uint8_t {
        run,          ///< use `duration` of CPU work
        sleep,        ///< block for `duration`
        timer,        ///< block until `duration` after the last such instant (first: after the start)
        yield,        ///< sched_yield
        move,         ///< write the pid of task `target` (or its own: 0) to cgroup `arg`'s cgroup.procs
        set_affinity, ///< sched_setaffinity of task `target` (or its own: 0) to mask `arg`
        wait,         ///< block until channel `arg` holds a token, and take it
        wake,         ///< put a token in channel `arg`; `sync`: as a pipe's writer does
        loop,         ///< jump to instruction `target`, `arg` times (forever: repeat_forever), then go on
        exit,         ///< end of the task
    };
    op kind = op::exit;
    bool sync = false;
    bool catch_up = false; ///< of timer: instants that are over stay due; else the next period begins when one is late
    duration_dist duration;
    nanoseconds align{}; ///< of sleep: it ends at a multiple of this after boot, as the kernel's coarse timers do
    std::uint32_t target = 0;
    std::uint32_t arg = 0;
};
inline constexpr std::uint32_t repeat_forever = std::numeric_limits<std::uint32_t>::max();

struct task_spec {
    std::string name;
    cgroup_id cgroup{};
    std::uint32_t affinity = 0; ///< index into workload::cpumasks
    sim_time start{};
    cpu_id fork_cpu{0};         ///< where the task is forked (its parent's CPU)
    pid draws_like{};           ///< whose random durations it has; idle_pid: its own
    std::vector<phase> program; ///< ends with exit or with a loop forever
};

/// Work of a higher class on one CPU: a FIFO thread, a threaded interrupt, migration/N.
struct higher_source {
    cpu_id cpu{};
    sched_class cls = sched_class::rt;
    sim_time first{};
    duration_dist length;    ///< CPU time of an arrival
    duration_dist interval;  ///< between arrivals, from arrival to arrival
    std::uint64_t count = 1; ///< number of arrivals
};

/// A CPU taken away from the whole kernel: steal time, an interrupt storm.
struct lost_time_source {
    cpu_id cpu{};
    sim_time first{};
    duration_dist length;
    duration_dist interval;
    std::uint64_t count = 1;
    /// It only happens while every CPU is busy: a host takes a virtual CPU away for want of another of its own.
    bool only_if_all_busy = false;
};

/// Something that a process outside the workload does to a task, from CPU `cpu`.
struct outside_event {
    sim_time at{};
    cpu_id cpu{};
    phase::op kind = phase::op::move; ///< move, set_affinity or wake
    std::uint32_t target = 0;         ///< pid value; of wake: 0
    std::uint32_t arg = 0;            ///< cgroup, mask or channel
};

struct workload {
    std::vector<cpumask> cpumasks;    ///< entry 0: all CPUs
    std::vector<cgroup_spec> cgroups; ///< entry 0: the root; parents before children
    std::vector<task_spec> tasks;     ///< task n has pid n + 1
    std::uint32_t nr_channels = 0;
    std::vector<higher_source> higher;
    std::vector<lost_time_source> lost_time;
    std::vector<outside_event> outside;
};

} // namespace pairsim
