#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The examples of docs/how-to/run-a-study-on-many-machines.md, run by the engines that they are for: a Slurm job array
# on a cluster of this one machine, GNU parallel, Snakemake. Each must write what one process writes. Engines that are
# not installed are left out, by name. Not part of the plain test run: tools/dev engines installs them and runs this.
# Usage: check_engines.sh PAIRSIM
set -euo pipefail
export LC_ALL=C.UTF-8

pairsim=$(realpath "$1")
page=$(realpath "$(dirname "$0")/../../docs/how-to/run-a-study-on-many-machines.md")
work_dir=$(mktemp -d /tmp/pairsim-engines.XXXXXX)
daemons=()
failures=0
ran=0

stop()
{
    local daemon
    for daemon in "${daemons[@]}"; do
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    done
    rm -rf "$work_dir"
}
trap stop EXIT

example() # NAME: the page's block with this name
{
    awk -v fence="^\`\`\`[a-z]+ $1\$" '/^```/ { on = ($0 ~ fence); next } on' "$page"
}

check() # NAME: $OUT has what one process has written
{
    ran=$((ran + 1))
    if cmp "$OUT/runs.jsonl" "$work_dir/whole/runs.jsonl" && cmp "$OUT/runs.csv" "$work_dir/whole/runs.csv"; then
        echo "$1: the results are those of one process"
    else
        failures=$((failures + 1))
    fi
}

have() # COMMAND...
{
    local command
    for command in "$@"; do
        if ! command -v "$command" >/dev/null; then
            echo "$command is not installed: left out"
            return 1
        fi
    done
}

mkdir "$work_dir/bin"
ln -s "$pairsim" "$work_dir/bin/pairsim"
export PATH="$work_dir/bin:/usr/sbin:$PATH"
cp "$(dirname "$page")/../../scenarios/studies/ticks.json" "$work_dir/ticks.json"
sed -i 's/"duration": "30s"/"duration": "2s"/' "$work_dir/ticks.json"
export STUDY=$work_dir/ticks.json
cd "$work_dir"
pairsim study "$STUDY" --out whole >/dev/null

if have parallel; then
    export OUT=$work_dir/parallel
    example parallel >parallel.sh
    bash -e parallel.sh </dev/null
    check "GNU parallel"
fi

if have snakemake; then
    export OUT=$work_dir/snakemake-out
    example snakemake >Snakefile
    snakemake --cores 2 --quiet
    check Snakemake
fi

start_slurm() # a cluster of this machine, with keys, ports and folders of its own
{
    local host
    host=$(hostname -s)
    mkdir -p slurm/state slurm/spool
    (umask 077 && head -c 1024 /dev/urandom >slurm/munge.key)
    cat >slurm/slurm.conf <<END
ClusterName=pairsim
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthInfo=socket=$work_dir/slurm/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
StateSaveLocation=$work_dir/slurm/state
SlurmdSpoolDir=$work_dir/slurm/spool
SlurmctldPidFile=$work_dir/slurm/slurmctld.pid
SlurmdPidFile=$work_dir/slurm/slurmd.pid
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=test Nodes=$host Default=YES State=UP
END
    export SLURM_CONF=$work_dir/slurm/slurm.conf
    munged --foreground --force --key-file=slurm/munge.key --socket="$work_dir/slurm/munge.socket" \
        --pid-file="$work_dir/slurm/munged.pid" --log-file="$work_dir/slurm/munged.log" \
        --seed-file="$work_dir/slurm/munged.seed" >slurm/munged.out 2>&1 &
    daemons+=($!)
    sleep 1
    slurmctld -D >slurm/slurmctld.log 2>&1 &
    daemons+=($!)
    slurmd -D >slurm/slurmd.log 2>&1 &
    daemons+=($!)
    for _ in $(seq 30); do
        [[ $(sinfo -h -o %t 2>/dev/null) == idle ]] && return
        sleep 1
    done
    tail -n 5 slurm/munged.out slurm/slurmctld.log slurm/slurmd.log
    return 1
}

if ((EUID != 0)); then
    echo "Slurm: its daemons need root: left out"
elif have sbatch slurmctld slurmd munged; then
    export OUT=$work_dir/slurm-out
    if start_slurm; then
        example slurm >study.slurm
        sbatch --wait --array=1-4 study.slurm
        pairsim study merge "$STUDY" --out "$OUT"
        check "Slurm job array"
    else
        echo "Slurm does not start here"
        failures=$((failures + 1))
    fi
fi

echo "$ran engines ran, $failures failed"
((ran > 0 && failures == 0))
