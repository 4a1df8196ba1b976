#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The ready study of the batch duration in full: the same bytes with one thread and with two, killed 50 times, and in
# four shards; then what two threads gain, and what a study costs beyond its runs. Takes some minutes of two cores; the
# gain is judged only where nothing else runs. Run it from the root of the repository.
# Usage: check_whole_study.sh PAIRSIM [STUDY]
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
study=$(realpath "${2:-scenarios/studies/batch-duration.json}")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
cd "$work_dir"
TIMEFORMAT='%R %U %S' # wall, user, system
failures=0
is_quiet=$(awk '{ print $1 < 0.5 }' /proc/loadavg)

complain()
{
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# timed NAME COMMAND...: its times go to NAME.time
timed()
{
    local name=$1
    shift
    { time "$@" >"$name.out" 2>"$name.err"; } 2>"$name.time" || complain "$name: $(tail -n 2 "$name.err")"
}

run_all_alone()
{
    local file
    for file in alone/*.json; do
        "$pairsim" run "$file" --json /dev/null
    done
}

timed one "$pairsim" study "$study" --out one --threads 1
timed two "$pairsim" study "$study" --out two --threads 2
echo "$(wc -l <one/runs.jsonl) runs"

landed=0
for ((i = 0; i < 50; ++i)); do
    "$pairsim" study "$study" --out killed >/dev/null 2>&1 &
    victim=$!
    sleep "0.$((RANDOM % 900 + 100))"
    ! kill -KILL "$victim" 2>/dev/null || landed=$((landed + 1))
    wait "$victim" 2>/dev/null || true
done
echo "$landed of 50 kills hit a running study; then $(wc -l <killed/runs.jsonl) runs were there"
"$pairsim" study "$study" --out killed >/dev/null 2>&1
for ((i = 1; i <= 4; ++i)); do
    "$pairsim" study "$study" --out sharded --shard "$i/4" >/dev/null 2>&1
done
"$pairsim" study merge "$study" --out sharded >/dev/null
for other in two killed sharded; do
    for file in runs.jsonl runs.csv; do
        cmp "one/$file" "$other/$file" || complain "$other/$file differs"
    done
done
sha256sum one/runs.jsonl one/runs.csv

mkdir alone
replications=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["replications"])' "$study")
points=$(($(wc -l <one/runs.jsonl) / replications))
for ((p = 1; p <= points; ++p)); do
    for ((r = 1; r <= replications; ++r)); do
        "$pairsim" study scenario "$study" --point "$p" --replication "$r" >"alone/$p-$r.json"
    done
done
timed alone run_all_alone

read -r wall_one user_one system_one <one.time
read -r wall_two _ _ <two.time
read -r _ user_alone system_alone <alone.time
awk -v a="$wall_one" -v b="$wall_two" 'BEGIN { printf "speed-up of two threads: %.2f (%.2f s, %.2f s)\n", a / b, a, b }'
awk -v a="$user_one" -v b="$system_one" -v c="$user_alone" -v d="$system_alone" 'BEGIN {
    printf "CPU time of the study: %.2f s, of its runs alone: %.2f s, overhead %.1f %%\n", a + b, c + d, 100 * ((a + b) / (c + d) - 1)
    exit (a + b > 1.03 * (c + d)) }' || complain "the overhead is above 3 %"
if ((is_quiet)); then
    awk -v a="$wall_one" -v b="$wall_two" 'BEGIN { exit (a / b < 1.9) }' || complain "the speed-up is below 1.9"
else
    echo "the machine is busy: the speed-up is not judged"
fi
echo "$failures failures"
((failures == 0))
