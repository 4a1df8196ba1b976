// SPDX-License-Identifier: GPL-2.0-only
//
// Every transition of pair_ctx in every one of its 32 states, for both sides, against a second description of
// try_dispatch(), pair_cpu_release() and pair_cpu_acquire() that works on named booleans of "I" and "my partner".
#include <vector>

#include "model/pair_ctx.h"
#include "tests/support/printers.h"
#include "tests/support/programs.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

/// A pair as one of its CPUs sees it.
struct view {
    bool i_am_active;
    bool partner_is_active;
    bool i_am_preempted;
    bool partner_is_preempted;
    bool draining;
};

struct situation {
    pair_ctx ctx;
    sides side;
    view seen;
};

constexpr nanoseconds batch = 20ms;
constexpr nanoseconds adopted_at = 100s;
constexpr cgroup_id present{7};
constexpr cgroup_id found{9};

/// All states, seen from both sides.
std::vector<situation> all_situations()
{
    std::vector<situation> all;
    for (unsigned active = 0; active < 4; ++active) {
        for (unsigned preempted = 0; preempted < 4; ++preempted) {
            for (unsigned draining = 0; draining < 2; ++draining) {
                for (unsigned me = 0; me < 2; ++me) {
                    const unsigned partner = 1 - me;
                    const auto has = [](unsigned mask, unsigned who) { return ((mask >> who) & 1U) != 0; };
                    pair_ctx ctx;
                    ctx.started_at = adopted_at;
                    ctx.cgid = present;
                    ctx.draining = static_cast<std::uint8_t>(draining);
                    ctx.active_mask = static_cast<sides>(active);
                    ctx.preempted_mask = static_cast<sides>(preempted);
                    all.push_back({ctx, static_cast<sides>(me == 0 ? 1 : 2),
                                   view{has(active, me), has(active, partner), has(preempted, me),
                                        has(preempted, partner), draining == 1}});
                }
            }
        }
    }
    return all;
}

/// What @p side sees of @p ctx.
view view_of(const pair_ctx& ctx, sides side)
{
    const int my_bit = side == 1 ? 1 : 2;
    const int partners_bit = side == 1 ? 2 : 1;
    return {(ctx.active_mask & my_bit) == my_bit, (ctx.active_mask & partners_bit) == partners_bit,
            (ctx.preempted_mask & my_bit) == my_bit, (ctx.preempted_mask & partners_bit) == partners_bit,
            ctx.draining == 1};
}

bool same(const view& a, const view& b)
{
    return a.i_am_active == b.i_am_active && a.partner_is_active == b.partner_is_active &&
           a.i_am_preempted == b.i_am_preempted && a.partner_is_preempted == b.partner_is_preempted &&
           a.draining == b.draining;
}

/// Nothing but the masks and the flag has changed.
bool same_batch(const pair_ctx& a, const pair_ctx& b)
{
    return a.started_at == b.started_at && a.cgid == b.cgid && a.running_mask == b.running_mask &&
           (a.active_mask & ~3) == 0 && (a.preempted_mask & ~3) == 0 && a.draining <= 1;
}

enum class clock_says { within_the_batch, exactly_the_end, over };

nanoseconds now_of(clock_says c)
{
    switch (c) {
    case clock_says::within_the_batch:
        return adopted_at + batch - 1ns;
    case clock_says::exactly_the_end:
        return adopted_at + batch;
    case clock_says::over:
        return adopted_at + batch + 1ns;
    }
    return {};
}

} // namespace

TEST_CASE("there are 32 states and each is seen from two sides", "[pair_ctx]")
{
    CHECK(all_situations().size() == 64);
    for (const situation& s : all_situations()) {
        CHECK(same(view_of(s.ctx, s.side), s.seen));
    }
    CHECK(side_of(0) == 1);
    CHECK(side_of(1) == 2);
}

