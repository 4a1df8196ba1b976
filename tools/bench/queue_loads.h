// SPDX-License-Identifier: GPL-2.0-only
//
// The loads that event queues are compared on, and what a queue has to look like for that. A load is what the events
// do: it arms and cancels timers when one goes off. It does not know which queue it runs on, so that each does the same
// work; a digest of the times proves it.
//
// A queue has a constructor that takes the number of timers, and
//   void arm(timer_id, sim_time, event_phase)   of a timer that is not armed
//   void cancel(timer_id)                       of one that is
//   void run(handler)                           calls handler(timer, now) for each event in order of time until it
//                                               returns false
#pragma once

#include <random>
#include <string>
#include <vector>

#include "sim/event_queue.h"

namespace pairsim::bench {

constexpr std::size_t nr_queue_events = 3'000'000;

/// Increments that are drawn beforehand, so that drawing them is not measured: exponential, mean 1 us.
class increments {
public:
    nanoseconds next() { return drawn_[i_++ % drawn_.size()]; }

private:
    static std::vector<nanoseconds> draw()
    {
        std::mt19937_64 random(1);
        std::exponential_distribution<double> exponential(1e-3);
        std::vector<nanoseconds> drawn(std::size_t{1} << 14U);
        for (auto& d : drawn) {
            d = nanoseconds{1 + static_cast<std::int64_t>(exponential(random))};
        }
        return drawn;
    }
    inline static const std::vector<nanoseconds> drawn_ = draw();
    std::size_t i_ = 0;
};

/// The HOLD model: the earliest event goes, one comes at a random time after it. Many events are of one instant; which
/// of them goes first makes no difference to the times that follow.
template <class Queue>
class hold {
public:
    hold(Queue& queue, std::size_t nr_timers) : queue_(queue)
    {
        for (timer_id timer = 0; timer < nr_timers; ++timer) {
            arm(timer, at_ns(0));
        }
    }
    bool on(timer_id timer, sim_time now)
    {
        arm(timer, now);
        return ++nr_done_ < nr_queue_events;
    }
    std::size_t nr_done() const { return nr_done_; }

private:
    void arm(timer_id timer, sim_time now) { queue_.arm(timer, now + random_.next() * 16, event_phase::timer); }

    Queue& queue_;
    increments random_;
    std::size_t nr_done_ = 0;
};

/// 64 CPUs as the simulator uses the queue. Each has a tick that arms itself again, and pieces of work of random
/// length, 30 % of which are cancelled by another CPU's and begin anew. An event is one that goes off or is cancelled.
template <class Queue>
class scheduler_mix {
public:
    static constexpr timer_id nr_cpus = 64;
    static constexpr timer_id nr_timers = 2 * nr_cpus; ///< first the ticks, then the work

    scheduler_mix(Queue& queue, std::size_t /*nr_timers*/) : queue_(queue)
    {
        for (timer_id cpu = 0; cpu < nr_cpus; ++cpu) {
            queue_.arm(cpu, at_ns(cpu), event_phase::tick);
            begin_work(nr_cpus + cpu, at_ns(0));
        }
    }
    bool on(timer_id timer, sim_time now)
    {
        if (timer < nr_cpus) {
            queue_.arm(timer, now + tick, event_phase::tick);
        } else {
            begin_work(timer, now);
            if (nr_done_ % 10 < 3) {
                other_ = (other_ * 5 + 7) % nr_cpus;
                queue_.cancel(nr_cpus + other_);
                begin_work(nr_cpus + other_, now);
                ++nr_done_;
            }
        }
        return ++nr_done_ < nr_queue_events;
    }
    std::size_t nr_done() const { return nr_done_; }

private:
    /// No two events are of one instant: who is cancelled depends on the order, and among the events of an instant
    /// each queue has an order of its own. So a time is, modulo the number of timers, the timer's.
    static constexpr nanoseconds tick{8000 * nr_timers};
    void begin_work(timer_id timer, sim_time now)
    {
        const std::int64_t end = to_ns(now + random_.next() * 512);
        queue_.arm(timer, at_ns(end - end % nr_timers + timer), event_phase::user);
    }

    Queue& queue_;
    increments random_;
    std::size_t nr_done_ = 0;
    timer_id other_ = 0;
};

struct queue_load {
    std::string name;
    std::size_t hold_events; ///< of the HOLD model; 0: the scheduler's mix
};

/// What a load did; with every queue the same.
struct queue_outcome {
    std::size_t nr_events = 0;
    std::uint64_t times = 0; ///< digest of the times of the events that went off, in their order
    friend bool operator==(const queue_outcome&, const queue_outcome&) = default;
};

template <class Queue, class Load>
queue_outcome run_load(std::size_t nr_timers)
{
    Queue queue(nr_timers);
    Load load(queue, nr_timers);
    std::uint64_t times = 0;
    queue.run([&](timer_id timer, sim_time now) {
        times = (times ^ static_cast<std::uint64_t>(to_ns(now))) * 0x9e3779b97f4a7c15;
        return load.on(timer, now);
    });
    return {.nr_events = load.nr_done(), .times = times};
}

template <class Queue>
queue_outcome run_on(const queue_load& load)
{
    return load.hold_events == 0 ? run_load<Queue, scheduler_mix<Queue>>(scheduler_mix<Queue>::nr_timers)
                                 : run_load<Queue, hold<Queue>>(load.hold_events);
}

struct queue_candidate {
    std::string name;
    queue_outcome (*run)(const queue_load&);
};

/// Event cores of other simulators. Each is there where CMake has found its library.
std::vector<queue_candidate> ns3_queues();
std::vector<queue_candidate> simgrid_queues();

} // namespace pairsim::bench
