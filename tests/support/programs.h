// SPDX-License-Identifier: GPL-2.0-only
//
// Instructions of task programs, to be listed in braces: {run(3ms), sleep(1ms), again()}.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/config.h"

namespace pairsim::test {

using namespace std::chrono_literals;

inline constexpr nanoseconds a_long_time = std::chrono::seconds{10'000};

inline phase run(nanoseconds work)
{
    return {.kind = phase::op::run, .duration = duration_dist::constant(work)};
}

inline phase sleep(nanoseconds length)
{
    return {.kind = phase::op::sleep, .duration = duration_dist::constant(length)};
}

inline phase yield()
{
    return {.kind = phase::op::yield, .duration = {}};
}

/// @p target 0: the task itself.
inline phase move_to(cgroup_id to, pid target = idle_pid)
{
    return {.kind = phase::op::move, .duration = {}, .target = target.value, .arg = to.value};
}

inline phase set_affinity(std::uint32_t mask, pid target = idle_pid)
{
    return {.kind = phase::op::set_affinity, .duration = {}, .target = target.value, .arg = mask};
}

inline phase wait_for(std::uint32_t channel)
{
    return {.kind = phase::op::wait, .duration = {}, .arg = channel};
}

inline phase wake(std::uint32_t channel, bool sync = false)
{
    return {.kind = phase::op::wake, .sync = sync, .duration = {}, .arg = channel};
}

/// Jumps to instruction @p to, @p times times.
inline phase again(std::uint32_t to = 0, std::uint32_t times = repeat_forever)
{
    return {.kind = phase::op::loop, .duration = {}, .target = to, .arg = times};
}

inline phase exit_task()
{
    return {.kind = phase::op::exit, .duration = {}};
}

} // namespace pairsim::test
