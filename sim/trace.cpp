// SPDX-License-Identifier: GPL-2.0-only
#include "sim/trace.h"

#include "sim/check.h"

namespace pairsim {
namespace {

struct kind_info {
    record_kind kind;
    std::string_view name;
    std::array<std::string_view, 4> fields; ///< of task, a, b, value
    std::span<const std::string_view> reasons;
};

constexpr std::string_view pick_words[] = {"idle", "local_dsq", "higher"};
constexpr std::string_view wake_words[] = {"timer", "task", "sync", "fork"};
constexpr std::string_view path_words[] = {"queued",    "direct",  "direct_sync", "exiting", "migration_disabled",
                                           "preempted", "consumed"};
constexpr std::string_view enqueue_words[] = {"wakeup", "put_prev", "last", "restore"};
constexpr std::string_view insert_words[] = {"global", "local", "ignored"};
constexpr std::string_view keep_words[] = {"slice_left", "refilled"};
constexpr std::string_view flag_words[] = {"none", "idle",      "preempt",      "idle|preempt",
                                           "wait", "idle|wait", "preempt|wait", "idle|preempt|wait"};
constexpr std::string_view effect_words[] = {"resched", "slice_zeroed", "skipped"};
constexpr std::string_view move_words[] = {"queued", "running", "blocked"};
constexpr std::string_view class_words[] = {"idle", "ext", "rt", "dl", "stop"};

using k = record_kind;

/// The one description of every kind. Rows stand in the order of record_kind.
constexpr kind_info kinds[] = {
    {k::sched_switch, "sched_switch", {"next", "prev", "prev_state", "slice_ns"}, pick_words},
    {k::sched_waking, "sched_waking", {"task", "waker", "", ""}, wake_words},
    {k::sched_wakeup, "sched_wakeup", {"task", "target", "", ""}, path_words},
    {k::sched_wakeup_new, "sched_wakeup_new", {"task", "target", "", ""}, path_words},
    {k::enqueue, "enqueue", {"task", "cgroup", "", ""}, enqueue_words},
    {k::dispatch, "dispatch", {"prev", "loop", "", ""}, {}},
    {k::dsq_insert, "dsq_insert", {"task", "node", "", ""}, insert_words},
    {k::consume, "consume", {"task", "from", "node", ""}, {}},
    {k::local_insert, "local_insert", {"task", "target", "", "slice_ns"}, path_words},
    {k::keep_prev, "keep_prev", {"task", "", "", "slice_ns"}, keep_words},
    {k::slice_end, "slice_end", {"task", "", "", ""}, {}},
    {k::kick, "kick", {"", "target", "", ""}, flag_words},
    {k::kick_serviced, "kick_serviced", {"current", "target", "", ""}, effect_words},
    {k::ipi, "ipi", {"", "", "", ""}, {}},
    {k::kick_wait_begin, "kick_wait_begin", {"", "target", "", ""}, {}},
    {k::kick_wait_end, "kick_wait_end", {"", "target", "", ""}, {}},
    {k::cpu_release, "cpu_release", {"", "", "", ""}, class_words},
    {k::cpu_acquire, "cpu_acquire", {"", "", "", ""}, {}},
    {k::higher_arrive, "higher_arrive", {"", "", "", "length_ns"}, class_words},
    {k::task_new, "task_new", {"task", "cgroup", "mask", ""}, {}},
    {k::task_exit, "task_exit", {"task", "", "", ""}, {}},
    {k::task_move, "task_move", {"task", "from", "to", ""}, move_words},
    {k::task_affinity, "task_affinity", {"task", "mask", "", ""}, move_words},
    {k::cgroup_init, "cgroup_init", {"", "cgroup", "", ""}, {}},
    {k::cgroup_exit, "cgroup_exit", {"", "cgroup", "", ""}, {}},
    {k::scx_error, "scx_error", {"", "arg0", "arg1", "exit_kind"}, {}},
    {k::scx_exit, "scx_exit", {"", "", "", "exit_kind"}, {}},
    {k::hard_lockup, "hard_lockup", {"", "target", "", ""}, {}},
    {k::lost_time, "lost_time", {"", "", "", "length_ns"}, {}},
    {k::pair_run, "pair_run", {"cgroup", "pair", "state", "started_at_ns"}, {}},
    {k::pair_wait, "pair_wait", {"cgroup", "pair", "state", "expired"}, {}},
    {k::pair_top_q_empty, "pair_top_q_empty", {"cgroup", "pair", "state", ""}, {}},
    {k::pair_adopt, "pair_adopt", {"cgroup", "pair", "state", "started_at_ns"}, {}},
    {k::pair_coll, "pair_coll", {"cgroup", "pair", "state", ""}, {}},
    {k::pair_cgrp_empty, "pair_cgrp_empty", {"cgroup", "pair", "state", ""}, {}},
    {k::pair_missing, "pair_missing", {"task", "pair", "", ""}, {}},
    {k::pair_release, "pair_release", {"cgroup", "pair", "state", ""}, {}},
    {k::pair_acquire, "pair_acquire", {"cgroup", "pair", "state", ""}, {}},
    {k::cgrp_q_push, "cgrp_q_push", {"task", "cgroup", "", "len"}, {}},
    {k::cgrp_q_pop, "cgrp_q_pop", {"task", "cgroup", "", "len"}, {}},
    {k::top_q_push, "top_q_push", {"", "cgroup", "", "len"}, {}},
    {k::top_q_pop, "top_q_pop", {"", "cgroup", "", "len"}, {}},
    {k::lock_wait, "lock_wait", {"", "lock", "owner", ""}, {}},
};
static_assert(std::size(kinds) == nr_record_kinds);

constexpr bool rows_are_in_order()
{
    for (std::size_t i = 0; i < nr_record_kinds; ++i) {
        if (static_cast<std::size_t>(kinds[i].kind) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_are_in_order());

const kind_info& info(record_kind kind)
{
    const auto row = static_cast<std::size_t>(kind);
    SIM_CHECK(row < nr_record_kinds);
    return kinds[row];
}

} // namespace

std::string_view kind_name(record_kind kind)
{
    return info(kind).name;
}

std::array<std::string_view, 4> field_names(record_kind kind)
{
    return info(kind).fields;
}

std::string_view reason_name(record_kind kind, std::uint8_t reason)
{
    const auto words = info(kind).reasons;
    return reason < words.size() ? words[reason] : std::string_view{};
}

} // namespace pairsim
