// SPDX-License-Identifier: GPL-2.0-only
//
// The names of the sentences that narration.h chooses from.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tools/view/narration.h"

namespace pairsim {

// clang-format off
enum class sentence : sentence_id {
    switch_from_idle,
    switch_from_runnable,
    switch_from_sleeping,
    switch_from_dead,
    switch_from_higher,
    idle_from_runnable,
    idle_from_sleeping,
    idle_from_dead,
    idle_from_higher,
    switch_to_higher,
    waking_timer,
    waking_task,
    waking_sync,
    waking_fork,
    woken_queued,
    woken_direct,
    woken_sync,
    woken_by_rule,
    enqueue_wakeup,
    enqueue_put_prev,
    enqueue_last,
    enqueue_restore,
    dispatch_called,
    insert_global,
    insert_local,
    insert_ignored,
    consumed,
    put_back,
    put_local,
    keep_slice_left,
    keep_refilled,
    slice_ended,
    kick_plain,
    kick_to_preempt,
    kick_to_wait,
    serviced_resched,
    serviced_zeroed,
    serviced_skipped,
    ipi_arrived,
    wait_begun,
    wait_over,
    released,
    acquired,
    higher_arrived,
    task_begun,
    task_ended,
    task_moved,
    affinity_changed,
    cgroup_begun,
    cgroup_ended,
    error_called,
    exited,
    locked_up,
    time_lost,
    run_on,
    run_adopted,
    wait_and_kick,
    wait_draining,
    wait_preempted,
    wait_marked,
    no_cgroup_left,
    adopts,
    collides,
    finds_empty,
    pid_missing,
    release_and_kick,
    release_only,
    acquire_and_kick,
    acquire_only,
    fifo_push,
    fifo_pop,
    top_push,
    top_pop,
    lock_contended,
};
// clang-format on
inline constexpr std::size_t nr_sentences = static_cast<std::size_t>(sentence::lock_contended) + 1;

} // namespace pairsim
