# One bootstrap sample of a file with one number on each line: samples as many numbers with replacement, and prints the
# mean and the median of the sample.
# usage: awk -f random.awk -f bootstrap.awk -v seed=1 FILE
{ value[n++] = $1 }

END {
    seed_with(seed)
    for (i = 0; i < n; i++) {
        drawn = value[below(n)]
        sum += drawn
        for (j = i; j > 0 && sorted[j - 1] > drawn; j--) sorted[j] = sorted[j - 1]
        sorted[j] = drawn
    }
    middle = int(n / 2)
    median = n % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    printf "mean = %.6f\nmedian = %.6f\n", sum / n, median
}
