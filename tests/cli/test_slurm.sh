#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A sweep on a real Slurm and under a real mpirun, both started here: 200 points over 4 shares, one
# of which is killed and submitted again, give the bytes of a local run. Slurm runs as whoever runs
# the test, on the loopback, out of a scratch folder. Ends with 77 (skipped) where it is not
# installed.
set -euo pipefail
cpsim=$1 source=$2
PATH=$PATH:/usr/sbin:/sbin
skip() {
    echo "skipped: $1"
    exit 77
}
for program in slurmctld slurmd sbatch squeue scancel munged mpiexec; do
    command -v "$program" >/dev/null || skip "$program is not installed (see apt-packages.txt)"
done
# shellcheck source=tests/cli/library.sh
. "$source/tests/cli/library.sh"
unset SLURM_ARRAY_TASK_ID OMPI_COMM_WORLD_RANK PMI_RANK SLURM_STEP_ID
cd "$scratch"

# --- a Slurm of our own ---

me=$(id -un)
host=$(hostname -s)
base_port=$((20000 + $$ % 20000))
mkdir -p munge spool/ctld spool/slurmd
chmod 700 munge
chmod 755 "$scratch"
head -c 1024 /dev/urandom >munge/key
chmod 600 munge/key
cat >slurm.conf <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket
CredType=cred/munge
SlurmctldPort=$base_port
SlurmdPort=$((base_port + 1))
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
StateSaveLocation=$scratch/spool/ctld
SlurmdSpoolDir=$scratch/spool/slurmd
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf

# shellcheck disable=SC2317 # the trap calls it
stop() {
    local file process
    for file in slurmd.pid slurmctld.pid munge/pid; do
        if [ -s "$file" ]; then
            process=$(cat "$file")
            kill "$process" 2>/dev/null || true
            for _ in $(seq 50); do
                kill -0 "$process" 2>/dev/null || break
                sleep 0.1
            done
        fi
    done
    rm -rf "$scratch"
}
trap stop EXIT

munged --force --key-file="$PWD/munge/key" --socket="$PWD/munge/socket" --pid-file="$PWD/munge/pid" \
    --log-file="$PWD/munge/log" --seed-file="$PWD/munge/seed" 2>munge.err || {
    cat munge.err
    skip "munged does not start here"
}
slurmctld 2>slurmctld.err || skip "slurmctld does not start here: $(tail -n 1 slurmctld.log)"
slurmd 2>slurmd.err || skip "slurmd does not start here: $(tail -n 1 slurmd.log)"
for _ in $(seq 100); do
    state=$(sinfo -h -o %T 2>/dev/null || true)
    if [ "$state" = idle ]; then break; fi
    sleep 0.2
done
[ "$state" = idle ] || skip "Slurm's node does not come up here: $state"

# wait_for JOB: until none of its tasks is left.
wait_for() {
    for _ in $(seq 600); do
        if [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]; then return; fi
        sleep 0.2
    done
    echo "job $1 does not end"
    squeue
    exit 1
}

# --- the sweep ---

cp "$source/scenarios/llama405b.yaml" base.yaml
cat >sweep.yaml <<'YAML'
schema: 1
base: base.yaml
axes:
  grid: {layout.context: [8, 16]}
  latin_hypercube:
    samples: 100
    keys: {workload.turns.0.prompt: {from: 1000 tokens, to: 50000 tokens, scale: log}}
YAML
expect 0 '/^200 of 200 points done$/' '' "$cpsim" sweep sweep.yaml -o local

expect 0 '/^200 points in 4 shares; submit them with: sh .*slurm\/submit.sh$/' '' \
    "$cpsim" sweep sweep.yaml -o slurm --slurm 4
expect 0 '/^submitted the job array [0-9]+ and its merge [0-9]+$/' '' \
    "$cpsim" sweep sweep.yaml -o slurm --slurm 4 --submit
array=$(sed -n 's/^submitted the job array \([0-9]*\).*/\1/p' out)
merge=$(sed -n 's/.* its merge \([0-9]*\)$/\1/p' out)
for _ in $(seq 6000); do # share 2 has begun
    if [ -s slurm/points-2-of-4.journal ]; then break; fi
    sleep 0.01
done
scancel --signal=KILL --full "${array}_2"
wait_for "$array"
wait_for "$merge"
if ! grep -q 'points are missing' slurm/slurm-merge.log; then
    echo "the merge did not notice the killed share: $(cat slurm/slurm-merge.log)"
    failures=$((failures + 1))
fi
expect 0 '*' '' sh slurm/submit.sh
array=$(sed -n 's/^submitted the job array \([0-9]*\).*/\1/p' out)
merge=$(sed -n 's/.* its merge \([0-9]*\)$/\1/p' out)
wait_for "$array"
wait_for "$merge"
if ! cmp local/sweep.h5 slurm/sweep.h5 || ! cmp local/sweep.csv slurm/sweep.csv; then
    cat slurm/slurm-*.log
    failures=$((failures + 1))
fi

# srun says the rank too.
expect 0 '' '' srun --ntasks=1 --exclusive "$cpsim" sweep sweep.yaml -o srun -q
cmp local/sweep.h5 srun/sweep.h5 || failures=$((failures + 1))

# --- mpirun ---

unset SLURM_CONF
expect 0 '*' '' mpiexec -n 4 "$cpsim" sweep sweep.yaml -o mpi -j 1
if [ "$(find mpi -name '*.journal' | wc -l)" != 4 ]; then
    echo "mpiexec: not four journals"
    failures=$((failures + 1))
fi
expect 0 '*' '' "$cpsim" sweep merge mpi
cmp local/sweep.h5 mpi/sweep.h5 || failures=$((failures + 1))
finish
