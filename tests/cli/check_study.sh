#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim study as a user runs it: killed and resumed, on a full disk, in a folder that cannot be written, with bad
# files and bad shards. Run it from the root of the repository. Usage: check_study.sh PAIRSIM [KILLS]
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
kills=${2:-8}
work_dir=$(mktemp -d)
trap 'chmod -R u+w "$work_dir"; rm -rf "$work_dir"' EXIT
failures=0

complain()
{
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND...: the command ends with STATUS, and what it prints contains TEXT
expect()
{
    local status=0 wanted=$1 text=$2
    shift 2
    timeout 120 "$@" >"$work_dir/out" 2>&1 </dev/null || status=$?
    ((status == wanted)) || complain "$* ended with $status, not $wanted: $(head -n 3 "$work_dir/out")"
    grep -qF -- "$text" "$work_dir/out" || complain "$*: no \"$text\" in: $(head -n 3 "$work_dir/out")"
}

cat >"$work_dir/study.json" <<'END'
{
  "schema": "pairsim.study/1", "name": "small", "description": "Twelve points, two seeds.",
  "scenario": {
    "duration": "300ms", "machine": { "base": "x86-64", "cpus": 4 }, "cgroups": ["a", "b"],
    "tasks": [
      { "name": "hog", "cgroup": "a", "count": 6, "phases": [{ "run": "forever" }] },
      { "name": "waker", "cgroup": "b", "count": 6, "phases": [
        { "repeat": { "phases": [{ "run": { "dist": "exponential", "mean": "3ms" } }, { "sleep": "5ms" }] } }] }
    ]
  },
  "replications": 2,
  "factors": [{ "pointer": "/scheduler/batch_duration", "range": { "from": "1ms", "to": "1s", "points": 12, "scale": "log" } }],
  "recommend": { "factor": "batch_duration" }
}
END
cd "$work_dir"

# --- what works ---
expect 0 "24 runs, 24 of them new: study.results/runs.jsonl" "$pairsim" study study.json
expect 0 "24 runs, 0 of them new" "$pairsim" study study.json
! grep -q $'\r' out || complain "there is progress in a pipe"
expect 0 "0 missing" "$pairsim" study status study.json
expect 0 '"complete": true' "$pairsim" study status study.json --json
expect 0 "Recommended batch_duration" "$pairsim" study report study.json
expect 0 '"pairsim.study-report/1"' "$pairsim" study report study.json --json
expect 0 "<!DOCTYPE html>" "$pairsim" study report study.json --html -
expect 0 "batch_duration=1ms" "$pairsim" study warmup study.json
[[ -s study.results/report.html ]] || complain "there is no page"
cp -r study.results whole

# --- every point can be repeated: the command of the report gives the digest of the results ---
"$pairsim" study scenario study.json --point 5 --replication 2 >one.json
digest=$("$pairsim" run one.json --digest | awk '{ print $2 }')
sed -n 10p whole/runs.jsonl | grep -qF "\"digest\":\"$digest\"" || complain "point 5, replication 2 is not the tenth run"

# --- killed at random instants and resumed ---
for ((i = 1; i <= kills; ++i)); do
    "$pairsim" study study.json --out killed >/dev/null 2>&1 &
    victim=$!
    sleep "0.$(printf '%03d' $((RANDOM % 120)))"
    kill -KILL "$victim" 2>/dev/null || true
    wait "$victim" 2>/dev/null || true
done
before=$(grep -c '"digest"' killed/runs.jsonl || true)
expect 0 "24 runs, $((24 - before)) of them new" "$pairsim" study study.json --out killed
cmp -s killed/runs.jsonl whole/runs.jsonl && cmp -s killed/runs.csv whole/runs.csv ||
    complain "killed $kills times and resumed, the results differ"

# --- shards ---
for i in 1 2 3; do
    expect 0 "6 runs, 6 of them new: shards/shard-$i-of-4.jsonl" "$pairsim" study study.json --out shards --shard "$i/4"
done
expect 5 "6 runs are missing" "$pairsim" study status study.json --out shards
expect 5 "batch_duration=" "$pairsim" study merge study.json --out shards
expect 0 "6 runs, 0 of them new" "$pairsim" study study.json --out shards --shard 3/4
expect 0 "6 runs" "$pairsim" study study.json --out shards --shard 4/4
expect 0 "24 runs of 5 files" "$pairsim" study merge study.json --out shards
cmp -s shards/runs.jsonl whole/runs.jsonl || complain "merged shards differ from the whole"
sed 's/"version":"[^"]*"/"version":"0.0.1"/; s/"id":"..../"id":"0000/' shards/shard-1-of-4.jsonl >old.jsonl
expect 2 "old.jsonl:1: 6 runs of pairsim 0.0.1" "$pairsim" study merge study.json old.jsonl --out shards
cmp -s shards/runs.jsonl whole/runs.jsonl || complain "a shard of another version has changed the results"

# --- bad input ---
sed 's/"range"/"rage"/' study.json >bad.json
expect 2 'bad.json: /factors/0/rage: unknown key "rage"' "$pairsim" study bad.json
sed 's/"1ms", "to"/"1m", "to"/' study.json >bad.json
expect 2 "bad.json: /factors/0/range" "$pairsim" study bad.json
sed 's/"mean": "3ms"/"mean": 3/' study.json >bad.json
expect 2 "bad.json: /scenario/tasks/1/phases/0/repeat/phases/0/run/mean" "$pairsim" study bad.json
[[ ! -e bad.results ]] || complain "a bad study has left a folder"
expect 2 "no study is given" "$pairsim" study
expect 2 "none.json" "$pairsim" study none.json
expect 2 "--shard" "$pairsim" study study.json --shard 5/4
expect 2 "there are no results of this study" "$pairsim" study report study.json --out nowhere
expect 2 "there is nothing to merge" "$pairsim" study merge study.json --out nowhere
expect 2 "there is no point 99" "$pairsim" study scenario study.json --point 99
cp -r whole torn
echo "nonsense" >>torn/runs.jsonl
expect 2 "torn/runs.jsonl:25: the line is no result of a run" "$pairsim" study study.json --out torn

# --- a disk that is full, a folder that cannot be written ---
if ((EUID == 0)) && mkdir disk && mount -t tmpfs -o size=24k tmpfs disk 2>/dev/null; then
    expect 1 "No space left on device" "$pairsim" study study.json --out disk/r
    kept=$(wc -l <disk/r/runs.jsonl)
    ((kept > 0)) || complain "nothing is kept on a full disk"
    [[ $(tail -c 1 disk/r/runs.jsonl | od -An -c) == *'\n'* ]] || complain "a torn line is left on a full disk"
    mount -o remount,size=1m disk
    expect 0 "24 runs, $((24 - kept)) of them new" "$pairsim" study study.json --out disk/r
    cmp -s disk/r/runs.jsonl whole/runs.jsonl || complain "after a full disk the results differ"
    mount -o remount,ro disk
    expect 1 "Read-only file system" "$pairsim" study study.json --out disk/r
    expect 1 "Read-only file system" "$pairsim" study study.json --out disk/other
    umount disk
else
    expect 1 "No space left on device" "$pairsim" study report study.json --html /dev/full
    echo "no tmpfs can be mounted here: the full disk is /dev/full only"
fi
mkdir closed && chmod a-w closed
if ((EUID != 0)); then
    expect 1 "Permission denied" "$pairsim" study study.json --out closed/r
fi

((failures == 0)) && echo "pairsim study: all as expected"
((failures == 0))
