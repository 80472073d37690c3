#!/bin/sh
# Adds two whole numbers and prints the sum: the smallest program that a sweep can run.
# usage: sh add.sh A B
echo $(($1 + $2))
