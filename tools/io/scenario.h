// SPDX-License-Identifier: GPL-2.0-only
//
// A scenario as its file says it, validated: what to simulate, for how long, and what is expected of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/findings.h"
#include "model/pair_config.h"
#include "sim/config.h"

namespace pairsim {

enum class scheduler_name : std::uint8_t { pair, fifo, idle_sibling };

/// `expect`: what a scenario says of its own outcome. `pairsim test` and the test suite check it; `run` prints it.
struct expectation {
    struct bound { ///< of a number in the report, found by its JSON pointer
        std::string pointer;
        std::optional<double> min;
        std::optional<double> max;
    };
    struct claim { ///< of a claim by id: "holds" or "violated", by a named cause if given
        std::string id;
        bool holds = true;
        std::string cause;
    };
    std::string exit_kind = "none"; ///< as in the report's exit.kind
    std::string exit_message_contains;
    std::vector<bound> bounds;
    std::vector<claim> claims;
    std::string digest;  ///< of the trace; empty: not said
    claim_limits limits; ///< the bounds that claims state, where they are not the default
};

struct scenario {
    std::string name;
    std::string description;
    std::uint64_t seed = 1;
    nanoseconds duration{};
    nanoseconds warmup{}; ///< metrics begin after it
    machine_config machine;
    workload work;
    scheduler_name scheduler = scheduler_name::pair;
    pair_config pair;
    expectation expect;
};

} // namespace pairsim
