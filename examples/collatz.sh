#!/bin/sh
# How many steps a number takes to 1: halve it when it is even, else three times itself plus one.
# usage: sh collatz.sh N
n=$1
steps=0
while [ "$n" -ne 1 ]; do
    if [ $((n % 2)) -eq 0 ]; then n=$((n / 2)); else n=$((3 * n + 1)); fi
    steps=$((steps + 1))
done
echo "$steps"