TEST_CASE("a dispatch goes on, waits or looks for a cgroup, in every state", "[try_dispatch]")
{
    using outcome = dispatch_begun::outcome;
    const auto clock = GENERATE(clock_says::within_the_batch, clock_says::exactly_the_end, clock_says::over);
    for (const situation& s : all_situations()) {
        CAPTURE(s.ctx.active_mask, s.ctx.preempted_mask, s.ctx.draining, s.side, static_cast<int>(clock));
        const auto begun = begin_dispatch(s.ctx, s.side, now_of(clock), batch);
        CHECK(same_batch(begun.next, s.ctx));

        // Expired is strict: a batch that ends exactly now is not over.
        const bool expired = clock == clock_says::over;
        view after = s.seen;
        outcome what = outcome::go_on;
        bool kick = false;
        after.i_am_active = true;
        if (expired || s.seen.draining) {
            after.i_am_active = false; // whoever dispatches has stopped
            after.draining = true;
            const bool nobody_preempted = !s.seen.i_am_preempted && !s.seen.partner_is_preempted;
            what = s.seen.partner_is_active || !nobody_preempted ? outcome::wait : outcome::choose;
            kick = what == outcome::wait && expired && nobody_preempted; // a drain for other reasons kicks nobody
        }
        CHECK(begun.what == what);
        CHECK(begun.kick_partner == kick);
        CHECK(same(view_of(begun.next, s.side), after));
    }
}

TEST_CASE("after the first section a side is active if and only if it goes on", "[try_dispatch]")
{
    using outcome = dispatch_begun::outcome;
    const auto clock = GENERATE(clock_says::within_the_batch, clock_says::exactly_the_end, clock_says::over);
    for (const situation& s : all_situations()) {
        const auto begun = begin_dispatch(s.ctx, s.side, now_of(clock), batch);
        const auto after = view_of(begun.next, s.side);
        CHECK(after.i_am_active == (begun.what == outcome::go_on));
        CHECK(after.draining == (begun.what != outcome::go_on));
        CHECK_FALSE((begun.kick_partner && begun.what != outcome::wait));
        if (begun.what == outcome::choose) {
            CHECK(begun.next.active_mask == 0);
            CHECK(begun.next.preempted_mask == 0);
        }
    }
}

TEST_CASE("the first dispatch of all looks for a cgroup", "[try_dispatch]")
{
    const auto begun = begin_dispatch(pair_ctx{}, 1, boot_offset, batch);
    CHECK(begun.what == dispatch_begun::outcome::choose);
    CHECK(begun.next.cgid == no_cgroup);
}

TEST_CASE("with a batch of no length every later dispatch is expired", "[try_dispatch]")
{
    using outcome = dispatch_begun::outcome;
    pair_ctx ctx;
    ctx.started_at = adopted_at;
    CHECK(begin_dispatch(ctx, 1, adopted_at, 0ns).what == outcome::go_on);
    CHECK(begin_dispatch(ctx, 1, adopted_at + 1ns, 0ns).what == outcome::choose);
}

TEST_CASE("a clock that was read before the partner adopted is within the batch", "[try_dispatch]")
{
    pair_ctx ctx;
    ctx.started_at = adopted_at;
    CHECK(begin_dispatch(ctx, 1, adopted_at - 5us, batch).what == dispatch_begun::outcome::go_on);
}

TEST_CASE("a cgroup is adopted only if the pair still drains and nobody is active", "[try_dispatch]")
{
    const nanoseconds now = adopted_at + 25ms;
    for (const situation& s : all_situations()) {
        CAPTURE(s.ctx.active_mask, s.ctx.preempted_mask, s.ctx.draining, s.side);
        const auto chosen = choose_cgroup(s.ctx, s.side, found, now);
        const bool nobody_active = !s.seen.i_am_active && !s.seen.partner_is_active;
        const bool adopts = s.seen.draining && nobody_active; // preempted CPUs do not matter here
        CHECK(chosen.adopted == adopts);
        CHECK(chosen.next.cgid == (adopts ? found : present));
        CHECK(chosen.next.started_at == (adopts ? now : adopted_at));

        view after = s.seen;
        after.i_am_active = true; // with its own choice or the partner's
        after.draining = adopts ? false : s.seen.draining;
        CHECK(same(view_of(chosen.next, s.side), after));
    }
}

