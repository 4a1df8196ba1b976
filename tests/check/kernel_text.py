# SPDX-License-Identifier: GPL-2.0-only
"""Measured runs of a real kernel as the text that tracefs prints of them, for tests of what reads such text."""
import csv
import heapq
import lzma


def _rows(path, kind):
    with lzma.open(f"{path[: -len('json')]}{kind}.csv.xz", "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _stamp(ns):
    return f"{ns // 10**9}.{ns % 10**9:09}"


def kernel_text(run, path, end_ns, wakeups=False):
    """The lines up to end_ns of a run, run-N.json at path, with nanoseconds: its switches, and its wake-ups if asked."""

    def prio(pid, comm):  # the measurement has no priorities: its own threads and the preemptors are SCHED_FIFO
        if comm.startswith("migration/"):
            return 0
        return 49 if run["pid_cgroup"].get(pid, "/") in ("/harness", "/rt") else 120

    def line(row, comm, pid, event):
        start = f"{comm:>16}-{pid:<5} [{int(row['cpu']):03}] d..2. "
        return int(row["time_ns"]), f"{start}{_stamp(int(row['time_ns']))}: {event}\n"

    def switches():
        for row in _rows(path, "switches"):
            fields = [
                f"prev_comm={row['prev_comm']}",
                f"prev_pid={row['prev_pid']}",
                f"prev_prio={prio(row['prev_pid'], row['prev_comm'])}",
                f"prev_state={row['prev_state']} ==>",
                f"next_comm={row['next_comm']}",
                f"next_pid={row['next_pid']}",
                f"next_prio={prio(row['next_pid'], row['next_comm'])}",
            ]
            yield line(row, row["prev_comm"], row["prev_pid"], "sched_switch: " + " ".join(fields))

    def wakes():
        for row in _rows(path, "wakeups"):
            target = row["target_cpu_or_waker_pid"] if row["event"] == "wakeup" else row["cpu"]
            fields = f"comm={row['comm']} pid={row['pid']} prio={prio(row['pid'], row['comm'])}"
            yield line(row, "x", 1, f"sched_{row['event']}: {fields} target_cpu={int(target):03}")

    yield "# tracer: nop\n"
    for at, text in heapq.merge(wakes() if wakeups else (), switches(), key=lambda event: event[0]):
        if at > end_ns:
            break
        yield text
    yield f"          <idle>-0     [000] ..... {_stamp(end_ns)}: print: the window ends\n"


def cgroup_rules(run):
    """Lines of a file for --cgroups."""
    yield from (f"{pid} {cgroup}\n" for pid, cgroup in run["pid_cgroup"].items())
    yield "* /\n"


def pairs_of(run):
    """What --pairs takes."""
    return ",".join(f"{a}+{b}" for a, b in run["pairs"])
