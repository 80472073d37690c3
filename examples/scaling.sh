#!/bin/sh
# Sums 1/i² for i = 1 … N with several processes at once. For large N the sum is π²/6.
# usage: sh scaling.sh PROCESSES N
set -eu
processes=$1
n=$2
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
part=0
while [ "$part" -lt "$processes" ]; do
    awk -v first=$((part + 1)) -v step="$processes" -v n="$n" \
        'BEGIN { for (i = first; i <= n; i += step) sum += 1 / (i * i); printf "%.17g\n", sum }' > "$parts/$part" &
    part=$((part + 1))
done
wait
cat "$parts"/* | awk '{ sum += $1 } END { printf "sum = %.9f\n", sum }'
