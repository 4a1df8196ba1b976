// SPDX-License-Identifier: GPL-2.0-only
//
// The benchmarks of pairsim_bench. Each prints its results.
#pragma once

namespace pairsim::bench {

/// States a second and bytes a state of the explorer, reductions off, on one thread and on two.
void explore();

} // namespace pairsim::bench
