// SPDX-License-Identifier: GPL-2.0-only
//
// What held when: spans of each CPU, the versions of each pair_ctx, and the queues. The one place that explanations,
// the page and the exporters read; idle causes are those of model/metrics.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/metrics.h"
#include "model/pair_ctx.h"
#include "tools/view/observed_run.h"

namespace pairsim {

/// For how long a CPU did one thing. The spans of a CPU follow each other without gaps from 0 to the end.
struct cpu_span {
    sim_time from{};
    sim_time to{};
    pid current = idle_pid;             ///< as in sched_switch: a task, idle_pid, or a higher class
    cgroup_id cgroup = no_cgroup;       ///< of the task
    std::optional<idle_cause> forced{}; ///< of an idle CPU: why, if a task waits that may run here

    std::int64_t length_ns() const { return (to - from).count(); }
    bool same_as(const cpu_span& o) const { return current == o.current && cgroup == o.cgroup && forced == o.forced; }
};

/// pair_ctx from the record with this index on.
struct ctx_version {
    std::uint32_t record = 0;
    sim_time at{};
    pair_ctx ctx;
};

/// A queue's entries: what was pushed and when what was popped. Entries leave in the order in which they came.
struct queue_history {
    struct push {
        std::uint32_t record = 0;
        std::uint32_t value = 0; ///< a pid or a cgroup
    };
    std::vector<push> pushes;
    std::vector<std::uint32_t> pops; ///< indices of the records
    /// False once a pop took something else than the oldest entry (a FIFO that a new cgroup has inherited).
    bool is_exact = true;

    /// What was queued after the first @p nr_records records, oldest first.
    std::vector<std::uint32_t> at(std::size_t nr_records) const;
};

struct timeline {
    std::vector<std::vector<cpu_span>> cpus;
    std::vector<std::vector<ctx_version>> pairs; ///< in the order of pair_map::pairs
    std::vector<queue_history> cgroup_queues;
    queue_history top_q;

    /// The span of @p cpu at @p t; that which begins at t if one does.
    const cpu_span& span_at(cpu_id cpu, sim_time t) const;
    /// pair_ctx of pair @p pair after the first @p nr_records records.
    pair_ctx ctx_at(std::size_t pair, std::size_t nr_records) const;
};

timeline make_timeline(const observed_run& run);

/// Which tasks wait, and where each may run: the state of metrics' forced idle at an instant.
class waiting_tasks {
public:
    explicit waiting_tasks(const observed_run& run);

    /// @p task waits from now on, or no longer. True if that may change the cause of an idle CPU.
    bool change(const observed_task& task, bool waits);
    /// Why the idle @p cpu idles; nothing if no task waits that may run there.
    std::optional<idle_cause> cause(const observed_state& state, cpu_id cpu) const;

private:
    const std::vector<cpumask>* masks_;
    std::size_t nr_cpus_;
    std::vector<char> is_restricted_;          ///< by mask
    std::uint32_t anywhere_ = 0;               ///< waiting tasks that may run on every CPU
    std::vector<std::uint32_t> anywhere_in_;   ///< the same by cgroup
    std::vector<std::uint32_t> restricted_;    ///< by CPU: other waiting tasks that may run there
    std::vector<std::uint32_t> restricted_in_; ///< by CPU and cgroup
};

/// Index of the first record after @p t, so that it is the number of records up to and including t.
std::size_t records_until(const observed_run& run, sim_time t);

} // namespace pairsim
