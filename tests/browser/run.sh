#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The browser tests, if what they need is installed: `tools/dev browser-test` does that. Exit status 77: skipped.
# Usage: run.sh PAIRSIM
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
chromium=${CHROMIUM:-/usr/bin/chromium}
for needed in "$(command -v node || echo node)" "$(command -v dot || echo dot)" "$chromium" "$root/build/browser/node_modules/playwright-core"; do
    if [[ ! -e $needed ]]; then
        echo "SKIPPED: $needed is not there; tools/dev browser-test installs what the browser tests need"
        exit 77
    fi
done
fast=$root/build/release/bin/pairsim
[[ -x $fast ]] && "$fast" view --help >/dev/null 2>&1 || fast=
export NODE_PATH=$root/build/browser/node_modules
node "$here/page_test.js" "$1" $fast
node "$here/study_test.js" "${fast:-$1}"

# The pictures of the documentation can be made, and are those that are there.
pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
node "$here/screenshots.js" "${fast:-$1}" "$pictures" quick
diff <(ls "$pictures") <(ls "$root/docs/images") || {
    echo "docs/images has other pictures than those: run tools/dev screenshots"
    exit 1
}
