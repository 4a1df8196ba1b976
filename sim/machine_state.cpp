// SPDX-License-Identifier: GPL-2.0-only
#include "sim/machine_state.h"

#include <cstring>
#include <new>

#include "sim/check.h"

namespace pairsim {
namespace {

/// Reserves room for @p n objects of type T at the end of a block of @p size bytes.
template <class T>
std::size_t reserve(std::size_t& size, std::size_t n)
{
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    constexpr std::size_t alignment = 8;
    const std::size_t begin = size;
    size = (size + n * sizeof(T) + alignment - 1) / alignment * alignment;
    return begin;
}

/// Zeroed memory that the system maps only where it is touched: a FIFO's unused end costs nothing.
std::byte* allocate(std::size_t size)
{
    void* block = std::calloc(size, 1);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return static_cast<std::byte*>(block);
}

template <class T>
void construct(T* first, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) {
        new (first + i) T();
    }
}

} // namespace

machine_state::machine_state(const state_layout& layout) : layout_(layout)
{
    reserve<exit_info>(size_, 1);
    cpus_ = reserve<cpu_state>(size_, layout.nr_cpus);
    tasks_ = reserve<task_state>(size_, layout.nr_tasks);
    dsqs_ = reserve<dsq>(size_, layout.nr_nodes);
    locks_ = reserve<spinlock>(size_, layout.nr_locks);
    buffers_ = reserve<buffered_insert>(size_, layout.nr_cpus * layout.max_batch);
    idle_cpus_ = reserve<std::uint64_t>(size_, layout.mask_words);
    idle_cores_ = reserve<std::uint64_t>(size_, layout.mask_words);
    kicks_ = reserve<std::uint64_t>(size_, 4 * layout.nr_cpus * layout.mask_words);
    seen_ = reserve<std::uint32_t>(size_, layout.nr_cpus * layout.nr_cpus);
    SIM_CHECK(layout.sched_bytes % 8 == 0);
    sched_ = reserve<std::byte>(size_, layout.sched_bytes);
    block_.reset(allocate(size_));

    construct(at<exit_info>(0), 1);
    construct(at<cpu_state>(cpus_), layout.nr_cpus);
    construct(at<task_state>(tasks_), layout.nr_tasks);
    construct(at<spinlock>(locks_), layout.nr_locks);
}

machine_state::machine_state(const machine_state& other)
    : layout_(other.layout_), cpus_(other.cpus_), tasks_(other.tasks_), dsqs_(other.dsqs_), locks_(other.locks_),
      buffers_(other.buffers_), idle_cpus_(other.idle_cpus_), idle_cores_(other.idle_cores_), kicks_(other.kicks_),
      seen_(other.seen_), sched_(other.sched_), size_(other.size_), block_(allocate(other.size_))
{
    std::memcpy(block_.get(), other.block_.get(), size_);
}

machine_state& machine_state::operator=(const machine_state& other)
{
    if (this != &other) {
        SIM_CHECK(size_ == other.size_);
        std::memcpy(block_.get(), other.block_.get(), size_);
    }
    return *this;
}

bool operator==(const machine_state& a, const machine_state& b)
{
    return a.size_ == b.size_ && std::memcmp(a.block_.get(), b.block_.get(), a.size_) == 0;
}

} // namespace pairsim
