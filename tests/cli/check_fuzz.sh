#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim fuzz as a user runs it: the same for any number of threads, what it finds, and what it refuses.
# Run it from the root of the repository. Usage: check_fuzz.sh PAIRSIM
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
work_dir=$(mktemp -d)
trap 'chmod -R u+w "$work_dir"; rm -rf "$work_dir"' EXIT
quickstart=$PWD/scenarios/quickstart.json
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/lib.sh"

# --- the same seeds give the same, on any number of threads ---
expect 0 "12 scenarios, seeds 40 to 51: no rule of pairsim is broken" \
    "$pairsim" fuzz --seed 40 --count 12 --threads 1 --json one.json
cp "$work_dir/out" "$work_dir/one"
expect 0 "first seed" "$pairsim" fuzz --seed 40 --count 12 --threads 2 --json two.json
cmp -s "$work_dir/out" "$work_dir/one" && cmp -s "$work_dir/one.json" "$work_dir/two.json" ||
    complain "the number of threads changes the result"
expect 0 '"name": "random scenario 40"' "$pairsim" fuzz --seed 40 --print
cp "$work_dir/out" "$work_dir/40.json"
expect 0 "40.json: no rule of pairsim is broken; digest $("$pairsim" run "$work_dir/40.json" --digest | cut -d' ' -f2)" \
    "$pairsim" fuzz 40.json "$quickstart"

# --- a broken claim becomes a small scenario that shows it everywhere ---
expect 4 "a claim is broken in the last one" "$pairsim" fuzz --claim exclusive --cause I1 --save small.json
grep -q "wrote small.json, after" "$work_dir/err" || complain "nobody says that small.json was written"
expect 0 "1 passed" "$pairsim" test small.json
expect 0 "I1" "$pairsim" run small.json
[[ $(grep -c '"phases"' "$work_dir/small.json") == 2 ]] || complain "two tasks are enough for I1: $(<"$work_dir/small.json")"
expect 0 "first seed" "$pairsim" fuzz --count 12 --claim exclusive --set '/scheduler={"name": "idle-sibling"}'

# --- what is refused, with nothing left behind ---
for bad in "--count 0" "--count many" "--seed -1" "--for 10parsecs" "--for 0" "--threads 0" "--claim exclusiv" \
    "--cause I99" "--except I99" "--cause I1 --except I2" "--set seed" "--set /machine/kernel=K1" "--no-such-option"; do
    # shellcheck disable=SC2086 # several arguments
    expect 2 "$(grep -o -- '--[a-z-]*' <<<"$bad" | tail -n 1)" "$pairsim" fuzz --json refused.json --save refused.json $bad
done
expect 2 "missing.json" "$pairsim" fuzz missing.json
expect 2 "one or the other" "$pairsim" fuzz "$quickstart" --seed 2
[[ ! -e $work_dir/refused.json ]] || complain "bad input left an output"

# --- the system fails: before the campaign ---
for option in --save --json; do
    expect 1 "no/such/folder/x" "$pairsim" fuzz "$option" no/such/folder/x
    [[ ! -s $work_dir/out ]] || complain "$option: the campaign began, and its output cannot be written"
done

echo "$failures failures"
((failures == 0))
