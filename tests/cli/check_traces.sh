#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim test, check, export, diff, import and calibrate as a user runs them: exit codes, files, and what is refused.
# Run it from the root of the repository. Usage: check_traces.sh PAIRSIM
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
time_limit=60
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/lib.sh"
cp -r scenarios "$work_dir/"
cd "$work_dir"

# --- test ---
few=(scenarios/quickstart.json scenarios/catalogue/i01-direct-dispatch.json scenarios/catalogue/s15-top-q-in-hand.json)
expect 0 "3 passed, 0 failed, 0 invalid" "$pairsim" test "${few[@]}"
expect 0 "5 passed" "$pairsim" test scenarios/catalogue --filter /r0 --jobs 2
for i in 1 2 3; do "$pairsim" test scenarios/catalogue --filter /r0 --shard $i/3; done | grep -c '^ok' >shards
[[ $(<shards) == 5 ]] || complain "three shards ran $(<shards) of 5 scenarios"
"$pairsim" test "${few[@]}" --jobs 1 --json one.json >/dev/null
"$pairsim" test "${few[@]}" --jobs 3 --json three.json >/dev/null
cmp -s one.json three.json || complain "the number of threads changes the result"

sed -i 's/"exclusive": { "violated_by": "I3" }/"exclusive": "holds"/' scenarios/quickstart.json
expect 4 "FAILED   scenarios/quickstart.json" "$pairsim" test "${few[@]}" --junit report.xml
for text in "expected the claim exclusive to hold, but it was violated" "first violation of exclusive, by I3" "one column" \
    "repeat it with: pairsim run scenarios/quickstart.json --lanes"; do
    grep -qF "$text" out || complain "a failed test does not say \"$text\""
done
bash -c "PATH=$(dirname "$pairsim"):\$PATH; $(sed -n 's/.*repeat it with: //p' out)" >repeated || complain "the command fails"
grep -q '\^' repeated || complain "the repeated run shows no violation"
xmllint --noout report.xml || complain "the JUnit file is no XML"
[[ $(xmllint --xpath 'count(//testcase)' report.xml) == 3 ]] || complain "not a test case a scenario"
[[ $(xmllint --xpath 'string(//testcase[failure]/@file)' report.xml) == scenarios/quickstart.json ]] ||
    complain "the JUnit file blames another scenario"
expect 4 "::error file=scenarios/quickstart.json,line=27,title=quickstart::expected" "$pairsim" test "${few[@]}" --format github

digest=$("$pairsim" run scenarios/catalogue/i01-direct-dispatch.json --digest | cut -d' ' -f2)
sed -i 's/"exit": { "kind": "none" },/&\n    "digest": "00000000000000000000000000000000",/' "${few[1]}"
cp "${few[1]}" before.json
expect 4 "but it is $digest" "$pairsim" test "${few[1]}"
cmp -s before.json "${few[1]}" || complain "a test without --update has changed the scenario"
expect 0 "updated" "$pairsim" test "${few[1]}" --update digests
diff before.json "${few[1]}" | grep -c '^[<>]' >changed || true
[[ $(<changed) == 2 ]] || complain "--update changes more than the digest"
expect 0 "1 passed" "$pairsim" test "${few[1]}"

expect 2 "no such file" "$pairsim" test nowhere
expect 2 "no scenario to test" "$pairsim" test scenarios/machines
expect 2 "no part of a whole" "$pairsim" test scenarios --shard 4/3
sed 's/"violated_by": "I1"/"violated_by": "I99"/' scenarios/catalogue/i01-direct-dispatch.json >bad.json
timeout 60 "$pairsim" test bad.json >out || (($? == 2)) || complain "an invalid scenario is no bad input"
grep -q 'unknown cause "I99"' out || complain "an unknown cause is not named"

# --- traces of our own ---
"$pairsim" run scenarios/kernel/v08-move-queued-task.json --until 300ms --trace a.jsonl --json a.json >/dev/null
"$pairsim" run scenarios/kernel/v08-move-queued-task.json --until 300ms --seed 7 --trace b.jsonl >/dev/null
"$pairsim" export a.jsonl --format ftrace --output a.txt
"$pairsim" export a.txt --format jsonl | cmp -s - a.jsonl || complain "a trace does not survive the way there and back"
for trace in a.jsonl a.txt; do
    expect 0 "$(sed -n 's/^  "digest": "\(.*\)",/\1/p' a.json)" "$pairsim" export "$trace" --format digest
    timeout 60 "$pairsim" check "$trace" --json - >"$trace.check" || true
done
python3 - <<'END' || complain "a trace's findings are not those of its run"
import json, sys
run = json.load(open("a.json"))["claims"]
for trace in ("a.jsonl", "a.txt"):
    found = json.load(open(trace + ".check"))["claims"]
    for claim in run:
        if claim != "counters-add-up" and found[claim] != run[claim]:
            sys.exit(f"{trace}: {claim}: {found[claim]} is not {run[claim]}")
