// SPDX-License-Identifier: GPL-2.0-only
//
// One line of a kernel trace as text: what tracefs (`trace`), `trace-cmd report`, `perf script` and `perf sched script`
// print of the scheduler's events. Pure: a line in, an event out.
#pragma once

#include <cstdint>
#include <string_view>

namespace pairsim {

struct sched_event {
    enum class kind : std::uint8_t {
        none,         ///< a comment, an empty line, a heading
        malformed,    ///< not a line of a trace, or an event that we know with fields that we do not understand
        other,        ///< an event of another kind
        lost,         ///< the tracer says that it lost events of `cpu`
        sched_switch, ///< pid: the previous task, next_pid: the next one
        waking,
        wakeup,
        wakeup_new,
        migrate,
        fork, ///< pid: the parent, next_pid: the child
        exit,
        attach, ///< comm: path of the cgroup that pid has been moved to
        pair,   ///< ours: comm is its name, fields its fields
    };
    kind what = kind::none;
    bool prev_runnable = false; ///< of sched_switch: the previous task still wants to run
    bool prev_dead = false;
    std::uint32_t cpu = 0;
    std::int64_t at_ns = 0;
    std::uint32_t pid = 0;
    std::int32_t prio = 0; ///< kernel: 120 + nice; below 100: a higher class; -1: deadline
    std::string_view comm;
    std::uint32_t next_pid = 0;
    std::int32_t next_prio = 0;
    std::string_view next_comm;
    std::uint32_t target_cpu = 0; ///< of wake-ups and migrations
    std::string_view fields;      ///< of pair
};

/// @p line without its newline. Views of the result are into @p line.
sched_event parse_sched_line(std::string_view line);

} // namespace pairsim
