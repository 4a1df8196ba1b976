#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What `pairsim export` writes, read by others: the Perfetto file by protoc with the public field numbers, where the
# states of each thread must add up to the report's numbers of its task; Chrome's JSON by Python; DOT by Graphviz. Exit
# status 77: skipped.
# Run it from the root of the repository. Usage: check_exports.sh PAIRSIM
set -euo pipefail
export LC_ALL=C

pairsim=$(realpath "$1")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
failures=0

for command in protoc dot python3; do
    if ! command -v "$command" >/dev/null; then
        echo "SKIPPED: $command is not installed; tools/dev test installs it"
        exit 77
    fi
done

complain()
{
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# pid, CPU time and waiting time of each task in the report, one a line
report_times()
{
    awk '
        /^  "tasks": \[/ { inside = 1 }
        /^  \]/ { inside = 0 }
        inside && /"pid":/ { gsub(/[^0-9]/, ""); pid = $0 }
        inside && /"cpu_time_ns":/ { gsub(/[^0-9]/, ""); cpu = $0 }
        inside && /"waiting_ns":/ { gsub(/[^0-9]/, ""); print pid, cpu, $0 }
    ' "$1" | sort -n
}

# The scheduling events in protoc's text: time, what, and for a switch prev, its state and next; else the thread.
scheduling_events()
{
    awk '
        /^    event \{/ { at = 0; what = "" } # protobuf does not write zeros in front of us: these fields are always set
        /^      timestamp:/ { at = $2 }
        /^      sched_(switch|waking) \{/ { what = $1 }
        /^        prev_pid:/ { prev = $2 }
        /^        prev_state:/ { state = $2 }
        /^        next_pid:/ { printf "%d switch %d %d %d\n", at, prev, state, $2 }
        /^        pid:/ && what == "sched_waking" { printf "%d waking %d\n", at, $2 }
        /^  timestamp:/ { packet_at = $2 }
        /name: "end of the run"/ { printf "%d end\n", packet_at }
    ' "$1" | sort -n -s -k1,1
}

# Thread states as Perfetto makes them: running between switches, runnable from a wake-up or a switch out to a switch in
thread_times()
{
    awk -v nr_tasks="$1" '
        function leave(pid, at) {
            if (state[pid] == "running") running[pid] += at - since[pid]
            if (state[pid] == "runnable") runnable[pid] += at - since[pid]
        }
        function enter(pid, new, at) { leave(pid, at); state[pid] = new; since[pid] = at }
        $2 == "waking" { enter($3, "runnable", $1) }
        $2 == "switch" {
            enter($3, $4 == 0 ? "runnable" : "asleep", $1)
            enter($5, "running", $1)
        }
        $2 == "end" { end = $1 }
        END {
            for (pid = 1; pid <= nr_tasks; ++pid) {
                leave(pid, end)
                printf "%d %.0f %.0f\n", pid, running[pid], runnable[pid]
            }
        }'
}

check_perfetto() # SCENARIO [ARGUMENT...]
{
    "$pairsim" export "$@" --format perfetto -o "$work_dir/run.pftrace"
    "$pairsim" run "$@" --json "$work_dir/report.json" >/dev/null || (($? == 3))
    if ! protoc --decode=perfetto.Trace -I tests/export perfetto.proto \
        <"$work_dir/run.pftrace" >"$work_dir/run.txt" 2>"$work_dir/protoc.err"; then
        complain "$1: protoc cannot decode it: $(head -n 1 "$work_dir/protoc.err")"
    fi
    if grep -qE '^ *[0-9]+(:| \{)' "$work_dir/run.txt"; then
        complain "$1: fields that the schema does not have: $(grep -E '^ *[0-9]+(:| \{)' "$work_dir/run.txt" | head -n 1)"
    fi
    report_times "$work_dir/report.json" >"$work_dir/expected"
    scheduling_events "$work_dir/run.txt" | thread_times "$(wc -l <"$work_dir/expected")" >"$work_dir/found"
    [[ -s $work_dir/expected ]] || complain "$1: no task in the report"
    diff -u --label report --label perfetto "$work_dir/expected" "$work_dir/found" || complain "$1: the times differ"
}

# Chrome's JSON, read by Python: the same CPU time for each task as in the report, to the nanosecond.
check_chrome() # SCENARIO [ARGUMENT...]
{
    "$pairsim" export "$@" --format chrome -o "$work_dir/run.json"
    "$pairsim" run "$@" --json "$work_dir/report.json" >/dev/null || (($? == 3))
    python3 - "$work_dir/run.json" "$work_dir/report.json" <<'END' || complain "$1: Chrome's JSON differs from the report"
import collections, decimal, json, sys
events = json.load(open(sys.argv[1]), parse_float=decimal.Decimal)["traceEvents"]
tasks = json.load(open(sys.argv[2]))["tasks"]
cpu_time = collections.Counter()
for e in events:
    if e["ph"] == "X" and e["pid"] == 1:
        cpu_time[e["name"]] += int(decimal.Decimal(e["dur"]) * 1000)
wrong = [(t["name"], t["cpu_time_ns"], cpu_time[t["name"]]) for t in tasks if t["cpu_time_ns"] != cpu_time[t["name"]]]
for task in wrong:
    print(*task)
sys.exit(bool(wrong) or not tasks)
END
}

check_chrome scenarios/quickstart.json
check_chrome scenarios/kernel/v07-sync-ping-pong.json --until 100ms
check_perfetto scenarios/quickstart.json
check_perfetto scenarios/kernel/v07-sync-ping-pong.json --until 100ms
check_perfetto scenarios/catalogue/r03-kicked-and-kept.json
for word in 'name: "draining"' 'flow_ids:' 'counter_value:' 'name: "no-run-beside-preemptor' 'cmdline: "cgroup '; do
    grep -q -- "$word" "$work_dir/run.txt" || complain "the Perfetto file has no $word"
done

for scenario in scenarios/quickstart.json scenarios/kernel/v09-two-nodes.json; do
    "$pairsim" export "$scenario" --format dot --until 1ms | dot -Tsvg >"$work_dir/machine.svg" \
        || complain "$scenario: Graphviz cannot read the DOT file"
    cpus=$("$pairsim" run "$scenario" --until 1ms --json - | grep -c '"cpu":')
    (($(grep -c '<title>[0-9]*</title>' "$work_dir/machine.svg") == cpus)) || complain "$scenario: not $cpus CPUs drawn"
done

echo "$failures failures"
((failures == 0))
