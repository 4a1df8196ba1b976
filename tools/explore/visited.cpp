// SPDX-License-Identifier: GPL-2.0-only
#include "tools/explore/visited.h"

#include "sim/check.h"

namespace pairsim {
namespace {

constexpr std::size_t initial_buckets = 8;

} // namespace

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
            const state_index s = here.slot[i];
            __builtin_prefetch(&block(s).low[s % block_size]);
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
    for (const bucket& b : s.buckets) {
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
        blocks_.push_back(std::make_unique_for_overwrite<states_block>());
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
