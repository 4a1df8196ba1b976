// SPDX-License-Identifier: GPL-2.0-only
#include "sim/machine.h"

#include <algorithm>

#include "sim/check.h"

namespace pairsim {
namespace {

state_layout layout_of(const machine_config& config, const workload& work, const sched_ops::traits& traits,
                       const topology& topo)
{
    return {.nr_cpus = config.nr_cpus(),
            .nr_tasks = work.tasks.size(),
            .nr_nodes = topo.node_mask.size(),
            .nr_locks = config.nr_cpus() + topo.node_mask.size() + traits.nr_locks,
            .max_batch = traits.dispatch_max_batch,
            .mask_words = cpumask_words(config.nr_cpus()),
            .sched_bytes = traits.state_bytes};
}

} // namespace

machine::machine(const machine_config& config, const workload& work, const sched_ops& ops, machine_driver& driver)
    : config_(config), work_(work), ops_(ops), traits_(ops.describe()), driver_(driver), topo_(config),
      first_sched_lock_(static_cast<lock_id>(config.nr_cpus() + topo_.node_mask.size())),
      state_(layout_of(config, work, traits_, topo_))
{
    for (const cpumask& mask : work.cpumasks) {
        is_pinning_.push_back(static_cast<char>(mask.weight() == 1));
    }
    ops_.init_state(state_.sched());
    // Enabling a scheduler marks all CPUs idle (kernel: reset_idle_masks()).
    for (std::size_t i = 0; i < config.nr_cpus(); ++i) {
        set_idle(cpu_id{static_cast<std::uint16_t>(i)}, true);
    }
}

// ---- frames and ops -------------------------------------------------------------------------------------------

frame& machine::push(cpu_id cpu, path kind)
{
    cpu_state& c = state_.cpu(cpu);
    SIM_CHECK(c.depth < max_frames);
    frame& f = c.frames[c.depth++];
    f.kind = kind;
    return f;
}

/// Leaves no trace of the finished frame in the state: equal situations are equal values.
void machine::pop(cpu_id cpu)
{
    cpu_state& c = state_.cpu(cpu);
    c.frames[--c.depth] = frame{};
}

/// Begins an op; its first step comes after the trampoline.
machine::result machine::call_op(cpu_id cpu, op_kind which, pid task, std::uint32_t arg)
{
    frame& f = push(cpu, path::op);
    f.which = which;
    f.task = task;
    f.arg = arg;
    return cost_kind::ops_call;
}

machine::result machine::step_op(cpu_id cpu, frame& f)
{
    kfuncs k(*this, cpu);
    const op_step step = ops_.step(f, k);
    switch (step.what) {
    case op_step::kind::more:
        return step.cost;
    case op_step::kind::done:
        pop(cpu);
        return step.cost;
    case op_step::kind::blocked:
        return std::nullopt;
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// cgroup_init, cgroup_exit and exit run in a sleepable context that holds no lock which a CPU could want for long,
/// so their steps need no boundary between them.
void machine::run_op_at_once(op_kind which, cgroup_id cgroup, int& returned)
{
    frame f;
    f.kind = path::op;
    f.which = which;
    f.arg = cgroup.value;
    kfuncs k(*this, no_cpu);
    while (ops_.step(f, k).what == op_step::kind::more) {
    }
    returned = f.result;
}

int machine::cgroup_init(cgroup_id cgroup)
{
    emit(record_kind::cgroup_init, no_cpu, 0, idle_pid, cgroup.value);
    int returned = 0;
    run_op_at_once(op_kind::cgroup_init, cgroup, returned);
    return returned;
}

void machine::cgroup_exit(cgroup_id cgroup)
{
    emit(record_kind::cgroup_exit, no_cpu, 0, idle_pid, cgroup.value);
    int returned = 0;
    run_op_at_once(op_kind::cgroup_exit, cgroup, returned);
}

void machine::scheduler_exit()
{
    int returned = 0;
    run_op_at_once(op_kind::exit, root_cgroup, returned);
    emit(record_kind::scx_exit, no_cpu, 0, idle_pid, 0, 0, static_cast<std::int64_t>(state_.exit().kind));
}

// ---- locks ----------------------------------------------------------------------------------------------------

/// Takes a lock that this CPU holds across steps; false: it is taken and the CPU now waits for it.
bool machine::acquire(cpu_id cpu, lock_id lock)
{
    spinlock& l = state_.lock(lock);
    if (l.owner == no_cpu || l.owner == cpu) {
        l.owner = cpu;
        return true;
    }
    cpu_state& c = state_.cpu(cpu);
    SIM_CHECK(c.waiting_for == no_lock);
    emit(record_kind::lock_wait, cpu, 0, idle_pid, lock, l.owner.value);
    c.waiting_for = lock;
    if (l.first_waiter == no_cpu) {
        l.first_waiter = cpu;
    } else {
        state_.cpu(l.last_waiter).next_waiter = cpu;
    }
    l.last_waiter = cpu;
    return false;
}

/// Takes a lock until the present step has taken its time.
bool machine::acquire_for_step(cpu_id cpu, lock_id lock)
{
    if (!acquire(cpu, lock)) {
        return false;
    }
    SIM_CHECK(state_.cpu(cpu).short_lock == no_lock);
    state_.cpu(cpu).short_lock = lock;
    return true;
}

void machine::release(cpu_id cpu, lock_id lock)
{
    spinlock& l = state_.lock(lock);
    SIM_CHECK(l.owner == cpu);
    l.owner = l.first_waiter;
    if (l.owner == no_cpu) {
        return;
    }
    cpu_state& next = state_.cpu(l.owner);
    l.first_waiter = next.next_waiter;
    if (l.first_waiter == no_cpu) {
        l.last_waiter = no_cpu;
    }
    next.next_waiter = no_cpu;
    next.waiting_for = no_lock;
    driver_.cpu_ready(l.owner);
}

inline void machine::release_short_lock(cpu_id cpu, cpu_state& c)
{
    if (c.short_lock != no_lock) {
        const lock_id lock = c.short_lock;
        c.short_lock = no_lock;
        release(cpu, lock);
    }
}

void machine::end_step(cpu_id cpu)
{
    release_short_lock(cpu, state_.cpu(cpu));
}

/// The CPU spins on a field of a task: it is tried again when the field may have changed.
bool machine::wait_for_task(cpu_id cpu, pid task)
{
    state_.task(task).awaited = 1;
    state_.cpu(cpu).waiting_for = spin_on_task | task.value;
    return false;
}

/// Lets the CPUs that spin on @p task look again. They are few and rare, so looking for them is not a cost.
void machine::task_changed(pid task)
{
    task_state& p = state_.task(task);
    if (p.awaited == 0) {
        return;
    }
    p.awaited = 0;
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        cpu_state& c = state_.cpu(cpu);
        if (c.waiting_for == (spin_on_task | task.value)) {
            c.waiting_for = no_lock;
            driver_.cpu_ready(cpu);
        }
    }
}

// ---- steps ----------------------------------------------------------------------------------------------------

bool machine::interruptible(const cpu_state& cpu) const
{
    constexpr std::uint8_t waits_with_interrupts_on = 2;
    return cpu.depth == 0 || (cpu.in_kick_wait == waits_with_interrupts_on && cpu.depth == 1);
}

bool machine::has_kernel_work(cpu_id cpu) const
{
    const cpu_state& c = state_.cpu(cpu);
    return c.depth > 0 || c.short_lock != no_lock || c.pending != irq_none || c.wake_first != idle_pid ||
           c.need_resched != 0;
}

/// At the end of its path the CPU will be in its base, unless somebody makes it reschedule, for which he needs the lock
/// of its runqueue.
bool machine::is_last_work(const cpu_state& cpu)
{
    return cpu.depth == 1 && cpu.pending == irq_none && cpu.wake_first == idle_pid && cpu.need_resched == 0;
}

bool machine::next_is_left_mover(cpu_id cpu) const
{
    const cpu_state& c = state_.cpu(cpu);
    if (interruptible(c)) {
        return false;
    }
    const frame& f = c.frames[c.depth - 1U];
    switch (f.kind) {
    case path::schedule:
        return schedule_is_left_mover(cpu, f);
    case path::enqueue:
        return enqueue_is_left_mover(f);
    case path::wakeup:
        return wakeup_is_left_mover(cpu, f);
    case path::kick:
        return kick_is_left_mover(cpu, f);
    case path::change_group:
        return change_group_is_left_mover(cpu, f);
    case path::op:
        return ops_.next_is_left_mover(f);
    case path::tick:
    case path::ipi:
    case path::higher_wake:
    case path::set_affinity:
        return false;
    }
    SIM_CHECK(false);
    return false;
}

step_result machine::step(cpu_id cpu)
{
    return step(cpu, state_.cpu(cpu));
}

step_result machine::steps(cpu_id cpu, cost_set free, std::uint64_t& left)
{
    cpu_state& c = state_.cpu(cpu);
    step_result done{step_result::kind::stepped, cost_kind::none};
    for (; left > 0 && done.what == step_result::kind::stepped && free.has(done.cost); --left) {
        done = step(cpu, c);
    }
    return done;
}

inline step_result machine::step(cpu_id cpu, cpu_state& c)
{
    release_short_lock(cpu, c);
    SIM_CHECK(c.waiting_for == no_lock);
    if (interruptible(c)) {
        if (const auto cost = take_interrupt(cpu, c)) {
            return {step_result::kind::stepped, *cost};
        }
        if (c.depth == 0) {
            return {step_result::kind::base, cost_kind::none};
        }
    }
    const result done = step_path(cpu, c);
    if (!done) {
        return {step_result::kind::blocked, cost_kind::none};
    }
    return {step_result::kind::stepped, *done};
}

/// Takes the CPU out of its base: the pending interrupt of the highest vector first, as on x86, then schedule().
std::optional<cost_kind> machine::take_interrupt(cpu_id cpu, cpu_state& c)
{
    const bool leaves_idle = c.curr == idle_pid && c.depth == 0;
    const auto entry = [&](cost_kind usual) { return leaves_idle ? cost_kind::idle_exit : usual; };
    if (c.pending != irq_none) {
        const auto lowest_bit = static_cast<std::uint8_t>(c.pending & (~c.pending + 1U)); // the order of enum irq
        c.pending ^= lowest_bit;
        switch (static_cast<irq>(lowest_bit)) {
        case irq_ipi:
            emit(record_kind::ipi, cpu, 0, idle_pid);
            return entry(cost_kind::irq_entry);
        case irq_kick:
            push(cpu, path::kick);
            return entry(cost_kind::irq_work);
        case irq_tick:
            push(cpu, path::tick);
            return cost_kind::none;
        case irq_higher:
            push(cpu, path::higher_wake);
            return entry(cost_kind::irq_entry);
        case irq_none:
            break;
        }
        SIM_CHECK(false);
    }
    if (c.wake_first != idle_pid) {
        const pid task = c.wake_first;
        task_state& p = state_.task(task);
        c.wake_first = p.wake_next;
        if (c.wake_first == idle_pid) {
            c.wake_last = idle_pid;
        }
        p.wake_next = idle_pid;
        begin_wakeup(cpu, task, p.state == life::unborn ? wake_reason::fork : wake_reason::timer);
        return entry(cost_kind::irq_entry);
    }
    if (c.need_resched != 0 && c.depth == 0) {
        begin_schedule(cpu, 0);
        return c.curr == idle_pid ? cost_kind::idle_loop : cost_kind::preempt_latency;
    }
    return std::nullopt;
}

inline machine::result machine::step_path(cpu_id cpu, cpu_state& c)
{
    frame& f = c.frames[c.depth - 1U];
    switch (f.kind) {
    case path::schedule:
        return step_schedule(cpu, f);
    case path::enqueue:
        return step_enqueue(cpu, f);
    case path::wakeup:
        return step_wakeup(cpu, f);
    case path::tick:
        return step_tick(cpu);
    case path::ipi:
        break; // an IPI has no path of its own: it only makes the CPU look at need_resched
    case path::kick:
        return step_kick(cpu, f);
    case path::higher_wake:
        return step_higher_wake(cpu);
    case path::change_group:
        return step_change_group(cpu, f);
    case path::set_affinity:
        return step_set_affinity(cpu, f);
    case path::op:
        return step_op(cpu, f);
    }
    SIM_CHECK(false);
    return std::nullopt;
}

/// The timer interrupt. Source: sched_tick(), task_tick_scx().
machine::result machine::step_tick(cpu_id cpu)
{
    if (!acquire_for_step(cpu, rq_lock(cpu))) {
        return std::nullopt;
    }
    const cpu_state& c = state_.cpu(cpu);
    if (is_task(c.curr)) {
        update_curr(cpu);
        if (state_.task(c.curr).slice == nanoseconds{0}) {
            emit(record_kind::slice_end, cpu, 0, c.curr);
            resched_curr(cpu, cpu);
        }
    }
    pop(cpu);
    return cost_kind::tick;
}

/// Something of a higher class wakes up on its CPU. Source: try_to_wake_up(), wakeup_preempt().
machine::result machine::step_higher_wake(cpu_id cpu)
{
    if (!acquire_for_step(cpu, rq_lock(cpu))) {
        return std::nullopt;
    }
    cpu_state& c = state_.cpu(cpu);
    c.higher_runnable |= c.higher_waking;
    c.higher_waking = 0;
    if (highest_runnable(c) > class_of(c.curr)) {
        resched_curr(cpu, cpu);
    }
    pop(cpu);
    return cost_kind::wakeup_activate;
}

// ---- what happens to a CPU ------------------------------------------------------------------------------------

void machine::timer_expired(cpu_id cpu, pid task)
{
    cpu_state& c = state_.cpu(cpu);
    if (c.wake_first == idle_pid) {
        c.wake_first = task;
    } else {
        state_.task(c.wake_last).wake_next = task;
    }
    c.wake_last = task;
}

void machine::higher_arrives(cpu_id cpu, sched_class cls, nanoseconds length)
{
    emit(record_kind::higher_arrive, cpu, cls, idle_pid, 0, 0, length.count());
    cpu_state& c = state_.cpu(cpu);
    const auto bit = static_cast<std::uint8_t>(1U << static_cast<unsigned>(cls));
    if ((c.higher_runnable & bit) == 0) {
        c.higher_waking |= bit;
        raise(cpu, irq_higher);
    }
}

void machine::create_task(pid task, cpu_id cpu)
{
    const task_spec& spec = work_.tasks[task.value - 1];
    task_state& p = state_.task(task);
    p.cgroup = spec.cgroup;
    p.affinity = spec.affinity;
    p.cpu = cpu;
    p.slice = config_.slice_dfl;
    emit(record_kind::task_new, cpu, 0, task, p.cgroup.value, p.affinity);
}

void machine::fail(exit_kind kind, std::uint32_t code, std::uint64_t arg0, std::uint64_t arg1, cpu_id cpu)
{
    exit_info& info = state_.exit();
    if (info.kind != exit_kind::none) {
        return;
    }
    info = {.kind = kind, .code = code, .arg0 = arg0, .arg1 = arg1, .at = now_, .cpu = cpu};
    emit(record_kind::scx_error, cpu, static_cast<std::uint8_t>(code), idle_pid, static_cast<std::uint32_t>(arg0),
         static_cast<std::uint32_t>(arg1), static_cast<std::int64_t>(kind));
    driver_.scheduler_failed();
}

std::optional<pid> machine::find_stalled_task() const
{
    for (std::size_t i = 0; i < work_.tasks.size(); ++i) {
        const pid task{static_cast<std::uint32_t>(i + 1)};
        const task_state& p = state_.task(task);
        const bool waits = p.queued != 0 && state_.cpu(p.cpu).curr != task;
        if (waits && now_ > p.runnable_at + config_.watchdog_timeout) {
            return task;
        }
    }
    return std::nullopt;
}

/// Rules that hold between any two steps, whatever the scheduler does.
void machine::check_invariants()
{
    for (std::size_t i = 0; i < config_.nr_cpus(); ++i) {
        const cpu_id cpu{static_cast<std::uint16_t>(i)};
        const cpu_state& c = state_.cpu(cpu);
        std::uint32_t on_local = 0;
        for (pid p = c.local.first; p != idle_pid; p = state_.task(p).dsq_next) {
            SIM_CHECK(state_.task(p).on_dsq == dsq_kind::local && state_.task(p).cpu == cpu);
            ++on_local;
        }
        SIM_CHECK(on_local == c.local.nr);
        if (is_task(c.curr)) {
            SIM_CHECK(state_.task(c.curr).cpu == cpu && state_.task(c.curr).on_cpu != 0);
        }
    }
    for (std::size_t i = 0; i < config_.nr_cpus() + topo_.node_mask.size() + traits_.nr_locks; ++i) {
        const cpu_id owner = state_.lock(static_cast<lock_id>(i)).owner;
        if (owner != no_cpu) { // a CPU in its base holds no lock
            SIM_CHECK(state_.cpu(owner).depth != 0 || state_.cpu(owner).short_lock == i);
        }
    }
    for (std::size_t i = 0; i < work_.tasks.size(); ++i) {
        const pid task{static_cast<std::uint32_t>(i + 1)};
        const task_state& p = state_.task(task);
        if (p.on_dsq != dsq_kind::none) {
            const cpu_state& c = state_.cpu(p.cpu); // put_prev_task_scx() links curr before the switch
            SIM_CHECK(p.queued != 0 && p.ops == ops_state::none && (c.curr != task || c.depth > 0));
        }
        SIM_CHECK(p.slice >= nanoseconds{0});
    }
}

// ---- kfuncs ---------------------------------------------------------------------------------------------------

nanoseconds kfuncs::now() const
{
    return boot_offset + machine_.now_.time_since_epoch();
}

void kfuncs::kick_cpu(cpu_id target, std::uint8_t flags)
{
    machine_.emit(record_kind::kick, cpu_, flags, idle_pid, target.value);
    machine_.request_kick(cpu_, target, flags);
}

void kfuncs::dsq_insert(pid task, bool to_local, nanoseconds slice)
{
    machine_.buffer_insert(cpu_, task, to_local, slice);
}

cgroup_id kfuncs::task_cgroup(pid task) const
{
    return machine_.state_.task(task).cgroup;
}

bool kfuncs::task_exists(pid task) const
{
    const task_state& p = machine_.state_.task(task);
    return p.state != life::unborn && (p.state != life::dead || p.on_cpu != 0);
}

bool kfuncs::task_may_run_on(pid task, cpu_id cpu) const
{
    return machine_.task_allowed(task, cpu);
}

void kfuncs::error(std::uint32_t code, std::uint64_t arg0, std::uint64_t arg1)
{
    machine_.fail(exit_kind::error_bpf, code, arg0, arg1, cpu_);
}

bool kfuncs::lock(std::size_t index)
{
    if (cpu_ == no_cpu) {
        return true; // run_op_at_once()
    }
    return machine_.acquire_for_step(cpu_, machine_.first_sched_lock_ + static_cast<lock_id>(index));
}

std::byte* kfuncs::state()
{
    return machine_.state_.sched();
}

void kfuncs::emit(record_kind kind, std::uint8_t reason, pid task, std::uint32_t a, std::uint32_t b, std::int64_t value)
{
    machine_.emit(kind, cpu_, reason, task, a, b, value);
}

} // namespace pairsim
