#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The page of pairsim study report in a real browser (Debian's chromium, chromium-driver and python3-selenium; without
# them the test is skipped). Run it from the root of the repository.
# Usage: check_study_page.sh PAIRSIM [SCREENSHOT]
set -euo pipefail
export LC_ALL=C.UTF-8

pairsim=$(realpath "$1")
screenshot=${2:+$(realpath "$2")}
here=$(dirname "$(realpath "$0")")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT

python=""
for candidate in /usr/bin/python3 python3; do
    if "$candidate" -c 'import selenium' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [[ -z $python ]] || ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null; then
    echo "skipped: needs chromium, chromium-driver and python3-selenium (tools/dev browser installs them)"
    exit 77
fi

if [[ -n $screenshot ]]; then
    study=scenarios/studies/batch-duration.json
else # the ready study in small: two groups, so that every kind of chart is there
    study=$work_dir/study.json
    "$python" - "$PWD/scenarios/studies/batch-duration.json" "$study" <<'END'
import json, sys
with open(sys.argv[1]) as file:
    study = json.load(file)
study["scenario"]["duration"] = "1s"
study["warmup"] = "100ms"
study["replications"] = 3
study["factors"][0]["range"]["points"] = 4
study["factors"].append({"pointer": "/tasks/0/count", "name": "hogs", "values": [4, 8]})
study["baseline"] = {"hogs": 8}
with open(sys.argv[2], "w") as file:
    json.dump(study, file)
END
fi
"$pairsim" study "$study" --out "$work_dir/results" --report >"$work_dir/report.txt"
"$python" "$here/study_page.py" "$work_dir/results/report.html" "$work_dir/results/runs.csv" "$work_dir/profile" \
    ${screenshot:+"$screenshot"}
