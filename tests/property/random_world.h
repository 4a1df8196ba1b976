// SPDX-License-Identifier: GPL-2.0-only
//
// Random small worlds: any machine, workload and options that a scenario could describe, made from a seed.
#pragma once

#include <cstdint>

#include "model/pair_config.h"
#include "sim/config.h"

namespace pairsim::test {

struct random_world {
    machine_config machine;
    workload work;
    pair_config options;
    nanoseconds length{};
    bool free_of_cost = false; ///< nothing takes time: CPUs may chase each other at one instant
};

random_world make_random_world(std::uint64_t seed);

} // namespace pairsim::test
