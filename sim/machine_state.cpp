// SPDX-License-Identifier: GPL-2.0-only
#include "sim/machine_state.h"

#include <cstring>
#include <new>

#include "sim/check.h"

namespace pairsim {
namespace {

/// The place for @p n objects of type T behind the first @p size bytes of a block, which it makes longer by them.
/// Without a block only its size is counted.
template <class T>
T* place(std::byte* block, std::size_t& size, std::size_t n)
{
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    constexpr std::size_t alignment = 8;
    const std::size_t begin = size;
    size = (size + n * sizeof(T) + alignment - 1) / alignment * alignment;
    return block != nullptr ? reinterpret_cast<T*>(block + begin) : nullptr;
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

/// Says where in @p block each array lies. Returns the size of all.
std::size_t machine_state::lay_out(std::byte* block)
{
    const state_layout& l = layout_;
    std::size_t size = 0;
    exit_ = place<exit_info>(block, size, 1);
    cpus_ = place<cpu_state>(block, size, l.nr_cpus);
    tasks_ = place<task_state>(block, size, l.nr_tasks);
    dsqs_ = place<dsq>(block, size, l.nr_nodes);
    locks_ = place<spinlock>(block, size, l.nr_locks);
    buffers_ = place<buffered_insert>(block, size, l.nr_cpus * l.max_batch);
    idle_cpus_ = place<std::uint64_t>(block, size, l.mask_words);
    idle_cores_ = place<std::uint64_t>(block, size, l.mask_words);
    kicks_ = place<std::uint64_t>(block, size, 4 * l.nr_cpus * l.mask_words);
    seen_ = place<std::uint32_t>(block, size, l.nr_cpus * l.nr_cpus);
    SIM_CHECK(l.sched_bytes % 8 == 0);
    sched_ = place<std::byte>(block, size, l.sched_bytes);
    return size;
}

machine_state::machine_state(const state_layout& layout)
    : layout_(layout), size_(lay_out(nullptr)), block_(allocate(size_))
{
    lay_out(block_.get());
    construct(exit_, 1);
    construct(cpus_, layout.nr_cpus);
    construct(tasks_, layout.nr_tasks);
    construct(locks_, layout.nr_locks);
}

machine_state::machine_state(const machine_state& other)
    : layout_(other.layout_), size_(other.size_), block_(allocate(other.size_))
{
    lay_out(block_.get());
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
