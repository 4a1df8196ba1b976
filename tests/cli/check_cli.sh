#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program as a user runs it: exit codes, where output goes, what is left behind after an error.
# Run it from the root of the repository. Usage: check_cli.sh PAIRSIM
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
quickstart=$PWD/scenarios/quickstart.json
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/lib.sh"

# bad TEXT: the scenario in $work_dir/bad.json is refused, and the message contains TEXT and the file's name
bad()
{
    expect 2 "$1" "$pairsim" run bad.json --json report.json --trace trace.jsonl
    grep -qF "bad.json" "$work_dir/err" || complain "the message does not name bad.json: $(cat "$work_dir/err")"
    [[ ! -e $work_dir/report.json && ! -e $work_dir/trace.jsonl ]] || complain "bad input ($1) left an output file"
}

change() # SED-EXPRESSION: bad.json is the quickstart with a change
{
    sed "$1" "$quickstart" >"$work_dir/bad.json"
    ! cmp -s "$quickstart" "$work_dir/bad.json" || complain "the change $1 changes nothing"
}

# --- what works ---
expect 0 "scx_pair on 4 CPUs" "$pairsim" run "$quickstart"
expect 0 "one column" "$pairsim" run "$quickstart" --lanes 0ms..40ms/1ms
expect 0 "[SEQ 1]" "$pairsim" run "$quickstart" --stats-interval 40ms
expect 0 '"pairsim.report/1"' "$pairsim" run "$quickstart" --json -
expect 0 "seed 7" "$pairsim" run "$quickstart" --seed 7
expect 0 "batch 5ms" "$pairsim" run "$quickstart" --set /scheduler/batch_duration=5ms
expect 0 "20 ms simulated" "$pairsim" run "$quickstart" --until 20ms
expect 0 "kernel K612" "$pairsim" run "$quickstart" --profile K612
expect 0 "runs render.0 of web" "$pairsim" explain "$quickstart" --at 62.1ms --cpu 2
expect 0 "in all" "$pairsim" explain "$quickstart" --task job.1
expect 0 "its pair drains" "$pairsim" explain "$quickstart" --idle --rows 2
expect 0 "violation 3 of 8" "$pairsim" explain "$quickstart" --violation 3
expect 0 '"by_cause_ns"' "$pairsim" explain "$quickstart" --idle --json
expect 0 "376 records" "$pairsim" view "$quickstart" -o page.html
expect 0 "</html>" "$pairsim" view "$quickstart" -o -
expect 0 '"traceEvents"' "$pairsim" export "$quickstart" --format chrome
expect 0 "graph machine" "$pairsim" export "$quickstart" --format dot
expect 0 '"$schema"' "$pairsim" schema
expect 0 '"$schema"' "$pairsim" schema report
expect 0 "graph G" "$pairsim" pairs 4 --dot
expect 0 '"pair_ctx_entries": 2' "$pairsim" pairs 4 --json
expect 0 "pairsim 0." "$pairsim" version
for command in "" explain export pairs run schema validate version view; do
    # shellcheck disable=SC2086 # no word for the program itself
    expect 0 "Usage" "$pairsim" $command --help
done
expect 0 "1 of 1 cells agree" "$pairsim" validate "$PWD/tests/validate" --seeds 2 --min-score 100
expect 0 '"score": 1.0' "$pairsim" validate "$PWD/tests/validate/stride-1" --seeds 2 --json -
expect 3 "top_q overflow" "$pairsim" run "$PWD/scenarios/catalogue/s05-top-q-overflow.json"
"$pairsim" run - <"$quickstart" | cmp -s - <("$pairsim" run "$quickstart") || complain "standard input differs from a file"