TEST_CASE("of two CPUs that look for a cgroup at once the first one's choice stands", "[try_dispatch]")
{
    pair_ctx ctx;
    ctx.draining = 1;
    const auto first = choose_cgroup(ctx, 1, cgroup_id{3}, 200s);
    const auto second = choose_cgroup(first.next, 2, cgroup_id{4}, 200s - 1us);
    CHECK(first.adopted);
    CHECK_FALSE(second.adopted);
    CHECK(second.next.cgid == cgroup_id{3});
    CHECK(second.next.started_at == 200s);
    CHECK(second.next.active_mask == 3);
}

TEST_CASE("an empty cgroup makes the pair drain", "[try_dispatch]")
{
    for (const situation& s : all_situations()) {
        const auto next = cgroup_is_empty(s.ctx, s.side);
        CHECK(same_batch(next, s.ctx));
        view after = s.seen;
        after.i_am_active = false;
        after.draining = true;
        CHECK(same(view_of(next, s.side), after));
    }
}

TEST_CASE("a preempted CPU stops the pair and kicks its partner only if that is active", "[pair_cpu_release]")
{
    for (const situation& s : all_situations()) {
        const auto released = release_side(s.ctx, s.side);
        CHECK(same_batch(released.next, s.ctx));
        view after = s.seen;
        after.i_am_preempted = true;
        after.i_am_active = false;
        after.draining = true;
        CHECK(same(view_of(released.next, s.side), after));
        CHECK(released.kick_partner == s.seen.partner_is_active);
    }
}

TEST_CASE("a CPU that comes back kicks its partner once nobody is preempted", "[pair_cpu_acquire]")
{
    for (const situation& s : all_situations()) {
        const auto acquired = acquire_side(s.ctx, s.side);
        CHECK(same_batch(acquired.next, s.ctx));
        view after = s.seen;
        after.i_am_preempted = false; // and the pair goes on draining if it does
        CHECK(same(view_of(acquired.next, s.side), after));
        CHECK(acquired.kick_partner == !s.seen.partner_is_preempted);
    }
}

TEST_CASE("no sequence of transitions leads out of the 32 states", "[pair_ctx]")
{
    pair_ctx ctx;
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        const auto side = static_cast<sides>(n * 7 % 3 == 0 ? 1 : 2);
        const nanoseconds now = adopted_at + n * 1ms;
        switch (n * 13 % 5) {
        case 0:
            ctx = begin_dispatch(ctx, side, now, batch).next;
            break;
        case 1:
            ctx = choose_cgroup(ctx, side, cgroup_id{static_cast<std::uint32_t>(n)}, now).next;
            break;
        case 2:
            ctx = cgroup_is_empty(ctx, side);
            break;
        case 3:
            ctx = release_side(ctx, side).next;
            break;
        default:
            ctx = acquire_side(ctx, side).next;
            break;
        }
        REQUIRE(ctx.active_mask < 4);
        REQUIRE(ctx.preempted_mask < 4);
        REQUIRE(ctx.draining < 2);
    }
}

TEST_CASE("the trace's bits of a state are the state", "[pair_ctx]")
{
    for (const situation& s : all_situations()) {
        const auto bits = to_bits(s.ctx);
        CHECK((bits & 3U) == s.ctx.active_mask);
        CHECK(((bits >> 2U) & 3U) == s.ctx.preempted_mask);
        CHECK((bits >> 4U) == s.ctx.draining);
    }
}
