#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every build of pairsim prints the approved digests (pairsim_tests checks the build under test, this script the others).
# $PAIRSIM_OTHER_BUILDS names them, separated by colons: tools/dev test gives GCC -O2 and Clang -O3, each twice over, so
# that two runs of one build are compared too. Explorations must come out alike, too, with any number of threads, and so
# must thousands of random scenarios, which keep all rules. Exit status 77: there is nothing to compare.
# Run it from the root of the repository.
# Usage: compare_builds.sh [PAIRSIM...]
set -euo pipefail

IFS=: read -r -a others <<<"${PAIRSIM_OTHER_BUILDS:-}"
builds=("$@" "${others[@]}")
if ((${#builds[@]} == 0)); then
    echo "no other build given in \$PAIRSIM_OTHER_BUILDS"
    exit 77
fi
results=$(mktemp)
trap 'rm -f "$results" "$results".*' EXIT
for build in "${builds[@]}"; do
    bash tests/golden/check_digests.sh "$build"
    bash tests/golden/check_digests.sh "$build"
    for exploration in fixed-1plus1 i02-kept-previous-task s12-sync-ping-pong; do
        for threads in 1 2 3; do
            "$build" explore "scenarios/explore/$exploration.json" --threads "$threads" --json - || test $? -eq 4
        done | sort | uniq -c | awk '$1 % 3 != 0 { exit 1 }' || {
            echo "$build: $exploration: the result depends on the number of threads" >&2
            exit 1
        }
        "$build" explore "scenarios/explore/$exploration.json" --json - || test $? -eq 4
    done | sha256sum >>"$results"
    "$build" fuzz --count 2500 --json "$results.fuzz"
    sha256sum <"$results.fuzz" >>"$results.of_fuzz"
done
if [[ $(sort -u "$results" | wc -l) != 1 ]]; then
    echo "explorations come out differently: ${builds[*]}" >&2
    exit 1
fi
if [[ $(sort -u "$results.of_fuzz" | wc -l) != 1 ]]; then
    echo "random scenarios come out differently: ${builds[*]}" >&2
    exit 1
fi
echo "$(wc -l <tests/golden/digests.txt) scenarios; builds that agree, twice: ${builds[*]}"
