// SPDX-License-Identifier: GPL-2.0-only
#include "model/pair_map.h"

#include <fmt/format.h>

namespace pairsim {

std::variant<pair_map, std::string> make_pair_map(std::uint32_t nr_cpus, std::uint32_t stride, bool big_ctx_map)
{
    if (nr_cpus == 0 || nr_cpus % 2 != 0) {
        return fmt::format("scx_pair requires an even number of CPUs, not {}", nr_cpus);
    }
    if (stride == 0) {
        stride = nr_cpus / 2;
    }
    pair_map map;
    map.pair_cpu.assign(nr_cpus, no_cpu);
    map.pair_id.assign(nr_cpus, 0);
    map.in_pair_idx.assign(nr_cpus, 0);
    map.ctx_entries = big_ctx_map ? nr_cpus : nr_cpus / 2;

    for (std::uint32_t i = 0; i < nr_cpus; ++i) {
        if (map.pair_cpu[i] != no_cpu) {
            continue;
        }
        const auto j = static_cast<std::uint32_t>((std::uint64_t{i} + stride) % nr_cpus);
        if (i == j) {
            return fmt::format("stride {}: CPU {} wants to be its own pair", stride, i);
        }
        if (map.pair_cpu[j] != no_cpu) {
            return fmt::format("stride {}: three CPUs ({}, {}, {}) want to be a pair", stride, i, j,
                               map.pair_cpu[j].value);
        }
        const cpu_id first{static_cast<std::uint16_t>(i)};
        const cpu_id second{static_cast<std::uint16_t>(j)};
        map.pair_cpu[i] = second;
        map.pair_cpu[j] = first;
        map.pair_id[i] = map.pair_id[j] = i;
        map.in_pair_idx[j] = 1;
        map.pairs.push_back({first, second});
    }
    return map;
}

} // namespace pairsim