(cd "$work_dir" && "$pairsim" run "$quickstart" --json report.json --trace trace.jsonl >/dev/null)
[[ -s $work_dir/report.json && -s $work_dir/trace.jsonl ]] || complain "--json or --trace wrote nothing"
expect 0 "render.0 of web" "$pairsim" explain trace.jsonl --at 62.1ms --cpu 2
expect 2 "other settings" "$pairsim" explain trace.jsonl --seed 2 --idle
(cd "$work_dir" && sed -i '$d; $d' trace.jsonl && printf '{"at_ns":' >>trace.jsonl)
expect 2 "trace.jsonl" "$pairsim" view trace.jsonl -o page.html.new
[[ ! -e $work_dir/page.html.new ]] || complain "a bad trace left a page"
rm -f "$work_dir/report.json" "$work_dir/trace.jsonl"

# --- usage ---
expect 2 "subcommand" "$pairsim"
expect 2 "nonsense" "$pairsim" nonsense
expect 2 "--no-such-option" "$pairsim" run "$quickstart" --no-such-option
expect 2 "FILE" "$pairsim" run
expect 2 "--lanes" "$pairsim" run "$quickstart" --lanes nonsense
expect 2 "--stats-interval" "$pairsim" run "$quickstart" --stats-interval 0
expect 2 "--until" "$pairsim" run "$quickstart" --until 5parsecs
expect 2 "--set" "$pairsim" run "$quickstart" --set seed=1
expect 2 "nothing to explain" "$pairsim" explain "$quickstart"
expect 2 "more than one" "$pairsim" explain "$quickstart" --idle --violations
expect 2 'did you mean "job.1"' "$pairsim" explain "$quickstart" --task jop.1
expect 2 "no violation 9" "$pairsim" explain "$quickstart" --violation 9
expect 2 "after the end" "$pairsim" explain "$quickstart" --at 1s
expect 2 "no CPU 4" "$pairsim" explain "$quickstart" --at 1ms --cpu 4
expect 2 "--format" "$pairsim" export "$quickstart" --format trace.dat
expect 2 "--output" "$pairsim" view "$quickstart"
expect 2 "three CPUs" "$pairsim" pairs 6 --stride 2
expect 2 "even number" "$pairsim" pairs 3
expect 2 "no case.json" "$pairsim" validate "$PWD/docs"
expect 2 "no-such-machine" "$pairsim" validate "$PWD/tests/validate" --machine no-such-machine

# --- bad files ---
expect 2 "missing.json" "$pairsim" run missing.json
expect 2 "directory" "$pairsim" run .
: >"$work_dir/bad.json" && bad "empty"
printf '{"schema": NaN}' >"$work_dir/bad.json" && bad "1:"
printf '{"name": "\xff"}' >"$work_dir/bad.json" && bad "UTF-8"
head -c 10000 /dev/zero | tr '\0' '[' >"$work_dir/bad.json" && bad "deep"
printf '{"seed": 1, "seed": 2}' >"$work_dir/bad.json" && bad "/seed"
truncate -s 2G "$work_dir/bad.json" && bad "MiB" && rm "$work_dir/bad.json"
change 's/"cgroups"/"cgruops"/' && bad "cgruops"
change 's/"duration": "100ms"/"duration": 100/' && bad "/duration"
change 's/"duration": "100ms"/"duration": "99999999999999s"/' && bad "/duration"
change 's/"cgroup": "batch"/"cgroup": "bach"/' && bad "unknown cgroup"
change 's/"cpus": 4/"cpus": 3/' && bad "even"
change 's/"count": 4/"cpus": [], "count": 4/' && bad "/cpus"
change 's/"count": 4/"cpus": "9", "count": 4/' && bad "/cpus"
change 's/"cgroups"/"scheduler": {"stride": 3}, "cgroups"/' && bad "/scheduler/stride"

# --- the system fails ---
expect 1 "report.json" "$pairsim" run "$quickstart" --json no/such/folder/report.json
if [[ -w /dev/full ]]; then
    status=0
    "$pairsim" run "$quickstart" >/dev/full 2>"$work_dir/err" || status=$?
    ((status == 1)) || complain "a full standard output ended with $status, not 1"
    grep -q "standard output" "$work_dir/err" || complain "a full standard output is not named"
fi

echo "$failures failures"
((failures == 0))
