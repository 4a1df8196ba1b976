#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every build of pairsim must print the same digests. Names of further builds may come in $PAIRSIM_OTHER_BUILDS,
# separated by colons; the same build named twice compares two runs of it.
# Usage: compare_builds.sh SCENARIO_DIR PAIRSIM PAIRSIM...
set -euo pipefail

scenario_dir=$1
shift
builds=("$@")
IFS=: read -r -a others <<<"${PAIRSIM_OTHER_BUILDS:-}"
builds+=("${others[@]}")
if ((${#builds[@]} < 2)); then
    echo "usage: compare_builds.sh SCENARIO_DIR PAIRSIM PAIRSIM..." >&2
    exit 2
fi

digests=$(dirname "$0")/digests.sh
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT

first=${builds[0]}
bash "$digests" "$scenario_dir" "$first" >"$work_dir/expected"

different=0
for build in "${builds[@]:1}"; do
    bash "$digests" "$scenario_dir" "$build" >"$work_dir/actual"
    if ! diff -u --label "$first" --label "$build" "$work_dir/expected" "$work_dir/actual"; then
        different=1
    fi
done
echo "$(wc -l <"$work_dir/expected") scenarios, builds compared: ${builds[*]}"
exit "$different"
