// SPDX-License-Identifier: GPL-2.0-only
//
// Counter-based random numbers (Philox, Random123). A draw is a pure function of the seed, the stream and the draw's
// number in the stream, so that one more draw somewhere leaves all other draws as they were: two runs that differ in
// one option see the same random world (common random numbers).
#pragma once

#include <cstdint>

namespace pairsim {

/// What a stream is for. Together with the entity's number this names a stream. New purposes go to the end.
enum class random_purpose : std::uint32_t {
    phase_duration,  ///< entity: task
    timer_slack,     ///< entity: task
    tick_jitter,     ///< entity: CPU; the draw's number is the tick's
    higher_length,   ///< entity: source
    higher_interval, ///< entity: source
    lost_length,     ///< entity: source
    lost_interval,   ///< entity: source
    cgroup_offline,  ///< entity: cgroup
    disable,         ///< entity: 0
    unseed,          ///< entity: 0
    task_start,      ///< entity: task; when it is forked, if the scenario leaves that to chance
    late_timer,      ///< entity: task
    cost = 64,       ///< plus the cost_kind; entity: CPU
};

/// Draw number @p n of the stream (@p purpose, @p entity): uniform over all 64-bit values.
std::uint64_t random_draw(std::uint64_t seed, random_purpose purpose, std::uint32_t entity, std::uint64_t n);

} // namespace pairsim
