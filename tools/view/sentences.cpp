// SPDX-License-Identifier: GPL-2.0-only
//
// The table of sentences. Rows stand in the order of sentences.h.
#include "tools/view/sentences.h"

#include <array>

namespace pairsim {
namespace {

using k = record_kind;
using s = sentence;

struct row {
    sentence id;
    sentence_info info;
};

constexpr const char* schedule = "__schedule()";
constexpr const char* balance = "balance_scx()";
constexpr const char* dispatch = "pair_dispatch()";
constexpr const char* first = "try_dispatch(), first section under the pair's lock";
constexpr const char* wakeup = "try_to_wake_up()";

constexpr row table[] = {
    {s::switch_from_idle,
     {k::sched_switch, true, schedule, "switch", "run",
      "cpu {cpu} leaves idle and runs {task:pid} with {value:ns} of slice"}},
    {s::switch_from_runnable,
     {k::sched_switch, true, schedule, "switch", "run",
      "cpu {cpu} switches from {a:pid}, which stays runnable, to {task:pid} with {value:ns} of slice"}},
    {s::switch_from_sleeping,
     {k::sched_switch, true, schedule, "switch", "run",
      "cpu {cpu} switches from {a:pid}, which sleeps, to {task:pid} with {value:ns} of slice"}},
    {s::switch_from_dead,
     {k::sched_switch, true, schedule, "switch", "run",
      "cpu {cpu} switches from {a:pid}, which has ended, to {task:pid} with {value:ns} of slice"}},
    {s::switch_from_higher,
     {k::sched_switch, true, schedule, "switch", "preemption",
      "cpu {cpu} is done with {a:pid} and runs {task:pid} with {value:ns} of slice"}},
    {s::idle_from_runnable,
     {k::sched_switch, true, schedule, "switch", "idle",
      "cpu {cpu} goes idle: it found no task, and {a:pid} stays runnable elsewhere"}},
    {s::idle_from_sleeping,
     {k::sched_switch, true, schedule, "switch", "idle",
      "cpu {cpu} goes idle: {a:pid} sleeps, and the CPU found no other task"}},
    {s::idle_from_dead,
     {k::sched_switch, true, schedule, "switch", "idle",
      "cpu {cpu} goes idle: {a:pid} has ended, and the CPU found no other task"}},
    {s::idle_from_higher,
     {k::sched_switch, true, schedule, "switch", "idle",
      "cpu {cpu} goes idle: {a:pid} is done, and the CPU found no task"}},
    {s::switch_to_higher,
     {k::sched_switch, true, schedule, "switch", "preemption", "cpu {cpu} switches from {a:pid} to {task:pid}"}},

    {s::waking_timer, {k::sched_waking, false, wakeup, "", "wake-up", "on cpu {cpu} a timer wakes {task:pid}"}},
    {s::waking_task, {k::sched_waking, false, wakeup, "", "wake-up", "on cpu {cpu}, {a:pid} wakes {task:pid}"}},
    {s::waking_sync,
     {k::sched_waking, false, wakeup, "sync", "wake-up",
      "on cpu {cpu}, {a:pid} wakes {task:pid} and is about to sleep itself"}},
    {s::waking_fork,
     {k::sched_waking, false, "wake_up_new_task()", "", "wake-up", "{task:pid} is forked on cpu {cpu}"}},

    {s::woken_queued,
     {k::sched_wakeup, true, wakeup, "enqueue", "wake-up",
      "{task:pid} is runnable on cpu {a:cpu}: no CPU was idle for it, so it goes to ops.enqueue"}},
    {s::woken_direct,
     {k::sched_wakeup, true, "select_task_rq_scx()", "direct dispatch", "direct-dispatch",
      "{task:pid} is runnable and cpu {a:cpu} was idle: the core puts it straight into that CPU's local DSQ, and "
      "scx_pair is not asked"}},
    {s::woken_sync,
     {k::sched_wakeup, true, "select_task_rq_scx()", "sync wake-up", "direct-dispatch",
      "{task:pid} is runnable by a sync wake-up: the core puts it into its waker's local DSQ on cpu {a:cpu}, and "
      "scx_pair "
      "is not asked"}},
    {s::woken_by_rule,
     {k::sched_wakeup, true, wakeup, "enqueue", "direct-dispatch",
      "{task:pid} is runnable: the core itself puts it into the local DSQ of cpu {a:cpu}, because it exits or cannot "
      "migrate"}},

    {s::enqueue_wakeup,
     {k::enqueue, false, "pair_enqueue()", "", "queue",
      "ops.enqueue gets {task:pid} of {a:cgroup}, which has become runnable"}},
    {s::enqueue_put_prev,
     {k::enqueue, false, "pair_enqueue()", "", "queue",
      "ops.enqueue gets {task:pid} of {a:cgroup} back: its slice is used up, or another task takes its CPU"}},
    {s::enqueue_last,
     {k::enqueue, false, "pair_enqueue()", "SCX_ENQ_LAST", "keep",
      "ops.enqueue gets {task:pid} of {a:cgroup} although it is the CPU's last task: SCX_OPS_ENQ_LAST is set"}},
    {s::enqueue_restore,
     {k::enqueue, false, "pair_enqueue()", "restore", "queue",
      "ops.enqueue gets {task:pid} of {a:cgroup} again after a change of it"}},
    {s::dispatch_called,
     {k::dispatch, false, balance, "ops.dispatch", "batch",
      "cpu {cpu} finds no task in its local DSQ and in the global one, and calls ops.dispatch"}},
    {s::insert_global,
     {k::dsq_insert, false, dispatch, "insert", "global-dsq",
      "cpu {cpu} puts {task:pid} into the global DSQ of node {a:number}, from which any CPU of the node may take it"}},
    {s::insert_local,
     {k::dsq_insert, false, dispatch, "insert", "global-dsq", "cpu {cpu} puts {task:pid} into its own local DSQ"}},
    {s::insert_ignored,
     {k::dsq_insert, true, "finish_dispatch()", "", "queue",
      "cpu {cpu} wants to dispatch {task:pid}, but it is no longer queued: the core ignores the stale entry"}},
    {s::consumed,
     {k::consume, false, balance, "global DSQ", "global-dsq",
      "cpu {cpu} takes {task:pid}, last on cpu {a:cpu}, from the global DSQ of node {b:number}"}},
    {s::put_back,
     {k::local_insert, false, "put_prev_task_scx()", "slice left", "preemption",
      "{task:pid} has {value:ns} of slice left and goes back to the head of cpu {a:cpu}'s local DSQ"}},
    {s::put_local,
     {k::local_insert, false, "do_enqueue_task()", "local", "direct-dispatch",
      "{task:pid} goes into the local DSQ of cpu {a:cpu}, past ops.enqueue"}},
    {s::keep_slice_left,
     {k::keep_prev, false, balance, "keep", "keep",
      "cpu {cpu} goes on with {task:pid}, which has {value:ns} of slice left"}},
    {s::keep_refilled,
     {k::keep_prev, true, balance, "keep", "keep",
      "cpu {cpu} found nothing else to run and SCX_OPS_ENQ_LAST is unset: the core keeps {task:pid} for another "
      "{value:ns}, whatever the pair does"}},
    {s::slice_ended,
     {k::slice_end, false, "task_tick_scx()", "", "batch",
      "a tick on cpu {cpu} finds that the slice of {task:pid} is used up"}},

    {s::kick_plain, {k::kick, false, "scx_bpf_kick_cpu()", "", "kick", "cpu {cpu} asks for a kick of cpu {a:cpu}"}},
    {s::kick_to_preempt,
     {k::kick, false, "scx_bpf_kick_cpu()", "SCX_KICK_PREEMPT", "kick",
      "cpu {cpu} asks for a kick of cpu {a:cpu} that takes its task's slice away"}},
    {s::kick_to_wait,
     {k::kick, false, "scx_bpf_kick_cpu()", "SCX_KICK_PREEMPT | SCX_KICK_WAIT", "kick",
      "cpu {cpu} asks for a kick of cpu {a:cpu} that takes its task's slice away, and will wait until that CPU has "
      "scheduled"}},
    {s::serviced_resched,
     {k::kick_serviced, false, "kick_cpus_irq_workfn()", "", "kick",
      "the kick has reached cpu {a:cpu}: it is told to reschedule"}},
    {s::serviced_zeroed,
     {k::kick_serviced, false, "kick_cpus_irq_workfn()", "", "kick",
      "the kick has reached cpu {a:cpu}: the slice of {task:pid} is set to 0 and an IPI is on its way"}},
    {s::serviced_skipped,
     {k::kick_serviced, false, "kick_cpus_irq_workfn()", "", "kick",
      "the kick finds cpu {a:cpu} in a higher class and leaves it alone"}},
    {s::ipi_arrived, {k::ipi, false, "scheduler_ipi()", "", "kick", "the reschedule IPI reaches cpu {cpu}"}},
    {s::wait_begun,
     {k::kick_wait_begin, false, "kick_cpus_irq_workfn()", "SCX_KICK_WAIT", "preemption",
      "cpu {cpu} waits until cpu {a:cpu} has scheduled"}},
    {s::wait_over,
     {k::kick_wait_end, false, "kick_cpus_irq_workfn()", "SCX_KICK_WAIT", "preemption",
      "cpu {cpu} need not wait for cpu {a:cpu} any longer"}},
    {s::released,
     {k::cpu_release, false, "switch_class()", "ops.cpu_release", "preemption",
      "a higher class takes cpu {cpu} from sched_ext, and ops.cpu_release is called"}},
    {s::acquired,
     {k::cpu_acquire, false, balance, "ops.cpu_acquire", "preemption",
      "sched_ext has cpu {cpu} again, and ops.cpu_acquire is called"}},
    {s::higher_arrived,
     {k::higher_arrive, false, wakeup, "", "preemption", "{value:ns} of work of a higher class arrive on cpu {cpu}"}},

    {s::task_begun, {k::task_new, false, "copy_process()", "", "wake-up", "{task:pid} of {a:cgroup} begins to exist"}},
    {s::task_ended, {k::task_exit, false, "do_exit()", "", "idle", "{task:pid} ends"}},
    {s::task_moved,
     {k::task_move, true, "cgroup_migrate()", "", "queue",
      "{task:pid} moves from {a:cgroup} to {b:cgroup}; scx_pair has no ops.cgroup_move and does not notice"}},
    {s::affinity_changed,
     {k::task_affinity, true, "sched_setaffinity()", "", "global-dsq", "{task:pid} may run on other CPUs from now on"}},
    {s::cgroup_begun, {k::cgroup_init, false, "pair_cgroup_init()", "", "queue", "{a:cgroup} gets a FIFO"}},
    {s::cgroup_ended, {k::cgroup_exit, true, "pair_cgroup_exit()", "", "queue", "{a:cgroup} gives its FIFO back"}},
    {s::error_called, {k::scx_error, true, "scx_bpf_error()", "", "end", "an error ends the scheduler"}},
    {s::exited,
     {k::scx_exit, false, "pair_exit()", "", "end", "the scheduler is gone; the core runs all tasks by itself"}},
    {s::locked_up,
     {k::hard_lockup, true, "watchdog_hardlockup_check()", "", "end",
      "cpu {cpu} has waited for cpu {a:cpu} with interrupts off for too long: a hard lockup"}},
    {s::time_lost, {k::lost_time, false, "the host", "", "run", "cpu {cpu} is taken from the kernel for {value:ns}"}},

    {s::run_on,
     {k::pair_run, true, dispatch, first, "batch",
      "the batch of {task:cgroup} lasts: cpu {cpu} is active and takes its next task"}},
    {s::run_adopted,
     {k::pair_run, false, dispatch, "try_dispatch(), after the choice", "adopt",
      "cpu {cpu} goes on with {task:cgroup} and takes a task of it"}},
    {s::wait_and_kick,
     {k::pair_wait, true, dispatch, first, "drain",
      "cpu {cpu} finds the batch of {task:cgroup} over and cpu {partner} still active: it drains, waits, and kicks cpu "
      "{partner}"}},
    {s::wait_draining,
     {k::pair_wait, true, dispatch, first, "drain",
      "the pair drains before the end of its batch and cpu {partner} is still active: cpu {cpu} waits, and no kick is "
      "due"}},
    {s::wait_preempted,
     {k::pair_wait, true, dispatch, first, "preemption",
      "a higher class holds cpu {partner}: cpu {cpu} must wait until it has left, and dispatches nothing"}},
    {s::wait_marked,
     {k::pair_wait, true, dispatch, first, "preemption",
      "cpu {cpu} is still marked as preempted: it must wait, and dispatches nothing"}},
    {s::no_cgroup_left,
     {k::pair_top_q_empty, true, dispatch, "try_dispatch(), loop over top_q", "adopt",
      "cpu {cpu} may choose a cgroup, but finds none with queued tasks on top_q: it dispatches nothing"}},
    {s::adopts,
     {k::pair_adopt, true, dispatch, "try_dispatch(), section after the choice", "adopt",
      "nobody of the pair is active: cpu {cpu} adopts {task:cgroup}, a new batch begins, and cpu {partner} will be "
      "kicked"}},
    {s::collides,
     {k::pair_coll, true, dispatch, "try_dispatch(), section after the choice", "adopt",
      "cpu {partner} was faster and has chosen {task:cgroup}: cpu {cpu} goes along"}},
    {s::finds_empty,
     {k::pair_cgrp_empty, true, dispatch, "try_dispatch(), cgrp_empty", "empty",
      "no task of {task:cgroup} is queued: cpu {cpu} is no longer active, lets the pair drain, and tries again"}},
    {s::pid_missing,
     {k::pair_missing, true, dispatch, "bpf_task_from_pid()", "queue",
      "the pid that cpu {cpu} took from the FIFO has no task any more: it tries again, and forgets a kick that was "
      "due"}},
    {s::release_and_kick,
     {k::pair_release, true, "pair_cpu_release()", "section under the pair's lock", "preemption",
      "cpu {cpu} is marked as preempted and the pair drains; cpu {partner} is active, so it will be kicked"}},
    {s::release_only,
     {k::pair_release, true, "pair_cpu_release()", "section under the pair's lock", "preemption",
      "cpu {cpu} is marked as preempted and the pair drains; cpu {partner} is not in active_mask, so nobody kicks it"}},
    {s::acquire_and_kick,
     {k::pair_acquire, true, "pair_cpu_acquire()", "section under the pair's lock", "preemption",
      "cpu {cpu} is no longer marked as preempted, and cpu {partner} will be kicked to look for work"}},
    {s::acquire_only,
     {k::pair_acquire, true, "pair_cpu_acquire()", "section under the pair's lock", "preemption",
      "cpu {cpu} is no longer marked as preempted, but cpu {partner} still is: nobody is kicked"}},

    {s::fifo_push,
     {k::cgrp_q_push, false, "pair_enqueue()", "push", "queue",
      "{task:pid} is queued in the FIFO of {a:cgroup}, which holds {value:number}"}},
    {s::fifo_pop,
     {k::cgrp_q_pop, false, dispatch, "pop", "queue",
      "cpu {cpu} takes {task:pid} from the FIFO of {a:cgroup}, which still holds {value:number}"}},
    {s::top_push,
     {k::top_q_push, false, "top_q", "push", "queue", "{a:cgroup} is put on top_q, which holds {value:number}"}},
    {s::top_pop,
     {k::top_q_pop, false, "top_q", "pop", "queue",
      "cpu {cpu} takes {a:cgroup} from top_q, which still holds {value:number}"}},
    {s::lock_contended,
     {k::lock_wait, false, "bpf_spin_lock()", "", "batch", "cpu {cpu} finds a lock taken and spins"}},
};

constexpr bool rows_are_in_order()
{
    for (std::size_t i = 0; i < std::size(table); ++i) {
        if (static_cast<std::size_t>(table[i].id) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_are_in_order() && std::size(table) == nr_sentences);

constexpr auto infos = [] {
    std::array<sentence_info, nr_sentences> all;
    for (std::size_t i = 0; i < nr_sentences; ++i) {
        all[i] = table[i].info;
    }
    return all;
}();

} // namespace

std::span<const sentence_info> sentences()
{
    return infos;
}

} // namespace pairsim
