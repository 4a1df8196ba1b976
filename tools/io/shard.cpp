// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/shard.h"

#include <charconv>

#include "tools/io/input_error.h"

namespace pairsim {

shard_id parse_shard(const std::string& text)
{
    shard_id part;
    const char* const end = text.data() + text.size();
    const auto index = std::from_chars(text.data(), end, part.index);
    const bool slash = index.ec == std::errc{} && index.ptr != end && *index.ptr == '/';
    const auto count = slash ? std::from_chars(index.ptr + 1, end, part.count) : index;
    if (!slash || count.ec != std::errc{} || count.ptr != end || part.index < 1 || part.index > part.count) {
        throw input_error(
            {{"--shard", "", quote(text) + " is no part of a whole", "write I/N with I from 1 to N, as in 2/4"}});
    }
    return part;
}

} // namespace pairsim
