// SPDX-License-Identifier: GPL-2.0-only
//
// Event queues: ours, std::priority_queue and Boost's d-ary heap, on the same events.
#include <queue>
#include <random>
#include <vector>

#include <boost/heap/d_ary_heap.hpp>
#include <fmt/format.h>

#include "sim/event_queue.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/timing.h"

namespace pairsim::bench {
namespace {

constexpr std::size_t nr_events = 3'000'000;

/// Increments that are drawn beforehand, so that drawing them is not measured: exponential, mean 1 us.
class increments {
public:
    increments()
    {
        std::mt19937_64 random(1);
        std::exponential_distribution<double> exponential(1e-3);
        for (auto& d : drawn_) {
            d = nanoseconds{1 + static_cast<std::int64_t>(exponential(random))};
        }
    }
    nanoseconds next() { return drawn_[i_++ % drawn_.size()]; }

private:
    std::vector<nanoseconds> drawn_ = std::vector<nanoseconds>(std::size_t{1} << 14U);
    std::size_t i_ = 0;
};

struct heap_event {
    sim_time at;
    std::uint64_t order; ///< ties are broken as in event_queue
    timer_id timer;
    std::uint32_t generation; ///< cancelled if the timer's has moved on
    friend bool operator<(const heap_event& a, const heap_event& b)
    {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
};

/// A heap of events as event_queue: a timer that is armed again or cancelled leaves its old event in the heap, where
/// it is skipped.
template <class Heap>
class lazy_queue {
public:
    explicit lazy_queue(std::size_t nr_timers) : generation_(nr_timers) {}
    void arm(timer_id timer, sim_time at, event_phase /*phase*/)
    {
        heap_.push({at, sequence_++, timer, ++generation_[timer]});
    }
    void cancel(timer_id timer) { ++generation_[timer]; }
    timer_id next()
    {
        while (heap_.top().generation != generation_[heap_.top().timer]) {
            heap_.pop();
        }
        return heap_.top().timer;
    }
    sim_time next_time() const { return heap_.top().at; }
    void pop() { heap_.pop(); }

private:
    Heap heap_;
    std::uint64_t sequence_ = 0;
    std::vector<std::uint32_t> generation_;
};

using std_queue = lazy_queue<std::priority_queue<heap_event>>;
using boost_queue = lazy_queue<boost::heap::d_ary_heap<heap_event, boost::heap::arity<4>>>;

/// The HOLD model: the earliest event goes, one comes at a random time after it.
template <class Queue>
double hold(std::size_t nr_timers)
{
    increments random;
    Queue queue(nr_timers);
    for (std::size_t i = 0; i < nr_timers; ++i) {
        queue.arm(static_cast<timer_id>(i), at_ns(0) + random.next() * 16, event_phase::timer);
    }
    for (std::size_t n = 0; n < nr_events; ++n) {
        const timer_id timer = queue.next();
        const sim_time now = queue.next_time();
        queue.pop();
        queue.arm(timer, now + random.next() * 16, event_phase::timer);
    }
    return static_cast<double>(nr_events);
}

/// 64 CPUs as the simulator uses the queue. Each has a tick that arms itself again, and pieces of work of random
/// length, 30 % of which are cancelled by another CPU's and begin anew. An event is one that goes off or is cancelled.
template <class Queue>
double scheduler_mix()
{
    constexpr timer_id nr_cpus = 64;
    constexpr nanoseconds tick = std::chrono::milliseconds{1};
    increments random;
    Queue queue(2 * nr_cpus);
    for (timer_id cpu = 0; cpu < nr_cpus; ++cpu) {
        queue.arm(cpu, at_ns(7 * cpu), event_phase::tick);
        queue.arm(nr_cpus + cpu, at_ns(0) + random.next() * 512, event_phase::user);
    }
    std::size_t n = 0;
    for (timer_id other = 0; n < nr_events; ++n) {
        const timer_id timer = queue.next();
        const sim_time now = queue.next_time();
        queue.pop();
        if (timer < nr_cpus) {
            queue.arm(timer, now + tick, event_phase::tick);
            continue;
        }
        queue.arm(timer, now + random.next() * 512, event_phase::user);
        if (n % 10 < 3) {
            other = (other * 5 + 7) % nr_cpus;
            queue.cancel(nr_cpus + other);
            queue.arm(nr_cpus + other, now + random.next() * 512, event_phase::user);
            ++n;
        }
    }
    return static_cast<double>(n);
}

void print(const char* what, std::span<const timing> results)
{
    for (const timing& t : results) {
        fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.2f} |\n", what, t.name, t.per_second / 1e6, 1e9 / t.per_second,
                   t.per_second / results.front().per_second);
    }
}

} // namespace

void queue()
{
    fmt::print("## Event queues\n\n| load | queue | million events/s | ns an event | ratio |\n"
               "| --- | --- | ---: | ---: | ---: |\n");
    const auto all = [](const char* what, auto ours, auto std_heap, auto boost_heap) {
        const candidate candidates[] = {
            {"event_queue", ours}, {"std::priority_queue", std_heap}, {"boost::heap::d_ary_heap", boost_heap}};
        print(what, measure(candidates));
    };
    all("64 CPUs, 30 % cancelled", scheduler_mix<event_queue>, scheduler_mix<std_queue>, scheduler_mix<boost_queue>);
    for (const auto& [what, n] : {std::pair{"HOLD, 64 events", 64}, {"HOLD, 1024", 1024}, {"HOLD, 65536", 65536}}) {
        const auto size = static_cast<std::size_t>(n);
        all(
            what, [=] { return hold<event_queue>(size); }, [=] { return hold<std_queue>(size); },
            [=] { return hold<boost_queue>(size); });
    }
    fmt::print("\n");
}

} // namespace pairsim::bench
