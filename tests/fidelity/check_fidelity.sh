#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# docs/reference/fidelity.md is complete: it names each kernel or scx_pair function that a "Source:" comment in sim/ or
# model/ names, each function that a test's tag names, and each scenario of the failure catalogue; the scenarios and
# the files under tests/ that it names exist. A tag that is the name of a source file or of a type of ours is about
# that, not about the kernel.
# Usage: check_fidelity.sh REPOSITORY
set -euo pipefail
export LC_ALL=C
cd "$1"

page=docs/reference/fidelity.md
missing=0

complain()
{
    printf '%s: %s\n' "$page" "$*" >&2
    missing=$((missing + 1))
}

sources() # "FILE FUNCTION" for each function named from "Source:" to the end of its comment
{
    find sim model -name '*.h' -o -name '*.cpp' | sort | while read -r file; do
        awk -v file="$file" '
            !/^ *\/\// { on = 0; next }
            /Source:/  { on = 1; sub(/.*Source:/, "") }
            on {
                while (match($0, /[a-z_][a-z_0-9]*\(\)/)) {
                    print file, substr($0, RSTART, RLENGTH)
                    $0 = substr($0, RSTART + RLENGTH)
                }
            }' "$file"
    done | sort -u
}

tags() # "FILE FUNCTION" for each tag that is no source file's or type's name
{
    {
        find sim model tools -name '*.cpp' -o -name '*.h' | sed 's#.*/##; s/\..*//; s/^/not /'
        grep -rhoE '^(class|struct) [a-z_0-9]+' sim model tools | awk '{ print "not", $2 }'
        echo "not scenarios"
        grep -rHoE '"(\[[a-z_0-9]+\])+"\)' --include='*.cpp' tests | sed 's/:/ /; s/["()]//g; s/\]\[/ /g; s/[][]//g'
    } | awk '
        $1 == "not" { is_file[$2] = 1; next }
        { for (i = 2; i <= NF; ++i) if (!($i in is_file)) print $1, $i "()" }' | sort -u
}

count=0
while read -r file name; do
    count=$((count + 1))
    grep -qF "\`$name\`" "$page" || complain "$name is not there, but $file refers to it"
done < <(sources; tags)
if ((count < 50)); then
    complain "only $count functions found in sim/, model/ and tests/: has the form of the comments changed?"
fi

# A score is that of one machine file: with another one it must be made again (docs/how-to/validate.md).
machine=$(sha256sum scenarios/machines/qemu-tcg.json | cut -c1-16)
grep -qF "\`$machine\`" "$page" || complain "its score was made with another qemu-tcg.json than the present $machine"

for scenario in scenarios/catalogue/*.json; do
    grep -qF "\`${scenario#scenarios/}\`" "$page" || complain "${scenario#scenarios/} is not there"
done
while read -r named; do
    [[ -e $named ]] || complain "names $named, which does not exist"
done < <(grep -oE '`(catalogue|kernel)/[^`]+\.json`' "$page" | tr -d '`' | sed 's#^#scenarios/#' | sort -u
         grep -oE '`test_[a-z_]+\.cpp`' "$page" | tr -d '`' | sort -u | while read -r test; do
             find tests -name "$test" | grep . || echo "tests/.../$test"
         done)

((missing == 0)) || exit 1
