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
inline constexpr timer_id no_timer = 0xffffff;

class event_queue {
public:
    /// @p nr_timers: less than no_timer.
    explicit event_queue(std::size_t nr_timers);

    /// Arms or re-arms @p timer. @p at must not be `never`.
    void arm(timer_id timer, sim_time at, event_phase phase);
    void cancel(timer_id timer);
    bool armed(timer_id timer) const { return deadline(timer) != never; }
    /// When @p timer goes off; `never` if it is not armed.
    sim_time deadline(timer_id timer) const { return time_of(nodes_[nr_leaves_ + timer]); }

    /// Time of the next event, `never` if there is none.
    sim_time next_time() { return time_of(earliest()); }
    /// The next event; no_timer if there is none. It stays armed: pop() removes it.
    timer_id next() { return static_cast<timer_id>(earliest()) & no_timer; }
    void pop();

private:
    /// What an event is ordered by, packed so that one comparison decides: time (64 bits), phase (4), sequence (36);
    /// then the timer (24), below what can ever decide.
    __extension__ using key = unsigned __int128;
    static constexpr unsigned time_shift = 64, phase_shift = 60, sequence_shift = 24;
    static constexpr std::uint64_t max_time = std::uint64_t{1} << 63U;
    static constexpr key unarmed = key{max_time - 1} << time_shift | no_timer;
    static sim_time time_of(key k)
    {
        const auto time = static_cast<std::uint64_t>(k >> time_shift);
        return time == max_time - 1 ? never : at_ns(static_cast<std::int64_t>(time));
    }

    key earliest();
    void put(timer_id timer, key k);
    void replay(timer_id timer);

    std::size_t nr_leaves_;
    std::uint64_t sequence_ = 0;
    timer_id popped_ = no_timer; ///< its leaf is empty, the nodes above do not know it yet: it is likely armed again
    std::vector<key> nodes_;     ///< node 1 is the root; node i is the earlier of its children 2i and 2i + 1
};

} // namespace pairsim