END
"$pairsim" diff a.jsonl a.txt >out || complain "a trace differs from itself in another format"
[[ ! -s out ]] || complain "diff says something of equal traces"
expect 4 "the traces part at record" "$pairsim" diff a.jsonl b.jsonl --context 2
expect 2 "no trace of pairsim" "$pairsim" diff a.jsonl a.json
head -c 5000 a.jsonl >cut.jsonl
expect 2 "cut.jsonl:" "$pairsim" check cut.jsonl

sed 's/reason=local_dsq/reason=\xff/' a.txt >bytes.txt
expect 2 "unknown reason" "$pairsim" check bytes.txt

# --- traces of a kernel ---
grep -v -e pair: -e '^#' a.txt >kernel.txt # what a kernel would have printed
rules=(--cgroup "/a=a*,hog-a*" --cgroup "/b=b*,hog-b*,*")
expect 4 "exclusive                BROKEN" "$pairsim" check kernel.txt --pairs 2 "${rules[@]}"
grep -q "top-q-covers             not observable in this trace" out || complain "what a trace cannot show is not said"
expect 0 "violated" "$pairsim" check kernel.txt --pairs 0+1 "${rules[@]}" --grace 1s
expect 2 "not observable" "$pairsim" check kernel.txt --pairs 2 "${rules[@]}" --claim top-q-covers
expect 2 "which CPUs are pairs" "$pairsim" check kernel.txt "${rules[@]}"
expect 2 "no rule names the cgroup" "$pairsim" check kernel.txt --pairs 2
expect 2 "no sched_switch event" "$pairsim" check /dev/null --pairs 2
{ head -n 20 kernel.txt && echo rubbish && sed 1,20d kernel.txt; } >broken.txt
expect 2 "broken.txt:21: not a line of a trace" "$pairsim" check broken.txt --pairs 2 "${rules[@]}"
expect 4 "skipped: 1 lines" "$pairsim" check broken.txt --pairs 2 "${rules[@]}" --tolerant
{ head -n 20 kernel.txt && head -c 5000000 /dev/zero | tr '\0' x && echo && sed 1,20d kernel.txt; } >long.txt
expect 2 "long.txt:21: a line of more than 65536 bytes" "$pairsim" check long.txt --pairs 2 "${rules[@]}"
"$pairsim" check kernel.txt --pairs 2 "${rules[@]}" | sed 1d >whole || true
"$pairsim" check long.txt --pairs 2 "${rules[@]}" --tolerant | sed 1d >skipped || true
grep -q "skipped: 1 lines" skipped || complain "a line that is too long is not counted"
[[ $(grep -A9 '^Claims' skipped) == "$(grep -A9 '^Claims' whole)" ]] || complain "a line that is too long changes the claims"
{ sed 1,20d kernel.txt && head -n 20 kernel.txt; } >order.txt
expect 2 ": the time goes back" "$pairsim" check order.txt --pairs 2 "${rules[@]}"
head -c 1000 /dev/urandom | tr -d '\n' >noise.txt && printf '\0' >>noise.txt
expect 2 "noise.txt: is no text" "$pairsim" check noise.txt --pairs 2 "${rules[@]}"
sed '0,/prev_comm=[^ ]*/s//prev_comm=\xfe/' kernel.txt >bytes.txt
timeout 60 "$pairsim" check bytes.txt --pairs 2 "${rules[@]}" --json bytes.json >out || (($? == 4)) || complain "a comm that is no UTF-8"
python3 -m json.tool bytes.json >out || complain "the result of a comm that is no UTF-8 is no JSON"
printf 'only-one-word\n' >rules.txt
expect 2 "rules.txt:1: " "$pairsim" check kernel.txt --pairs 2 --cgroups rules.txt

