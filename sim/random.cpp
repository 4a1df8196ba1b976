// SPDX-License-Identifier: GPL-2.0-only
#include "sim/random.h"

#include <Random123/philox.h>

namespace pairsim {

std::uint64_t random_draw(std::uint64_t seed, random_purpose purpose, std::uint32_t entity, std::uint64_t n)
{
    const r123::Philox4x32::key_type key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)}};
    const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n >> 32U),
                                              entity, static_cast<std::uint32_t>(purpose)}};
    const auto words = r123::Philox4x32{}(counter, key);
    return (std::uint64_t{words[1]} << 32U) | words[0];
}

} // namespace pairsim
