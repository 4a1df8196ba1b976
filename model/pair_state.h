// SPDX-License-Identifier: GPL-2.0-only
//
// The maps of scx_pair inside the machine's state: pair_ctx, the cgroup hash with its index allocation, the FIFO of
// each cgroup with its length, top_q, and the counters.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/pair_config.h"
#include "model/pair_ctx.h"
#include "sim/relabelling.h"

namespace pairsim {

/// The counters that scx_pair prints once a second, with its own names and in its own order.
enum class pair_counter : std::uint8_t {
    nr_total,
    nr_dispatched,
    nr_missing,
    nr_kicks,
    nr_preemptions,
    nr_exps,
    nr_exp_waits,
    nr_exp_empty,
    nr_cgrp_next,
    nr_cgrp_coll,
    nr_cgrp_empty,
};
inline constexpr std::size_t nr_pair_counters = 11;
std::string_view counter_name(pair_counter counter);

using pair_counters = std::array<std::uint64_t, nr_pair_counters>;

constexpr std::uint64_t& at(pair_counters& counters, pair_counter which)
{
    return counters[static_cast<std::size_t>(which)];
}

/// A BPF queue map: a FIFO with a limit. push on full and pop on empty leave it unchanged.
struct queue_map {
    std::uint32_t head = 0; ///< position of the oldest element
    std::uint32_t nr = 0;

    bool push(std::uint32_t* elements, std::uint32_t capacity, std::uint32_t value)
    {
        if (nr == capacity) {
            return false;
        }
        const std::uint64_t end = std::uint64_t{head} + nr;
        elements[end >= capacity ? end - capacity : end] = value;
        ++nr;
        return true;
    }
    bool pop(std::uint32_t* elements, std::uint32_t capacity, std::uint32_t& value)
    {
        if (nr == 0) {
            return false;
        }
        value = elements[head];
        elements[head] = 0;
        head = head + 1 == capacity ? 0 : head + 1;
        --nr;
        head = nr == 0 ? 0 : head; // an empty queue is one value
        return true;
    }
    /// Moves the elements to the front of their memory.
    void normalise(std::uint32_t* elements, std::uint32_t capacity)
    {
        if (head != 0) {
            std::rotate(elements, elements + head, elements + capacity);
            head = 0;
        }
    }
};

inline constexpr std::uint32_t no_q_idx = ~std::uint32_t{0};

/// A view of the state's maps; made anew for each step, as it is only two pointers.
class pair_maps {
public:
    struct sizes {
        std::uint32_t nr_ctxs = 0;    ///< entries of pair_ctx
        std::uint32_t nr_cgroups = 0; ///< of the workload
        std::uint32_t nr_q = 0;       ///< FIFOs that can be in use: MAX_CGRPS or fewer
        std::uint32_t max_queued = 0; ///< MAX_QUEUED
        std::uint32_t max_cgrps = 0;  ///< MAX_CGRPS
        std::uint32_t max_top_q = 0;  ///< entries of top_q
    };
    /// Where each map begins in the scheduler's part of the state, in bytes.
    struct layout : sizes {
        layout() = default;
        explicit layout(const sizes& s);
        std::size_t ctxs_at = 0, top_q_at = 0, cursor_at = 0, q_idx_at = 0, busy_at = 0, len_at = 0, fifo_at = 0;
        std::size_t top_elements_at = 0, elements_at = 0;
        std::size_t bytes = 0; ///< of all; the counters come first
    };
    static void init(const layout& l, std::byte* state);

    /// @p l must outlive the view.
    pair_maps(const layout& l, std::byte* state) : of_(&l), state_(state) {}

    pair_counters& counters() { return *part<pair_counters>(0); }
    pair_ctx& ctx(std::uint32_t pair_id) { return part<pair_ctx>(of_->ctxs_at)[pair_id]; }
    bool has_ctx(std::uint32_t pair_id) const { return pair_id < of_->nr_ctxs; }

    /// cgrp_q_idx_hash: no_q_idx if the cgroup is not in it.
    std::uint32_t q_idx(cgroup_id cgroup) const
    {
        return cgroup.value < of_->nr_cgroups ? q_idxs()[cgroup.value] : no_q_idx;
    }
    /// Claims the next free index for @p cgroup; false if none is left. Source: pair_cgroup_init().
    bool claim_q_idx(cgroup_id cgroup);
    /// Source: pair_cgroup_exit(). The FIFO and its length stay as they are.
    void release_q_idx(cgroup_id cgroup);

    /// cgrp_q_len.
    std::uint32_t& len(std::uint32_t q) { return part<std::uint32_t>(of_->len_at)[q]; }
    std::uint32_t nr_elements(std::uint32_t q) const { return fifo(q).nr; }
    bool push(std::uint32_t q, pid task) { return fifo(q).push(elements(q), of_->max_queued, task.value); }
    bool pop(std::uint32_t q, pid& task) { return fifo(q).pop(elements(q), of_->max_queued, task.value); }

    bool push_top(cgroup_id c) { return top_q().push(top_elements(), of_->max_top_q, c.value); }
    bool pop_top(cgroup_id& c) { return top_q().pop(top_elements(), of_->max_top_q, c.value); }
    std::uint32_t nr_top() const { return top_q().nr; }
    /// True if FIFO @p q holds an entry of @p task.
    bool holds(std::uint32_t q, pid task) const;
    /// What is at position @p i of FIFO @p q, and of top_q; 0 is the oldest.
    pid element(std::uint32_t q, std::uint32_t i) const
    {
        return pid{elements(q)[(fifo(q).head + i) % of_->max_queued]};
    }
    cgroup_id top_element(std::uint32_t i) const
    {
        return cgroup_id{top_elements()[(top_q().head + i) % of_->max_top_q]};
    }
    /// sched_ops::relabel() of all but pair_ctx; *this is a copy of @p from.
    void relabel(pair_maps& from, const relabelling& r);
    /// sched_ops::canonicalise().
    void canonicalise();

    /// Sum of all lengths: nr_total - nr_dispatched - nr_missing at a quiescent instant.
    std::uint64_t total_len() const;

private:
    template <class T>
    T* part(std::size_t offset) const
    {
        return reinterpret_cast<T*>(state_ + offset);
    }
    queue_map& top_q() const { return *part<queue_map>(of_->top_q_at); }
    std::uint32_t* q_idxs() const { return part<std::uint32_t>(of_->q_idx_at); }                ///< of each cgroup
    std::uint32_t& cursor() const { return *part<std::uint32_t>(of_->cursor_at); }              ///< cgrp_q_idx_cursor
    std::uint32_t& busy(std::uint32_t q) const { return part<std::uint32_t>(of_->busy_at)[q]; } ///< cgrp_q_idx_busy
    queue_map& fifo(std::uint32_t q) const { return part<queue_map>(of_->fifo_at)[q]; }
    std::uint32_t* top_elements() const { return part<std::uint32_t>(of_->top_elements_at); }
    std::uint32_t* elements(std::uint32_t q) const
    {
        return part<std::uint32_t>(of_->elements_at) + std::size_t{q} * of_->max_queued;
    }

    const layout* of_;
    std::byte* state_;
};

} // namespace pairsim
