// SPDX-License-Identifier: GPL-2.0-only
//
// A set of record kinds: what a reader of the trace listens to.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "sim/trace.h"

namespace pairsim {

class kind_set {
public:
    constexpr kind_set() = default;
    constexpr kind_set(std::initializer_list<record_kind> kinds)
    {
        for (const record_kind kind : kinds) {
            bits_ |= bit(kind);
        }
    }
    constexpr bool has(record_kind kind) const { return (bits_ & bit(kind)) != 0; }
    constexpr kind_set operator|(kind_set other) const
    {
        other.bits_ |= bits_;
        return other;
    }

private:
    static_assert(nr_record_kinds <= 64);
    static constexpr std::uint64_t bit(record_kind kind) { return std::uint64_t{1} << static_cast<unsigned>(kind); }
    std::uint64_t bits_ = 0;
};

} // namespace pairsim
