// SPDX-License-Identifier: GPL-2.0-only
//
// The mechanisms by which scx_pair breaks its promises. tools/io/causes.h has them in words.
#pragma once

#include <cstdint>

namespace pairsim {

/// Numbers are those of docs/reference/claims.md: I*, two cgroups on one pair; R*, a task beside a higher class; S*,
/// the end of the scheduler, and tasks that wait for nothing.
// clang-format off
enum class cause_id : std::uint8_t {
    unknown, i1, i2, i2a, i3, i4, i5, i6, i7, i8, i9, i10, i12, i14, i15, r1, r2, r3, r4, r5,
    s1, s2, s4, s5, s6, s7, s8, s10, s11, s12, s13, s14, s15, s16, s17, s21, stall, bpf_error, core_error, stale, lost,
    miscount, no_isolation,
};
// clang-format on
inline constexpr std::size_t nr_causes = 43;

} // namespace pairsim
