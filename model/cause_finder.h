// SPDX-License-Identifier: GPL-2.0-only
//
// Finds the cause of a broken claim from what the records said before: how the task at fault came to its CPU, and why
// it still runs there. The mechanisms: docs/reference/claims.md.
#pragma once

#include "model/findings.h"
#include "model/observed_state.h"

namespace pairsim {

/// How a pair breaks a claim at an instant.
struct breach {
    int side = 0; ///< the CPU at fault
    cause_id cause{};
};

/// What can be told of a breach that begins at @p t.
finding about(const observed_state& state, const observed_pair& pair, const breach& b, sim_time t);

class cause_finder {
public:
    /// @p isolates: claims_options::isolates.
    cause_finder(const observed_state& state, const machine_config& machine, const workload& work, bool isolates)
        : state_(&state), machine_(&machine), work_(&work), isolates_(isolates)
    {
    }

    /// Which CPU of @p pair, 0 or 1, runs a task that does not belong there: the one whose cgroup is not the pair's;
    /// of two, the one whose task came last.
    int intruder(const observed_pair& pair) const;
    /// Why both CPUs of @p pair run tasks of different cgroups, @p side being the intruder.
    cause_id of_two_cgroups(const observed_pair& pair, int side) const;
    /// Why CPU 1 - @p held of @p pair runs a task while a higher class holds CPU @p held.
    cause_id of_run_beside(const observed_pair& pair, int held) const;

private:
    cause_id of_arrival(const observed_pair& pair, cpu_id cpu) const;

    const observed_state* state_;
    const machine_config* machine_;
    const workload* work_;
    bool isolates_;
};

} // namespace pairsim
