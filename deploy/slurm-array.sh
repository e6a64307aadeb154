#!/usr/bin/env bash
# Shares a plan among five tasks of a Slurm job array, each on a node of its own, and merges their reports:
#   part=$(sbatch --parsable deploy/slurm-array.sh scenarios/default.toml)
#   sbatch --dependency="afterok:$part" --wrap 'queue-load merge part-*.json --output all.json'
# docs/MACHINES.md says what a part is.
#SBATCH --job-name=queue-load
#SBATCH --array=1-5
#SBATCH --nodes=1
#SBATCH --exclusive
#SBATCH --time=02:00:00
set -euo pipefail

scenario="${1:?name a scenario}"
code=0
queue-load run "$scenario" --partition slice:env --output "part-$SLURM_ARRAY_TASK_ID.json" || code=$?
# 3 (a case failed) and 5 (a machine was busy) are results, too: the merged report decides.
case "$code" in 0 | 3 | 5) ;; *) exit "$code" ;; esac
