// SPDX-License-Identifier: GPL-2.0-only
//
// The simulator: a driver of the machine that gives each step a duration and runs the earliest. It owns the clock,
// the event queue, the random streams and the lives of the tasks (programs, sleeps, channels); everything that the
// kernel decides is the machine's. This is the only place where time moves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sim/config.h"
#include "sim/event_queue.h"
#include "sim/machine.h"
#include "sim/random.h"
#include "sim/ticks.h"

namespace pairsim {

class simulator final : private machine_driver {
public:
    /// Enables the scheduler at t = 0: calls ops.cgroup_init for the cgroups that exist. The arguments must outlive
    /// the simulator.
    simulator(const machine_config& config, const workload& work, const sched_ops& ops, std::uint64_t seed);
    ~simulator() override = default;
    simulator(const simulator&) = delete;
    simulator& operator=(const simulator&) = delete;

    /// Adds a reader of the trace. To be called before the first run_until().
    void add_sink(trace_sink& sink);
    /// Runs up to and including @p until, or to the end of the scheduler if that comes first.
    void run_until(sim_time until);
    /// Gives the last records to the sinks.
    void flush();

    sim_time now() const { return now_; }
    /// The scheduler has ended (error, stall, lockup); nothing more will happen.
    bool ended() const { return ended_; }
    const exit_info& exit() const { return machine_.state().exit(); }
    machine& the_machine() { return machine_; }
    /// A draw whose number is the count of all draws so far: two runs that agree in it have drawn alike.
    std::uint64_t unseed() const;
    std::uint64_t nr_events() const { return nr_events_; }
    /// What all tasks have done so far of their programs' work, in ns of a full-speed CPU: neither the kernel's paths
    /// nor the refilling of caches, and less than the time it took where an SMT sibling was busy.
    std::int64_t useful_work_ns() const;
    /// For how long @p cpu has been in kernel code so far (paths, spinning): neither in a task's or a higher class's
    /// own code nor idle, and not while its time was lost.
    nanoseconds kernel_time(cpu_id cpu) const;
    /// What the run could not do as the workload asked, in words (a cgroup that could not be created, ...).
    const std::vector<std::string>& warnings() const { return warnings_; }
    /// Makes the machine check its invariants after each event (slow: for tests).
    void check_always(bool on) { check_always_ = on; }
    /// Makes ticks be simulated one by one even where they change nothing: the same trace, slower (for tests). To be
    /// called before the first run_until().
    void simulate_each_tick() { skips_ticks_ = false; }

private:
    /// Timers of a CPU; its timer number k is cpu * nr_cpu_timers + k.
    enum cpu_timer : std::uint8_t { step_timer, tick_timer, user_timer, ipi_timer, lockup_timer, nr_cpu_timers };

    enum class cpu_mode : std::uint8_t {
        base,     ///< runs a task, a higher class or idle since base_since
        stepping, ///< in kernel code: the step timer says when the present step ends
        blocked,  ///< in kernel code, spinning
    };

    struct cpu_run {
        cpu_mode mode = cpu_mode::base;
        sim_time base_since{};
        sim_time frozen_until{}; ///< lost time ends then
        nanoseconds in_base{};   ///< sum of the base's stretches that have ended
        nanoseconds lost{};      ///< sum of lost time, up to frozen_until
        std::uint32_t speed = full_speed;
        bool ticks = false;                       ///< it has ticks: it was not idle at the last one
        std::uint32_t tick_group = 0;             ///< index, if ticks are skipped
        std::array<nanoseconds, 5> higher_left{}; ///< work of each higher class, by sched_class
        cgroup_id last_cgroup = no_cgroup;        ///< of the last task that ran here
        std::vector<sim_time> left_at;            ///< when each cgroup last ran here; only with a cold_cache_curve
        std::vector<pid> to_migrate;              ///< tasks for the stopper
        std::vector<std::uint32_t> outside;       ///< outside events that wait for the CPU to leave the kernel
        std::array<std::uint64_t, nr_cost_kinds> nr_draws{};
    };

    struct task_run {
        std::uint64_t work_left = 0; ///< in 1/1000 ns of a full-speed CPU
        std::uint64_t cold_left = 0; ///< the part of it that refills caches, done first
        std::uint32_t position = 0;  ///< next instruction of the program
        cpu_id timer_cpu{};          ///< where its timer was armed
        cgroup_id cgroup{};          ///< where it counts as live; a move counts when it is asked for
        bool in_syscall = false;     ///< the work that is left is that of a sleep's system call
        sim_time period_at{};        ///< when the present period of its timer began
        std::uint64_t nr_durations = 0;
        std::uint64_t nr_slacks = 0;
        std::uint64_t nr_late = 0;
        bool coarse = false;              ///< its timer goes off in a tick
        bool late = false;                ///< its timer has expired, but the host has not served it
        std::vector<std::uint32_t> jumps; ///< taken by each loop instruction of the program, by position
    };

    struct channel {
        std::uint64_t tokens = 0;
        std::vector<pid> waiters; ///< first come, first served
    };

    struct source_run {
        std::uint64_t nr_arrivals = 0;
    };

    static constexpr std::uint32_t full_speed = 1000;
    /// Steps at one instant before a run counts as stuck: free kernel paths can chase each other for ever.
    static constexpr std::uint64_t max_instant_steps = 10'000'000;

