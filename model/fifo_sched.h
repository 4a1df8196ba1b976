// SPDX-License-Identifier: GPL-2.0-only
//
// The baseline `fifo`: one global queue, no pairs, no isolation. What pair_sched costs is measured against it, and
// it shows that the boundary sched_ops carries another scheduler.
#pragma once

#include "sim/sched_ops.h"

namespace pairsim {

class fifo_sched final : public sched_ops {
public:
    fifo_sched(nanoseconds slice_dfl, std::size_t nr_tasks);

    traits describe() const override;
    void init_state(std::byte* state) const override;
    op_step step(frame& call, kfuncs& k) const override;
    std::string error_text(const exit_info& info) const override;

private:
    nanoseconds slice_dfl_;
    std::uint32_t capacity_; ///< of the queue
};

} // namespace pairsim
