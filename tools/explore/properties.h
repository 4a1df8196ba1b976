// SPDX-License-Identifier: GPL-2.0-only
//
// What one state of an explored world says about the properties: a set of those that it breaks.
#pragma once

#include <cstdint>

#include "tools/explore/world.h"

namespace pairsim {

using property_set = std::uint8_t;

constexpr property_set bit_of(property p)
{
    return static_cast<property_set>(1U << static_cast<unsigned>(p));
}

/// Those of @p asked that the present state of @p world breaks. Of the properties of single states; no_deadlock also
/// needs to know that nothing can follow: see is_stuck().
property_set broken_in(explored_world& world, property_set asked);

/// For a state without successors: true if that is a deadlock and not an end. A CPU is in the kernel for ever, or all
/// CPUs are idle while a runnable task waits for one.
bool is_stuck(const explored_world& world);

/// @p task can run and does not: on a runqueue or being woken, and not current.
bool waits_to_run(const explored_world& world, pid task);

/// Some CPU waits for a kick with interrupts off, and not only until the scheduler that has failed is gone.
bool waits_with_irqs_off(const explored_world& world);

} // namespace pairsim
