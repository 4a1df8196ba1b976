#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every build of pairsim prints the approved digests (pairsim_tests checks the build under test, this script the others).
# $PAIRSIM_OTHER_BUILDS names them, separated by colons: tools/dev test gives GCC -O2 and Clang -O3, each twice over, so
# that two runs of one build are compared too. Exit status 77: there is nothing to compare.
# Run it from the root of the repository.
# Usage: compare_builds.sh [PAIRSIM...]
set -euo pipefail

IFS=: read -r -a others <<<"${PAIRSIM_OTHER_BUILDS:-}"
builds=("$@" "${others[@]}")
if ((${#builds[@]} == 0)); then
    echo "no other build given in \$PAIRSIM_OTHER_BUILDS"
    exit 77
fi
for build in "${builds[@]}"; do
    bash tests/golden/check_digests.sh "$build"
    bash tests/golden/check_digests.sh "$build"
done
echo "$(wc -l <tests/golden/digests.txt) scenarios; builds that agree, twice: ${builds[*]}"
