// SPDX-License-Identifier: GPL-2.0-only
#include "model/pair_state.h"

#include <algorithm>
#include <new>
#include <numeric>

#include "sim/check.h"

namespace pairsim {
std::string_view counter_name(pair_counter counter)
{
    constexpr std::array<std::string_view, nr_pair_counters> names = {
        "nr_total",     "nr_dispatched", "nr_missing",   "nr_kicks",     "nr_preemptions", "nr_exps",
        "nr_exp_waits", "nr_exp_empty",  "nr_cgrp_next", "nr_cgrp_coll", "nr_cgrp_empty"};
    return names[static_cast<std::size_t>(counter)];
}

pair_maps::layout::layout(const sizes& s) : sizes(s)
{
    const auto reserve = [this](std::size_t size) {
        const std::size_t begin = bytes;
        bytes = (bytes + size + 7) / 8 * 8;
        return begin;
    };
    reserve(sizeof(pair_counters));
    ctxs_at = reserve(nr_ctxs * sizeof(pair_ctx));
    top_q_at = reserve(sizeof(queue_map));
    cursor_at = reserve(sizeof(std::uint32_t));
    q_idx_at = reserve(nr_cgroups * sizeof(std::uint32_t));
    busy_at = reserve(nr_q * sizeof(std::uint32_t));
    len_at = reserve(nr_q * sizeof(std::uint32_t));
    fifo_at = reserve(nr_q * sizeof(queue_map));
    top_elements_at = reserve(std::size_t{max_top_q} * sizeof(std::uint32_t));
    elements_at = reserve(std::size_t{nr_q} * max_queued * sizeof(std::uint32_t));
}

void pair_maps::init(const layout& l, std::byte* state)
{
    pair_maps maps(l, state);
    for (std::uint32_t i = 0; i < l.nr_ctxs; ++i) {
        new (&maps.ctx(i)) pair_ctx{};
    }
    std::fill_n(maps.q_idxs(), l.nr_cgroups, no_q_idx);
}

/// The cursor walks over MAX_CGRPS indices, of which a workload can only ever reach the first nr_q.
bool pair_maps::claim_q_idx(cgroup_id cgroup)
{
    for (std::uint32_t i = 0; i < of_->max_cgrps; ++i) {
        const std::uint32_t q = cursor()++ % of_->max_cgrps;
        SIM_CHECK(q < of_->nr_q);
        if (busy(q) == 0) {
            busy(q) = 1;
            q_idxs()[cgroup.value] = q;
            return true;
        }
    }
    return false;
}

void pair_maps::release_q_idx(cgroup_id cgroup)
{
    const std::uint32_t q = q_idxs()[cgroup.value];
    if (q != no_q_idx) {
        q_idxs()[cgroup.value] = no_q_idx;
        busy(q) = 0;
    }
}

void pair_maps::canonicalise()
{
    counters() = {};
    top_q().normalise(top_elements(), of_->max_top_q);
    for (std::uint32_t q = 0; q < of_->nr_q; ++q) {
        fifo(q).normalise(elements(q), of_->max_queued);
    }
}

/// An element that is not in use is 0, which is no name of a task and the root's of a cgroup.
void pair_maps::relabel(pair_maps& from, const relabelling& r)
{
    for (std::uint32_t i = 0; i < of_->max_top_q; ++i) {
        top_elements()[i] = r.of(cgroup_id{from.top_elements()[i]}).value;
    }
    for (std::uint32_t g = 0; g < of_->nr_cgroups; ++g) {
        const std::uint32_t q = from.q_idxs()[g];
        q_idxs()[r.cgroups[g]] = q == no_q_idx ? q : r.queues[q];
    }
    for (std::uint32_t q = 0; q < of_->nr_q; ++q) {
        const std::uint32_t name = r.queues[q];
        busy(name) = from.busy(q);
        len(name) = from.len(q);
        fifo(name) = from.fifo(q);
        for (std::uint32_t i = 0; i < of_->max_queued; ++i) {
            elements(name)[i] = r.of(pid{from.elements(q)[i]}).value;
        }
    }
}

bool pair_maps::holds(std::uint32_t q, pid task) const
{
    const std::uint32_t* const first = elements(q);
    for (std::uint32_t i = 0; i < fifo(q).nr; ++i) {
        if (first[(fifo(q).head + i) % of_->max_queued] == task.value) {
            return true;
        }
    }
    return false;
}

std::uint64_t pair_maps::total_len() const
{
    return std::accumulate(part<std::uint32_t>(of_->len_at), part<std::uint32_t>(of_->len_at) + of_->nr_q,
                           std::uint64_t{0});
}

} // namespace pairsim
