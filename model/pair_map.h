// SPDX-License-Identifier: GPL-2.0-only
//
// Which CPUs form pairs: the user-space part of scx_pair, which fills pair_cpu, pair_id and in_pair_idx before it
// loads the BPF program.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "sim/ids.h"

namespace pairsim {

struct pair_map {
    struct pair {
        cpu_id first; ///< the lower CPU; its number is the pair's id
        cpu_id second;
        friend bool operator==(const pair&, const pair&) = default;
    };

    std::vector<cpu_id> pair_cpu;          ///< partner of each CPU
    std::vector<std::uint32_t> pair_id;    ///< of each CPU: the number of the pair's first CPU
    std::vector<std::uint8_t> in_pair_idx; ///< of each CPU: 0 if it is the pair's first, else 1
    std::vector<pair> pairs;               ///< in the order in which the loader prints them
    /// Entries of the BPF map pair_ctx. The loader asks for half of the CPUs, which is too few for pair ids at or
    /// above that number: their look-ups fail.
    std::uint32_t ctx_entries = 0;

    friend bool operator==(const pair_map&, const pair_map&) = default;
};

/// Pairs CPU i with CPU (i + stride) mod @p nr_cpus; @p stride 0 means half of the CPUs. Returns the loader's reason
/// if it refuses. @p big_ctx_map sizes pair_ctx for every id (a variant; the loader does not).
/// Source: main() of scx_pair's user-space part.
std::variant<pair_map, std::string> make_pair_map(std::uint32_t nr_cpus, std::uint32_t stride, bool big_ctx_map);

} // namespace pairsim
