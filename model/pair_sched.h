// SPDX-License-Identifier: GPL-2.0-only
//
// scx_pair: a core scheduler that makes the two CPUs of a pair run tasks of one cgroup, by turns (batches). This is
// the BPF program as step machines; its critical sections are the pure functions of pair_ctx.h, its maps are in
// pair_state.h, its pairing in pair_map.h.
#pragma once

#include "model/pair_config.h"
#include "model/pair_error.h"
#include "model/pair_map.h"
#include "model/pair_state.h"
#include "sim/sched_ops.h"

namespace pairsim {

class machine_state;

class pair_sched final : public sched_ops {
public:
    /// @p nr_cgroups: of the workload.
    pair_sched(pair_map map, const pair_config& config, nanoseconds slice_dfl, std::size_t nr_cgroups);

    traits describe() const override;
    void init_state(std::byte* state) const override;
    op_step step(frame& call, kfuncs& k) const override;
    bool next_is_left_mover(const frame& call) const override;
    void canonicalise(std::byte* state) const override;
    void canonicalise(frame& call) const override;
    void relabel(std::byte* to, std::byte* from, const relabelling& r) const override;
    void relabel(frame& call, const relabelling& r) const override;
    std::string error_text(const exit_info& info) const override;

    const pair_map& pairs() const { return map_; }
    const pair_config& config() const { return config_; }
    /// The maps of scx_pair in a machine's state, for reports and tests.
    pair_maps maps(machine_state& state) const;

private:
    op_step step_enqueue(frame& call, kfuncs& k) const;
    op_step step_dispatch(frame& call, kfuncs& k) const;
    op_step begin_try_dispatch(frame& call, kfuncs& k) const;
    op_step after_first_section(frame& call, kfuncs& k) const;
    op_step search_top_q(frame& call, kfuncs& k) const;
    op_step choose(frame& call, kfuncs& k) const;
    op_step take_task(frame& call, kfuncs& k) const;
    op_step try_again(frame& call, cost_kind cost) const;
    op_step insert_task(frame& call, kfuncs& k) const;
    op_step step_cpu_release(frame& call, kfuncs& k) const;
    op_step step_cpu_acquire(frame& call, kfuncs& k) const;
    op_step step_sched_switch(frame& call, kfuncs& k) const;
    op_step step_strict_switch(frame& call, kfuncs& k) const;
    op_step step_cgroup_init(frame& call, kfuncs& k) const;
    op_step step_cgroup_exit(frame& call, kfuncs& k) const;

    bool lock_pair(kfuncs& k) const { return k.lock(map_.pair_id[k.this_cpu().value]); }
    bool lock_fifo(kfuncs& k, std::uint32_t q) const { return k.lock(map_.pair_id.size() + q); }
    bool lock_top_q(kfuncs& k) const { return k.lock(map_.pair_id.size() + layout_.nr_q); }
    void kick_partner(kfuncs& k, std::uint8_t flags) const;
    void emit_ctx(kfuncs& k, record_kind kind, const pair_ctx& ctx, std::int64_t value = 0) const;

    pair_map map_;
    pair_config config_;
    nanoseconds slice_dfl_;
    pair_maps::layout layout_;
};

} // namespace pairsim