# --- import ---
cat >workload.json <<'END'
{ /* rt-app takes comments */
  "tasks": {
    "web": { "instance": 2, "taskgroup": "/srv/web", "phases": {
      "busy": { "loop": 3, "run0": 2000, "sleep": 1000 }, "calm": { "cpus": [0], "run": 500, "sleep": 3000 } } },
    "hog": { "run": 100000, "cpus": [1], "loop": 5, "taskgroup": "/b" } },
  "global": { "duration": 1, "default_policy": "SCHED_OTHER" }
}
END
"$pairsim" import workload.json --from rt-app --output workload.scenario.json
expect 0 "3 tasks" "$pairsim" run workload.scenario.json
sed 's/"run0": 2000/"suspend": "web"/; s/"run": 500/"lock": "m"/; s/"run": 100000/"timer": { "ref": "t", "period": 9 }/
    s/"hog": {/"hog": { "instance": 2,/' workload.json >lacks.json
expect 2 '/tasks/web/phases/busy/suspend: the event "suspend" cannot be expressed' "$pairsim" import lacks.json --from rt-app
grep -q '/tasks/hog/timer/ref: several threads share the timer "t"' err || complain "a shared timer is not refused"
grep -q '/tasks/web/phases/calm/lock: the event "lock" cannot be expressed' err || complain "not all problems are said"
[[ ! -s out ]] || complain "a refused workload has output"
cat >periodic.json <<'END'
{ "tasks": {
    "tenth": { "loop": -1, "run": 10000, "timer": { "ref": "unique", "period": 100000 }, },
    "ramp": { "instance": 3, "loop": 1, "phases": {
      "light": { "loop": 10, "run": 3000, "timer": { "ref": "unique1", "period": 30000 } },
      "heavy": { "loop": 10, "run": 27000, "timer": { "ref": "unique1", "period": 30000 } } } },
    "late": { "run": 3000, "timer": { "ref": "tick", "period": 2000, "mode": "absolute" } } },
  "global": { "duration": 2, } }
END
"$pairsim" import periodic.json --from rt-app --output periodic.scenario.json
expect 0 "5 tasks" "$pairsim" run periodic.scenario.json --json periodic.report.json
[[ $(python3 -c 'import json; print(json.load(open("periodic.report.json"))["tasks"][0]["cpu_time_ns"] // 10**7)') == 20 ]] ||
    complain "a task that runs 10 ms of each 100 ms does not run 20 times in 2 s"
"$pairsim" import kernel.txt --from trace "${rules[@]}" --output recorded.json 2>/dev/null
expect 0 "300 ms simulated" "$pairsim" run recorded.json --until 300ms
"$pairsim" import a.jsonl --from trace --output own.json 2>/dev/null
expect 0 "300 ms simulated" "$pairsim" run own.json --until 300ms

# --- calibrate ---
"$pairsim" run scenarios/kernel/v05pp-4plus4-hogs.json --until 1s --trace hogs.jsonl >/dev/null
"$pairsim" export hogs.jsonl --format ftrace | grep -v pair >hogs.txt
hogs=(--cgroup '/a=hog-a*' --cgroup '/b=hog-b*')
expect 0 "ipi_latency      fitted to" "$pairsim" calibrate hogs.jsonl -o mine.json
cp mine.json first.json
"$pairsim" calibrate - -o - <hogs.jsonl >mine.json 2>/dev/null
cmp -s <(grep -v '"name"' first.json) <(grep -v '"name"' mine.json) || complain "the same trace gives another machine"
expect 0 "idle_exit        left as it is" "$pairsim" calibrate hogs.txt --pairs 0+1 "${hogs[@]}" -o mine.json
expect 0 "100 ms simulated" "$pairsim" run scenarios/quickstart.json --set /machine="$PWD/mine.json"
rm mine.json
expect 2 "does not say which CPUs are pairs" "$pairsim" calibrate hogs.txt "${hogs[@]}" -o mine.json
expect 2 "no stride of scx_pair makes these pairs of 6 CPUs" "$pairsim" calibrate hogs.txt --pairs 0+5 "${hogs[@]}" -o mine.json
expect 2 "no rule names the cgroup" "$pairsim" calibrate hogs.txt --pairs 2 -o mine.json
expect 2 "nowhere.json" "$pairsim" calibrate hogs.jsonl --machine nowhere.json -o mine.json
expect 2 "/scheduler/batch" "$pairsim" calibrate hogs.jsonl --set /scheduler/batch=1ms -o mine.json
expect 2 "--output is required" "$pairsim" calibrate hogs.jsonl
expect 2 "not a line of a trace" "$pairsim" calibrate rules.txt --pairs 2 -o mine.json
"$pairsim" run scenarios/quickstart.json --set /scheduler/name=fifo --trace fifo.jsonl >/dev/null
expect 2 "fifo.jsonl: the trace is of a baseline" "$pairsim" calibrate fifo.jsonl -o mine.json
head -n 60 hogs.txt >short.txt
expect 2 "short.txt: the trace shows nothing that a machine could be fitted to" \
    "$pairsim" calibrate short.txt --pairs 2 "${hogs[@]}" -o mine.json
grep -v sched_switch hogs.txt >wakes.txt
expect 2 "wakes.txt: no task ran in the trace" "$pairsim" calibrate wakes.txt --pairs 2 "${hogs[@]}" -o mine.json
"$pairsim" calibrate hogs.jsonl -o nowhere/mine.json >out 2>err || (($? == 1)) || complain "no folder for the machine"
grep -qF "nowhere/mine.json" err || complain "a file that cannot be written is not named"
[[ ! -e mine.json ]] || complain "a failed calibration has left a machine"

echo "$failures failures"
((failures == 0))
