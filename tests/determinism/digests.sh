#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Prints a line "PATH DIGEST UNSEED" for each scenario below a directory, in the order of the paths. A scenario is a
# JSON file whose "schema" is pairsim.scenario/1; a run may end with an abort of the modelled scheduler (exit 3).
# Usage: digests.sh SCENARIO_DIR PAIRSIM
set -euo pipefail
export LC_ALL=C

scenario_dir=$1
pairsim=$2

mapfile -t scenarios < <(
    find "$scenario_dir" -name '*.json' -exec grep -lE '"schema"[[:space:]]*:[[:space:]]*"pairsim\.scenario/1"' {} + | sort
)
if ((${#scenarios[@]} == 0)); then
    echo "$scenario_dir: no scenario found" >&2
    exit 1
fi

for scenario in "${scenarios[@]}"; do
    status=0
    "$pairsim" run --digest "$scenario" || status=$?
    if ((status != 0 && status != 3)); then
        echo "$pairsim run --digest $scenario: exit status $status" >&2
        exit 1
    fi
done
