#!/bin/sh
# Our index and what people use instead, on the same vectors, one after the other and then again:
#   compare.sh ALMANAC PYTHON PEERS DIR [ROUNDS]
# ALMANAC is the built program, PYTHON an interpreter with the peers installed, PEERS the script that measures them, DIR
# holds base.npy and queries.npy. One JSON line a system and setting, on standard output. The machine should do nothing
# else: see the load that is printed first; `cpu_ms` tells the processor time of our queries whatever else runs.
set -eu
almanac=$1 python=$2 peers=$3 folder=$4 rounds=${5:-3}
ours() {
    "$almanac" bench index --vectors "$folder/base.npy" --queries "$folder/queries.npy" --json "$@"
}
round=1
while [ "$round" -le "$rounds" ]; do
    echo "{\"round\": $round, \"load\": \"$(cut -d' ' -f1-3 /proc/loadavg)\"}"
    ours --threads 1
    ours --threads 1 --exact
    "$python" "$peers" "$folder" --threads 1 --skip-slow
    round=$((round + 1))
done
ours --threads 2 --batch 8
"$python" "$peers" "$folder" --threads 1
