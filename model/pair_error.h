// SPDX-License-Identifier: GPL-2.0-only
//
// Why scx_pair gives up: the codes that an scx_error record carries as its reason.
#pragma once

#include <cstdint>

namespace pairsim {

/// The scx_bpf_error()s of scx_pair, in the order of its source.
enum class pair_error : std::uint32_t {
    enqueue_no_q_idx,  ///< cgroup
    no_q_arr,          ///< cgroup, q_idx
    queue_overflow,    ///< cgroup
    top_q_overflow,    ///< cgroup
    no_pair_ctx,       ///< CPU
    dispatch_no_q_idx, ///< cgroup
    queue_empty,       ///< cgroup, q_idx
};

} // namespace pairsim
