// SPDX-License-Identifier: GPL-2.0-only
//
// Options of scx_pair: what its user-space loader sets, its compile-time limits, and our variants. Each variant is
// off by default; off means scx_pair as published.
#pragma once

#include <cstdint>

#include "sim/time.h"

namespace pairsim {

/// Which revision of scx_pair hears about preemption how.
enum class pair_revision : std::uint8_t {
    ops,        ///< by ops.cpu_acquire and ops.cpu_release
    tracepoint, ///< by the sched_switch tracepoint
};

struct pair_variants {
    bool select_cpu_prev = false; ///< ops.select_cpu returns the previous CPU: no direct dispatch
    bool local_dsq = false;       ///< insert into SCX_DSQ_LOCAL where the task may run there
    bool enq_last = false;        ///< SCX_OPS_ENQ_LAST: no previous task is kept for want of another
    /// Adopts a cgroup only when the partner has really left the old one: follows sched_switch on both CPUs. With
    /// the revision `tracepoint`, select_cpu_prev, local_dsq and enq_last this is `pair-strict`.
    bool wait_for_partner = false;
    bool big_ctx_map = false; ///< a pair_ctx map large enough for every stride
};

struct pair_config {
    /// Distance of the two CPUs of a pair (loader: -S); 0 means half of the CPUs.
    std::uint32_t stride = 0;
    /// pair_batch_dur_ns; the loader sets it to the kernel's SCX_SLICE_DFL. 0: object loaded by another loader.
    nanoseconds batch_duration = std::chrono::milliseconds{20};
    std::uint32_t max_queued = 4096;         ///< MAX_QUEUED: pids in one cgroup's FIFO
    std::uint32_t max_cgrps = 4096;          ///< MAX_CGRPS
    std::uint32_t max_top_q = 0;             ///< entries of top_q; 0: four times MAX_CGRPS, as in scx_pair
    std::uint32_t bpf_max_loops = 8'388'608; ///< BPF_MAX_LOOPS: bound of pair_dispatch's retry loop
    pair_revision revision = pair_revision::ops;
    pair_variants variants{};

    std::uint32_t top_q_capacity() const { return max_top_q != 0 ? max_top_q : 4 * max_cgrps; }
};

} // namespace pairsim
