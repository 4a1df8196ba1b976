#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs a build into an empty prefix, moves the prefix, and builds and runs the project beside this script with it.
# Usage: check_package.sh BUILD_DIR CXX_COMPILER SANITIZERS
set -euo pipefail

build_dir=$1
compiler=$2
sanitizers=$3
source_dir=$(cd "$(dirname "$0")" && pwd)

work_dir=$(mktemp -d)
trap 'rm -rf "$work_dir"' EXIT

cmake --install "$build_dir" --prefix "$work_dir/first" >/dev/null
mv "$work_dir/first" "$work_dir/prefix" # the package must not remember where it was installed

flags=()
if [[ -n $sanitizers ]]; then
    flags+=("-DCMAKE_CXX_FLAGS=-fsanitize=$sanitizers") # a sanitized library needs a sanitized program
fi
cmake -G Ninja -S "$source_dir" -B "$work_dir/build" \
    -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_COMPILER=$compiler" "-DCMAKE_PREFIX_PATH=$work_dir/prefix" "${flags[@]}"
cmake --build "$work_dir/build"

from_package=$("$work_dir/build/consumer")
from_program=$("$work_dir/prefix/bin/pairsim" version)
echo "consumer: $from_package; program: $from_program"
[[ $from_program == "$from_package"* ]]
