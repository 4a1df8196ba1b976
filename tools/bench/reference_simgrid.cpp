// SPDX-License-Identifier: GPL-2.0-only
//
// The event core of SimGrid (3.32 in Debian 12) as a reference: timers of its kernel, which call a function at a time.
// Timer::set() makes an object of each, Engine::run() asks for the next one, moves the clock there and calls those that
// are due, Timer::remove() takes one out of the heap, which is Boost's Fibonacci heap. No actors: what runs in one
// costs switches of contexts too, and that is not the event core. Engine::run() also asks the models of its resources
// for their next event; there is a platform, as the engine insists, but it is empty.
#include <functional>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u/Engine.hpp>
#include <simgrid/s4u/NetZone.hpp>

#include "tools/bench/queue_loads.h"

namespace pairsim::bench {
namespace {

using simgrid::kernel::timer::Timer;

/// The one that SimGrid allows a process to have.
simgrid::s4u::Engine& engine()
{
    static char name[] = "pairsim_bench";
    static char* arguments[] = {name, nullptr};
    static int nr_arguments = 1;
    static simgrid::s4u::Engine the_engine(&nr_arguments, arguments);
    static const auto* platform = simgrid::s4u::create_empty_zone("empty")->seal();
    static_cast<void>(platform);
    return the_engine;
}

/// SimGrid's clock counts seconds in a double. Here one of them is a nanosecond: whole numbers are exact. The clock
/// goes on from run to run.
class simgrid_timers {
public:
    explicit simgrid_timers(std::size_t nr_timers) : timers_(nr_timers), start_(engine().get_clock()) {}
    void arm(timer_id timer, sim_time at, event_phase /*phase*/)
    {
        timers_[timer] = Timer::set(start_ + static_cast<double>(to_ns(at)), [this, timer] { on(timer); });
    }
    void cancel(timer_id timer) { timers_[timer]->remove(); }
    template <class Handler>
    void run(Handler handler)
    {
        handler_ = handler;
        engine().run(); // until no timer is left
    }

private:
    void on(timer_id timer)
    {
        timers_[timer] = nullptr;
        if (!handler_(timer, at_ns(static_cast<std::int64_t>(engine().get_clock() - start_)))) {
            for (Timer* left : timers_) {
                left->remove();
            }
        }
    }

    std::vector<Timer*> timers_;
    double start_;
    std::function<bool(timer_id, sim_time)> handler_;
};

} // namespace

std::vector<queue_candidate> simgrid_queues()
{
    return {{"SimGrid's timers", run_on<simgrid_timers>}};
}

} // namespace pairsim::bench
