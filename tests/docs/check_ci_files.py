#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the jobs of docs/how-to/ci as the services would, in a folder with a few scenarios and a pairsim/ beside them.

Each command of a job runs in a shell of its own (GitHub) or all in one (GitLab), once for each value of its matrix. They must
pass, together test each scenario once, and leave the JUnit file that they promise; with a scenario that does not do
what it says, one of them must fail. Building is left out: `tools/dev` stands for a script that knows the same commands
and puts this build where the real one puts its program. Usage: check_ci_files.py SOURCE_DIR PAIRSIM
"""
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed; tools/dev test installs it")
    sys.exit(77)

SCENARIOS = ["quickstart.json", "catalogue/i01-direct-dispatch.json", "catalogue/s15-top-q-in-hand.json"]


def github_jobs(path):
    """(commands of the steps, environment, files kept) of each job of the file."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for job in yaml.safe_load(text)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for values in itertools.product(*matrix.values()):
            chosen = dict(zip(matrix, values))
            steps = [step["run"] for step in job["steps"] if "run" in step]
            steps = [re.sub(r"\$\{\{ *matrix\.(\w+) *\}\}", lambda name: str(chosen[name[1]]), step) for step in steps]
            assert not any("${{" in step for step in steps), "an expression that this test does not know"
            yield steps, {}, [s["with"]["path"] for s in job["steps"] if "upload-artifact" in s.get("uses", "")]


def gitlab_jobs(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for job in yaml.safe_load(text).values():
        total = job["parallel"]
        for index in range(1, total + 1):
            variables = {"CI_NODE_INDEX": str(index), "CI_NODE_TOTAL": str(total)}
            yield ["\n".join(job["before_script"] + job["script"])], variables, [job["artifacts"]["reports"]["junit"]]


def run_job(folder, job):
    """The exit status of the first command that fails (0: none), the tests in the files that the job keeps, and output."""
    steps, variables, kept = job
    shutil.rmtree(os.path.join(folder, "pairsim/build"), ignore_errors=True)
    for path in kept:
        if os.path.exists(os.path.join(folder, path)):
            os.remove(os.path.join(folder, path))
    status, said = 0, ""
    for step in steps:
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", step], cwd=folder, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False, env={**os.environ, **variables})
        status, said = done.returncode, said + done.stdout
        if status != 0:
            break
    kept = [os.path.join(folder, path) for path in kept]
    assert kept and all(os.path.exists(path) for path in kept), f"a job keeps no report; it said: {said}"
    tests = [case.get("file") for path in kept for case in xml.etree.ElementTree.parse(path).iter("testcase")]
    return status, tests, said


def prepare(folder, source, pairsim):
    for name in SCENARIOS:
        os.makedirs(os.path.dirname(os.path.join(folder, "scenarios", name)), exist_ok=True)
        shutil.copy(os.path.join(source, "scenarios", name), os.path.join(folder, "scenarios", name))
    os.makedirs(os.path.join(folder, "pairsim/tools"))
    script = os.path.join(folder, "pairsim/tools/dev")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"""#!/bin/sh
set -e
'{source}/tools/dev' help | grep -q "^  $1 "
[ "$1" = run ] || [ "$1" = build ]
cd "$(dirname "$0")/.."
mkdir -p build/release/bin
ln -s '{pairsim}' build/release/bin/pairsim
""")
    os.chmod(script, 0o755)


def main():
    source, pairsim = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
    files = {"github-actions.yml": github_jobs, "gitlab-ci.yml": gitlab_jobs}
    there = sorted(os.listdir(os.path.join(source, "docs/how-to/ci")))
    assert there == sorted(files), f"docs/how-to/ci has {there}"
    for name, jobs_of in files.items():
        with tempfile.TemporaryDirectory() as folder:
            prepare(folder, source, pairsim)
            jobs = list(jobs_of(os.path.join(source, "docs/how-to/ci", name)))
            results = [run_job(folder, job) for job in jobs]
            for status, _, said in results:
                assert status == 0, f"{name}: a job ends with {status}; it said: {said}"
            tested = sorted(path for _, paths, _ in results for path in paths)
            assert tested == sorted("scenarios/" + path for path in SCENARIOS), f"{name}: tested {tested}"
            quickstart = os.path.join(folder, "scenarios/quickstart.json")
            with open(quickstart, encoding="utf-8") as file:
                broken = file.read().replace('{ "violated_by": "I3" }', '"holds"')
            with open(quickstart, "w", encoding="utf-8") as file:
                file.write(broken)
            statuses = sorted(run_job(folder, job)[0] for job in jobs)
            assert statuses == [0] * (len(jobs) - 1) + [4], f"{name}: with a broken scenario the jobs end with {statuses}"
            print(f"{name}: {len(jobs)} jobs do what they should")


main()