    // simulator.cpp: events
    void arm_initial_timers();
    void handle(timer_id timer);
    void handle_cpu_timer(cpu_id cpu, cpu_timer which);
    void handle_other_timer(timer_id timer);
    void on_task_timer(pid task);
    bool host_is_late(pid task);
    void serve_late_timers(cpu_id idle);
    void on_lockup(cpu_id cpu);
    void on_higher(std::size_t source);
    void on_lost_time(std::size_t source);
    std::size_t nr_busy_cpus() const;
    void on_outside(std::size_t event);
    void on_cgroup(std::size_t cgroup);
    void on_watchdog();
    void on_disable();
    void end_run();

    // simulator.cpp: CPUs
    void poke(cpu_id cpu);
    void poke_soon(cpu_id cpu);
    void run_cpu(cpu_id cpu);
    bool enter_base(cpu_id cpu);
    void leave_base(cpu_id cpu);
    bool enter_higher(cpu_id cpu, sched_class cls);
    void arm_user(cpu_id cpu, sim_time at);
    nanoseconds cost(cpu_id cpu, cost_kind kind)
    {
        const duration_dist& dist = config_.costs[static_cast<std::size_t>(kind)];
        return dist.is_constant() ? dist.low : draw_cost(cpu, kind);
    }
    nanoseconds draw_cost(cpu_id cpu, cost_kind kind);
    nanoseconds draw(const duration_dist& dist, random_purpose purpose, std::uint32_t entity, std::uint64_t n);
    void update_speed(cpu_id cpu);
    void warm_caches(cpu_id cpu, pid task);
    nanoseconds cold_cache_work(cpu_id cpu, cgroup_id cgroup);

    // ticks.cpp
    void begin_ticks(cpu_id cpu);
    void arm_next_tick(cpu_id cpu);
    void on_tick(cpu_id cpu);
    bool may_skip_ticks() const;
    void make_tick_groups();
    tick_group& group_of(cpu_id cpu) { return tick_groups_[run_of(cpu).tick_group]; }
    sim_time open_tick(const tick_group& g, sim_time t) const;
    void arm_ticks(const tick_group& g, sim_time needed_from);
    void follow_ticks(cpu_id cpu);
    void on_ticks(tick_group& g);
    void charge_skipped_ticks(cpu_id cpu);

    // task_program.cpp
    bool next_phase(cpu_id cpu, pid task);
    bool run_phase(cpu_id cpu, pid task, const phase& ph);
    bool enters_syscall(cpu_id cpu, task_run& t);
    void sleep(cpu_id cpu, pid task, const phase& ph);
    bool sleep_to_next_period(cpu_id cpu, pid task, const phase& ph);
    void sleep_until(cpu_id cpu, pid task, sim_time end);
    sim_time wake_time(cpu_id cpu, nanoseconds length, nanoseconds align) const;
    std::uint32_t stream_of(pid task) const;
    bool wait_channel(cpu_id cpu, pid task, channel& ch);
    bool wake_channel(cpu_id cpu, channel& ch, bool sync);
    bool change_task(cpu_id cpu, pid self, phase::op kind, std::uint32_t target, std::uint32_t arg);
    void jump(pid task, const phase& ph);
    void task_ends(pid task);
    void try_remove_cgroup(cgroup_id cgroup);

    // machine_driver
    void cpu_ready(cpu_id cpu) override;
    void ipi_sent(cpu_id target) override;
    void switched(cpu_id cpu, pid prev, pid next) override;
    void scheduler_failed() override;
    void kick_wait_began(cpu_id cpu, cpu_id target) override;
    void stopper_needed(cpu_id cpu, pid task) override;
    void slice_changes(cpu_id cpu) override;
    trace_record& next_record() override;

    cpu_run& run_of(cpu_id cpu) { return cpus_[cpu.value]; }
    task_run& run_of(pid task) { return tasks_[task.value - 1]; }
    timer_id timer_of(cpu_id cpu, cpu_timer which) const { return cpu.value * timer_id{nr_cpu_timers} + which; }
    timer_id timer_of(pid task) const { return first_task_timer_ + task.value - 1; }

    const machine_config& config_;
    const workload& work_;
    std::uint64_t seed_;

    timer_id first_task_timer_, first_higher_timer_, first_lost_timer_, first_cgroup_timer_;
    timer_id outside_timer_, watchdog_timer_, disable_timer_, nr_timers_;

    event_queue queue_;
    machine machine_;
    sim_time now_{};
    sim_time until_{};
    std::vector<cpu_run> cpus_;
    std::vector<task_run> tasks_;
    std::vector<channel> channels_;
    std::vector<source_run> higher_, lost_;
    std::vector<std::uint32_t> live_tasks_; ///< of each cgroup
    std::vector<std::uint8_t> cgroup_online_;
    std::vector<std::uint8_t> removal_begun_;
    std::size_t next_outside_ = 0;
    std::vector<pid> late_; ///< sleepers whose timers the host has not served
    std::vector<std::string> warnings_;
    std::vector<trace_sink*> sinks_;
    std::vector<trace_record> records_; ///< room for a batch, of which `nr_records_` are filled
    std::size_t nr_records_ = 0;
    std::uint64_t nr_events_ = 0;
    std::uint64_t nr_draws_ = 0;
    std::uint64_t useful_work_ = 0;                        ///< done, in 1/1000 ns of a full-speed CPU
    std::uint64_t instant_steps_left_ = max_instant_steps; ///< until time must have moved
    cost_set free_;                                        ///< kinds of steps that take no time
    std::vector<tick_group> tick_groups_;                  ///< if ticks are skipped
    std::vector<sim_time> needs_tick_from_; ///< by CPU: when its slice ends; its ticks before change nothing
    bool skips_ticks_;
    bool ticks_are_over_ = false; ///< something has happened that comes after the ticks of this instant
    bool ended_ = false;
    bool check_always_ = false;
};

} // namespace pairsim
