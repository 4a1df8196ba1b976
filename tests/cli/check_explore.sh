#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim explore as a user runs it: exit codes, outputs, and everything that is refused, each with its place and with
# nothing left behind. Run it from the root of the repository. Usage: check_explore.sh PAIRSIM
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
work_dir=$(mktemp -d)
trap 'chmod -R u+w "$work_dir"; rm -rf "$work_dir"' EXIT
explore=$PWD/scenarios/explore
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/lib.sh"

cat >"$work_dir/good.json" <<'END'
{
  "schema": "pairsim.exploration/1", "name": "small", "description": "Two tasks, small enough for any test.",
  "machine": { "cpus": 2, "kernel": "KNEW" },
  "scheduler": { "max_queued": 4, "max_cgrps": 3 },
  "cgroups": ["a", { "name": "b", "removable": false }],
  "tasks": [
    { "name": "t", "cgroup": "a", "may": { "sleep": 1, "move": [{ "to": "b" }] } },
    { "name": "u", "cgroup": "b", "fork_cpu": 1, "may": { "wake": [{ "task": "t" }] } }
  ],
  "events": { "slice_end": 1, "batch_expiry": 1, "higher_class": [{ "cpu": 0, "times": 1 }] },
  "claims": ["exclusive", "no-abort"],
  "except": { "no-abort": ["S4"] },
  "bounds": { "states": 3000, "time": "60s" },
  "expect": { "exclusive": { "violated_by": "I1" } }
}
END

# --- what works ---
expect 4 "exclusive: violated by I1" "$pairsim" explore good.json --threads 1 --json result.json --dot steps.dot \
    --save-counterexample example.json
cp "$work_dir/out" "$work_dir/one"
expect 4 "exclusive: violated by I1" "$pairsim" explore good.json --threads 2
cmp -s "$work_dir/out" "$work_dir/one" || complain "the number of threads changes the text"
cmp -s <("$pairsim" explore - <"$work_dir/good.json") "$work_dir/one" ||
    complain "standard input differs from a file"
expect 0 "exclusive  " "$pairsim" run example.json
expect 0 "exclusive: violated" "$pairsim" explore good.json --expected
expect 5 "not decided" "$pairsim" explore "$explore/fixed-1plus1.json" --max-states 50
grep -q digraph "$work_dir/steps.dot" || complain "--dot wrote no graph"
rm "$work_dir/result.json" "$work_dir/steps.dot" "$work_dir/example.json"

# --- what is refused ---
# bad TEXT [ARGUMENT...]: bad.json is refused, the message names it and contains TEXT, and no output is left or begun
bad()
{
    local text=$1
    shift
    expect 2 "$text" "$pairsim" explore bad.json --json result.json --dot steps.dot --save-counterexample example.json "$@"
    grep -q "^bad.json" "$work_dir/err" || complain "$text: the message does not begin with bad.json"
    [[ -z $(find "$work_dir" -name 'result.json*' -o -name 'steps.dot*' -o -name 'example.json*') ]] ||
        complain "$text: bad input left an output"
}

# change SED-EXPRESSION TEXT: with this change in good.json, it is refused with TEXT
change()
{
    sed "$1" "$work_dir/good.json" >"$work_dir/bad.json"
    ! cmp -s "$work_dir/good.json" "$work_dir/bad.json" || complain "$1 changes nothing"
    bad "$2"
}

