// SPDX-License-Identifier: GPL-2.0-only
//
// pair_ctx, what the two CPUs of a pair share, and its transitions: one pure function for each bpf_spin_lock section
// of scx_pair. What happens between two sections is where the other CPU may interleave.
#pragma once

#include <cstdint>
#include <type_traits>

#include "sim/ids.h"
#include "sim/time.h"

namespace pairsim {

/// A set of sides of a pair: bit in_pair_idx.
using sides = std::uint8_t;

constexpr sides side_of(std::uint8_t in_pair_idx)
{
    return static_cast<sides>(1U << in_pair_idx);
}

/// Source: struct pair_ctx. The lock itself is the machine's.
struct pair_ctx {
    nanoseconds started_at{};   ///< when the pair adopted cgid; time since boot
    cgroup_id cgid = no_cgroup; ///< whose tasks the pair dispatches; scx_pair's initial 0 is no_cgroup
    std::uint8_t draining = 0;  ///< both CPUs must stop before the pair adopts another cgroup
    sides active_mask = 0;      ///< CPUs whose last dispatch went on with cgid
    sides preempted_mask = 0;   ///< CPUs that a higher class holds
    sides running_mask = 0;     ///< CPUs that really run an SCX task; only variant wait_for_partner keeps it

    friend bool operator==(const pair_ctx&, const pair_ctx&) = default;
};
static_assert(std::has_unique_object_representations_v<pair_ctx> && sizeof(pair_ctx) == 16);

/// Bits of pair_ctx as the pair_* records carry them (struct pair_bits).
constexpr std::uint32_t to_bits(const pair_ctx& ctx)
{
    return ctx.active_mask | static_cast<std::uint32_t>(ctx.preempted_mask << 2U) |
           static_cast<std::uint32_t>(ctx.draining << 4U);
}

/// The same pair if its two CPUs exchange their names.
constexpr pair_ctx with_sides_exchanged(pair_ctx ctx)
{
    const auto exchanged = [](sides s) { return static_cast<sides>((s & 1U) << 1U | (s & 2U) >> 1U); };
    ctx.active_mask = exchanged(ctx.active_mask);
    ctx.preempted_mask = exchanged(ctx.preempted_mask);
    ctx.running_mask = exchanged(ctx.running_mask);
    return ctx;
}

/// What try_dispatch() has learnt in its first section.
struct dispatch_begun {
    enum class outcome : std::uint8_t {
        go_on,  ///< the batch lasts: this CPU is active and takes a task of ctx.cgid
        wait,   ///< the partner is active or some CPU of the pair is preempted (nr_exps, nr_exp_waits)
        choose, ///< nobody is active: look for the next cgroup (nr_exps)
    };
    pair_ctx next;
    outcome what;
    bool kick_partner; ///< of wait: only where the batch is over and nobody is preempted
};

/// CPU @p side dispatches. Source: try_dispatch(), from the first bpf_spin_lock() to its unlock.
/// `expired` is strict: a batch that ends exactly now is not over.
[[nodiscard]] constexpr dispatch_begun begin_dispatch(pair_ctx ctx, sides side, nanoseconds now,
                                                      nanoseconds batch_duration)
{
    using outcome = dispatch_begun::outcome;
    ctx.active_mask = static_cast<sides>(ctx.active_mask & ~side);
    const bool expired = ctx.started_at + batch_duration < now;
    if (!expired && ctx.draining == 0) {
        ctx.active_mask |= side;
        return {ctx, outcome::go_on, false};
    }
    ctx.draining = 1;
    const auto partner_runs = static_cast<sides>(ctx.running_mask & ~side);
    if (ctx.active_mask != 0 || partner_runs != 0 || ctx.preempted_mask != 0) {
        return {ctx, outcome::wait, expired && ctx.preempted_mask == 0};
    }
    return {ctx, outcome::choose, false};
}

struct cgroup_chosen {
    pair_ctx next;
    bool adopted; ///< true: nr_cgrp_next, and the partner must be kicked; false: nr_cgrp_coll
};

/// CPU @p side comes back with the cgroup that it found on top_q. If the partner was faster, its choice stands.
/// Source: try_dispatch(), the section after the loop over top_q. preempted_mask is not looked at again.
/// @p strict (variant wait_for_partner): it is, and a partner that still runs a task stands in the way too.
[[nodiscard]] constexpr cgroup_chosen choose_cgroup(pair_ctx ctx, sides side, cgroup_id found, nanoseconds now,
                                                    bool strict = false)
{
    const bool has_left = !strict || ((ctx.running_mask & ~side) == 0 && ctx.preempted_mask == 0);
    const bool adopted = ctx.draining != 0 && ctx.active_mask == 0 && has_left;
    if (adopted) {
        ctx.cgid = found;
        ctx.started_at = now;
        ctx.draining = 0;
    }
    ctx.active_mask |= side;
    return {ctx, adopted};
}

/// CPU @p side finds no queued task of the pair's cgroup. Source: try_dispatch(), the cgrp_empty section.
[[nodiscard]] constexpr pair_ctx cgroup_is_empty(pair_ctx ctx, sides side)
{
    ctx.draining = 1;
    ctx.active_mask = static_cast<sides>(ctx.active_mask & ~side);
    return ctx;
}

struct side_changed {
    pair_ctx next;
    bool kick_partner;
};

/// A higher class takes @p side. The partner is kicked, with SCX_KICK_WAIT, if it is active.
/// Source: pair_cpu_release().
[[nodiscard]] constexpr side_changed release_side(pair_ctx ctx, sides side)
{
    ctx.preempted_mask |= side;
    ctx.active_mask = static_cast<sides>(ctx.active_mask & ~side);
    ctx.draining = 1;
    return {ctx, ctx.active_mask != 0 || ctx.running_mask != 0};
}

enum class switched_to : std::uint8_t { task, idle, higher };

/// Variant wait_for_partner: CPU @p side switches. From this section on it counts as running, or no longer; the last
/// one to leave a draining pair kicks its partner, which may have looked too early. Called from the sched_switch
/// tracepoint, before the higher class is dealt with.
[[nodiscard]] constexpr side_changed switch_side(pair_ctx ctx, sides side, switched_to to)
{
    const bool runs = to == switched_to::task;
    ctx.running_mask = static_cast<sides>(runs ? ctx.running_mask | side : ctx.running_mask & ~side);
    const bool left = !runs && ctx.draining != 0 && ctx.running_mask == 0 && ctx.preempted_mask == 0;
    return {ctx, left};
}

/// The higher class has left @p side. Once no side is preempted, the partner is kicked. Source: pair_cpu_acquire().
[[nodiscard]] constexpr side_changed acquire_side(pair_ctx ctx, sides side)
{
    ctx.preempted_mask = static_cast<sides>(ctx.preempted_mask & ~side);
    return {ctx, ctx.preempted_mask == 0};
}

} // namespace pairsim
