#!/usr/bin/env bash
# Evaluates a set in sixteen shards as a Slurm array job and merges them in a job that waits for all of them:
#   array=$(sbatch --parsable examples/slurm-array.sh)
#   sbatch --dependency="afterok:$array" --wrap 'batchwise merge results/part-*.json --output results/whole.json'
# afterok holds the merge back until every shard has exited 0. Set the paths below.
#SBATCH --job-name=batchwise
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --mem=2G
#SBATCH --time=01:00:00
# A preempted task is queued again, and --resume goes on where it was. SIGTERM comes a minute before the end, to `srun`'s
# step, so that Batchwise has time to write down what is done.
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@60

set -uo pipefail
mkdir -p results

shard=$SLURM_ARRAY_TASK_ID
status=0
srun batchwise --quiet \
  --dataset data/images-idx3-ubyte --labels data/labels-idx1-ubyte \
  --weights data/network.safetensors \
  --threads "$SLURM_CPUS_PER_TASK" \
  --shard "$shard/$SLURM_ARRAY_TASK_COUNT" \
  --resume "results/shard-$shard.journal" \
  --output "results/part-$shard.json" || status=$?

# 2 and 3 are faults of options or input, which come again however often they are tried; 100 never comes from a shard.
# All others may pass: a worker's death (4), the network (5), a full disk (6), an end from outside (137, 143).
case $status in
  0 | 2 | 3) exit "$status" ;;
esac
if ((${SLURM_RESTART_COUNT:-0} < 5)); then
  # Ends this attempt too.
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
fi
exit "$status"
