// SPDX-License-Identifier: GPL-2.0-only
//
// The part of a trace's header that says of the machine and the scheduler what the claims depend on: so that they find
// in a trace what they found in the run.
#pragma once

#include <string>

#include "model/pair_map.h"
#include "tools/io/scenario.h"
#include "tools/io/strict_json.h"

namespace pairsim {

json config_of(const scenario& what, const pair_map& pairs);

/// What is wrong with @p config for a machine of @p nr_cpus; empty: nothing.
std::string problem_of_config(const json& config, std::size_t nr_cpus);

/// Puts a good @p config into @p what, whose CPUs are there, and into @p pairs.
void apply_config(const json& config, scenario& what, pair_map& pairs);

} // namespace pairsim
