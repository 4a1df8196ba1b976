// SPDX-License-Identifier: GPL-2.0-only
//
// Records in words: one sentence a kind.
#include <algorithm>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/explore/counterexample.h"

namespace pairsim {
namespace {

using k = record_kind;

struct sentence {
    record_kind kind;
    /// {task}: the task; {other}: the task in field a; {group}, {from}, {to}: the cgroups in task, a and b; {cpu}: the
    /// CPU in a; {n}: the value; {how}: the reason.
    std::string_view text;
};

constexpr sentence sentences[] = {
    {k::sched_switch, "switches from {other} to {task}"},
    {k::sched_waking, "begins to wake {task}"},
    {k::sched_wakeup, "{task} is runnable on cpu {cpu}: {how}"},
    {k::sched_wakeup_new, "{task} is runnable on cpu {cpu}: {how}"},
    {k::enqueue, "calls ops.enqueue for {task}"},
    {k::dispatch, "calls ops.dispatch"},
    {k::dsq_insert, "what it dispatched, {task}, goes to the DSQ: {how}"},
    {k::consume, "takes {task} from the global DSQ"},
    {k::local_insert, "{task} goes to the local DSQ of cpu {cpu}: {how}"},
    {k::keep_prev, "keeps {task}: {how}"},
    {k::slice_end, "the slice of {task} is over"},
    {k::kick, "asks for a kick of cpu {cpu} ({how})"},
    {k::kick_serviced, "the kick acts on cpu {cpu}: {how}"},
    {k::ipi, "the reschedule IPI arrives"},
    {k::kick_wait_begin, "begins to wait for cpu {cpu}"},
    {k::kick_wait_end, "has waited for cpu {cpu}"},
    {k::cpu_release, "calls ops.cpu_release: class {how} takes the CPU"},
    {k::cpu_acquire, "calls ops.cpu_acquire: the higher class has left"},
    {k::higher_arrive, "work of class {how} becomes runnable"},
    {k::task_new, "{task} exists"},
    {k::task_exit, "{task} ends"},
    {k::task_move, "{task} moves from {from} to {to} ({how})"},
    {k::task_affinity, "{task} changes its CPUs"},
    {k::cgroup_init, "ops.cgroup_init of {from}"},
    {k::cgroup_exit, "ops.cgroup_exit of {from}"},
    {k::scx_error, "the scheduler fails"},
    {k::scx_exit, "the scheduler is gone"},
    {k::hard_lockup, "a hard lockup"},
    {k::lost_time, "the CPU is taken away"},
    {k::pair_run, "goes on with {group}"},
    {k::pair_wait, "must wait: the partner is active, or a CPU of the pair is preempted"},
    {k::pair_top_q_empty, "finds top_q empty"},
    {k::pair_adopt, "the pair adopts {group}"},
    {k::pair_coll, "the partner was faster: the pair is on {group}"},
    {k::pair_cgrp_empty, "no task of {group} is queued: the pair drains"},
    {k::pair_missing, "the popped pid has no task"},
    {k::pair_release, "the CPU is marked preempted: the pair drains"},
    {k::pair_acquire, "the CPU is preempted no more"},
    {k::cgrp_q_push, "{task} joins the FIFO of {from} ({n} in it)"},
    {k::cgrp_q_pop, "{task} leaves the FIFO of {from} ({n} left)"},
    {k::top_q_push, "{from} is put on top_q ({n} on it)"},
    {k::top_q_pop, "{from} is taken from top_q ({n} left)"},
    {k::lock_wait, "waits for a lock"},
};
static_assert(std::size(sentences) == nr_record_kinds);

constexpr bool are_in_order()
{
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        if (static_cast<std::size_t>(sentences[i].kind) != i) {
            return false;
        }
    }
    return true;
}
static_assert(are_in_order());

} // namespace

std::string task_words(const exploration& what, pid p)
{
    if (p == idle_pid) {
        return "idle";
    }
    if (is_higher(p)) {
        return "a higher class";
    }
    return p.value <= what.base.work.tasks.size() ? what.base.work.tasks[p.value - 1].name : "?";
}

std::string words_of(const trace_record& r, const exploration& what)
{
    const auto group = [&](std::uint32_t g) {
        return g < what.base.work.cgroups.size() ? what.base.work.cgroups[g].name : std::string("none");
    };
    std::string how(reason_name(r.kind, r.reason));
    std::replace(how.begin(), how.end(), '_', ' ');
    return fmt::format(fmt::runtime(sentences[static_cast<std::size_t>(r.kind)].text),
                       fmt::arg("task", task_words(what, r.task)), fmt::arg("other", task_words(what, pid{r.a})),
                       fmt::arg("group", group(r.task.value)), fmt::arg("from", group(r.a)), fmt::arg("to", group(r.b)),
                       fmt::arg("cpu", r.a), fmt::arg("n", r.value), fmt::arg("how", how));
}

} // namespace pairsim
