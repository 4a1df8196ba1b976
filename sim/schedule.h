// SPDX-License-Identifier: GPL-2.0-only
//
// Positions and locals of the path __schedule(): what schedule.cpp and dispatch.cpp share, and what an explorer or a
// debugger prints.
#pragma once

#include <cstdint>
#include <type_traits>

#include "sim/ids.h"

namespace pairsim {

template <class Enum>
constexpr auto to_underlying(Enum e) // std::to_underlying is C++23
{
    return static_cast<std::underlying_type_t<Enum>>(e);
}

enum class schedule_pc : std::uint8_t {
    lock,           ///< lock rq, put a blocking prev off it
    balance,        ///< balance_one(): cpu_acquire if the CPU was released
    after_acquire,  ///< keep prev for its slice, or a task in the local DSQ
    consume,        ///< consume_global_dsq(), before or after dispatch
    lock_source,    ///< consume_remote_task(): own rq unlocked, lock the task's rq
    relock,         ///< consume_remote_task(): lock own rq again
    dispatch,       ///< call ops.dispatch
    flush,          ///< flush_dispatch_buf(), one entry a step
    pick,           ///< pick_next_task()
    put_prev,       ///< put_prev_task_scx()
    switch_class,   ///< switch_class(): pnt_seq, cpu_release
    set_next,       ///< set_next_task_scx()
    context_switch, ///< context_switch()
    finish,         ///< finish_task_switch(), unlock
    sync_wait,      ///< balance callback kick_sync_wait_bal_cb(), interrupts on
};

namespace schedule_flag {
inline constexpr std::uint8_t yield = 1; ///< called by sched_yield()
}

struct schedule_locals {
    pid prev = idle_pid;
    pid next = idle_pid;
    pid moving = idle_pid;         ///< task that consume_remote_task() moves
    std::uint16_t nr_loops = 0;    ///< dispatch calls so far
    std::uint16_t nr_buffered = 0; ///< entries of the last dispatch call
    std::uint16_t nr_flushed = 0;
    std::uint8_t prev_was_queued = 0; ///< as sampled on entry (K612)
    std::uint8_t keep = 0;            ///< SCX_RQ_BAL_KEEP
    std::uint8_t after_dispatch = 0;  ///< which of the two consume_global_dsq() calls
    std::uint8_t raced = 0;           ///< the move was lost to a dequeue
    std::uint8_t reason = 0;          ///< pick_reason
    std::uint8_t switched = 0;
    std::uint8_t sync_wait = 0;
    std::uint8_t from_flush = 0; ///< the move serves a dispatch to a local DSQ
    std::uint16_t unused1 = 0;
    std::uint32_t unused2 = 0;
};
static_assert(sizeof(schedule_locals) == 32);

} // namespace pairsim
