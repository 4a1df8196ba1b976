// SPDX-License-Identifier: GPL-2.0-only
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "sim/event_queue.h"
#include "sim/random.h"
#include "tests/support/printers.h"

using namespace pairsim;

namespace {

/// Takes all timers in the order in which they go off.
std::vector<timer_id> drain(event_queue& q)
{
    std::vector<timer_id> order;
    while (q.next() != no_timer) {
        order.push_back(q.next());
        q.pop();
    }
    return order;
}

/// The same queue as a sorted map.
class model_queue {
public:
    void arm(timer_id timer, std::int64_t at, event_phase phase)
    {
        cancel(timer);
        const key k{at, static_cast<int>(phase), sequence_++};
        events_.emplace(k, timer);
        armed_[timer] = k;
    }
    void cancel(timer_id timer)
    {
        if (const auto found = armed_.find(timer); found != armed_.end()) {
            events_.erase(found->second);
            armed_.erase(found);
        }
    }
    bool empty() const { return events_.empty(); }
    timer_id next() const { return events_.begin()->second; }
    std::int64_t next_time() const { return std::get<0>(events_.begin()->first); }
    bool armed(timer_id timer) const { return armed_.count(timer) != 0; }
    std::int64_t deadline(timer_id timer) const { return std::get<0>(armed_.at(timer)); }

private:
    using key = std::tuple<std::int64_t, int, std::uint64_t>;
    std::map<key, timer_id> events_;
    std::map<timer_id, key> armed_;
    std::uint64_t sequence_ = 0;
};

} // namespace

TEST_CASE("an empty queue has no next event", "[event_queue]")
{
    event_queue q(3);
    CHECK(q.next() == no_timer);
    CHECK(q.next_time() == never);
    CHECK_FALSE(q.armed(0));
    CHECK(q.deadline(2) == never);
    q.cancel(1); // does no harm
    CHECK(q.next() == no_timer);
}

TEST_CASE("a queue of one timer works", "[event_queue]")
{
    event_queue q(1);
    q.arm(0, at_ns(5), event_phase::tick);
    CHECK(q.next() == 0);
    CHECK(q.next_time() == at_ns(5));
    q.pop();
    CHECK(q.next() == no_timer);
}

TEST_CASE("events come by time, then by phase, then in the order in which they were armed", "[event_queue]")
{
    event_queue q(7);
    q.arm(0, at_ns(20), event_phase::kernel_step);
    q.arm(1, at_ns(10), event_phase::user);
    q.arm(2, at_ns(10), event_phase::tick);
    q.arm(3, at_ns(10), event_phase::tick);
    q.arm(4, at_ns(10), event_phase::kernel_step);
    q.arm(5, at_ns(9), event_phase::watchdog);
    q.arm(6, at_ns(0), event_phase::watchdog);
    CHECK(drain(q) == std::vector<timer_id>{6, 5, 4, 2, 3, 1, 0});
}

TEST_CASE("phases of one instant follow each other in the order of their enumeration", "[event_queue]")
{
    event_queue q(9);
    for (timer_id t = 0; t < 9; ++t) {
        q.arm(t, at_ns(1), static_cast<event_phase>(8 - t));
    }
    CHECK(drain(q) == std::vector<timer_id>{8, 7, 6, 5, 4, 3, 2, 1, 0});
    CHECK(event_phase::lost_time < event_phase::kernel_step);
    CHECK(event_phase::kernel_step < event_phase::ipi);
    CHECK(event_phase::ipi < event_phase::tick);
    CHECK(event_phase::tick < event_phase::timer);
    CHECK(event_phase::timer < event_phase::higher);
    CHECK(event_phase::higher < event_phase::user);
    CHECK(event_phase::user < event_phase::outside);
    CHECK(event_phase::outside < event_phase::watchdog);
}

TEST_CASE("a timer that is armed again goes off once, and behind its equals", "[event_queue]")
{
    event_queue q(2);
    q.arm(0, at_ns(10), event_phase::tick);
    q.arm(1, at_ns(10), event_phase::tick);
    q.arm(0, at_ns(10), event_phase::tick);
    CHECK(drain(q) == std::vector<timer_id>{1, 0});

    q.arm(0, at_ns(10), event_phase::tick);
    q.arm(1, at_ns(20), event_phase::tick);
    q.arm(0, at_ns(30), event_phase::tick); // later
    CHECK(q.deadline(0) == at_ns(30));
    CHECK(q.next() == 1);
    q.arm(0, at_ns(5), event_phase::tick); // sooner
    CHECK(drain(q) == std::vector<timer_id>{0, 1});
}

TEST_CASE("a cancelled timer does not go off", "[event_queue]")
{
    event_queue q(3);
    q.arm(0, at_ns(1), event_phase::tick);
    q.arm(1, at_ns(2), event_phase::tick);
    q.arm(2, at_ns(3), event_phase::tick);
    q.cancel(1);
    CHECK_FALSE(q.armed(1));
    CHECK(q.armed(2));
    q.cancel(0);
    CHECK(q.next() == 2);
    CHECK(q.next_time() == at_ns(3));
}

TEST_CASE("the last instant of all can be waited for", "[event_queue]")
{
    event_queue q(2);
    const sim_time last{never - nanoseconds{1}};
    q.arm(0, last, event_phase::watchdog);
    CHECK(q.next_time() == last);
}

TEST_CASE("the queue agrees with a sorted map over 100000 operations", "[event_queue]")
{
    const std::uint32_t nr_timers = GENERATE(2U, 3U, 17U, 64U, 200U);
    CAPTURE(nr_timers);
    event_queue q(nr_timers);
    model_queue model;
    std::int64_t now = 0;
    bool agree = true;
    for (std::uint64_t i = 0; i < 100'000 && agree; ++i) {
        const auto draw = random_draw(nr_timers, random_purpose::unseed, 0, i);
        const auto timer = static_cast<timer_id>(draw % nr_timers);
        const auto what = (draw >> 32U) % 8;
        if (what < 5) {
            const auto at = now + static_cast<std::int64_t>((draw >> 36U) % 20); // many ties
            const auto phase = static_cast<event_phase>((draw >> 48U) % 9);
            q.arm(timer, at_ns(at), phase);
            model.arm(timer, at, phase);
        } else if (what == 5) {
            q.cancel(timer);
            model.cancel(timer);
        } else if (!model.empty()) {
            now = model.next_time();
            agree = q.next() == model.next() && q.next_time() == at_ns(now);
            q.pop();
            model.cancel(model.next());
        }
        agree = agree && q.armed(timer) == model.armed(timer) &&
                q.next() == (model.empty() ? no_timer : model.next()) &&
                q.deadline(timer) == (model.armed(timer) ? at_ns(model.deadline(timer)) : never);
        if (!agree) {
            CAPTURE(i);
            REQUIRE(agree);
        }
    }
    CHECK(agree);
}
