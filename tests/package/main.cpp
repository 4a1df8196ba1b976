// SPDX-License-Identifier: GPL-2.0-only
//
// Shows that the installed headers are found and that the version is the package's.
#include <iostream>

#include "pairsim_version.h"
#include "sim/ids.h"

int main()
{
    constexpr pairsim::cpu_id first{0};
    if (first == pairsim::no_cpu) {
        return 1;
    }
    std::cout << "pairsim " << pairsim::version << '\n';
}
