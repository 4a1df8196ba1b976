// SPDX-License-Identifier: GPL-2.0-only
//
// Which CPUs share a core, a last-level cache or a NUMA node: the configuration's places, looked up the other way.
#pragma once

#include <vector>

#include "sim/config.h"

namespace pairsim {

struct topology {
    explicit topology(const machine_config& config);

    std::vector<std::vector<cpu_id>> core_cpus; ///< CPUs of each core
    std::vector<cpumask> llc_mask;              ///< of each last-level cache
    std::vector<cpumask> node_mask;             ///< of each NUMA node
    std::vector<cpu_id> sibling;                ///< of each CPU: the next CPU of its core, or itself
    std::vector<cpu_place> place;               ///< of each CPU
};

} // namespace pairsim
