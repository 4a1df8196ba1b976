// SPDX-License-Identifier: GPL-2.0-only
//
// A histogram of durations in integers: 64 buckets to each power of two, as in HdrHistogram. Values below 128 have a
// bucket each; above, a bucket is at most 1/64 of its values wide.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

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
        const unsigned shift = shift_of(v);
        block(shift)[(v >> shift) - (shift == 0 ? 0 : width)] += 1;
        ++count_;
        total_ += static_cast<std::int64_t>(v);
        max_ = std::max(max_, static_cast<std::int64_t>(v));
    }

    void merge(const histogram& other)
    {
        for (unsigned shift = 0; shift < nr_shifts; ++shift) {
            if (other.place_[shift] != 0) {
                auto& mine = block(shift);
                const auto& theirs = other.blocks_[other.place_[shift] - 1U];
                for (std::size_t i = 0; i < mine.size(); ++i) {
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
        for (unsigned shift = 0; shift < nr_shifts && rank != 0; ++shift) {
            if (place_[shift] == 0) {
                continue;
            }
            const auto& counts = blocks_[place_[shift] - 1U];
            for (std::size_t i = 0; i < counts.size(); ++i) {
                seen += counts[i];
                if (seen >= rank) {
                    const std::uint64_t first = (i + (shift == 0 ? 0 : width)) << shift;
                    const std::uint64_t last = first + (std::uint64_t{1} << shift) - 1;
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
    static constexpr std::uint64_t width = 64; ///< buckets to a power of two
    static constexpr unsigned nr_shifts = 58;  ///< of 63-bit values

    /// How many low bits a bucket of @p v ignores.
    static unsigned shift_of(std::uint64_t v)
    {
        const auto bits = static_cast<unsigned>(std::bit_width(v));
        return bits <= 7 ? 0 : bits - 7;
    }

    /// Block 0 holds 0 to 127 one by one, the others one power of two each. They come into being with their first
    /// value.
    std::array<std::uint64_t, 2 * width>& block(unsigned shift)
    {
        if (place_[shift] == 0) {
            blocks_.emplace_back();
            place_[shift] = static_cast<std::uint8_t>(blocks_.size());
        }
        return blocks_[place_[shift] - 1U];
    }

    std::array<std::uint8_t, nr_shifts> place_{};
    std::vector<std::array<std::uint64_t, 2 * width>> blocks_;
    std::uint64_t count_ = 0;
    std::int64_t total_ = 0;
    std::int64_t max_ = 0;
};

} // namespace pairsim
