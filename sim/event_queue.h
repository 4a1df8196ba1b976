// SPDX-License-Identifier: GPL-2.0-only
//
// The event queue: a fixed set of timers, each armed at most once, and a winner tree over them. An event is a timer
// that goes off; what it means is known by its number. Arm, cancel and pop cost O(log timers) and never allocate.
// The order of events is total: {time, phase, sequence}; docs/explanation/event-order.md says why.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/time.h"

namespace pairsim {

/// Tie-break among events of one instant, in this order.
enum class event_phase : std::uint8_t {
    lost_time,   ///< a CPU is taken away before it can do or notice anything else
    kernel_step, ///< a step that is under way ends before anything new begins
    ipi,         ///< effects of what other CPUs did earlier
    tick,        ///< the timer interrupt
    timer,       ///< sleeps that end
    higher,      ///< work of higher classes arrives
    user,        ///< a task or a higher class finishes its piece of work
    outside,     ///< what processes outside the workload do; cgroups come and go
    watchdog,    ///< looks at the result of all of the above
};

using timer_id = std::uint32_t;
inline constexpr timer_id no_timer = ~timer_id{0};

class event_queue {
public:
    explicit event_queue(std::size_t nr_timers);

    /// Arms or re-arms @p timer. @p at must not be `never`.
    void arm(timer_id timer, sim_time at, event_phase phase);
    void cancel(timer_id timer);
    bool armed(timer_id timer) const { return leaf(timer).time != idle_time; }
    /// When @p timer goes off; `never` if it is not armed.
    sim_time deadline(timer_id timer) const;

    /// Time of the next event, `never` if there is none.
    sim_time next_time() const;
    /// The next event; no_timer if there is none. It stays armed: pop() removes it.
    timer_id next() const;
    void pop() { cancel(next()); }

private:
    struct key {
        std::uint64_t time;  ///< idle_time while not armed
        std::uint64_t order; ///< phase in the top byte, insertion number below
        bool before(const key& other) const { return time < other.time || (time == other.time && order < other.order); }
    };
    struct node {
        key best;
        timer_id winner;
    };
    static constexpr std::uint64_t idle_time = ~std::uint64_t{0};

    const key& leaf(timer_id timer) const { return nodes_[nr_leaves_ + timer].best; }
    void replay(timer_id timer);

    std::size_t nr_leaves_; ///< a power of two
    std::uint64_t sequence_ = 0;
    std::vector<node> nodes_; ///< node 1 is the root; node i has children 2i and 2i + 1
};

} // namespace pairsim
