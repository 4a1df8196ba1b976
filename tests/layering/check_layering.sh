#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The rules of the layers tests -> tools -> model -> sim that no compiler checks: who may include what, which words
# sim/ and model/ may not use, how long a file may be, and that each names its licence. Prints each break as
# FILE:LINE: RULE and exits 1 if there is one. selftest.sh proves that each rule bites.
# Usage: check_layering.sh REPOSITORY
set -euo pipefail
export LC_ALL=C
cd "$1"

max_lines=600

std='<[a-z0-9_]+>'
sim="\"sim/[^\"]+\"|$std|<fmt/[^>]+>|<Random123/[^>]+>|<xxhash\.h>"
model="\"(sim|model)/[^\"]+\"|$std|<fmt/[^>]+>"
io='"((sim|model|tools/io)/[^"]+|pairsim_version\.h)"|<.*>'
tools='"((sim|model|tools)/[^"]+|pairsim_version\.h)"|<.*>'
boost='<boost/[^>]+>'

breaks=$(mktemp)
trap 'rm -f "$breaks"' EXIT

complain() # FILE[:LINE] RULE
{
    printf '%s: %s\n' "$1" "$2" >>"$breaks"
}

# The directories that are there; a young tree has not all of them.
layers()
{
    local layer
    for layer in "$@"; do
        [[ ! -d $layer ]] || printf '%s\n' "$layer"
    done
}

find_sources() # DIRECTORY...: C++ files
{
    local present
    mapfile -t present < <(layers "$@")
    ((${#present[@]} == 0)) || find "${present[@]}" -type f \( -name '*.h' -o -name '*.cpp' \) | sort
}

find_texts() # every file that people write by hand, C++ or not
{
    local present
    mapfile -t present < <(layers sim model tools tests .ci)
    find CMakeLists.txt "${present[@]}" -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.in' -o -name '*.sh' \
        -o -name '*.cmake' -o -name '*.py' -o -name '*.js' -o -name '*.css' -o -name '*.html' -o -name CMakeLists.txt \
        -o -path tools/dev -o -path .ci/run \) | sort
}

# Copies a C++ file to standard output, line by line, without comments and without the content of literals.
without_comments()
{
    awk '
        {
            line = $0; out = ""
            while (line != "") {
                if (in_comment) {
                    end = index(line, "*/")
                    if (!end) break
                    line = substr(line, end + 2); in_comment = 0
                } else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^\047([^\047\\]|\\.)\047/)) {
                    out = out "\"\""; line = substr(line, RLENGTH + 1)
                } else if (substr(line, 1, 2) == "//") {
                    break
                } else if (substr(line, 1, 2) == "/*") {
                    line = substr(line, 3); in_comment = 1
                } else {
                    out = out substr(line, 1, 1); line = substr(line, 2)
                }
            }
            print out
        }' "$1"
}

allow_includes() # FILE RULE PATTERN
{
    local number include
    while IFS=: read -r number include; do
        [[ $include =~ ^($3)$ ]] || complain "$1:$number" "$2, not $include"
    done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*(["<][^">]*[">]).*/\1/p;t;s/.*//p' "$1" \
        | awk 'NF { print NR ":" $0 }')
}

forbid_includes() # FILE RULE PATTERN
{
    local number
    while IFS=: read -r number _; do
        complain "$1:$number" "$2"
    done < <(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*($3)" "$1")
}

check_includes()
{
    local file
    for file in $(find_sources sim); do
        if [[ $file == *.cpp ]]; then
            allow_includes "$file" "sim includes sim, std, fmt, Random123, xxhash and (in .cpp files) boost" "$sim|$boost"
        else
            allow_includes "$file" "a header of sim includes sim, std, fmt, Random123 and xxhash" "$sim"
        fi
    done
    for file in $(find_sources model); do
        allow_includes "$file" "model includes sim, model, std and fmt" "$model"
    done
    for file in $(find_sources tools); do
        if [[ $file == tools/io/* ]]; then
            allow_includes "$file" "tools/io includes sim, model and tools/io" "$io"
        else
            allow_includes "$file" "tools includes sim, model and tools" "$tools"
        fi
        [[ $file == *.cpp ]] || forbid_includes "$file" "boost is for .cpp files" "$boost"
        forbid_includes "$file" "Catch2 is for tests" '<catch2/'
    done
    for file in $(find_sources tests); do
        [[ $file == tests/support/* ]] || forbid_includes "$file" "tests include tests/support/catch.h, not Catch2" '<catch2/'
    done
}

# Words that make a run depend on something else than its scenario and seed.
banned_words=(
    'std::unordered_' 'std::rand\b' 'std::random_device' 'std::mt19937' 'std::uniform_' 'std::[a-z]+_distribution'
    'std::shuffle' 'system_clock' 'steady_clock' 'high_resolution_clock' '\bfloat\b' '\bdouble\b'
)

check_words()
{
    local file pattern number text
    pattern=$(IFS='|' && printf '%s' "${banned_words[*]}")
    for file in $(find_sources sim model); do
        while IFS=: read -r number text; do
            complain "$file:$number" "not in sim and model: $(grep -oE "$pattern" <<<"$text" | head -n 1)"
        done < <(without_comments "$file" | grep -nE "$pattern")
    done
}

check_texts()
{
    local file length
    for file in $(find_texts); do
        length=$(wc -l <"$file")
        ((length <= max_lines)) || complain "$file" "$length lines, more than $max_lines"
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2\.0-only' || complain "$file" "no SPDX line"
    done
}

check_includes
check_words
check_texts

if [[ -s $breaks ]]; then
    cat "$breaks" >&2
    exit 1
fi