: >"$work_dir/bad.json" && bad "empty"
printf '[]' >"$work_dir/bad.json" && bad "object"
printf '{"schema": "pairsim.exploration/1", "tasks": [' >"$work_dir/bad.json" && bad "bad.json:1:"
head -n -1 "$work_dir/good.json" >"$work_dir/bad.json" && bad "bad.json:"
cp scenarios/quickstart.json "$work_dir/bad.json" && bad "/schema"
change 's/"claims"/"clams"/' "clams"
change 's/"events"/"evnts"/' "/evnts"
change 's/"slice_end": 1/"slice_end": "often"/' "/events/slice_end"
change 's/"slice_end": 1/"slice_end": 0/' "/events/slice_end"
change 's/"slice_end": 1/"slice_end": 201/' "/events/slice_end"
change 's/"exclusive", "no-abort"/"exclusiv", "no-abort"/' "/claims/0"
change 's/"exclusive", "no-abort"/"exclusive", "exclusive", "no-abort"/' "/claims/1: the claim"
change 's/"claims": .*\],/"claims": [],/' "/claims"
change 's/"exclusive", "no-abort"/"no-abort"/' "/expect/exclusive: the claim \"exclusive\" is not asked about"
change 's/"exclusive", "no-abort"/"exclusive"/' "/except/no-abort: the claim \"no-abort\" is not asked about"
change 's/"S4"/"S44"/' "/except/no-abort/0: unknown cause"
change 's/"I1"/"I11"/' "/expect/exclusive/violated_by: unknown cause"
change 's/"cpus": 2/"cpus": 10/' "too many to explore"
change 's/"cpus": 2/"cpus": 3/' "/machine: "
change 's/"name": "t", "cgroup": "a"/"name": "t", "count": 16, "cgroup": "a"/' "too many to explore"
change 's/"name": "t", "cgroup": "a"/"name": "t", "cgroup": "c"/' '/tasks/0/cgroup: unknown cgroup "c"'
change 's/"to": "b"/"to": "c"/' '/tasks/0/may/move/0/to: unknown cgroup "c"'
change 's/"task": "t"/"task": "v"/' '/tasks/1/may/wake/0/task: unknown task "v"'
change 's/"fork_cpu": 1/"fork_cpu": 2/' "/tasks/1/fork_cpu"
change 's/"fork_cpu": 1/"fork_cpu": "some"/' "/tasks/1/fork_cpu"
change 's/"cpu": 0, "times": 1/"cpu": 2, "times": 1/' "/events/higher_class/0/cpu: there is no CPU 2"
change 's/"cpu": 0, "times": 1/"cpu": 0, "class": "fair"/' "/events/higher_class/0/class"
change 's/"states": 3000/"states": 0/' "/bounds/states"
change 's/"time": "60s"/"time": "60"/' "/bounds/time"
change 's/"time": "60s"/"time": "0s"/' "/bounds/time"
change 's/"time": "60s"/"memory_mib": 0/' "/bounds/memory_mib"
change 's/"max_cgrps": 3/"stride": 2/' "/scheduler/stride"

sed '/"expect"/d; s/"60s" },/"60s" }/' "$work_dir/good.json" >"$work_dir/bad.json"
bad "/expect: nothing is expected" --expected

# refused ARGUMENTS TEXT: these options are refused, whatever the file
refused()
{
    # shellcheck disable=SC2086 # several arguments
    expect 2 "$2" "$pairsim" explore good.json --json result.json $1
    [[ ! -e $work_dir/result.json ]] || complain "$1 left an output"
}
refused "--threads 0" "--threads"
refused "--threads two" "--threads"
refused "--max-states 0" "--max-states"
refused "--max-states -1" "--max-states"
refused "--max-memory 0" "--max-memory"
refused "--max-memory 99999999999999" "--max-memory"
refused "--max-time 60" "--max-time"
refused "--max-time 0" "--max-time"
refused "--dot - --save-counterexample -" "two outputs"
refused "--no-such-option" "--no-such-option"
expect 2 "missing.json" "$pairsim" explore missing.json
expect 2 "FILE" "$pairsim" explore

# --- the system fails: before the search, which may take long ---
for option in --json --dot --save-counterexample; do
    expect 1 "no/such/folder/x" "$pairsim" explore good.json "$option" no/such/folder/x
    [[ ! -s $work_dir/out ]] || complain "$option: the search began, and its output cannot be written"
done

echo "$failures failures"
((failures == 0))
