#!/bin/sh
# A program that fails at the first attempt for some points, as if a licence server had been busy.
# usage: sh flaky.sh X ATTEMPT
if [ $(($1 % 3)) -eq 0 ] && [ "$2" -eq 1 ]; then
    echo "x = $1: the licence server is busy" >&2
    exit 75
fi
echo "square = $(($1 * $1))"
