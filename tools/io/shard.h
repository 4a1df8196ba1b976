// SPDX-License-Identifier: GPL-2.0-only
//
// A part of a whole that several machines share: I/N on the command line.
#pragma once

#include <cstddef>
#include <string>

namespace pairsim {

struct shard_id {
    std::size_t index = 1; ///< 1 to count
    std::size_t count = 1;
};

/// Parses "I/N". Throws input_error.
shard_id parse_shard(const std::string& text);

} // namespace pairsim
