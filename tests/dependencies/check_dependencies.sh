#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/dependencies.txt and the table of docs/dependencies.md name the same packages in the same groups.
# Usage: check_dependencies.sh REPOSITORY
set -euo pipefail

listed() # package and groups, one a line
{
    awk '!/^#/ && NF { print $1, $2 }' "$1/tools/dependencies.txt" | sort
}

documented() # package and groups, from the rows that begin with a quoted name
{
    awk -F'|' '/^\| `/ { gsub("[ `]", ""); print $2, $3 }' "$1/docs/dependencies.md" | sort
}

if [[ -z $(listed "$1") ]]; then
    echo "tools/dependencies.txt: no package found" >&2
    exit 1
fi
if ! diff -u --label tools/dependencies.txt --label docs/dependencies.md <(listed "$1") <(documented "$1"); then
    echo "the two files differ: give each package a line in the one and a row in the other" >&2
    exit 1
fi
