// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/world.h"

#include <algorithm>

#include "sim/check.h"
#include "sim/schedule.h"

namespace pairsim {
namespace {

using kind = action::kind;

cpu_id cpu_at(std::size_t i)
{
    return cpu_id{static_cast<std::uint16_t>(i)};
}

pid pid_at(std::size_t i)
{
    return pid{static_cast<std::uint32_t>(i + 1)};
}

constexpr std::uint8_t no_budget = 0xff;
constexpr unsigned max_joined_steps = 10'000; ///< a CPU that never comes to an end of its left movers is our bug

} // namespace

explored_world::explored_world(const exploration& what, const sched_ops& ops)
    : what_(what), pair_(dynamic_cast<const pair_sched*>(&ops)), nr_cpus_(what.base.machine.nr_cpus()),
      machine_(what.base.machine, what.base.work, ops, *this)
{
    SIM_CHECK(nr_cpus_ <= surroundings::max_cpus);
    for (std::uint32_t g = 0; g < what.base.work.cgroups.size(); ++g) {
        SIM_CHECK(machine_.cgroup_init(cgroup_id{g}) == 0);
    }
    make_actions();
    machine_.canonicalise();
}

std::uint8_t explored_world::add_budget(allowance times)
{
    if (times == any_number) {
        return no_budget;
    }
    SIM_CHECK(nr_budgets_ < surroundings::max_budgets);
    around_.left[nr_budgets_] = times;
    return static_cast<std::uint8_t>(nr_budgets_++);
}

void explored_world::add(action a, allowance times)
{
    if (times == 0) {
        return;
    }
    a.budget = add_budget(times);
    actions_.push_back(a);
}

/// All actions that the exploration knows. Their order decides which of several shortest counterexamples is found.
void explored_world::make_actions()
{
    const workload& work = what_.base.work;
    for (std::size_t i = 0; i < nr_cpus_; ++i) {
        add({.what = kind::step, .cpu = cpu_at(i)}, any_number);
        add({.what = kind::ipi, .cpu = cpu_at(i)}, any_number);
    }
    for (std::size_t i = 0; i < work.tasks.size(); ++i) {
        const pid task = pid_at(i);
        const task_abilities& may = what_.tasks[i];
        for (std::size_t c = 0; c < nr_cpus_; ++c) {
            if (may.fork_anywhere || cpu_at(c) == work.tasks[i].fork_cpu) {
                add({.what = kind::fork, .cpu = cpu_at(c), .task = task}, any_number);
            }
        }
        add({.what = kind::sleep, .task = task}, may.sleep);
        add({.what = kind::sleep, .task = task}, may.wait);
        add({.what = kind::timer, .task = task}, may.sleep == 0 ? 0 : any_number);
        add({.what = kind::yield, .task = task}, may.yield);
        add({.what = kind::exit, .task = task}, may.exit);
        for (const auto& w : may.wakes) {
            add({.what = w.sync ? kind::wake_sync : kind::wake, .task = task, .arg = w.task.value}, w.times);
        }
        for (const auto& m : may.moves) {
            const std::uint8_t shared = add_budget(m.times);
            for (std::size_t c = 0; c < nr_cpus_; ++c) {
                actions_.push_back(
                    {.what = kind::move, .cpu = cpu_at(c), .task = task, .arg = m.to.value, .budget = shared});
            }
        }
    }
    const std::uint8_t slices = what_.slice_end == 0 ? no_budget : add_budget(what_.slice_end);
    for (std::size_t i = 0; i < nr_cpus_ && what_.slice_end != 0; ++i) {
        actions_.push_back({.what = kind::slice_end, .cpu = cpu_at(i), .budget = slices});
    }
    if (pair_ != nullptr && what_.batch_expiry != 0) {
        const std::uint8_t batches = add_budget(what_.batch_expiry);
        for (const auto& p : pair_->pairs().pairs) {
            if (p.first.value < pair_->pairs().ctx_entries) {
                actions_.push_back({.what = kind::batch_expiry, .arg = p.first.value, .budget = batches});
            }
        }
    }
    for (const auto& h : what_.higher) {
        const auto cls = static_cast<std::uint32_t>(h.cls);
        add({.what = kind::arrive, .cpu = h.cpu, .arg = cls}, h.times);
        add({.what = kind::leave, .cpu = h.cpu, .arg = cls}, any_number);
    }
    for (const cgroup_id g : what_.removable) {
        add({.what = kind::remove, .arg = g.value}, 1);
    }
}

pair_ctx& explored_world::ctx_of(std::uint32_t pair_id) const
{
    return pair_->maps(machine_.state()).ctx(pair_id);
}

/// rmdir needs a cgroup without tasks, and ops.cgroup_exit comes a grace period later: its last task is off its CPU.
bool explored_world::may_remove(cgroup_id g) const
{
    for (std::size_t i = 0; i < what_.base.work.tasks.size(); ++i) {
        const task_state& p = state().task(pid_at(i));
        const cgroup_id at = p.state == life::unborn ? what_.base.work.tasks[i].cgroup : p.cgroup;
        if (at == g && (p.state != life::dead || p.on_cpu != 0)) {
            return false;
        }
    }
    return true;
}

bool explored_world::enabled(const action& a) const
{
    if (a.budget != no_budget && around_.left[a.budget] == 0) {
        return false;
    }
    const auto runs = [&] { return state().task(a.task).on_cpu != 0 && in_base(state().task(a.task).cpu); };
    switch (a.what) {
    case kind::step:
        return !in_base(a.cpu);
    case kind::ipi:
        return in_base(a.cpu) && state().cpu(a.cpu).need_resched != 0;
    case kind::slice_end: {
        const pid curr = state().cpu(a.cpu).curr;
        return is_task(curr) && can_interrupt(a.cpu) && state().task(curr).slice > nanoseconds{0};
    }
    case kind::fork:
        return state().task(a.task).state == life::unborn && can_interrupt(a.cpu) &&
               state().cpu(a.cpu).wake_first == idle_pid;
    case kind::timer: {
        const task_state& p = state().task(a.task);
        return p.state == life::sleeping && can_interrupt(p.cpu) && state().cpu(p.cpu).wake_first == idle_pid;
    }
    case kind::sleep:
    case kind::yield:
    case kind::exit:
        return runs();
    case kind::wake:
    case kind::wake_sync:
        return runs() && state().task(pid{a.arg}).state == life::sleeping;
    case kind::move: {
        const task_state& p = state().task(a.task);
        return in_base(a.cpu) && p.state != life::unborn && p.state != life::dead && p.cgroup.value != a.arg;
    }
    case kind::batch_expiry:
        return ctx_of(a.arg).started_at != nanoseconds{0};
    case kind::arrive: {
        const cpu_state& c = state().cpu(a.cpu);
        return can_interrupt(a.cpu) && ((c.higher_runnable | c.higher_waking) & (1U << a.arg)) == 0;
    }
    case kind::leave:
        return in_base(a.cpu) && state().cpu(a.cpu).curr == higher_pid(static_cast<sched_class>(a.arg));
    case kind::remove:
        return pair_ != nullptr && pair_->maps(machine_.state()).q_idx(cgroup_id{a.arg}) != no_q_idx &&
               may_remove(cgroup_id{a.arg});
    }
    SIM_CHECK(false);
    return false;
}

/// The action itself. True: the CPU that it is about (its own, or that of its task) goes on in the kernel.
bool explored_world::begin(const action& a)
{
    switch (a.what) {
    case kind::step:
        break;
    case kind::ipi:
        machine_.raise(a.cpu, irq_ipi);
        break;
    case kind::slice_end:
        state().task(state().cpu(a.cpu).curr).slice = nanoseconds{0};
        machine_.raise(a.cpu, irq_tick);
        break;
    case kind::fork:
        machine_.timer_expired(a.cpu, a.task);
        break;
    case kind::timer:
        machine_.timer_expired(state().task(a.task).cpu, a.task);
        break;
    case kind::sleep:
        machine_.block_current(state().task(a.task).cpu, life::sleeping);
        break;
    case kind::yield:
        machine_.yield_current(state().task(a.task).cpu);
        break;
    case kind::exit:
        machine_.block_current(state().task(a.task).cpu, life::dead);
        break;
    case kind::wake:
    case kind::wake_sync:
        machine_.begin_wakeup(state().task(a.task).cpu, pid{a.arg},
                              a.what == kind::wake ? wake_reason::task : wake_reason::sync);
        break;
    case kind::move:
        machine_.begin_move(a.cpu, a.task, cgroup_id{a.arg});
        break;
    case kind::batch_expiry:
        ctx_of(a.arg).started_at = nanoseconds{0};
        return false;
    case kind::arrive:
        machine_.higher_arrives(a.cpu, static_cast<sched_class>(a.arg), nanoseconds{1});
        break;
    case kind::leave:
        machine_.higher_done(a.cpu, static_cast<sched_class>(a.arg));
        break;
    case kind::remove:
        machine_.cgroup_exit(cgroup_id{a.arg});
        return false;
    }
    return true;
}

/// One step of @p cpu; false if it is blocked, which leaves no trace.
bool explored_world::step(cpu_id cpu)
{
    const std::uint8_t waited = state().cpu(cpu).in_kick_wait;
    const step_result done = machine_.step(cpu);
    if (done.what == step_result::kind::blocked) {
        machine_.cancel_wait(cpu);
        machine_.end_step(cpu);
        costs_.push_back(cost_kind::schedule); // as long as another step, if it has begun to wait
        return state().cpu(cpu).in_kick_wait != waited;
    }
    machine_.end_step(cpu);
    costs_.push_back(done.cost);
    if (!machine_.has_kernel_work(cpu)) {
        around_.in_kernel[cpu.value] = 0;
    }
    return true;
}

/// A left mover may come at once, if nobody asks about the state before it: a removal about the look-ups of cgroups, a
/// stricter `exclusive` about who is switched in.
bool explored_world::next_joins(cpu_id cpu) const
{
    if (!machine_.next_is_left_mover(cpu)) {
        return false;
    }
    const cpu_state& c = state().cpu(cpu);
    const frame& f = c.frames[c.depth - 1U];
    if (f.kind == path::op) {
        return what_.removable.empty();
    }
    const bool switches = f.kind == path::schedule && (f.pc == to_underlying(schedule_pc::set_next) ||
                                                       f.pc == to_underlying(schedule_pc::context_switch));
    return !switches || what_.overlap == overlap_rule::code;
}

bool explored_world::apply(const action& a)
{
    const bool of_task = a.cpu == no_cpu && a.task != idle_pid;
    const cpu_id cpu = of_task ? state().task(a.task).cpu : a.cpu;
    costs_.clear();
    if (a.budget != no_budget) {
        --around_.left[a.budget];
    }
    bool goes_on = begin(a);
    if (goes_on) {
        around_.in_kernel[cpu.value] = 1;
    }
    if (a.what == kind::step || a.what == kind::ipi) {
        if (!step(cpu)) {
            return false;
        }
    }
    for (unsigned n = 0; goes_on && what_.reduce.partial_order; ++n) {
        SIM_CHECK(n < max_joined_steps);
        goes_on = next_joins(cpu) && state().exit().kind == exit_kind::none;
        if (goes_on) {
            const bool stepped = step(cpu);
            SIM_CHECK(stepped); // a left mover does not block
        }
    }
    machine_.canonicalise();
    return true;
}

void explored_world::relabel(machine_state& from, const surroundings& around, const relabelling& r)
{
    machine_.relabel(from, r);
    for (std::size_t c = 0; c < nr_cpus_; ++c) {
        around_.in_kernel[r.cpus[c]] = around.in_kernel[c];
    }
}

void explored_world::stopper_needed(cpu_id /*cpu*/, pid /*task*/)
{
    SIM_CHECK(false); // no action changes an affinity
}

} // namespace pairsim
