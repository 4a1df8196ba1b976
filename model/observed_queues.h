// SPDX-License-Identifier: GPL-2.0-only
//
// Where the tasks that wait are, as far as the records say: in the scheduler's hand, in a cgroup's FIFO, in a global or
// in a local DSQ; and what lies on top_q. It goes with observed_state, which says who runs.
#pragma once

#include <cstdint>
#include <vector>

#include "model/kind_set.h"

namespace pairsim {

enum class waiting_place : std::uint8_t {
    none,       ///< it runs, sleeps, or does not exist
    hand,       ///< between two queues: ops.enqueue or a dispatch is at work
    fifo,       ///< a cgroup's FIFO
    global_dsq, ///< a node's global DSQ
    local_dsq,  ///< a CPU's local DSQ
};

struct observed_place {
    waiting_place where = waiting_place::none;
    cpu_id cpu = no_cpu; ///< of local_dsq
    node_id node{};      ///< of global_dsq
    cgroup_id fifo = no_cgroup;
    sim_time since{};
};

struct observed_cgroup_queue {
    std::int64_t queued = 0; ///< pids in its FIFO
    std::uint32_t on_top_q = 0;
    bool in_hand = false;             ///< a dispatch has popped it and has not decided yet
    cpu_id hand = no_cpu;             ///< of in_hand: whose dispatch
    bool push_failed = false;         ///< the last dispatch that chose it could not put it back
    sim_time uncovered_since = never; ///< since when it has queued tasks and is not on top_q
};

class observed_queues {
public:
    /// Records that say where a task waits; those that change top_q; those that end a dispatch's search of it.
    static constexpr kind_set of_places{record_kind::cgrp_q_push,  record_kind::cgrp_q_pop, record_kind::enqueue,
                                        record_kind::dsq_insert,   record_kind::consume,    record_kind::local_insert,
                                        record_kind::sched_switch, record_kind::task_exit};
    static constexpr kind_set of_top_q{record_kind::top_q_push, record_kind::top_q_pop};
    static constexpr kind_set of_decisions{record_kind::pair_adopt, record_kind::pair_coll,
                                           record_kind::pair_top_q_empty};
    static constexpr kind_set hears = of_places | of_top_q | of_decisions;

    observed_queues(std::size_t nr_tasks, std::size_t nr_cgroups) : places_(nr_tasks + 1), cgroups_(nr_cgroups) {}

    void apply(const trace_record& r);

    const observed_place& place(pid p) const;
    const observed_cgroup_queue& cgroup(cgroup_id c) const { return cgroups_[c.value]; }
    std::size_t nr_cgroups() const { return cgroups_.size(); }
    /// Pids in all FIFOs.
    std::int64_t queued() const { return queued_; }
    std::int64_t top_q_len() const { return top_q_len_; }
    std::uint32_t cgroups_on_top_q() const { return cgroups_on_top_q_; }
    /// The cgroup that another CPU's dispatch than @p cpu's holds in its hand; no_cgroup if there is none.
    cgroup_id in_other_hand(cpu_id cpu) const;

private:
    void on_place(const trace_record& r);
    void on_top_q(const trace_record& r);
    void put(pid p, const observed_place& at);
    void cover(cgroup_id c, sim_time t);
    void release_hand(cpu_id cpu, sim_time t, bool chosen);

    std::vector<observed_place> places_; ///< by pid
    std::vector<observed_cgroup_queue> cgroups_;
    std::vector<cgroup_id> in_hands_; ///< those with in_hand: a few at most
    std::int64_t queued_ = 0;
    std::int64_t top_q_len_ = 0;
    std::uint32_t cgroups_on_top_q_ = 0;
};

} // namespace pairsim
