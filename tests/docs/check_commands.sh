#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the commands that README.md and docs/ show, and compares what they print with what is shown. A command is a
# line "$ pairsim ..." in a block marked ```console; the lines below it are its output, where a line "..." stands for
# any number of lines. A line "(exit status N)" below it says that it ends with N, not 0. Commands run in a copy of
# scenarios/, one copy for each page, in the order in which the page has them.
# Usage: check_commands.sh SOURCE_DIR PAIRSIM [--selftest]
set -euo pipefail
export LC_ALL=C

source_dir=$(realpath "$1")
pairsim=$(realpath "$2")
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
mkdir "$work_dir/bin"
ln -s "$pairsim" "$work_dir/bin/pairsim"
export PATH="$work_dir/bin:$PATH"

failures=0
commands=0

# True if the lines of file $2 match the pattern lines of file $1.
matches()
{
    awk '
        NR == FNR { pattern[++np] = $0; next }
        { text[++nt] = $0 }
        function match_from(p, t) {
            for (; p <= np; ++p) {
                if (pattern[p] == "...") {
                    for (; t <= nt + 1; ++t) if (match_from(p + 1, t)) return 1
                    return 0
                }
                if (t > nt || text[t] != pattern[p]) return 0
                ++t
            }
            return t > nt
        }
        END { exit match_from(1, 1) ? 0 : 1 }
    ' "$1" "$2"
}

# run_one PAGE COMMAND: the expected output lies in $work_dir/expected
run_one()
{
    local page=$1 command=$2 wanted=0 status=0
    commands=$((commands + 1))
    wanted=$(sed -n 's/^(exit status \([0-9]*\))$/\1/p' "$work_dir/expected")
    sed -i '/^(exit status [0-9]*)$/d' "$work_dir/expected"
    (cd "$work_dir/tree" && bash -c "$command") >"$work_dir/actual" 2>&1 </dev/null || status=$?
    if ((status != ${wanted:-0})); then
        echo "$page: \$ $command"
        echo "  exit status $status, the page says ${wanted:-0}"
        tail -n 5 "$work_dir/actual"
        failures=$((failures + 1))
    elif [[ -s $work_dir/expected ]] && ! matches "$work_dir/expected" "$work_dir/actual"; then
        echo "$page: \$ $command"
        diff -u --label "the page" --label "the program" "$work_dir/expected" "$work_dir/actual" | head -n 40 || true
        failures=$((failures + 1))
    fi
}

check_page()
{
    local page=$1 line in_block=0 command=""
    rm -rf "$work_dir/tree"
    mkdir "$work_dir/tree"
    cp -r "$source_dir/scenarios" "$work_dir/tree/"
    : >"$work_dir/expected"
    while IFS= read -r line; do
        if ((!in_block)); then
            [[ $line == '```console' ]] && in_block=1
            continue
        fi
        if [[ $line == '```' || $line == '$ '* ]]; then
            [[ $command == pairsim* ]] && run_one "$page" "$command"
            command=""
            : >"$work_dir/expected"
            [[ $line == '```' ]] && in_block=0 || command=${line#\$ }
        else
            printf '%s\n' "$line" >>"$work_dir/expected"
        fi
    done <"$page"
}

if [[ ${3:-} == --selftest ]]; then # a page that lies must be caught
    printf '```console\n$ pairsim version\npairsim 0.0.0\n```\n' >"$work_dir/liar.md"
    printf '```console\n$ pairsim run nowhere.json\n```\n' >"$work_dir/breaker.md"
    check_page "$work_dir/liar.md" >/dev/null
    check_page "$work_dir/breaker.md" >/dev/null
    if ((failures != 2)); then
        echo "the self-test's two wrong pages gave $failures failures"
        exit 1
    fi
    failures=0
fi

while IFS= read -r page; do
    check_page "$page"
done < <(find "$source_dir/README.md" "$source_dir/docs" -name '*.md' | sort)

echo "$commands commands run, $failures failed"
((commands > 0 && failures == 0))
