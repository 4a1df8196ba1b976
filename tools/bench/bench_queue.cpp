// SPDX-License-Identifier: GPL-2.0-only
//
// Event queues on the same events: ours, std::priority_queue, Boost's d-ary heap, and the event cores of ns-3 and
// SimGrid where they are installed.
#include <algorithm>
#include <iterator>
#include <queue>
#include <stdexcept>

#include <boost/heap/d_ary_heap.hpp>
#include <fmt/format.h>

#include "tools/bench/benchmarks.h"
#include "tools/bench/queue_loads.h"
#include "tools/bench/timing.h"

namespace pairsim::bench {
namespace {

class own_queue : public event_queue {
public:
    using event_queue::event_queue;
    template <class Handler>
    void run(Handler handler)
    {
        for (bool more = true; more;) {
            const timer_id timer = next();
            const sim_time now = next_time();
            pop();
            more = handler(timer, now);
        }
    }
};

struct heap_event {
    sim_time at;
    std::uint64_t order; ///< ties are broken as in event_queue, the phase aside
    timer_id timer;
    friend bool operator<(const heap_event& a, const heap_event& b)
    {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
};

/// A heap of events as event_queue: a timer that is cancelled leaves its event in the heap, where it is skipped.
template <class Heap>
class lazy_queue {
public:
    explicit lazy_queue(std::size_t nr_timers) : armed_(nr_timers) {}
    void arm(timer_id timer, sim_time at, event_phase /*phase*/)
    {
        heap_.push({.at = at, .order = ++order_, .timer = timer});
        armed_[timer] = order_;
    }
    void cancel(timer_id timer) { armed_[timer] = 0; }
    template <class Handler>
    void run(Handler handler)
    {
        for (bool more = true; more;) {
            const heap_event event = heap_.top();
            heap_.pop();
            more = armed_[event.timer] != event.order || handler(event.timer, event.at);
        }
    }

private:
    Heap heap_;
    std::uint64_t order_ = 0;
    std::vector<std::uint64_t> armed_; ///< the order of each timer's event; 0: not armed
};

std::vector<queue_candidate> queues()
{
    std::vector<queue_candidate> all = {
        {"event_queue", run_on<own_queue>},
        {"std::priority_queue", run_on<lazy_queue<std::priority_queue<heap_event>>>},
        {"boost::heap::d_ary_heap", run_on<lazy_queue<boost::heap::d_ary_heap<heap_event, boost::heap::arity<4>>>>},
    };
#ifdef PAIRSIM_BENCH_NS3
    std::ranges::move(ns3_queues(), std::back_inserter(all));
#endif
#ifdef PAIRSIM_BENCH_SIMGRID
    std::ranges::move(simgrid_queues(), std::back_inserter(all));
#endif
    return all;
}

/// All queues on one load. Throws if one does other work than the first.
std::vector<timing> measure_queues(const queue_load& load, const std::vector<queue_candidate>& queues)
{
    const queue_outcome expected = queues.front().run(load);
    std::vector<candidate> candidates;
    for (const queue_candidate& queue : queues) {
        candidates.push_back({queue.name, [&] {
                                  if (queue.run(load) != expected) {
                                      throw std::runtime_error(fmt::format("{}: the events of {} are not those of {}",
                                                                           load.name, queue.name, queues.front().name));
                                  }
                                  return static_cast<double>(expected.nr_events);
                              }});
    }
    return measure(candidates);
}

} // namespace

void queue()
{
    fmt::print("## Event queues\n\n| load | queue | million events/s | ns an event | ratio |\n"
               "| --- | --- | ---: | ---: | ---: |\n");
    const std::vector<queue_candidate> all = queues();
    const queue_load loads[] = {
        {"64 CPUs, 30 % cancelled", 0}, {"HOLD, 64 events", 64}, {"HOLD, 1024", 1024}, {"HOLD, 65536", 65536}};
    for (const queue_load& load : loads) {
        const std::vector<timing> results = measure_queues(load, all);
        for (const timing& t : results) {
            fmt::print("| {} | {} | {:.1f} | {:.1f} | {:.2f} |\n", load.name, t.name, t.per_second / 1e6,
                       1e9 / t.per_second, t.per_second / results.front().per_second);
        }
    }
    if (constexpr std::string_view missing = PAIRSIM_BENCH_WITHOUT; !missing.empty()) {
        fmt::print("\nBuilt without {}: tools/dev bench references installs what is missing.\n", missing);
    }
    fmt::print("\n");
}

} // namespace pairsim::bench
