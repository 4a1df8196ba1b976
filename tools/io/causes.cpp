// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/causes.h"

#include <iterator>

namespace pairsim {
namespace {

using c = cause_id;

constexpr cause_info table[] = {
    {c::unknown, "unknown", "cpu {cpu} ran a task of {own} while cpu {other} ran {theirs}",
     "No known mechanism explains it; this is worth a look at the trace.", "report it with the scenario"},

    {c::i1, "I1", "cpu {cpu} began to run a woken task of {own} beside {theirs} on cpu {other}",
     "The wake-up found the CPU idle, so the core put the task straight into its local DSQ: scx_pair was not asked.",
     "implement ops.select_cpu and return the previous CPU (variant select_cpu_prev)"},
    {c::i2, "I2", "cpu {cpu} kept running a task of {own} after the pair moved to {theirs}",
     "`SCX_OPS_ENQ_LAST` is unset: ops.dispatch gave no task, so the core gave the previous one another slice.",
     "set SCX_OPS_ENQ_LAST (variant enq_last)"},
    {c::i2a, "I2a", "cpu {cpu} kept running a task of {own} beside {theirs} on cpu {other}, and `top_q` was empty",
     "Each CPU runs the only task that it has and nothing is queued, so no dispatch ever replaces either of them.",
     "set SCX_OPS_ENQ_LAST and implement ops.select_cpu"},
    {c::i3, "I3", "cpu {cpu} still ran a task of {own} when cpu {other} began {theirs}: it had not stopped yet",
     "The pair moves to a new cgroup before both CPUs have left the old one: one switches while the other's kick "
     "(irq_work, IPI, schedule()) or switch is under way.",
     "adopt only when the partner has stopped; the latency itself is the machine's"},
    {c::i4, "I4", "cpu {cpu} took a task of {own} from the global DSQ that a CPU of another pair had put there",
     "`SCX_DSQ_GLOBAL` has no owner: any CPU of the node may consume a task between its insert and its consumption.",
     "insert into the CPU's local DSQ (variant local_dsq)"},
    {c::i5, "I5", "cpu {cpu} took a task of {own} that another node's CPU had put into this node's global DSQ",
     "The global DSQ is that of the node where the task last ran, not of the CPU that dispatches it.",
     "insert into the CPU's local DSQ (variant local_dsq)"},
    {c::i6, "I6", "cpu {cpu} took a task of {own} that the CPU which dispatched it may not run",
     "The task's affinity excludes the CPU that popped it, so it stayed in the global DSQ for whoever may run it.",
     "check the affinity before the dispatch"},
    {c::i7, "I7", "cpu {cpu} switched to a task of {own} that its own last task had woken, beside {theirs}",
     "A sync wake-up puts the task into the waker's local DSQ, where it runs without ops.dispatch.",
     "implement ops.select_cpu and return the previous CPU (variant select_cpu_prev)"},
    {c::i8, "I8", "cpu {cpu} resumed a task of {own} from its local DSQ after a higher class had left",
     "What a higher class displaced waits in the CPU's local DSQ and runs again without ops.dispatch, whatever the "
     "pair does now.",
     "call scx_bpf_reenqueue_local() in ops.cpu_release"},
    {c::i9, "I9", "cpu {cpu} went on with a task that had just been moved to {own}, beside {theirs}",
     "A running task that changes its cgroup keeps its slice.", "implement ops.cgroup_move and kick the CPU"},
    {c::i10, "I10", "cpu {cpu} ran a task of {own} that had been popped from another cgroup's FIFO",
     "A task that is moved while it is queued stays in its old cgroup's FIFO too, and the old entry dispatches it.",
     "compare the task's cgroup with the FIFO's before the dispatch"},
    {c::i12, "I12", "cpu {cpu} ran an exiting task of {own} beside {theirs}",
     "The core puts an exiting task into the local DSQ itself (`SCX_OPS_ENQ_EXITING` is unset).",
     "set SCX_OPS_ENQ_EXITING"},
    {c::i14, "I14", "cpu {cpu} was not told that the pair had moved to {theirs} and ran on with {own}",
     "The adopting dispatch met a missing task or an empty FIFO and tried again, and the retry forgot to kick.",
     "keep kick_pair over the retries of pair_dispatch"},
    {c::i15, "I15", "cpu {cpu} was to stop and yet went on with a task of {own}",
     "A stale entry of the running task was dispatched meanwhile, which refilled the slice that had ended, or that the "
     "kick had taken.",
     "tell scx_pair of dequeues, so that no entry outlives its place"},

    {c::r1, "R1", "cpu {cpu} ran a task of {own} while a higher class held cpu {other}, which had been idle",
     "ops.cpu_release is called only when a higher class replaces an SCX task, not when the CPU was idle.",
     "watch sched_switch instead of cpu_release"},
    {c::r2, "R2", "cpu {cpu} ran on with a task of {own} while a higher class held cpu {other}: it was not kicked",
     "The running task came without ops.dispatch (kept, direct or local), so its CPU is not in active_mask and "
     "cpu_release does not kick it.",
     "kick the partner whenever it runs an SCX task"},
    {c::r3, "R3", "cpu {cpu} was kicked when a higher class took cpu {other}, and kept its task of {own}",
     "The kicked CPU's dispatch waits for its partner and gives no task, so the core keeps the previous one.",
     "set SCX_OPS_ENQ_LAST (variant enq_last)"},
    {c::r4, "R4", "cpu {cpu} adopted {own} while a higher class held cpu {other}",
     "try_dispatch drops the lock between its check of preempted_mask and the adoption.",
     "check preempted_mask again after taking the lock"},
    {c::r5, "R5", "cpu {cpu} had not yet stopped a task of {own} when a higher class ran on cpu {other}",
     "The kick of cpu_release takes time, and the higher class does not wait for it.",
     "none in the scheduler: the latency is the machine's"},

    {c::s1, "S1", "cpu {cpu} waited for the CPU that it had kicked, with interrupts off, until the detector fired",
     "On kernels up to 6.17 the wait of SCX_KICK_WAIT ends only when the kicked CPU leaves SCX, and it kept its task.",
     "do not use SCX_KICK_WAIT on these kernels"},
    {c::s2, "S2", "cpu {cpu} waited with interrupts off for a CPU that ran no SCX task, until the detector fired",
     "On kernels up to 6.17 the wait of SCX_KICK_WAIT ends only when the kicked CPU has run an SCX task and left it, "
     "and it was idle or in a higher class.",
     "do not use SCX_KICK_WAIT on these kernels"},
    {c::s4, "S4", "the pair's cgroup {own} had been removed when cpu {cpu} dispatched",
     "cgroup_exit deletes the cgroup's entry while a pair that does not drain still has it as its own.",
     "let cgroup_exit end the batch of pairs that have the cgroup"},
    {c::s5, "S5", "`top_q` overflowed",
     "Each time a FIFO goes from empty to one task its cgroup is pushed again, and entries of busy cgroups are kept.",
     "push a cgroup only if it is not on top_q"},
    {c::s6, "S6", "a cgroup's FIFO overflowed", "More tasks, or stale entries of tasks, are queued than MAX_QUEUED.",
     "raise MAX_QUEUED"},
    {c::s7, "S7", "ops.cgroup_init found no free index for a cgroup", "There are more cgroups than MAX_CGRPS.",
     "raise MAX_CGRPS"},
    {c::s8, "S8", "cpu {cpu} found no pair_ctx for its pair",
     "The loader sizes the map pair_ctx for half of the CPUs, and this stride gives pair ids above that.",
     "use the default stride (variant big_ctx_map)"},
    {c::s10, "S10", "{own} had queued tasks and was not on `top_q`",
     "Its FIFO's length was not 0 when its first task came (a removed cgroup's entries), so nobody pushed it.",
     "reset the FIFO and its length in cgroup_exit"},
    {c::s11, "S11", "a task of {own} waited behind duplicates of other cgroups on `top_q`",
     "Each entry of a busy cgroup costs the others a batch, and busy cgroups have many entries.",
     "push a cgroup only if it is not on top_q"},
    {c::s12, "S12", "tasks that wake each other kept cpu {cpu} from ops.dispatch",
     "A sync wake-up runs from the waker's local DSQ: no dispatch, so the pair never looks for another cgroup.",
     "implement ops.select_cpu and return the previous CPU (variant select_cpu_prev)"},
    {c::s13, "S13", "a task of {own} lay in a global DSQ, and nobody told the idle CPUs",
     "An insert into `SCX_DSQ_GLOBAL` wakes nobody; the CPU that inserted the task could not take it.",
     "insert into the CPU's local DSQ (variant local_dsq)"},
    {c::s14, "S14", "a task of {own} waited for a CPU that a higher class held",
     "What lies in a local DSQ, or is bound to the CPU, cannot run elsewhere.",
     "bound the higher class's time; kernels with a server for sched_ext do"},
    {c::s15, "S15", "cpu {cpu} found `top_q` empty while cpu {other} held its only entry in its hand",
     "try_dispatch pops an entry and puts it back later; who looks in between sees nothing and goes idle.",
     "hold a lock over pop and push"},
    {c::s16, "S16", "cpu {cpu} and its partner idled beside a queued task of {own}",
     "scx_pair kicks nobody when it queues a task.", "kick an idle pair in ops.enqueue"},
    {c::s17, "S17", "cpu {cpu} ran on while its pair drained",
     "A pair that drains before its batch is over kicks nobody: it waits for the partner's slice to end.",
     "kick the partner whenever the pair drains"},
    {c::s21, "S21", "{own} fell out of the rotation: `top_q` was full when it should be put back",
     "try_dispatch ignores that the push failed.", "check the result of the push"},
    {c::stall, "stall", "a runnable task did not run for longer than the watchdog allows",
     "The task waited behind duplicates on `top_q`, beside an unaware idle CPU, or under a higher class.",
     "see the longest waits in the report"},
    {c::bpf_error, "bpf-error", "the scheduler called scx_bpf_error", "See the exit message.", ""},
    {c::core_error, "core-error", "the core ended the scheduler", "See the exit message.", ""},

    {c::stale, "stale", "cpu {cpu} dispatched a task that was not queued, and the core ignored it",
     "A FIFO entry outlived its task's place in the queue: nobody tells scx_pair of dequeues.",
     "implement ops.dequeue, or mark entries"},
    {c::lost, "lost", "a task of {own} was handed to the scheduler and is in no queue",
     "ops.enqueue failed, or an entry was popped and not dispatched.", ""},
    {c::miscount, "miscount", "the counters did not add up", "A path counts twice, or not at all.", ""},
    {c::no_isolation, "no-isolation", "cpu {cpu} ran a task of {own} while cpu {other} ran {theirs}",
     "This scheduler knows no pairs and promises none of this.", "use the scheduler `pair`"},
};
static_assert(std::size(table) == nr_causes);

constexpr bool rows_are_in_order()
{
    for (std::size_t i = 0; i < nr_causes; ++i) {
        if (static_cast<std::size_t>(table[i].cause) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_are_in_order());

} // namespace

std::span<const cause_info> causes()
{
    return table;
}

const cause_info& info_of(cause_id cause)
{
    return table[static_cast<std::size_t>(cause)];
}

} // namespace pairsim
