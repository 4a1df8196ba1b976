// SPDX-License-Identifier: GPL-2.0-only
//
// The states that have been seen, in the order in which they were numbered: of each a fingerprint, and by which action
// it was first reached from which state. 14 bytes a state, and an index of 64-byte buckets over them that is between
// 56 and 84 % full: 20 to 24 bytes in all.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "tools/explore/packer.h"

namespace pairsim {

using state_index = std::uint32_t;
inline constexpr state_index no_state = 0xffffffff;

/// Memory for large arrays that are read here and there: in huge pages, where the system has them to give.
void* allocate_large(std::size_t bytes);

template <class T>
struct large_allocator {
    using value_type = T;
    large_allocator() = default;
    template <class U>
    explicit large_allocator(const large_allocator<U>& /*other*/)
    {
    }
    T* allocate(std::size_t n) { return static_cast<T*>(allocate_large(n * sizeof(T))); }
    void deallocate(T* p, std::size_t /*n*/) { std::free(p); }
    friend bool operator==(const large_allocator&, const large_allocator&) { return true; }
};

class visited_states {
public:
    visited_states();

    state_index size() const { return size_; }
    /// The state with this fingerprint, or no_state.
    state_index find(const fingerprint& f) const;
    /// Adds a state that find() does not find, and returns its number.
    state_index add(const fingerprint& f, state_index parent, std::uint16_t action);
    state_index parent(state_index s) const { return block(s).parent[s % block_size]; }
    std::uint16_t action_to(state_index s) const { return block(s).action[s % block_size]; }
    std::size_t memory_bytes() const;
    /// Asks the memory for what find() will read.
    void prefetch(const fingerprint& f) const { __builtin_prefetch(&bucket_of(f)); }
    /// The second half of prefetch(), once the first has had its time.
    void prefetch_state(const fingerprint& f) const;

private:
    static constexpr std::size_t block_size = 1U << 20U;
    static constexpr std::size_t nr_shards = 8;
    static constexpr std::size_t bucket_slots = 12;

    struct states_block {
        std::array<std::uint64_t, block_size> low;
        std::array<state_index, block_size> parent;
        std::array<std::uint16_t, block_size> action;
    };
    struct alignas(64) bucket {
        std::array<std::uint8_t, bucket_slots> tag;
        std::uint8_t used; ///< slots in use; a full bucket goes on in the next one
        std::array<std::uint8_t, 3> unused;
        std::array<state_index, bucket_slots> slot;
    };
    static_assert(sizeof(bucket) == 64);
    struct free_memory {
        void operator()(states_block* p) const { std::free(p); }
    };
    struct shard {
        std::vector<bucket, large_allocator<bucket>> buckets;
        std::size_t used = 0;
    };

    const states_block& block(state_index s) const { return *blocks_[s / block_size]; }
    std::uint64_t low(state_index s) const { return block(s).low[s % block_size]; }
    void prefetch_low(state_index s) const { __builtin_prefetch(&block(s).low[s % block_size]); }
    static std::size_t shard_of(const fingerprint& f) { return f.low >> 61U; }
    static std::size_t first_bucket(const fingerprint& f, std::size_t nr_buckets)
    {
        return ((f.low & 0xffffffffU) * nr_buckets) >> 32U;
    }
    const bucket& bucket_of(const fingerprint& f) const
    {
        const auto& b = shards_[shard_of(f)].buckets;
        return b[first_bucket(f, b.size())];
    }
    static void insert(shard& s, const fingerprint& f, state_index state);
    void grow(shard& s);

    std::vector<std::unique_ptr<states_block, free_memory>> blocks_;
    std::array<shard, nr_shards> shards_;
    state_index size_ = 0;
};

} // namespace pairsim
