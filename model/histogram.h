// SPDX-License-Identifier: GPL-2.0-only
//
// A histogram of durations in integers: 64 buckets to each power of two, as in HdrHistogram. Values below 128 have a
// bucket each; above, a bucket is at most 1/64 of its values wide. It takes 256 bytes for each power of two that
// occurs: each task has one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "sim/check.h"

namespace pairsim {

/// Percentiles of a set of durations: at or above the exact ones, by at most 1/64. Count, total and maximum are exact.
struct duration_summary {
    std::uint64_t count = 0;
    std::int64_t total_ns = 0;
    std::int64_t p50_ns = 0;
    std::int64_t p90_ns = 0;
    std::int64_t p99_ns = 0;
    std::int64_t p999_ns = 0;
    std::int64_t max_ns = 0;
    friend bool operator==(const duration_summary&, const duration_summary&) = default;
};

class histogram {
public:
    void add(std::int64_t value)
    {
        const auto v = static_cast<std::uint64_t>(value < 0 ? 0 : value);
        const unsigned b = block_of(v);
        std::uint32_t& bucket = block(b)[(v >> shift_of(b)) % width];
        ++bucket;
        SIM_CHECK(bucket != 0);
        ++count_;
        total_ += static_cast<std::int64_t>(v);
        max_ = std::max(max_, static_cast<std::int64_t>(v));
    }

    void merge(const histogram& other)
    {
        for (unsigned b = 0; b < nr_blocks; ++b) {
            if (other.place_[b] != 0) {
                auto& mine = block(b);
                const auto& theirs = other.blocks_[other.place_[b] - 1U];
                for (std::size_t i = 0; i < width; ++i) {
                    SIM_CHECK(mine[i] <= ~theirs[i]);
                    mine[i] += theirs[i];
                }
            }
        }
        count_ += other.count_;
        total_ += other.total_;
        max_ = std::max(max_, other.max_);
    }

    /// The smallest bucket's upper edge at or below which at least @p permille of 1000 values lie.
    std::int64_t percentile(std::uint64_t permille) const
    {
        const std::uint64_t rank = (count_ * permille + 999) / 1000;
        std::uint64_t seen = 0;
        for (unsigned b = 0; b < nr_blocks && rank != 0; ++b) {
            if (place_[b] == 0) {
                continue;
            }
            const auto& counts = blocks_[place_[b] - 1U];
            for (std::size_t i = 0; i < width; ++i) {
                seen += counts[i];
                if (seen >= rank) {
                    const std::uint64_t first = (i + (b == 0 ? 0 : width)) << shift_of(b);
                    const std::uint64_t last = first + (std::uint64_t{1} << shift_of(b)) - 1;
                    return std::min(static_cast<std::int64_t>(last), max_);
                }
            }
        }
        return max_;
    }

    duration_summary summary() const
    {
        return {.count = count_,
                .total_ns = total_,
                .p50_ns = percentile(500),
                .p90_ns = percentile(900),
                .p99_ns = percentile(990),
                .p999_ns = percentile(999),
                .max_ns = max_};
    }

private:
    static constexpr std::uint64_t width = 64; ///< buckets of a block
    static constexpr unsigned nr_blocks = 58;  ///< for 63-bit values

    /// Block 0 is for values below 64, each other one for one power of two.
    static unsigned block_of(std::uint64_t v)
    {
        const auto bits = static_cast<unsigned>(std::bit_width(v));
        return bits <= 6 ? 0 : bits - 6;
    }
    /// How many low bits the buckets of a block ignore.
    static unsigned shift_of(unsigned b) { return b == 0 ? 0 : b - 1; }

    /// Blocks come into being with their first value.
    std::array<std::uint32_t, width>& block(unsigned b)
    {
        if (place_[b] == 0) {
            blocks_.emplace_back();
            place_[b] = static_cast<std::uint8_t>(blocks_.size());
        }
        return blocks_[place_[b] - 1U];
    }

    std::array<std::uint8_t, nr_blocks> place_{};
    std::vector<std::array<std::uint32_t, width>> blocks_;
    std::uint64_t count_ = 0;
    std::int64_t total_ = 0;
    std::int64_t max_ = 0;
};

} // namespace pairsim
