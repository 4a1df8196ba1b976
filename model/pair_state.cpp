// SPDX-License-Identifier: GPL-2.0-only
#include "model/pair_state.h"

#include <algorithm>
#include <new>
#include <numeric>

#include "sim/check.h"

namespace pairsim {
namespace {

/// Offsets of the arrays in the scheduler's part of the state.
struct offsets {
    std::size_t counters, ctxs, top_q, cursor, q_idx, busy, len, fifo, top_elements, elements, end;

    explicit offsets(const pair_maps::sizes& s)
    {
        std::size_t size = 0;
        const auto reserve = [&size](std::size_t bytes) {
            const std::size_t begin = size;
            size = (size + bytes + 7) / 8 * 8;
            return begin;
        };
        counters = reserve(sizeof(pair_counters));
        ctxs = reserve(s.nr_ctxs * sizeof(pair_ctx));
        top_q = reserve(sizeof(queue_map));
        cursor = reserve(sizeof(std::uint32_t));
        q_idx = reserve(s.nr_cgroups * sizeof(std::uint32_t));
        busy = reserve(s.nr_q * sizeof(std::uint32_t));
        len = reserve(s.nr_q * sizeof(std::uint32_t));
        fifo = reserve(s.nr_q * sizeof(queue_map));
        top_elements = reserve(std::size_t{s.max_top_q} * sizeof(std::uint32_t));
        elements = reserve(std::size_t{s.nr_q} * s.max_queued * sizeof(std::uint32_t));
        end = size;
    }
};

template <class T>
T* part(std::byte* state, std::size_t offset)
{
    return reinterpret_cast<T*>(state + offset);
}

} // namespace

std::string_view counter_name(pair_counter counter)
{
    constexpr std::array<std::string_view, nr_pair_counters> names = {
        "nr_total",     "nr_dispatched", "nr_missing",   "nr_kicks",     "nr_preemptions", "nr_exps",
        "nr_exp_waits", "nr_exp_empty",  "nr_cgrp_next", "nr_cgrp_coll", "nr_cgrp_empty"};
    return names[static_cast<std::size_t>(counter)];
}

std::size_t pair_maps::bytes(const sizes& s)
{
    return offsets(s).end;
}

void pair_maps::init(const sizes& s, std::byte* state)
{
    const offsets o(s);
    for (std::uint32_t i = 0; i < s.nr_ctxs; ++i) {
        new (part<pair_ctx>(state, o.ctxs) + i) pair_ctx{};
    }
    std::fill_n(part<std::uint32_t>(state, o.q_idx), s.nr_cgroups, no_q_idx);
}

pair_maps::pair_maps(const sizes& s, std::byte* state) : sizes_(&s)
{
    const offsets o(s);
    counters_ = part<pair_counters>(state, o.counters);
    ctxs_ = part<pair_ctx>(state, o.ctxs);
    top_q_ = part<queue_map>(state, o.top_q);
    cursor_ = part<std::uint32_t>(state, o.cursor);
    q_idx_ = part<std::uint32_t>(state, o.q_idx);
    busy_ = part<std::uint32_t>(state, o.busy);
    len_ = part<std::uint32_t>(state, o.len);
    fifo_ = part<queue_map>(state, o.fifo);
    top_elements_ = part<std::uint32_t>(state, o.top_elements);
    elements_ = part<std::uint32_t>(state, o.elements);
}

/// The cursor walks over MAX_CGRPS indices, of which a workload can only ever reach the first nr_q.
bool pair_maps::claim_q_idx(cgroup_id cgroup)
{
    for (std::uint32_t i = 0; i < sizes_->max_cgrps; ++i) {
        const std::uint32_t q = (*cursor_)++ % sizes_->max_cgrps;
        SIM_CHECK(q < sizes_->nr_q);
        if (busy_[q] == 0) {
            busy_[q] = 1;
            q_idx_[cgroup.value] = q;
            return true;
        }
    }
    return false;
}

void pair_maps::release_q_idx(cgroup_id cgroup)
{
    const std::uint32_t q = q_idx_[cgroup.value];
    if (q != no_q_idx) {
        q_idx_[cgroup.value] = no_q_idx;
        busy_[q] = 0;
    }
}

void pair_maps::canonicalise()
{
    *counters_ = {};
    top_q_->normalise(top_elements_, sizes_->max_top_q);
    for (std::uint32_t q = 0; q < sizes_->nr_q; ++q) {
        fifo_[q].normalise(elements(q), sizes_->max_queued);
    }
}

/// An element that is not in use is 0, which is no name of a task and the root's of a cgroup.
void pair_maps::relabel(pair_maps& from, const relabelling& r)
{
    for (std::uint32_t i = 0; i < sizes_->max_top_q; ++i) {
        top_elements_[i] = r.of(cgroup_id{from.top_elements_[i]}).value;
    }
    for (std::uint32_t g = 0; g < sizes_->nr_cgroups; ++g) {
        const std::uint32_t q = from.q_idx_[g];
        q_idx_[r.cgroups[g]] = q == no_q_idx ? q : r.queues[q];
    }
    for (std::uint32_t q = 0; q < sizes_->nr_q; ++q) {
        const std::uint32_t name = r.queues[q];
        busy_[name] = from.busy_[q];
        len_[name] = from.len_[q];
        fifo_[name] = from.fifo_[q];
        for (std::uint32_t i = 0; i < sizes_->max_queued; ++i) {
            elements(name)[i] = r.of(pid{from.elements(q)[i]}).value;
        }
    }
}

bool pair_maps::holds(std::uint32_t q, pid task) const
{
    const std::uint32_t* const first = elements_ + std::size_t{q} * sizes_->max_queued;
    for (std::uint32_t i = 0; i < fifo_[q].nr; ++i) {
        if (first[(fifo_[q].head + i) % sizes_->max_queued] == task.value) {
            return true;
        }
    }
    return false;
}

std::uint64_t pair_maps::total_len() const
{
    return std::accumulate(len_, len_ + sizes_->nr_q, std::uint64_t{0});
}

} // namespace pairsim
