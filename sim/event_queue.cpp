// SPDX-License-Identifier: GPL-2.0-only
#include "sim/event_queue.h"

#include <algorithm>
#include <bit>

#include "sim/check.h"

namespace pairsim {

event_queue::event_queue(std::size_t nr_timers)
    : nr_leaves_(std::bit_ceil(std::max<std::size_t>(nr_timers, 2))),
      nodes_(2 * nr_leaves_, node{{idle_time, idle_time}, no_timer})
{
}

void event_queue::arm(timer_id timer, sim_time at, event_phase phase)
{
    SIM_CHECK(to_ns(at) >= 0 && at != never);
    constexpr unsigned sequence_bits = 56;
    node& n = nodes_[nr_leaves_ + timer];
    n.best = {static_cast<std::uint64_t>(to_ns(at)), (std::uint64_t(phase) << sequence_bits) | sequence_++};
    n.winner = timer;
    replay(timer);
}

void event_queue::cancel(timer_id timer)
{
    node& n = nodes_[nr_leaves_ + timer];
    if (n.winner == no_timer) {
        return;
    }
    n = {{idle_time, idle_time}, no_timer};
    replay(timer);
}

/// Plays the matches from the leaf of @p timer up to the root again; stops where the result cannot change.
void event_queue::replay(timer_id timer)
{
    for (std::size_t i = (nr_leaves_ + timer) / 2; i > 0; i /= 2) {
        const node& left = nodes_[2 * i];
        const node& right = nodes_[2 * i + 1];
        const node& winner = right.best.before(left.best) ? right : left;
        if (nodes_[i].winner == winner.winner && winner.winner != timer) {
            return;
        }
        nodes_[i] = winner;
    }
}

sim_time event_queue::deadline(timer_id timer) const
{
    return armed(timer) ? at_ns(static_cast<std::int64_t>(leaf(timer).time)) : never;
}

sim_time event_queue::next_time() const
{
    const auto time = nodes_[1].best.time;
    return time == idle_time ? never : at_ns(static_cast<std::int64_t>(time));
}

timer_id event_queue::next() const
{
    return nodes_[1].winner;
}

} // namespace pairsim
