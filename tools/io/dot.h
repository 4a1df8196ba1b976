// SPDX-License-Identifier: GPL-2.0-only
//
// A pairing as a graph in the DOT language: dot, neato and most graph viewers draw it.
#pragma once

#include <string>

#include "model/pair_map.h"

namespace pairsim {

/// One vertex a CPU, one edge a pair; pairs that have no entry in pair_ctx are dashed.
std::string pairing_dot(const pair_map& map);

} // namespace pairsim
