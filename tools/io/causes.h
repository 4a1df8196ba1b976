// SPDX-License-Identifier: GPL-2.0-only
//
// Claims and causes in words: what a finding says to people.
#pragma once

#include <span>
#include <string_view>

#include "model/cause_id.h"

namespace pairsim {

struct cause_info {
    cause_id cause;
    std::string_view id; ///< as reports name it
    /// What one occurrence looks like, in the past tense. {cpu}, {own}: the CPU at fault and its task's cgroup;
    /// {other}, {theirs}: its partner and the cgroup of what runs there.
    std::string_view headline;
    std::string_view sentence; ///< why it happens
    std::string_view remedy;
};

/// All causes in the order of cause_id.
std::span<const cause_info> causes();
const cause_info& info_of(cause_id cause);

} // namespace pairsim
