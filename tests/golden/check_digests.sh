#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The digest of every scenario is the approved one. Run it from the root of the repository.
# Usage: check_digests.sh PAIRSIM
set -euo pipefail

golden=tests/golden/digests.txt
if ! diff -u --label "$golden" --label "this build" "$golden" <(bash tests/determinism/digests.sh scenarios "$1"); then
    echo "what the traces say has changed; where that is meant: ./tools/dev approve, and explain it in the commit" >&2
    exit 1
fi
