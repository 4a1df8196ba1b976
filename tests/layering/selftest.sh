#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Proves that check_layering.sh accepts a clean tree and refuses each kind of violation, planted one at a time.
# Usage: selftest.sh
set -euo pipefail

checker=$(cd "$(dirname "$0")" && pwd)/check_layering.sh
work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT
tree=$work_dir/tree
failures=0

write() # FILE LINE...: a file with its licence line
{
    mkdir -p "$(dirname "$tree/$1")"
    printf '%s\n' '// SPDX-License-Identifier: GPL-2.0-only' "${@:2}" >"$tree/$1"
}

clean_tree()
{
    rm -rf "$tree"
    write CMakeLists.txt
    write sim/clean.h '#include <cstdint>' '#include <Random123/philox.h>' '#include "sim/ids.h"'
    write sim/clean.cpp '#include <boost/graph/adjacency_list.hpp> // reason' '#include <xxhash.h>' \
        '// a double comment' '/* std::shuffle' 'float */ const char* words = "double \" float"; // steady_clock' \
        "const char quote = '\"'; // float" 'int doubled = 0;'
    write model/clean.cpp '#include "model/pair.h"' '#include "sim/ids.h"' '#include <fmt/format.h>'
    write tools/io/clean.cpp '#include <nlohmann/json.hpp>' '#include "sim/ids.h"' '#include "pairsim_version.h"' \
        'double ratio = 0.5;'
    write tools/cli/clean.cpp '#include "tools/io/clean.h"'
    write tests/unit/clean.cpp '#include "tests/support/catch.h"' '#include "sim/ids.h"'
    write tests/support/catch.h '#include <catch2/catch.hpp>'
}

refused() # EXPECTED-MESSAGE FILE LINE...: plants FILE in a clean tree
{
    local expected=$1 output
    shift
    clean_tree
    if [[ $1 != - ]]; then
        write "$@"
    else
        printf '%s\n' "${@:3}" >"$tree/$2"
    fi
    if output=$(bash "$checker" "$tree" 2>&1); then
        echo "accepted, and should not be: $*"
        failures=1
    elif [[ $output != *"$expected"* || $(wc -l <<<"$output") -ne 1 ]]; then
        printf 'refused with other words than "%s": %s\n' "$expected" "$output"
        failures=1
    fi
}

clean_tree
if ! bash "$checker" "$tree"; then
    echo "the clean tree is refused"
    failures=1
fi

refused 'sim/bad.cpp:3: sim includes' sim/bad.cpp '' '#include "model/pair.h"'
refused 'sim/bad.cpp:2: sim includes' sim/bad.cpp '#include <nlohmann/json.hpp>'
refused 'sim/bad.cpp:2: sim includes' sim/bad.cpp '#  include "tools/io/scenario.h"'
refused 'sim/bad.cpp:2: sim includes' sim/bad.cpp '#include <unistd.h>'
refused 'sim/bad.cpp:2: sim includes' sim/bad.cpp '#include "ids.h"'
refused 'sim/bad.h:2: a header of sim' sim/bad.h '#include <boost/graph/adjacency_list.hpp>'
refused 'model/bad.h:2: model includes' model/bad.h '#include "tools/io/scenario.h"'
refused 'model/bad.h:2: model includes' model/bad.h '#include <valijson/validator.hpp>'
refused 'model/bad.cpp:2: model includes' model/bad.cpp '#include <boost/graph/adjacency_list.hpp>'
refused 'model/bad.cpp:2: model includes' model/bad.cpp '#include <Random123/philox.h>'
refused 'tools/io/bad.h:2: tools/io includes' tools/io/bad.h '#include "tools/cli/run.h"'
refused 'tools/cli/bad.h:2: tools includes' tools/cli/bad.h '#include "tests/support/catch.h"'
refused 'tools/cli/bad.h:2: boost is' tools/cli/bad.h '#include <boost/graph/adjacency_list.hpp>'
refused 'tools/cli/bad.cpp:2: Catch2 is' tools/cli/bad.cpp '#include <catch2/catch.hpp>'
refused 'tests/unit/bad.cpp:2: tests include' tests/unit/bad.cpp '#include <catch2/catch.hpp>'

for word in 'std::unordered_map<int, int> m;' 'int r = std::rand();' 'std::random_device d;' 'std::mt19937 g;' \
    'std::uniform_int_distribution<> d;' 'std::normal_distribution<> d;' 'std::shuffle(a, b, g);' \
    'std::chrono::system_clock c;' 'std::chrono::steady_clock c;' 'std::chrono::high_resolution_clock c;' \
    'float f;' 'double d;'; do
    refused 'sim/bad.h:2: not in sim and model' sim/bad.h "$word"
    refused 'model/bad.cpp:3: not in sim and model' model/bad.cpp '/* comment */' "int i; /* one */ $word // two"
done
refused 'sim/bad.cpp:3: not in sim and model: double' sim/bad.cpp '/* a // comment' 'ends */ double d; // "'

mapfile -t long < <(seq -f '// line %g' 600)
refused 'tests/unit/bad.cpp: 601 lines' tests/unit/bad.cpp "${long[@]}"
refused 'tools/io/bad.h: no SPDX line' - tools/io/bad.h '#pragma once'
refused 'tests/bad.sh: no SPDX line' - tests/bad.sh '#!/usr/bin/env bash'

exit "$failures"
