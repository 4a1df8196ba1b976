// SPDX-License-Identifier: GPL-2.0-only
//
// The event core of ns-3 (3.37 in Debian 12) as a reference: its simulator, which is what an event costs a user of
// ns-3, and its queue alone, which is what event_queue is.
//
// Simulator: Schedule() makes an object of each event, Run() takes it from the queue, sets the clock and calls it;
// Cancel() marks an event, which stays in the queue until its time. That is more than event_queue does, whose events
// are numbers: the reader of a ratio has to know. Measured with ns-3's default, MapScheduler, and with the fastest of
// its queues on these loads, PriorityQueueScheduler.
#include <functional>

#include <ns3/scheduler.h>
#include <ns3/simulator.h>

#include "tools/bench/queue_loads.h"

namespace pairsim::bench {
namespace {

ns3::ObjectFactory factory(const char* scheduler)
{
    ns3::ObjectFactory result;
    result.SetTypeId(scheduler);
    return result;
}

constexpr char map[] = "ns3::MapScheduler";
constexpr char priority_queue[] = "ns3::PriorityQueueScheduler";

/// Uses ns-3's one simulator: not two of these at a time.
template <const char* Scheduler>
class ns3_simulator {
public:
    explicit ns3_simulator(std::size_t nr_timers) : events_(nr_timers)
    {
        ns3::Simulator::SetScheduler(factory(Scheduler));
    }
    ~ns3_simulator() { ns3::Simulator::Destroy(); }
    ns3_simulator(const ns3_simulator&) = delete;
    ns3_simulator& operator=(const ns3_simulator&) = delete;

    void arm(timer_id timer, sim_time at, event_phase /*phase*/)
    {
        events_[timer] = ns3::Simulator::Schedule(ns3::Time{(at - now()).count()}, &ns3_simulator::on, this, timer);
    }
    void cancel(timer_id timer) { events_[timer].Cancel(); }
    template <class Handler>
    void run(Handler handler)
    {
        handler_ = handler;
        ns3::Simulator::Run();
    }

private:
    static sim_time now() { return at_ns(ns3::Simulator::Now().GetTimeStep()); } // its unit is a nanosecond
    void on(timer_id timer)
    {
        if (!handler_(timer, now())) {
            ns3::Simulator::Stop();
        }
    }

    std::vector<ns3::EventId> events_;
    std::function<bool(timer_id, sim_time)> handler_;
};

/// A queue of ns-3 without its simulator. Cancelled events are skipped when their time comes, as Simulator does.
template <const char* Scheduler>
class ns3_queue {
public:
    explicit ns3_queue(std::size_t nr_timers)
        : scheduler_(factory(Scheduler).template Create<ns3::Scheduler>()), armed_(nr_timers)
    {
    }
    void arm(timer_id timer, sim_time at, event_phase /*phase*/)
    {
        scheduler_->Insert(
            {.impl = nullptr, // a queue does not look at it
             .key = {.m_ts = static_cast<std::uint64_t>(to_ns(at)), .m_uid = ++uid_, .m_context = timer}});
        armed_[timer] = uid_;
    }
    void cancel(timer_id timer) { armed_[timer] = 0; }
    template <class Handler>
    void run(Handler handler)
    {
        for (bool more = true; more;) {
            const ns3::Scheduler::EventKey key = scheduler_->RemoveNext().key;
            more = armed_[key.m_context] != key.m_uid ||
                   handler(key.m_context, at_ns(static_cast<std::int64_t>(key.m_ts)));
        }
    }

private:
    ns3::Ptr<ns3::Scheduler> scheduler_;
    std::uint32_t uid_ = 0;
    std::vector<std::uint32_t> armed_; ///< the uid of each timer's event; 0: not armed
};

} // namespace

std::vector<queue_candidate> ns3_queues()
{
    return {
        {"ns3::PriorityQueueScheduler alone", run_on<ns3_queue<priority_queue>>},
        {"ns3::Simulator, PriorityQueueScheduler", run_on<ns3_simulator<priority_queue>>},
        {"ns3::Simulator, MapScheduler", run_on<ns3_simulator<map>>},
    };
}

} // namespace pairsim::bench
