// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/visited.h"

#include <new>

#include <sys/mman.h>

#include "sim/check.h"

namespace pairsim {
namespace {

constexpr std::size_t initial_buckets = 8;

} // namespace

void* allocate_large(std::size_t bytes)
{
    constexpr std::size_t huge_page = std::size_t{2} << 20U;
    const std::size_t alignment = bytes < huge_page ? 64 : huge_page;
    const std::size_t size = (bytes + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    if (alignment == huge_page) {
        madvise(memory, size, MADV_HUGEPAGE); // a wish: without huge pages it is only slower
    }
    return memory;
}

visited_states::visited_states()
{
    for (shard& s : shards_) {
        s.buckets.resize(initial_buckets);
    }
}

state_index visited_states::find(const fingerprint& f) const
{
    const auto& buckets = shards_[shard_of(f)].buckets;
    for (std::size_t b = first_bucket(f, buckets.size());; b = b + 1 == buckets.size() ? 0 : b + 1) {
        const bucket& here = buckets[b];
        for (std::size_t i = 0; i < here.used; ++i) {
            if (here.tag[i] == f.high && low(here.slot[i]) == f.low) {
                return here.slot[i];
            }
        }
        if (here.used < bucket_slots) {
            return no_state;
        }
    }
}

void visited_states::prefetch_state(const fingerprint& f) const
{
    const bucket& here = bucket_of(f);
    for (std::size_t i = 0; i < here.used; ++i) {
        if (here.tag[i] == f.high) {
            prefetch_low(here.slot[i]);
        }
    }
}

void visited_states::insert(shard& s, const fingerprint& f, state_index state)
{
    std::size_t b = first_bucket(f, s.buckets.size());
    while (s.buckets[b].used == bucket_slots) {
        b = b + 1 == s.buckets.size() ? 0 : b + 1;
    }
    bucket& here = s.buckets[b];
    here.tag[here.used] = f.high;
    here.slot[here.used++] = state;
    ++s.used;
}

void visited_states::grow(shard& s)
{
    shard larger;
    larger.buckets.resize(s.buckets.size() + s.buckets.size() / 2);
    constexpr std::size_t ahead = 4; ///< buckets, until the memory has brought what they name
    for (std::size_t n = 0; n < s.buckets.size() + ahead; ++n) {
        for (std::size_t i = 0; n < s.buckets.size() && i < s.buckets[n].used; ++i) {
            prefetch_low(s.buckets[n].slot[i]);
        }
        if (n < ahead) {
            continue;
        }
        const bucket& b = s.buckets[n - ahead];
        for (std::size_t i = 0; i < b.used; ++i) {
            insert(larger, {low(b.slot[i]), b.tag[i]}, b.slot[i]);
        }
    }
    s = std::move(larger);
}

state_index visited_states::add(const fingerprint& f, state_index parent, std::uint16_t action)
{
    SIM_CHECK(size_ < no_state);
    if (size_ % block_size == 0) {
        blocks_.emplace_back(static_cast<states_block*>(allocate_large(sizeof(states_block))));
    }
    const state_index state = size_++;
    states_block& block = *blocks_.back();
    block.low[state % block_size] = f.low;
    block.parent[state % block_size] = parent;
    block.action[state % block_size] = action;
    shard& s = shards_[shard_of(f)];
    constexpr std::size_t full_percent = 84;
    if ((s.used + 1) * 100 > s.buckets.size() * bucket_slots * full_percent) {
        grow(s);
    }
    insert(s, f, state);
    return state;
}

std::size_t visited_states::memory_bytes() const
{
    std::size_t bytes = size_t{size_} * (sizeof(states_block) / block_size);
    for (const shard& s : shards_) {
        bytes += s.buckets.size() * sizeof(bucket);
    }
    return bytes;
}

} // namespace pairsim
