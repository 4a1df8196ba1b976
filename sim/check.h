// SPDX-License-Identifier: GPL-2.0-only
//
// SIM_CHECK: what our own code promises. A failed check is a bug of pairsim, never of the modelled scheduler; it
// says which rule broke and aborts, in every build.
#pragma once

#include <string>

namespace pairsim {

/// Prints the broken rule, then the context set by set_check_context(), and aborts (exit status 134).
[[noreturn]] void check_failed(const char* rule, const char* file, int line);

/// The command that reproduces the present run; printed when a check fails. One per thread.
void set_check_context(std::string how_to_reproduce);

} // namespace pairsim

#define SIM_CHECK(rule) ((rule) ? static_cast<void>(0) : ::pairsim::check_failed(#rule, __FILE__, __LINE__))
