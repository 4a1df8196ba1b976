// SPDX-License-Identifier: GPL-2.0-only
//
// Independent pieces of work on all cores. What each piece gives goes to a place of its own, so that no result depends
// on the number of threads.
#pragma once

#include <cstddef>
#include <functional>

namespace pairsim {

/// Calls @p piece with each of 0 ... @p nr - 1, on @p threads threads (0: one a core). Pieces begin in this order. Once
/// one has thrown, no other begins, and when those that run have ended, the exception of the first of them by number is
/// thrown again.
void for_each_in_parallel(std::size_t nr, const std::function<void(std::size_t)>& piece, unsigned threads = 0);

} // namespace pairsim
