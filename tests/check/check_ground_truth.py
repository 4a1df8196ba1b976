#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim check against the measurements of a real kernel: on the switches of each run it must find the violations that
# the measurement found. The data is not part of the repository: $PAIRSIM_GROUND_TRUTH names its folder; without it the
# test is skipped. Usage: check_ground_truth.py PAIRSIM
import csv
import glob
import json
import lzma
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
TOLERANCE = 0.01


def kernel_text(run, switches, end_ns):
    """The switches up to end_ns as tracefs prints them, with nanoseconds."""

    def prio(pid, comm):  # the measurement has no priorities: its own threads and the preemptors are SCHED_FIFO
        if comm.startswith("migration/"):
            return 0
        return 49 if run["pid_cgroup"].get(pid, "/") in ("/harness", "/rt") else 120

    def stamp(ns):
        return f"{ns // 10**9}.{ns % 10**9:09}"

    yield "# tracer: nop\n"
    for row in switches:
        if int(row["time_ns"]) > end_ns:
            break
        fields = [
            f"prev_comm={row['prev_comm']}",
            f"prev_pid={row['prev_pid']}",
            f"prev_prio={prio(row['prev_pid'], row['prev_comm'])}",
            f"prev_state={row['prev_state']} ==>",
            f"next_comm={row['next_comm']}",
            f"next_pid={row['next_pid']}",
            f"next_prio={prio(row['next_pid'], row['next_comm'])}",
        ]
        start = f"{row['prev_comm']:>16}-{row['prev_pid']:<5} [{int(row['cpu']):03}] d..2. "
        yield f"{start}{stamp(int(row['time_ns']))}: sched_switch: {' '.join(fields)}\n"
    yield f"          <idle>-0     [000] ..... {stamp(end_ns)}: print: the window ends\n"


def check(pairsim, path, folder):
    """What is wrong with the findings for a run; empty: nothing."""
    with open(path, encoding="utf-8") as file:
        run = json.load(file)
    wanted = run["violation"]["user"]
    end_ns = run["scx_exit_at_ns"] or run["window_ns"]
    trace, rules = os.path.join(folder, "trace.txt"), os.path.join(folder, "rules.txt")
    with lzma.open(path[: -len("json")] + "switches.csv.xz", "rt", encoding="utf-8") as file, open(
        trace, "w", encoding="utf-8"
    ) as out:
        out.writelines(kernel_text(run, csv.DictReader(file), end_ns))
    with open(rules, "w", encoding="utf-8") as out:
        out.writelines(f"{pid} {cgroup}\n" for pid, cgroup in run["pid_cgroup"].items())
        out.write("* /\n")
    pairs = ",".join(f"{a}+{b}" for a, b in run["pairs"])
    options = ["--pairs", pairs, "--cgroups", rules, "--ignore", "/", "--json", "-"]
    done = subprocess.run([pairsim, "check", trace, *options], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        return done.stderr
    found = json.loads(done.stdout)["claims"]["exclusive"]
    count = wanted["stats"].get("n", 0)
    if abs(found["violations"] - count) > TOLERANCE * count:
        return f"{found['violations']} violations, the measurement has {count}"
    if abs(found["total_ns"] - wanted["total_ns"]) > TOLERANCE * wanted["total_ns"]:
        return f"{found['total_ns']} ns in all, the measurement has {wanted['total_ns']}"
    return ""


def main():
    data = os.environ.get("PAIRSIM_GROUND_TRUTH", "")
    runs = sorted(glob.glob(os.path.join(data, "*", "run-*.json"))) if data else []
    if not runs:
        print("skipped: PAIRSIM_GROUND_TRUTH names no folder with measurements")
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in runs:
            wrong = check(sys.argv[1], path, folder)
            if wrong:
                failed += 1
                print(f"{path}: {wrong}")
    print(f"{len(runs)} runs, {failed} differ")
    return 1 if failed else 0


sys.exit(main())
