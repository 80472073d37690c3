# Computes the largest eigenvalue of the matrix with 2 on its diagonal and -1 beside it, by power iteration. Its log has
# Fortran's exponents, as old programs print them. It writes the vector to the file `vector.json` in the current folder.
# usage: awk -f eigenvalue.awk -- SIZE TOLERANCE LIMIT
function fortran(x, text) {
    text = sprintf("%.10e", x)
    sub("e", "D", text)
    return text
}

BEGIN {
    n = ARGV[1]; tolerance = ARGV[2]; limit = ARGV[3]
    for (i = 1; i <= n; i++) x[i] = (i % 2 ? 1 : -1) * (1 + i / 10)
    x[0] = x[n + 1] = 0
    printf "power iteration: n = %d, start\n", n
    for (step = 1; step <= limit; step++) {
        xx = xy = yy = 0
        for (i = 1; i <= n; i++) {
            y[i] = 2 * x[i] - x[i - 1] - x[i + 1]
            xx += x[i] * x[i]; xy += x[i] * y[i]; yy += y[i] * y[i]
        }
        for (i = 1; i <= n; i++) x[i] = y[i] / sqrt(yy)
        change = xy / xx - value
        value = xy / xx
        printf "step %4d: eigenvalue = %s, change = %s\n", step, fortran(value), fortran(change)
        if (change < tolerance && change > -tolerance) break
    }
    if (step > limit) print "WARNING: not converged"
    else printf "converged after %d steps\n", step
    printf("{\n  \"size\": %d,\n  \"vector\": {\"norm\": 1.0, \"components\": [", n) > "vector.json"
    for (i = 1; i <= n; i++) printf("%s%.9f", (i > 1 ? ", " : ""), x[i]) > "vector.json"
    print "]}\n}" > "vector.json"
    print "bye"
}
