// SPDX-License-Identifier: GPL-2.0-only
//
// How Catch2 prints our ids and instants.
#pragma once

#include <string>

#include "sim/ids.h"
#include "sim/time.h"
#include "tests/support/catch.h"

namespace Catch {

template <class Tag, class Rep>
struct StringMaker<pairsim::strong_id<Tag, Rep>> {
    static std::string convert(pairsim::strong_id<Tag, Rep> id) { return std::to_string(id.value); }
};

template <>
struct StringMaker<pairsim::sim_time> {
    static std::string convert(pairsim::sim_time t) { return std::to_string(pairsim::to_ns(t)) + " ns"; }
};

} // namespace Catch
