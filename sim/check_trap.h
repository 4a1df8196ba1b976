// SPDX-License-Identifier: GPL-2.0-only
//
// For those who look for failed checks, as a fuzzer does, and must live on to tell.
#pragma once

#include <stdexcept>

namespace pairsim {

/// A check that failed while a check_trap was set: the rule and its place.
class check_failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// While one lives, a failed check of this thread throws check_failure in place of aborting. What was running when it
/// failed must be thrown away.
class check_trap {
public:
    check_trap();
    ~check_trap();
    check_trap(const check_trap&) = delete;
    check_trap& operator=(const check_trap&) = delete;
};

} // namespace pairsim
