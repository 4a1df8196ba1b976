// SPDX-License-Identifier: GPL-2.0-only
#include "sim/event_queue.h"

#include <algorithm>

#include "sim/check.h"

namespace pairsim {

event_queue::event_queue(std::size_t nr_timers)
    : nr_leaves_(std::max<std::size_t>(nr_timers, 2)), nodes_(2 * nr_leaves_, unarmed)
{
    SIM_CHECK(nr_timers < no_timer);
}

void event_queue::arm(timer_id timer, sim_time at, event_phase phase)
{
    const auto time = static_cast<std::uint64_t>(to_ns(at));
    SIM_CHECK(time < max_time - 1 && sequence_ >> (phase_shift - sequence_shift) == 0);
    put(timer, key{time} << time_shift | key(phase) << phase_shift | key{sequence_++} << sequence_shift | timer);
}

void event_queue::cancel(timer_id timer)
{
    if (armed(timer)) {
        put(timer, unarmed);
    }
}

void event_queue::pop()
{
    popped_ = next();
    nodes_[nr_leaves_ + popped_] = unarmed;
}

event_queue::key event_queue::earliest()
{
    if (popped_ != no_timer) {
        replay(popped_);
        popped_ = no_timer;
    }
    return nodes_[1];
}

void event_queue::put(timer_id timer, key k)
{
    if (popped_ != timer) {
        earliest();
    }
    popped_ = no_timer;
    nodes_[nr_leaves_ + timer] = k;
    replay(timer);
}

/// Plays the matches from the leaf of @p timer up to the root again. Which of two events is earlier is anybody's guess,
/// the processor's too: the choice must compile to no branch, and stopping early where nothing changes costs more.
void event_queue::replay(timer_id timer)
{
    std::size_t i = nr_leaves_ + timer;
    for (key winner = nodes_[i]; i > 1;) {
        const key other = nodes_[i ^ 1U];
        winner = other < winner ? other : winner;
        i /= 2;
        nodes_[i] = winner;
    }
}

} // namespace pairsim
