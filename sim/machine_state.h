// SPDX-License-Identifier: GPL-2.0-only
//
// The whole state of a machine, the scheduler's included, in one block of memory: a copy is one memcpy, a comparison
// one memcmp, a hash one pass. The configuration decides the size; `state_layout` says what lies where.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

#include "sim/objects.h"

namespace pairsim {

/// Sizes of a state's arrays.
struct state_layout {
    std::size_t nr_cpus = 0;
    std::size_t nr_tasks = 0;
    std::size_t nr_nodes = 0;
    std::size_t nr_locks = 0;
    std::size_t max_batch = 0;   ///< buffered inserts of a CPU
    std::size_t mask_words = 0;  ///< words of a cpumask
    std::size_t sched_bytes = 0; ///< of the scheduler's own state, a multiple of 8
};

struct buffered_insert {
    pid task = idle_pid;
    std::uint32_t qseq = 0;
    std::uint8_t to_local = 0;
    std::uint8_t was_none = 0; ///< ops_state was NONE at the insert
    std::uint8_t claimed = 0;  ///< ops_state is DISPATCHING on behalf of this entry
    std::uint8_t unused = 0;
};
static_assert(std::has_unique_object_representations_v<buffered_insert>);

class machine_state {
public:
    explicit machine_state(const state_layout& layout);
    machine_state(const machine_state& other);
    machine_state& operator=(const machine_state& other);
    machine_state(machine_state&&) noexcept = default;
    machine_state& operator=(machine_state&&) noexcept = default;
    ~machine_state() = default;

    exit_info& exit() { return *exit_; }
    const exit_info& exit() const { return *exit_; }
    cpu_state& cpu(cpu_id c) { return cpus_[c.value]; }
    const cpu_state& cpu(cpu_id c) const { return cpus_[c.value]; }
    task_state& task(pid p) { return tasks_[p.value - 1]; }
    const task_state& task(pid p) const { return tasks_[p.value - 1]; }
    dsq& global_dsq(node_id n) { return dsqs_[n.value]; }
    spinlock& lock(lock_id l) { return locks_[l]; }
    std::span<buffered_insert> insert_buffer(cpu_id c)
    {
        return {buffers_ + c.value * layout_.max_batch, layout_.max_batch};
    }
    /// CPUs that look idle (kernel: idle_masks.cpu), and those whose whole core does (idle_masks.smt).
    std::span<std::uint64_t> idle_cpus() { return {idle_cpus_, layout_.mask_words}; }
    std::span<std::uint64_t> idle_cores() { return {idle_cores_, layout_.mask_words}; }
    /// Masks of the kicks that CPU c has been asked for and not yet sent.
    enum class kick_mask : std::uint8_t { kick, kick_if_idle, preempt, wait };
    std::span<std::uint64_t> kicks(cpu_id c, kick_mask which)
    {
        constexpr std::size_t nr_masks = 4;
        const auto index = (c.value * nr_masks + static_cast<std::size_t>(which)) * layout_.mask_words;
        return {kicks_ + index, layout_.mask_words};
    }
    std::span<const std::uint64_t> kicks(cpu_id c, kick_mask which) const
    {
        return const_cast<machine_state*>(this)->kicks(c, which);
    }
    /// What CPU c has seen of @p target's pnt_seq when it began to wait (kernel: scx_kick_cpus_pnt_seqs).
    std::uint32_t& seen_seq(cpu_id c, cpu_id target) { return seen_[c.value * layout_.nr_cpus + target.value]; }
    std::byte* sched() { return sched_; }
    const std::byte* sched() const { return sched_; }

    std::span<const std::byte> bytes() const { return {block_.get(), size_}; }
    std::span<std::byte> bytes() { return {block_.get(), size_}; }
    friend bool operator==(const machine_state& a, const machine_state& b);

private:
    struct free_memory {
        void operator()(std::byte* p) const { std::free(p); }
    };

    std::size_t lay_out(std::byte* block);

    state_layout layout_;
    // Where in the block the arrays lie.
    exit_info* exit_ = nullptr;
    cpu_state* cpus_ = nullptr;
    task_state* tasks_ = nullptr;
    dsq* dsqs_ = nullptr;
    spinlock* locks_ = nullptr;
    buffered_insert* buffers_ = nullptr;
    std::uint64_t* idle_cpus_ = nullptr;
    std::uint64_t* idle_cores_ = nullptr;
    std::uint64_t* kicks_ = nullptr;
    std::uint32_t* seen_ = nullptr;
    std::byte* sched_ = nullptr;
    std::size_t size_ = 0;
    std::unique_ptr<std::byte, free_memory> block_;
};

} // namespace pairsim
