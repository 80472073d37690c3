#!/bin/sh
# Prints the number of steps from a number to 1. A step halves an even number, and maps an odd number n to 3 n + 1.
# usage: sh collatz.sh N
n=$1
steps=0
while [ "$n" -ne 1 ]; do
    if [ $((n % 2)) -eq 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi
    steps=$((steps + 1))
done
echo "$steps"
