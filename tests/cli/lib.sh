# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of the command line that source it: what a command ends with and says. They set $work_dir, and
# $time_limit (seconds for a command) if it is not 120.
failures=0

complain()
{
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND...: the command, run in $work_dir, ends with STATUS and says TEXT: on standard error if its
# input is bad (2) or something fails (1, 134), else on standard output. Bad input leaves standard output empty.
expect()
{
    local status=0 wanted=$1 text=$2 stream=out
    shift 2
    (cd "$work_dir" && timeout "${time_limit:-120}" "$@") >"$work_dir/out" 2>"$work_dir/err" </dev/null || status=$?
    [[ $wanted != [12] && $wanted != 134 ]] || stream=err
    ((status == wanted)) || complain "$* ended with $status, not $wanted: $(head -n 2 "$work_dir/err")"
    grep -qF -- "$text" "$work_dir/$stream" ||
        complain "$*: no \"$text\" on std$stream: $(head -n 5 "$work_dir/out" "$work_dir/err")"
    if ((wanted == 2)) && [[ -s $work_dir/out ]]; then
        complain "$*: bad input, but there is standard output"
    fi
}
