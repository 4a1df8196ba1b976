// SPDX-License-Identifier: GPL-2.0-only
//
// Which ticks are simulated. A tick that finds slice left changes nothing, if kernel paths take no time; so on such a
// machine a tick is only simulated where a slice has ended, or the CPU is not in its base. CPUs whose ticks fall on the
// same instants share a timer, which is armed for the first instant at which one of them needs its tick.
#pragma once

#include <vector>

#include "sim/event_queue.h"
#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

/// Instants at which a timer interrupt comes: a grid of 1/hz, shifted by an offset.
class tick_grid {
public:
    tick_grid(std::uint32_t hz, nanoseconds offset) : hz_(hz), offset_(offset.count()) {}
    /// Number of the first tick at or after @p t.
    std::uint64_t first_from(sim_time t) const;
    sim_time at(std::uint64_t k) const { return at_ns(offset_) + k / hz_ * second + k % hz_ * second / hz_; }

private:
    static constexpr nanoseconds second = std::chrono::seconds{1};
    std::uint64_t hz_;
    std::int64_t offset_;
};

/// The CPUs with one offset that tick (an idle CPU stops at its next tick), in the order in which they do: that in
/// which they would have armed their timers. A CPU whose ticks begin takes its place behind those that have had the
/// tick of that instant, before those that are still to have it.
struct tick_group {
    tick_grid grid;
    timer_id timer;
    std::vector<cpu_id> cpus{};
    std::size_t passed = 0;          ///< the first `passed` of them have had their tick of the present instant
    sim_time done = sim_time::min(); ///< all have had their tick of this instant
};

} // namespace pairsim
